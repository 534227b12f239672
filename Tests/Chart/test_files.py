"""The chart's own files agree with each other and with the rest of the project."""

import io
import json
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

import helm_python as helm
import yaml

from chart import CHART, EXAMPLE, ROOT, Rendered, minimal


def at(schema, root):
    """A schema without its reference."""
    return root["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


class Files(unittest.TestCase):
    def test_readme_is_current(self):
        check = subprocess.run([sys.executable, ROOT / "scripts/chart-readme", "--check"], capture_output=True, text=True)
        self.assertEqual((check.returncode, check.stderr), (0, ""))

    def test_schema_has_the_names_of_the_values(self):
        """Each way: a value that the schema forgot would be refused, one that is no more would be taken in silence."""
        root = json.loads((CHART / "values.schema.json").read_text())

        def compare(values, schema, path):
            schema = at(schema, root)
            if schema.get("additionalProperties") is not False or "patternProperties" in schema:
                return
            if path in optional:
                self.assertLessEqual(set(values), set(schema["properties"]), path)
            else:
                self.assertEqual(set(values), set(schema["properties"]) - {"global"}, path)
            for key, value in values.items():
                if isinstance(value, dict):
                    compare(value, schema["properties"][key], f"{path}/{key}")

        # Objects of Kubernetes, of which the chart's values set only some fields.
        optional = {"/resources", "/podSecurityContext", "/securityContext", "/securityContext/capabilities"}
        optional |= {f"/probes/{probe}" for probe in ("startup", "liveness", "readiness")}
        compare(yaml.safe_load((CHART / "values.yaml").read_text()), root, "")

    def test_version_is_that_of_the_sources(self):
        source = (ROOT / "Sources/Application/Version.swift").read_text()
        current = re.search(r'let current = "(.+)"', source)[1]
        self.assertEqual(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], current)

    def test_package_holds_what_the_links_lead_to(self):
        with tempfile.TemporaryDirectory() as directory:
            with helm.Chart.load(CHART) as chart:
                package = tarfile.open(chart.save(directory))
            names = package.getnames()
            for link, target in (
                ("example.rr.yaml", "deploy/docker/.rr.yaml"),
                ("rr.json", "deploy/grafana/rr.json"),
                ("rr.rules.yaml", "deploy/prometheus/rr.rules.yaml"),
            ):
                self.assertEqual(package.extractfile(f"rr/files/{link}").read(), (ROOT / target).read_bytes())
            self.assertEqual([n for n in names if n.startswith("rr/ci/")], [])


class HelmTest(unittest.TestCase):
    """The program of the test pod, run against a server of ours."""

    def run_pod(self, *answers, **changes):
        """What it printed, and what it sent, with a server that gives each connection the next answer, in parts."""
        pod = Rendered(minimal(**changes)).one("Pod")["spec"]["containers"][0]
        received = io.BytesIO()
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve():
                for answer in answers:
                    connection, _ = listener.accept()
                    with connection:
                        received.write(connection.recv(4096) if changes.get("test__send") else b"")
                        for part in answer:
                            connection.sendall(part)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            environment = {e["name"]: e["value"] for e in pod["env"]}
            self.assertEqual(environment["ADDRESS"], "tcp://ci-rr.ci:1025")
            environment["ADDRESS"] = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            php = subprocess.run(pod["command"], env={"PATH": "/usr/bin:/bin"} | environment, capture_output=True, text=True)
            thread.join(30)
        return php, received.getvalue()

    def test_an_answer_in_parts(self):
        php, received = self.run_pod([b"2", b"50 ok\r\n"], test__send="NOOP\r\n", test__expect="250")
        self.assertEqual((php.returncode, php.stderr), (0, ""))
        self.assertIn("answers", php.stdout)
        self.assertEqual(received, b"NOOP\r\n")

    def test_a_wrong_answer_is_given_another_try(self):
        """A Service that is new leads nowhere for a moment, and a proxy accepts for a server that does not."""
        php, received = self.run_pod([], [b"421 not yet\r\n"], [b"250 ok\r\n"], test__send="NOOP\r\n", test__expect="250")
        self.assertEqual(php.returncode, 0)
        self.assertEqual(php.stderr.count("no '250' in the answer"), 2)
        self.assertIn("'421 not yet", php.stderr)
        self.assertEqual(received, 3 * b"NOOP\r\n")

    def test_a_wrong_answer_to_the_end(self):
        wrong = [b"500 no\r\n"]
        php, _ = self.run_pod(wrong, test__send="NOOP\r\n", test__expect="250", test__timeoutSeconds=1)
        self.assertEqual(php.returncode, 1)
        self.assertIn("no '250' in the answer: '500 no", php.stderr)

    def test_a_connection_is_enough(self):
        php, _ = self.run_pod([])
        self.assertEqual((php.returncode, php.stderr), (0, ""))

    def test_nobody_listens(self):
        pod = Rendered(minimal(test__timeoutSeconds=1)).one("Pod")["spec"]["containers"][0]
        environment = {e["name"]: e["value"] for e in pod["env"]} | {"PATH": "/usr/bin:/bin"}
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            environment["ADDRESS"] = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
            php = subprocess.run(pod["command"], env=environment, capture_output=True, text=True)
        self.assertEqual(php.returncode, 1)
        self.assertIn("refused", php.stderr)

    def test_it_speaks_to_the_server_that_is_named(self):
        servers = {"imap": {"addr": ":143"}, "smtp": {"addr": ":1025"}}
        rendered = Rendered(minimal(config__tcp__servers=servers, test={"server": "SMTP", "expect": "220"}))
        environment = {e["name"]: e["value"] for e in rendered.one("Pod")["spec"]["containers"][0]["env"]}
        self.assertEqual((environment["ADDRESS"], environment["EXPECT"]), ("tcp://ci-rr.ci:1025", "220"))

    def test_the_example_is_sent_a_line(self):
        environment = {e["name"]: e["value"] for e in Rendered(EXAMPLE).one("Pod")["spec"]["containers"][0]["env"]}
        self.assertEqual((environment["SEND"], environment["EXPECT"]), ("hello\r\n", "hello"))


if __name__ == "__main__":
    unittest.main()
