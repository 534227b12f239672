"""Every value file of helm/ci renders to objects that Kubernetes takes, and that agree with `rr check`."""

import re
import unittest

import helm_python as helm
import kubernetes_validate

from chart import CHART, EXAMPLE, VALUE_FILES, MINIMAL, ROOT, WRITTEN, Rendered, check, minimal, read

# The oldest that the chart supports, one between, and the newest.
KUBERNETES = ("1.29", "1.33", "1.37")


def value_files():
    yield "defaults", EXAMPLE
    for file in VALUE_FILES:
        yield file.name, read(file)


class EveryValueFile(unittest.TestCase):
    def test_there_are_enough(self):
        self.assertGreaterEqual(len(VALUE_FILES), 8)

    def test_lint(self):
        for name, values in value_files():
            with self.subTest(name):
                report = helm.lint(WRITTEN, values, strict=True)
                self.assertEqual(report["errors"], [])
                self.assertEqual([m for m in report["messages"] if m["severity"] > 1], [])

    def test_objects_are_valid(self):
        for name, values in value_files():
            for o in Rendered(values).objects:
                for version in KUBERNETES:
                    with self.subTest(name, kind=o["kind"], version=version):
                        kubernetes_validate.validate(o, version, strict=True)

    def test_objects_agree_with_what_rr_reads(self):
        """Ports and times, from the .rr.yaml that is mounted."""
        for name, values in value_files():
            if values.get("existingConfigMap"):
                continue
            with self.subTest(name):
                rendered = Rendered(values)
                effective = check(rendered.configuration)
                self.assert_ports(rendered, effective)
                self.assert_times(rendered, effective)

    def assert_ports(self, rendered, effective):
        servers = [server["addr"] for server in effective["tcp"]["servers"].values()]
        reachable = {port(a) for a in servers if not a.startswith(("unix:", "tcp://127.", "127."))}
        ports = {p["containerPort"]: p["name"] for p in rendered.container["ports"]}
        status, metrics = port(effective["status"]["address"]), port(effective["metrics"]["address"])
        self.assertEqual(set(ports), reachable | {status, metrics})
        self.assertEqual((ports[status], ports[metrics]), ("status", "metrics"))
        self.assertEqual(len(set(ports.values())), len(ports))
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertEqual(rendered.container[probe]["httpGet"]["port"], "status")
        services = rendered.all("Service")
        self.assertEqual(len(services), 1 if reachable else 0)
        self.assertEqual(len(rendered.all("Pod")), 1 if reachable else 0)
        for service in services:
            self.assertEqual({p["targetPort"] for p in service["spec"]["ports"]}, {ports[p] for p in reachable})

    def assert_times(self, rendered, effective):
        grace = seconds(effective["endure"]["grace_period"])
        delay = seconds(effective["endure"]["drain_delay"])
        self.assertGreaterEqual(rendered.pod["terminationGracePeriodSeconds"], grace + 5)
        self.assertLess(rendered.pod["terminationGracePeriodSeconds"], grace + 6)
        self.assertTrue(delay < grace or grace == delay == 0)


class TheWhole(unittest.TestCase):
    def test_pods_are_locked_down(self):
        for name, values in value_files():
            with self.subTest(name):
                rendered = Rendered(values)
                for pod in rendered.pods:
                    self.assertIs(pod["automountServiceAccountToken"], False)
                    self.assertIs(pod["enableServiceLinks"], False)
                    self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
                    self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertTrue(own(pod))
                    for container in own(pod):
                        self.assertEqual(container["terminationMessagePolicy"], "FallbackToLogsOnError")
                        context = container["securityContext"]
                        self.assertIs(context["allowPrivilegeEscalation"], False)
                        self.assertIs(context["readOnlyRootFilesystem"], True)
                        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})

    def test_an_update_never_has_fewer_pods(self):
        strategy = Rendered(EXAMPLE).one("Deployment")["spec"]["strategy"]
        self.assertEqual(strategy, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}})

    def test_openshift_chooses_ids(self):
        context = Rendered(read(CHART / "ci/openshift-values.yaml")).pod["securityContext"]
        self.assertEqual(context, {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})

    def test_a_changed_configuration_replaces_the_pods(self):
        def template(**changes):
            return Rendered(minimal(**changes)).one("Deployment")["spec"]["template"]

        self.assertEqual(template(), template())
        self.assertNotEqual(template(), template(config__logs={"level": "warn"}))

    def test_pods_of_the_last_version_keep_their_configuration(self):
        """An upgrade overwrites every object but the ReplicaSet of the last version, and `rollout undo` brings back its
        template alone: so the file is in there, whole, and nowhere else."""
        for name, values in value_files():
            if values.get("existingConfigMap"):
                continue
            with self.subTest(name):
                rendered = Rendered(values)
                volumes = {v["name"]: set(v) - {"name"} for v in rendered.pod["volumes"]}
                self.assertEqual(volumes["config"], {"downwardAPI"})
                self.assertEqual([o for o in rendered.all("ConfigMap") if ".rr.yaml" in o.get("data", {})], [])
                said = values.get("config") or read(CHART / "files/example.rr.yaml")
                for section, value in said.items():
                    mounted_value = helm.values_from_yaml(rendered.configuration)[section]
                    if isinstance(value, dict):
                        self.assertLessEqual(value.items(), mounted_value.items())
                    else:
                        self.assertEqual(mounted_value, value)

    def test_last_text_of_the_configuration_keeps_the_end_of_its_line(self):
        rendered = Rendered(minimal(config__zz={"text": "a\n\n"}))
        self.assertEqual(helm.values_from_yaml(rendered.configuration)["zz"]["text"], "a\n\n")

    def test_logs_are_for_a_collector_unless_said_otherwise(self):
        def logs(**said):
            found = check(Rendered(minimal(config__logs=said)).configuration)["logs"]
            return found["mode"], found["level"]

        self.assertEqual(logs(), ("production", "info"))
        self.assertEqual(logs(level="warn"), ("production", "warn"))
        self.assertEqual(logs(mode="raw"), ("raw", "info"))
        self.assertEqual(logs(mode="development", level="debug"), ("development", "debug"))
        self.assertEqual(logs(encoding="console"), ("development", "info"))

    def test_a_frozen_pod_is_not_drained(self):
        """Its container is restarted long before the grace period is over, however long that is."""
        for name, values in value_files():
            with self.subTest(name):
                container = Rendered(values).container
                for probe in ("livenessProbe", "startupProbe"):
                    self.assertEqual(container[probe]["terminationGracePeriodSeconds"], 5)
                self.assertNotIn("terminationGracePeriodSeconds", container["readinessProbe"])

    def test_labels_of_the_user_do_not_change_the_selector(self):
        stolen = {"app.kubernetes.io/name": "stolen", "app.kubernetes.io/component": "stolen"}
        deployment = Rendered(minimal(commonLabels=stolen, podLabels=stolen)).one("Deployment")["spec"]
        labels = deployment["template"]["metadata"]["labels"]
        for key, value in deployment["selector"]["matchLabels"].items():
            self.assertEqual(labels[key], value)
            self.assertNotEqual(value, "stolen")

    def test_a_key_of_the_user_is_not_there_twice(self):
        """`Rendered` fails where one is."""
        labels = {"app.kubernetes.io/component": "x", "helm.sh/chart": "x", "own": "kept"}
        annotations = {"rr/config": "x", "kubectl.kubernetes.io/default-container": "x", "own": "kept"}
        rendered = Rendered(
            minimal(
                commonLabels=labels, podLabels=labels, podAnnotations=annotations, serviceMonitor={"enabled": True},
                prometheusRule={"enabled": True}, dashboards={"enabled": True}, networkPolicy={"enabled": True},
                autoscaling={"enabled": True},
            )
        )
        metadata = rendered.one("Deployment")["spec"]["template"]["metadata"]
        self.assertEqual(metadata["labels"]["own"], "kept")
        self.assertEqual(metadata["annotations"]["own"], "kept")
        self.assertEqual(metadata["annotations"]["kubectl.kubernetes.io/default-container"], "rr")
        self.assertEqual(check(rendered.configuration)["tcp"]["servers"]["smtp"]["addr"], ":1025")
        self.assertEqual(rendered.one("Pod")["metadata"]["labels"]["app.kubernetes.io/component"], "test")

    def test_a_new_chart_alone_replaces_no_pod(self):
        """Sessions would end for nothing."""
        template = Rendered(minimal(commonLabels={"team": "mail"})).one("Deployment")["spec"]["template"]
        self.assertEqual(
            set(template["metadata"]["labels"]),
            {"team", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"},
        )

    def test_selectors_are_of_the_servers_pods_only(self):
        for name, values in value_files():
            with self.subTest(name):
                rendered = Rendered(values)
                labels = rendered.one("Deployment")["spec"]["template"]["metadata"]["labels"]
                selectors = [s["spec"]["selector"] for s in rendered.all("Service")]
                selectors += [p["spec"]["selector"]["matchLabels"] for p in rendered.all("PodDisruptionBudget")]
                selectors += [p["spec"]["podSelector"]["matchLabels"] for p in rendered.all("NetworkPolicy")]
                for selector in selectors:
                    self.assertLessEqual(selector.items(), labels.items())
                    for test in rendered.all("Pod"):
                        self.assertFalse(selector.items() <= test["metadata"]["labels"].items(), selector)

    def test_ports_below_1024_need_no_capability(self):
        def sysctls(**changes):
            return Rendered(minimal(**changes)).pod["securityContext"].get("sysctls")

        allowed = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
        self.assertIsNone(sysctls())
        self.assertEqual(sysctls(config__tcp__servers__smtp__addr=":1023"), allowed)
        self.assertIsNone(sysctls(config__tcp__servers__smtp__addr=":1024"))
        self.assertIsNone(sysctls(config__tcp__servers__smtp__addr="unix:///tmp/x"))
        self.assertEqual(sysctls(config__status={"address": ":81"}), allowed)
        self.assertEqual(sysctls(config__metrics={"address": ":82"}), allowed)
        own = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "25"}]
        self.assertEqual(sysctls(config__tcp__servers__smtp__addr=":25", podSecurityContext__sysctls=own), own)

    def test_names_of_ports_do_not_meet(self):
        """The name that is made of a port, and servers that are named so."""
        servers = {"tcp-9": {"addr": ":5"}, "tcp-5": {"addr": ":6"}, "a-name-that-is-too-long": {"addr": ":9"}}
        rendered = Rendered(minimal(config__tcp__servers=servers))
        ports = {p["containerPort"]: p["name"] for p in rendered.container["ports"]}
        self.assertEqual({p: ports[p] for p in (5, 6, 9)}, {5: "tcp-5", 6: "tcp-6", 9: "tcp-9"})

    def test_numbers_stay_whole(self):
        """Helm's values are floating point: 1e+06 would be no number of events."""
        rendered = Rendered(read(CHART / "ci/everything-values.yaml"))
        self.assertIn("max_jobs: 1000000\n", rendered.configuration)
        environment = {e["name"]: e.get("value") for e in rendered.container["env"]}
        self.assertEqual(environment["BIG"], "12345678")
        self.assertEqual(environment["FEATURE"], "true")
        self.assertEqual(environment["RR_TCP_POOL_NUM_WORKERS"], "12")

    def test_a_text_of_the_configuration_arrives_as_it_is(self):
        command = "php worker.php ${A:-yes} '{{ x }}' \"é\""
        values = minimal(config__server__command=command)
        values["config"]["tcp"]["servers"]["smtp"]["delimiter"] = "\r\n.\x00\t"
        rendered = Rendered(values)
        server = check(rendered.configuration, {"A": "no"})["tcp"]["servers"]["smtp"]
        self.assertEqual(server["delimiter"], "\r\n.\x00\t")

    def test_drain_delay_is_a_sixth_and_at_most_15_seconds(self):
        for grace, delay in (("30s", "5000ms"), ("6m", "15000ms"), ("1h", "15000ms"), ("1s", "166ms")):
            with self.subTest(grace):
                configuration = Rendered(minimal(config__endure={"grace_period": grace})).configuration
                self.assertIn(f"drain_delay: {delay}\n", configuration)

    def test_the_code_comes_from_an_image_or_a_volume(self):
        rendered = Rendered(read(CHART / "ci/everything-values.yaml"))
        copy = rendered.pod["initContainers"][-1]
        self.assertEqual(copy["command"], ["cp", "-R", "/srv/app/.", "/target/"])
        mounts = {m["mountPath"]: m for m in rendered.container["volumeMounts"]}
        self.assertEqual(mounts["/app"], {"name": "app", "mountPath": "/app", "readOnly": True})
        self.assertEqual(mounts["/etc/tls"]["name"], "secret-0")
        volumes = {v["name"]: v for v in Rendered(read(CHART / "ci/code-volume-values.yaml")).pod["volumes"]}
        self.assertEqual(volumes["app"]["persistentVolumeClaim"], {"claimName": "code", "readOnly": True})

    def test_network_policy_lets_in_the_test(self):
        policy = Rendered(read(CHART / "ci/everything-values.yaml")).one("NetworkPolicy")["spec"]
        self.assertEqual([p["port"] for p in policy["ingress"][0]["ports"]], ["tcp-9000", "smtp"])
        self.assertIn("podSelector", policy["ingress"][0]["from"][-1])
        self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])

    def test_network_policy_lets_names_be_asked_for(self):
        def egress(**changes):
            policy = minimal(networkPolicy={"enabled": True} | changes)
            return Rendered(policy).one("NetworkPolicy")["spec"].get("egress")

        database = {"ports": [{"port": 5432}]}
        names = [{"port": p, "protocol": t} for p in (53, 5353) for t in ("UDP", "TCP")]
        self.assertEqual(egress(egress=[database]), [database, {"ports": names}])
        self.assertEqual(egress(egress=[database], dnsPorts=[]), [database])
        self.assertIsNone(egress())

    def test_service_ports_may_be_others(self):
        service = Rendered(read(CHART / "ci/everything-values.yaml")).one("Service")["spec"]
        smtp = next(p for p in service["ports"] if p["name"] == "smtp")
        self.assertEqual((smtp["port"], smtp["targetPort"], smtp["nodePort"]), (25, "smtp", 30025))
        self.assertEqual(service["externalTrafficPolicy"], "Local")

    def test_server_that_is_out_of_reach_is_named(self):
        self.assertIn("sidecar (unix:///tmp/rr.sock)", Rendered(read(CHART / "ci/unix-socket-values.yaml")).notes)
        self.assertIn("local (127.0.0.1:7011)", Rendered(read(CHART / "ci/many-servers-values.yaml")).notes)
        self.assertIn("has no Service", Rendered(read(CHART / "ci/unix-socket-only-values.yaml")).notes)

    def test_notes_tell_how_to_reach_it(self):
        self.assertIn("port-forward service/ci-rr --namespace ci 1025", Rendered(MINIMAL).notes)
        for kind in ("NodePort", "LoadBalancer"):
            self.assertIn("kubectl get service ci-rr", Rendered(minimal(service={"type": kind})).notes)
        self.assertIn("one worker for each CPU", Rendered(MINIMAL).notes)
        self.assertNotIn("WARNING", Rendered(minimal(resources__limits={"cpu": 2})).notes)
        self.assertNotIn("WARNING", Rendered(minimal(env={"RR_TCP_POOL_NUM_WORKERS": 2})).notes)
        self.assertNotIn("WARNING", Rendered(minimal(config__tcp__pool={"num_workers": 2})).notes)


class ExistingConfigMap(unittest.TestCase):
    def test_the_file_is_overruled_where_objects_must_agree(self):
        rendered = Rendered(read(CHART / "ci/existing-config-values.yaml"))
        environment = {e["name"]: e["value"] for e in rendered.container["env"]}
        theirs = """
            version: "3"
            server: {command: php worker.php}
            tcp:
              servers: {SMTP: {addr: "127.0.0.1:25"}, line-protocol: {addr: "127.0.0.1:9"}}
            status: {address: "127.0.0.1:1"}
            endure: {grace_period: 5s}
            """
        effective = check(theirs, environment)
        self.assertEqual(port(effective["tcp"]["servers"]["smtp"]["addr"]), 1025)
        self.assertEqual(port(effective["tcp"]["servers"]["line-protocol"]["addr"]), 9000)
        self.assertEqual(port(effective["status"]["address"]), 8080)
        self.assertEqual(port(effective["metrics"]["address"]), 2112)
        self.assertEqual(seconds(effective["endure"]["grace_period"]), 45)
        self.assertEqual(seconds(effective["endure"]["drain_delay"]), 7.5)
        self.assertEqual({p["port"] for p in rendered.one("Service")["spec"]["ports"]}, {1025, 9000})
        self.assertEqual(rendered.pod["terminationGracePeriodSeconds"], 50)
        volume = next(v for v in rendered.pod["volumes"] if v["name"] == "config")["configMap"]
        self.assertEqual(volume, {"name": "mail-config", "items": [{"key": "rr.yaml", "path": ".rr.yaml"}]})
        self.assertEqual(rendered.all("ConfigMap"), [])

    def test_notes_say_what_is_not_protected(self):
        notes = Rendered(read(CHART / "ci/existing-config-values.yaml")).notes
        self.assertIn("-- rr reload", notes)
        self.assertIn("the ConfigMap mail-config", notes)
        self.assertNotIn("rr reload", Rendered(MINIMAL).notes)


class State(unittest.TestCase):
    """What workers share, and what they call."""

    def test_storages_find_their_redis_by_a_secret(self):
        values = read(CHART / "ci/everything-values.yaml")
        rendered = Rendered(values)
        secret = {"addrs": "redis-0:6379,redis-1:6379", "redis-password": "hidden"}
        environment = {}
        for variable in rendered.container["env"]:
            reference = variable.get("valueFrom", {}).get("secretKeyRef", {})
            if reference.get("name") == "redis":
                environment[variable["name"]] = secret[reference["key"]]
        self.assertEqual(len(environment), 2)
        self.assertNotIn("redis-password", rendered.configuration)
        storages = {name.lower(): storage for name, storage in check(
            rendered.configuration.replace("db: 3", "db: 0"), environment)["kv"].items()}
        self.assertEqual(storages["sessions.1"]["config"]["addrs"], ["redis-0:6379", "redis-1:6379"])
        self.assertIn("RR_KV_SESSIONS_1_CONFIG_PASSWORD", storages["sessions.1"]["config"]["password"])
        self.assertEqual(storages["local"]["driver"], "memory")

    def test_no_address_or_no_password(self):
        for key, left in (("addrsKey", ["RR_KV_S_CONFIG_PASSWORD"]), ("passwordKey", ["RR_KV_S_CONFIG_ADDRS"])):
            values = minimal(config__kv={"s": {"driver": "redis"}}, redis={"secretName": "x", key: ""})
            self.assertEqual([variable["name"] for variable in Rendered(values).container["env"]], left)

    def test_rpc_stays_within_the_pod(self):
        """Nothing leads to it, wherever it listens; and who lets other pods reach it is told so."""
        for listen, warned in (
            ("unix:///tmp/rpc.sock", False), ("tcp://127.0.0.1:6001", False), ("tcp://[::1]:6001", False),
            ("${RPC}", False), ("tcp://:6001", True), ("tcp://0.0.0.0:6001", True),
        ):
            with self.subTest(listen):
                rendered = Rendered(minimal(config__rpc={"listen": listen}, networkPolicy={"enabled": True}))
                self.assertEqual("other pods can reach RPC" in rendered.notes, warned)
                rendered.objects.remove(rendered.one("Deployment"))
                rendered.objects.remove(rendered.one("Job"))
                self.assertNotIn("6001", str(rendered.objects))
        self.assertNotIn("other pods can reach RPC", Rendered(MINIMAL).notes)


class Monitoring(unittest.TestCase):
    """Objects of the Prometheus operator, which Kubernetes' own schemas do not have."""

    def test_service_monitor_finds_its_service(self):
        rendered = Rendered(minimal(serviceMonitor={"enabled": True, "labels": {"release": "p"}, "interval": "15s"}))
        monitor = rendered.one("ServiceMonitor")
        service = rendered.one("Service", "ci-rr-metrics")
        self.assertEqual(monitor["metadata"]["labels"]["release"], "p")
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        others = [s for s in rendered.all("Service") if s is not service]
        self.assertNotIn("app.kubernetes.io/component", others[0]["metadata"]["labels"])
        self.assertEqual(monitor["spec"]["endpoints"], [{"port": "metrics", "path": "/metrics", "interval": "15s"}])
        self.assertEqual(service["spec"]["ports"][0]["name"], "metrics")
        self.assertEqual(service["spec"]["selector"], rendered.one("Deployment")["spec"]["selector"]["matchLabels"])
        for version in KUBERNETES:
            kubernetes_validate.validate(service, version, strict=True)

    def test_pod_monitor_finds_the_pods(self):
        rendered = Rendered(minimal(podMonitor={"enabled": True}))
        spec = rendered.one("PodMonitor")["spec"]
        self.assertEqual(spec["selector"], rendered.one("Deployment")["spec"]["selector"])
        self.assertEqual(spec["podMetricsEndpoints"], [{"port": "metrics", "path": "/metrics"}])

    def test_rules_and_dashboard_are_those_of_deploy(self):
        rendered = Rendered(minimal(prometheusRule={"enabled": True}, dashboards={"enabled": True}))
        rules = read(ROOT / "deploy/prometheus/rr.rules.yaml")
        self.assertEqual(rendered.one("PrometheusRule")["spec"], rules)
        dashboard = rendered.one("ConfigMap", "ci-rr-dashboards")
        self.assertEqual(dashboard["data"]["rr.json"].strip(), (ROOT / "deploy/grafana/rr.json").read_text().strip())
        self.assertEqual(dashboard["metadata"]["labels"]["grafana_dashboard"], "1")


def own(pod):
    """The containers that the chart itself has made."""
    return [c for c in pod["containers"] + pod.get("initContainers", []) if c["name"] in ("rr", "app", "test", "check")]


def port(address):
    return int(address.rsplit(":", 1)[1])


def seconds(duration):
    units = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", duration)
    return sum(float(n) * units[u] for n, u in parts)


if __name__ == "__main__":
    unittest.main()
