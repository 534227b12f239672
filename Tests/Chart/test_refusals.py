"""Values that are wrong are refused, with a message that names them."""

import json
import unittest

import helm_python as helm

from chart import CHART, Rendered, check, minimal

# By the schema: where, what, and what the message must name beside the place.
WRONG = [
    ("replicaCount", "two", "got string, want integer"),
    ("replicaCount", -1, "minimum"),
    ("image__pullPolicy", "Sometimes", "'Always', 'IfNotPresent', 'Never'"),
    ("image__digest", "sha256:12", "does not match"),
    ("image__command", [], "minItems"),
    ("imagePullSecrets", ["registry"], "want object"),
    ("config__version", 3, "got number, want string"),
    ("config__tcp__servers", {}, "minProperties"),
    ("config__tcp__servers__smtp", {"delimiter": "x"}, "missing property 'addr'"),
    ("config__tcp__servers__smtp__addr", 7777, "got number, want string"),
    ("config__endure", {"grace_period": 30}, "want string"),
    ("config__endure", {"grace_period": "30"}, "does not match"),
    ("config__endure", {"grace_period": "half an hour"}, "does not match"),
    ("config__endure", {"drain_delay": "-1s"}, "does not match"),
    ("existingConfigMap", {"name": "x"}, "got object, want string"),
    ("existingConfig__servers", {"smtp": 0}, "minimum"),
    ("existingConfig__servers", {"smtp": ":1025"}, "want integer"),
    ("existingConfig__statusPort", 65536, "maximum"),
    ("existingConfig__gracePeriod", 30, "want string"),
    ("env", {"NOT-A-NAME": "x"}, "additional properties 'NOT-A-NAME' not allowed"),
    ("env", {"NAME": ["x"]}, "got array"),
    ("env", {"NAME": {"secretKeyRef": {}}}, "additional properties 'secretKeyRef' not allowed"),
    ("envFrom", {"secretRef": {}}, "want array"),
    ("redis__secretName", {"name": "x"}, "want string"),
    ("redis__storages", "sessions", "want array"),
    ("extraArgs", "-s", "want array"),
    ("secretMounts", [{"secretName": "x"}], "missing property 'mountPath'"),
    ("secretMounts", [{"secretName": "x", "mountPath": "etc"}], "does not match"),
    ("app__path", "app", "does not match"),
    ("app__sizeLimit", "large", "does not match"),
    ("strategy__maxSurge", "one", "does not match"),
    ("autoscaling__minReplicas", 0, "minimum"),
    ("autoscaling__enabled", "yes", "want boolean"),
    ("autoscaling__busyWorkers__averageValue", "many", "does not match"),
    ("podDisruptionBudget__maxUnavailable", "some", "does not match"),
    ("topologySpread__whenUnsatisfiable", "Never", "'ScheduleAnyway', 'DoNotSchedule'"),
    ("topologySpread__maxSkew", 0, "minimum"),
    ("podAntiAffinity", "medium", "'soft', 'hard', 'none'"),
    ("service__type", "ExternalName", "'ClusterIP', 'NodePort', 'LoadBalancer'"),
    ("service__ports", {"smtp": "25"}, "want integer"),
    ("service__nodePorts", {"smtp": 70000}, "maximum"),
    ("service__externalTrafficPolicy", "local", "'Local', 'Cluster'"),
    ("service__sessionAffinity", "Cookie", "'None', 'ClientIP'"),
    ("service__loadBalancerSourceRanges", ["192.0.2.1"], "does not match"),
    ("service__annotations", {"on": True}, "want string"),
    ("probes__liveness__periodSeconds", 0, "minimum"),
    ("probes__liveness", {"successThreshold": 2}, "additional properties 'successThreshold' not allowed"),
    ("probes__readiness", {"terminationGracePeriodSeconds": 5}, "'terminationGracePeriodSeconds' not allowed"),
    ("configCheck__timeoutSeconds", 0, "minimum"),
    ("networkPolicy__dnsPorts", [0], "minimum"),
    ("tmpSizeLimit", "x", "does not match"),
    ("podSecurityContext__runAsUser", "rr", "want null or integer"),
    ("securityContext__readOnlyRootFilesystem", "true", "want boolean"),
    ("networkPolicy__from", {}, "want array"),
    ("serviceMonitor__interval", "often", "does not match"),
    ("dashboards__labels", {"x": 1}, "want string"),
    ("nodeSelector", {"disk": 1}, "want string"),
    ("extraObjects", [1], "want string or object"),
    ("test__send", 1, "want string"),
    ("test__timeoutSeconds", 0, "minimum"),
]

# Unknown names, at every level that has names of its own.
UNKNOWN = [
    "", "image", "existingConfig", "configCheck", "redis", "app", "strategy", "autoscaling", "autoscaling__busyWorkers", "podDisruptionBudget",
    "topologySpread", "service", "probes", "probes__startup", "probes__liveness", "probes__readiness", "resources",
    "serviceAccount", "podSecurityContext", "securityContext", "securityContext__capabilities", "networkPolicy",
    "serviceMonitor", "podMonitor", "prometheusRule", "dashboards", "test",
]

# By the templates: what a schema cannot say.
REFUSED = [
    ({"config__tcp__servers__smtp__addr": "${HOST}:1025"}, "config.tcp.servers.smtp.addr: the chart cannot know what"),
    ({"config__tcp__servers__smtp__addr": "1025"}, 'config.tcp.servers.smtp.addr: "1025" is not an address'),
    ({"config__tcp__servers__smtp__addr": ":0"}, "the port of \":0\" must be 1 to 65535"),
    ({"config__tcp__servers__smtp__addr": ":65536"}, "must be 1 to 65535"),
    ({"config__tcp__servers__other": {"addr": "0.0.0.0:1025"}}, "port 1025 is given to both other and smtp"),
    ({"config__tcp__servers__other": {"addr": ":2114"}}, "port 2114 is given to both status and other"),
    ({"config__metrics": {"address": ":2114"}}, "port 2114 is given to both status and metrics"),
    ({"config__status": {"address": "127.0.0.1:2114"}}, "config.status.address: the kubelet cannot reach"),
    ({"config__status": {"address": "unix:///run/x"}}, "config.status.address: the kubelet cannot reach"),
    (
        {"config__metrics": {"address": "localhost:2112"}, "podMonitor__enabled": True},
        "config.metrics.address: Prometheus cannot reach",
    ),
    ({"config__endure": {"grace_period": "0s"}}, "config.endure.grace_period: 0 stands for the default, 30s"),
    (
        {"config__endure": {"grace_period": "5s", "drain_delay": "5000ms"}},
        "config.endure.drain_delay: 5000ms is a part of endure.grace_period, 5s, and must be shorter",
    ),
    (
        {"existingConfigMap": "x", "existingConfig": {"servers": {"smtp": 1}}},
        "set config or existingConfigMap, not both",
    ),
    ({"existingConfig": {"servers": {"smtp": 1025}}}, "existingConfig.servers is of use with existingConfigMap only"),
    (
        {
            "config__metrics": {"address": "127.0.0.1:2112"},
            "autoscaling": {"enabled": True, "busyWorkers": {"enabled": True}},
        },
        "config.metrics.address: Prometheus cannot reach",
    ),
    ({"app__image": "code:1", "app__volume": {"emptyDir": {}}}, "app.image and app.volume: the code comes from one"),
    ({"service__nodePorts": {"smtp": 30025}}, "service.nodePorts: a ClusterIP has none"),
    ({"service__type": "NodePort", "service__clusterIP": "None"}, "can be headless, not a NodePort"),
    ({"service__loadBalancerClass": "x"}, "service.loadBalancerClass: a ClusterIP has no load balancer"),
    (
        {"service__type": "NodePort", "service__loadBalancerSourceRanges": ["192.0.2.0/24"]},
        "service.loadBalancerSourceRanges: a NodePort has no load balancer",
    ),
    ({"env": {"RR_ENDURE_GRACE_PERIOD": "1s"}}, "env.RR_ENDURE_GRACE_PERIOD: set it in config"),
    ({"env": {"RR_TCP_SERVERS_SMTP_ADDR": ":1"}}, "env.RR_TCP_SERVERS_SMTP_ADDR: set it in config"),
    ({"extraArgs": ["-o", "TCP.servers.smtp.addr=:1"]}, 'extraArgs: set "TCP.servers.smtp.addr=:1" in config'),
    ({"redis__secretName": "x"}, "redis.secretName: no storage would use it"),
    ({"redis": {"secretName": "x", "storages": ["s"]}}, 'redis.storages: config.kv has no "s" with `driver: redis`'),
    ({"service__ports": {"imap": 143}}, 'service.ports: there is no server "imap"'),
    ({"service__nodePorts": {"imap": 143}}, 'service.nodePorts: there is no server "imap"'),
    ({"service__ports": {"smtp": 25}, "service__clusterIP": "None"}, "service.ports: a headless Service"),
    (
        {"config__tcp__servers__other": {"addr": ":25"}, "service__ports": {"smtp": 25}},
        "service.ports: port 25 is given to both other and smtp",
    ),
    ({"service__externalTrafficPolicy": "Local"}, "service.externalTrafficPolicy: a ClusterIP has no traffic"),
    ({"autoscaling": {"enabled": True, "cpuPercent": 0}}, "autoscaling: there is nothing to scale by"),
    ({"autoscaling": {"enabled": True, "minReplicas": 11}}, "autoscaling: minReplicas is more than maxReplicas"),
    ({"serviceMonitor__enabled": True, "podMonitor__enabled": True}, "serviceMonitor and podMonitor: enable one"),
    ({"test__server": "imap"}, 'test.server: there is no server "imap"'),
    (
        {"config__tcp__servers__imap": {"addr": ":143"}, "test__expect": "220"},
        "test.server: say which server is sent test.send and answers test.expect: imap, smtp",
    ),
    ({"image": {}}, "image.repository: name your image with rr and PHP"),
    ({"image": {"digest": "sha256:" + 64 * "a"}}, "image.repository: name your image with rr and PHP"),
    ({"config__server__command": 102400 * "x"}, "bytes, and a pod can carry 102400"),
]


class Refusals(unittest.TestCase):
    def refusal(self, values):
        with self.assertRaises(helm.HelmError) as caught:
            Rendered(values)
        return str(caught.exception)

    def test_what_they_start_from_is_good(self):
        Rendered(minimal())

    def test_wrong_values(self):
        for path, value, reason in WRONG:
            with self.subTest(path, value=value):
                message = self.refusal(minimal(**{path: value}))
                self.assertIn("/" + path.replace("__", "/"), message)
                self.assertIn(reason, message)

    def test_unknown_values(self):
        for path in UNKNOWN:
            with self.subTest(path):
                message = self.refusal(minimal(**{f"{path}__typo" if path else "typo": {}}))
                self.assertIn("additional properties 'typo' not allowed", message)

    def test_a_configuration_without_its_sections(self):
        for missing in ("server", "tcp"):
            values = minimal()
            del values["config"][missing]
            with self.subTest(missing):
                self.assertIn(f"missing property '{missing}'", self.refusal(values))

    def test_an_existing_configuration_without_servers(self):
        for values in ({"existingConfigMap": "x"}, {"existingConfigMap": "x", "existingConfig": {"servers": {}}}):
            with self.subTest(**values):
                self.assertIn("at '/existingConfig/servers': minProperties: got 0, want 1", self.refusal(values))

    def test_addresses_are_those_of_rr(self):
        """What the chart takes, `rr` takes, with the same port; what the chart refuses would end at its start."""
        good = [
            (":7777", 7777), ("0.0.0.0:1", 1), ("example.internal:65535", 65535), ("tcp://:7777", 7777),
            ("tcp://0.0.0.0:80", 80), ("[::]:7777", 7777), ("tcp://[::]:7777", 7777), ("[fe80::1%eth0]:25", 25),
            (":08080", 8080), (":00100", 100), ("a_b-c.d:7777", 7777),
        ]
        for address, port in good:
            with self.subTest(address):
                rendered = Rendered(minimal(config__tcp__servers__smtp__addr=address))
                self.assertIn(port, [p["containerPort"] for p in rendered.container["ports"]])
                effective = check(rendered.configuration)["tcp"]["servers"]["smtp"]["addr"]
                self.assertEqual(int(effective.rpartition(":")[2]), port)
        for address in (
            "7777", ":", ":x", "::1:7777", "[::1:80", "[x]:1", "[]:1", "a b:80", "*:80", "tcp://a/b:1", "http://:80",
            "udp://:53", ":65536", "host",
        ):
            with self.subTest(address):
                reason = self.refusal(minimal(config__tcp__servers__smtp__addr=address))
                self.assertIn("config.tcp.servers.smtp.addr: ", reason)
                text = Rendered(minimal()).configuration.replace(":1025", json.dumps(address))
                self.assertIn(json.dumps(address), text)
                with self.assertRaises(AssertionError):
                    check(text)

    def test_upper_case_where_the_chart_reads(self):
        """`rr` takes Endure for endure; the chart would not see it."""
        for path in ("config__Endure", "config__tcp__Servers", "config__tcp__servers__smtp__Addr", "config__endure__Grace_Period"):
            with self.subTest(path):
                self.assertIn(path.rsplit("__", 1)[1], self.refusal(minimal(**{path: {}})))

    def test_dotted_keys_where_the_chart_reads(self):
        """`rr` takes `logs.level` for a section and its key; the chart would fill in another beside it."""
        for path in ("config__logs.level", "config__tcp__pool.num_workers", "config__tcp__servers__smtp__addr.x"):
            with self.subTest(path):
                self.assertIn(path.rsplit("__", 1)[1], self.refusal(minimal(**{path: "1"})))

    def test_what_the_templates_refuse(self):
        for changes, reason in REFUSED:
            with self.subTest(**changes):
                self.assertIn(reason, self.refusal(minimal(**changes)))


if __name__ == "__main__":
    unittest.main()
