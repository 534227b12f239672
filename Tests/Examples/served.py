"""An example, served by the real binary for a test."""

import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
RR = os.environ["RR_BINARY"]
# Seconds; nothing here takes as long on a machine many times slower.
PATIENCE = 60


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [s.getsockname()[1] for s in sockets]


class Example(unittest.TestCase):
    """Subclasses name a directory, the servers in its .rr.yaml, and what is overridden; `ports` are by server."""

    directory = ""
    servers = []
    overrides = {}
    environment = {}

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.scratch = pathlib.Path(directory.name)
        *ports, cls.metrics = free_ports(len(cls.servers) + 1)
        cls.ports = dict(zip(cls.servers, ports))
        cls.port = ports[0]
        overrides = {f"tcp.servers.{name}.addr": f"127.0.0.1:{port}" for name, port in cls.ports.items()}
        overrides |= {"metrics.address": f"127.0.0.1:{cls.metrics}", "logs.mode": "production", "logs.level": "info"}
        if (ROOT / cls.directory / ".rr.yaml").read_text().count("\nrpc:"):
            overrides["rpc.listen"] = f"unix://{cls.scratch}/rpc.sock"
        overrides |= cls.overrides
        command = [RR, "serve", "-c", ROOT / cls.directory / ".rr.yaml"]
        for key, value in overrides.items():
            command += ["-o", f"{key}={value}"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RR_")}
        places = {name: value.format(cls.scratch) for name, value in cls.environment.items()}
        cls.log = cls.scratch / "log"
        with open(cls.log, "wb") as log:
            cls.process = subprocess.Popen(command, env=clean | places, stdout=log, stderr=log)
        cls.addClassCleanup(cls.end)
        for port in ports:
            cls.wait_for("the server to listen", lambda: cls.connects(port))

    @classmethod
    def connects(cls, port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True

    @classmethod
    def end(cls):
        cls.process.terminate()
        try:
            cls.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            cls.process.kill()
            cls.process.wait()
            raise

    @classmethod
    def wait_for(cls, what, condition):
        """Asks until there is something, and returns that."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            if cls.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}\n{cls.log.read_text()}")
            time.sleep(0.01)
        return found

    def logged(self, text, count=1, /, **facts):
        """Waits for so many lines of the log with this text in their message and these attributes."""

        def lines():
            found = [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]
            found = [line for line in found if text in line["msg"] and facts.items() <= line.items()]
            return found if len(found) >= count else None

        found = self.wait_for(f"{count} lines with {text!r} and {facts}", lines)
        self.assertEqual(len(found), count)
        return found

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name} ")))

    @contextlib.contextmanager
    def client(self):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield client

    def exchange(self, sent, wanted, cuts=1):
        """Sends this in so many pieces, cut anywhere, and then ends; what comes back must be what is wanted."""
        places = sorted(random.choices(range(len(sent)), k=cuts - 1)) if cuts < len(sent) else range(1, len(sent))
        with self.client() as client:
            for start, end in zip([0, *places], [*places, len(sent)]):
                client.sendall(sent[start:end])
            received = b""
            while len(received) < len(wanted) and (piece := client.recv(65536)):
                received += piece
            self.assertEqual(received.hex(" "), wanted.hex(" "))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")

    def run_client(self, *command, input=None):
        """A program to its end: exit code and all that it has said."""
        result = subprocess.run(
            [str(word) for word in command], input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        return result.returncode, result.stdout.decode()
