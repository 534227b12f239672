"""TLS: who asks `rr` speaks it where `rr` does, and certificates come from a Secret that changes."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import helm_python as helm

from chart import CERTIFICATES, CHART, EXAMPLE, ROOT, RR, Rendered, check, minimal, mounted, read
from test_serving import PATIENCE, free_ports

TLS = {"cert": "/etc/tls/tls.crt", "key": "/etc/tls/tls.key"}
MUTUAL = TLS | {"root_ca": "/etc/tls/ca.crt", "client_auth_type": "require_and_verify_client_cert"}
MOUNTS = [{"secretName": "mail-tls", "mountPath": "/etc/tls"}]
TRUST = {"ca": {"secret": {"name": "mail-tls", "key": "ca.crt"}}, "serverName": "mail.example.org"}


def existing(**changes):
    values = minimal(existingConfigMap="theirs", existingConfig__servers={"smtp": 1025}, **changes)
    return values | {"config": {}}


class WhoAsks(unittest.TestCase):
    def schemes(self, values):
        probes = ("startupProbe", "livenessProbe", "readinessProbe")
        return {Rendered(values).container[probe]["httpGet"].get("scheme") for probe in probes}

    def test_probes(self):
        self.assertEqual(self.schemes(minimal()), {None})
        self.assertEqual(self.schemes(minimal(config__status={"tls": TLS})), {"HTTPS"})
        self.assertEqual(self.schemes(minimal(config__metrics={"tls": TLS})), {None})
        self.assertEqual(self.schemes(existing()), {None})
        self.assertEqual(self.schemes(existing(existingConfig__statusTls=True)), {"HTTPS"})

    def test_prometheus(self):
        for kind, place, key in (
            ("ServiceMonitor", "endpoints", "serviceMonitor"), ("PodMonitor", "podMetricsEndpoints", "podMonitor"),
        ):
            said = {key: {"enabled": True, "tlsConfig": TRUST, "interval": "15s"}}
            clear = {"port": "metrics", "path": "/metrics", "interval": "15s"}
            for values, wanted in (
                (minimal(**said), clear),
                (minimal(**said, config__status={"tls": TLS}), clear),
                (minimal(**said, config__metrics={"tls": MUTUAL}), clear | {"scheme": "https", "tlsConfig": TRUST}),
                (existing(**said), clear),
                (existing(**said, existingConfig__metricsTls=True), clear | {"scheme": "https", "tlsConfig": TRUST}),
            ):
                with self.subTest(kind, **values):
                    self.assertEqual(Rendered(values).one(kind)["spec"][place], [wanted])

    def test_helm_test(self):
        def address(values):
            container = Rendered(values).one("Pod")["spec"]["containers"][0]
            return next(e["value"] for e in container["env"] if e["name"] == "ADDRESS")

        for tls, scheme in ((TLS, "tls"), (TLS | {"starttls": True}, "tcp"), (MUTUAL, "tcp"), (None, "tcp")):
            values = minimal(config__tcp__servers__smtp={"addr": ":1025"} | ({"tls": tls} if tls else {}))
            self.assertEqual(address(values), f"{scheme}://ci-rr.ci:1025")
        self.assertEqual(address(existing()), "tcp://ci-rr.ci:1025")
        self.assertEqual(address(existing(existingConfig__tlsServers=["SMTP"])), "tls://ci-rr.ci:1025")

    def test_arguments_about_a_server_that_is_called_status(self):
        for arguments in (["-o", "tcp.servers.status.tls.cert=x"], ["-otcp.servers.metrics.tls.key=x"]):
            self.assertIn(arguments[-1], Rendered(minimal(extraArgs=arguments)).container["args"])

    def test_notes(self):
        encrypted = {"addr": ":1025", "tls": TLS}
        self.assertIn("openssl s_client -crlf -connect 127.0.0.1:1025",
                      Rendered(minimal(config__tcp__servers__smtp=encrypted)).notes)
        for tls, warned in ((TLS, True), (MUTUAL, False)):
            notes = Rendered(minimal(config__rpc={"listen": "tcp://:6001", "tls": tls})).notes
            self.assertEqual("other pods can reach RPC" in notes, warned)


class Secrets(unittest.TestCase):
    def test_they_are_mounted_whole(self):
        """Below a `subPath` a file would never change."""
        rendered = Rendered(read(CHART / "ci/tls-values.yaml"))
        for pod in (rendered.pod, rendered.one("Job")["spec"]["template"]["spec"]):
            [mount] = [m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == "/etc/tls"]
            self.assertEqual(mount, {"name": "secret-0", "mountPath": "/etc/tls", "readOnly": True})
        [volume] = [v for v in rendered.pod["volumes"] if v["name"] == "secret-0"]
        self.assertEqual(volume["secret"], {"secretName": "mail-tls"})

    def upgrade(self, *secrets, **changes):
        """What the Job would check, and the notes, in a cluster where the release runs and has these Secrets."""
        tls = TLS | {"certificates": [{"cert": "/etc/other/tls.crt", "key": "/etc/other/tls.key"}]}
        values = minimal(**{
            "config__tcp__servers__smtp": {"addr": ":1025", "tls": tls},
            "config__tcp__servers__own": {"addr": ":1026", "tls": {"cert": "own.crt", "key": "own.key"}},
            "config__metrics": {"tls": MUTUAL},
            "config__rpc": {"listen": "tcp://:6001", "tls": {"cert": "/etc/other/tls.crt", "key": "/etc/other/tls.key"}},
            "secretMounts": MOUNTS + [{"secretName": "other", "mountPath": "/etc/other/"}],
        } | changes)
        live = [Rendered(values).one("Deployment")]
        live += [{"kind": "Secret", "metadata": {"name": name, "namespace": "ci"}} for name in secrets]
        rendered = Rendered(values, live)
        checked = mounted(rendered.one("Job")["spec"]["template"])
        return rendered, read_text(checked), rendered.notes

    def test_the_check_leaves_out_what_the_upgrade_brings(self):
        def encrypted(config):
            places = config["tcp"]["servers"] | {key: config.get(key, {}) for key in ("metrics", "rpc")}
            return {name for name, place in places.items() if "tls" in place}

        rendered, checked, notes = self.upgrade("mail-tls", "other")
        self.assertEqual(encrypted(checked), {"smtp", "own", "metrics", "rpc"})
        self.assertEqual(checked, read_text(rendered.configuration))
        self.assertNotIn("NOT checked", notes)

        for there, left, missing in (
            (["mail-tls"], {"own", "metrics"}, "upgrade: other "),
            (["other"], {"own", "rpc"}, "upgrade: mail-tls "),
            ([], {"own"}, "upgrade: mail-tls, other "),
        ):
            with self.subTest(there=there):
                rendered, checked, notes = self.upgrade(*there)
                self.assertEqual(encrypted(checked), left)
                self.assertIn(missing, notes)
                self.assertIn("NOT checked", notes)
                # Pods have it, and wait for its files.
                self.assertEqual(encrypted(read_text(rendered.configuration)), {"smtp", "own", "metrics", "rpc"})
                self.assertNotIn("optional", str(rendered.pod["volumes"]))

    def test_a_file_that_pods_would_miss_is_checked(self):
        """Pods do not wait for a Secret that is optional, and without a cluster nothing is known to be missing."""
        _, checked, notes = self.upgrade("other", secretMounts=[MOUNTS[0] | {"optional": True}])
        self.assertIn("tls", checked["metrics"])
        self.assertNotIn("NOT checked", notes)
        rendered = Rendered(minimal(config__metrics={"tls": TLS}, secretMounts=MOUNTS))
        self.assertIn("tls", read_text(mounted(rendered.one("Job")["spec"]["template"]))["metrics"])


    def test_the_certificate_of_the_readme_is_what_pods_wait_for(self):
        block = re.search(r"\*\*TLS\*\*.*?```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)[1]
        values = EXAMPLE | helm.values_from_yaml(block)
        values["config"]["server"] = {"command": "php worker.php"}
        rendered = Rendered(values)
        self.assertEqual(rendered.one("Certificate")["spec"]["secretName"], "mail-tls")
        self.assertEqual([v["secret"]["secretName"] for v in rendered.pod["volumes"] if "secret" in v], ["mail-tls"])
        check(rendered.configuration)


class Serving(unittest.TestCase):
    """The container's command, on loopback, with a Secret as the kubelet keeps it: links that it swaps."""

    def secret(self, name):
        """What the kubelet does when the Secret has changed."""
        data = self.mount / f"..{name}"
        data.mkdir()
        for source, file in ((f"{name}.crt", "tls.crt"), (f"{name}.key", "tls.key"), ("ca.crt", "ca.crt")):
            shutil.copy(CERTIFICATES.file(source), data / file)
            if not (self.mount / file).is_symlink():
                (self.mount / file).symlink_to(f"..data/{file}")
        (self.mount / "..data_tmp").symlink_to(data.name)
        os.rename(self.mount / "..data_tmp", self.mount / "..data")

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.mount = pathlib.Path(directory.name, "tls")
        self.mount.mkdir()
        self.secret("first")
        self.ports = dict(zip(("smtps", "submission", "status", "metrics"), free_ports(4)))
        values = read(CHART / "ci/tls-values.yaml")
        values["config"]["server"]["command"] = f"php {ROOT}/examples/worker.php"
        values["config"]["tcp"]["servers"]["echo"] = values["config"]["tcp"]["servers"].pop("smtps")
        values["config"]["endure"] = {"drain_delay": "1ms"}
        values["test"] = {"server": "echo", "send": "hello\r\n", "expect": "hello"}
        self.rendered = Rendered(values)
        file = pathlib.Path(directory.name, ".rr.yaml")
        file.write_text(self.rendered.configuration.replace("/etc/tls/", f"{self.mount}/"))
        command = [RR, "serve", "-c", file]
        for key, name in (
            ("tcp.servers.echo.addr", "smtps"), ("tcp.servers.submission.addr", "submission"),
            ("status.address", "status"), ("metrics.address", "metrics"),
        ):
            command += ["-o", f"{key}=127.0.0.1:{self.ports[name]}"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RR_")}
        self.log = pathlib.Path(directory.name, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, env=clean, stdout=log, stderr=log)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.terminate)

    def get(self, port, path, certificate=None):
        """The status of an answer over HTTPS, and the name on the server's certificate."""
        context = ssl.create_default_context(cafile=CERTIFICATES.file("ca.crt"))
        if certificate:
            context.load_cert_chain(CERTIFICATES.file(f"{certificate}.crt"), CERTIFICATES.file(f"{certificate}.key"))
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="mail.example.org") as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answer = client.makefile("rb").read()
                return int(answer.split()[1]), client.getpeercert()["subject"][0][0][1], answer

    def wait_for(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                if condition():
                    return
            self.assertIsNone(self.process.poll(), self.log.read_text())
            self.assertLess(time.monotonic(), deadline, f"waited in vain for {what}\n{self.log.read_text()}")
            time.sleep(0.02)

    def test_a_pod_and_a_renewed_secret(self):
        status, metrics = self.ports["status"], self.ports["metrics"]
        self.wait_for("readiness", lambda: self.get(status, "/ready")[:2] == (200, "first"))
        self.assertEqual(self.get(status, "/health")[:2], (200, "first"))
        with self.assertRaises(OSError):
            self.get(metrics, "/metrics")
        code, name, answer = self.get(metrics, "/metrics", "client")
        self.assertEqual((code, name), (200, "first"))
        self.assertIn(b"rr_tcp_tls_certificate_expiry_timestamp_seconds{", answer)

        container = self.rendered.one("Pod")["spec"]["containers"][0]
        environment = {e["name"]: e["value"] for e in container["env"]}
        self.assertEqual(environment["ADDRESS"], "tls://ci-rr.ci:465")
        environment |= {"PATH": os.environ["PATH"], "ADDRESS": f"tls://127.0.0.1:{self.ports['smtps']}"}
        php = subprocess.run(container["command"], env=environment, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((php.returncode, php.stderr), (0, ""))

        self.secret("second")
        self.wait_for("the new certificate of probes", lambda: self.get(status, "/ready")[1] == "second")
        self.wait_for("that of metrics", lambda: self.get(metrics, "/metrics", "client")[1] == "second")
        self.wait_for("that of the server", lambda: self.name(self.ports["smtps"]) == "second")

    def name(self, port):
        context = ssl.create_default_context(cafile=CERTIFICATES.file("ca.crt"))
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="mail.example.org") as client:
                return client.getpeercert()["subject"][0][0][1]


def read_text(text):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        return read(file.name)


if __name__ == "__main__":
    unittest.main()
