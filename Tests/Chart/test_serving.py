"""`rr` serves what the chart renders, and does what the objects promise to Kubernetes, from the first probe to the exit."""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import yaml

from chart import CHART, EXAMPLE, ROOT, RR, Rendered

# Seconds; nothing here takes as long on a machine many times slower.
PATIENCE = 60


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [s.getsockname()[1] for s in sockets]


def get(port, path):
    """The status of an answer and its text; None when nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except OSError:
        return None, ""


class Serving(unittest.TestCase):
    """The container's command with the example, but on loopback and on ports that are free."""

    def setUp(self):
        self.echo, self.status, self.metrics = free_ports(3)
        config = yaml.safe_load((CHART / "files/example.rr.yaml").read_text())
        config["tcp"]["servers"]["echo"]["addr"] = f":{self.echo}"
        config["status"]["address"] = f":{self.status}"
        config["metrics"]["address"] = f":{self.metrics}"
        # The end comes when the session of the test does, not by these.
        config["endure"] = {"grace_period": "60s", "drain_delay": "100ms", "drain_idle": "50s"}
        self.rendered = Rendered(
            EXAMPLE
            | {
                "config": config,
                "autoscaling": {"enabled": True, "busyWorkers": {"enabled": True}},
                "test": {"send": "hello\r\n", "expect": "hello"},
            }
        )
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.log = pathlib.Path(directory.name, "log")
        self.process = self.start(pathlib.Path(directory.name, ".rr.yaml"))
        self.addCleanup(self.end)

    def start(self, file):
        file.write_text(self.rendered.configuration)
        places = {"/etc/rr/.rr.yaml": str(file), "/app": str(ROOT)}
        command = [RR, *(places.get(a, a) for a in self.rendered.container["args"])]
        for key, port in (
            ("tcp.servers.echo.addr", self.echo), ("status.address", self.status), ("metrics.address", self.metrics),
        ):
            command += ["-o", f"{key}=127.0.0.1:{port}"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RR_")}
        with open(self.log, "wb") as log:
            return subprocess.Popen(command, env=clean, stdout=log, stderr=log)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def probe(self, kind):
        request = self.rendered.container[f"{kind}Probe"]["httpGet"]
        ports = {p["name"]: p["containerPort"] for p in self.rendered.container["ports"]}
        return get(ports[request["port"]], request["path"])[0]

    def wait_for(self, status, kind):
        deadline = time.monotonic() + PATIENCE
        while (seen := self.probe(kind)) != status:
            self.assertIsNone(self.process.poll(), self.log.read_text())
            self.assertLess(time.monotonic(), deadline, f"{seen}\n{self.log.read_text()}")
            time.sleep(0.02)

    def test_a_life_of_a_pod(self):
        self.wait_for(200, "startup")
        self.assertEqual((self.probe("readiness"), self.probe("liveness")), (200, 200))
        self.helm_test()
        busy = self.rendered.one("HorizontalPodAutoscaler")["spec"]["metrics"][-1]["pods"]["metric"]["name"]
        self.assertIn(f"\n{busy} ", get(self.metrics, "/metrics")[1])

        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.echo), PATIENCE) as session:
            self.assertIn(b"one", self.ask(session, b"one\r\n"))
            self.process.terminate()
            self.wait_for(503, "readiness")
            self.assertEqual(self.probe("liveness"), 200)
            self.assertIn(b"two", self.ask(session, b"two\r\n"))
        self.process.wait(PATIENCE)
        self.assertEqual(self.process.returncode, 0, self.log.read_text())
        self.assertLess(time.monotonic() - began, self.rendered.pod["terminationGracePeriodSeconds"])

    def ask(self, session, line):
        """The answer, to the end of what was said."""
        session.sendall(line)
        answer = b""
        while line.strip() not in answer and (more := session.recv(4096)):
            answer += more
        return answer

    def helm_test(self):
        container = self.rendered.one("Pod")["spec"]["containers"][0]
        environment = {e["name"]: e["value"] for e in container["env"]}
        self.assertEqual(environment["ADDRESS"], f"tcp://ci-rr.ci:{self.echo}")
        environment |= {"PATH": os.environ["PATH"], "ADDRESS": f"tcp://127.0.0.1:{self.echo}"}
        php = subprocess.run(container["command"], env=environment, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((php.returncode, php.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
