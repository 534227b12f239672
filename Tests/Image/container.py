"""The container engine, and one container of a test."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ENGINE = os.environ["ENGINE"].split()
IMAGE = os.environ["IMAGE"]
BINARY_IMAGE = os.environ["BINARY_IMAGE"]
VERSION = os.environ["VERSION"]
BASE = os.environ["BASE_IMAGE"]

# Tests wait for events; one that has not come by then will not come.
PATIENCE = 120


def engine(*arguments, check=True, **options):
    result = subprocess.run([*ENGINE, *arguments], capture_output=True, text=True, **options)
    if check and result.returncode:
        raise AssertionError(f"{arguments}: exit code {result.returncode}: {result.stdout}{result.stderr}")
    return result


def inspect_image(name):
    return json.loads(engine("image", "inspect", name).stdout)[0]


def run(*arguments, image=IMAGE, options=()):
    """One command of an image, to its end."""
    return engine("run", "--rm", "--network", "host", *options, image, *arguments, check=False)


def wait_until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError(f"in {PATIENCE} s there was no {what}")


class Ports:
    """Free ports of this machine, held back from each other until all are chosen."""

    def __init__(self):
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
            self.server, self.status, self.metrics = (s.getsockname()[1] for s in sockets)


class Container:
    """A container that serves; gone at the end of the `with`."""

    def __init__(self, *options, ports, image=IMAGE, command=()):
        self.ports = ports
        self.name = engine("run", "-d", "--network", "host", *options, image, *command).stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        engine("rm", "-f", self.name)

    def ready(self):
        def is_ready():
            if not self.state["Running"]:
                raise AssertionError(f"it has ended: {self.log}")
            return self.http("/ready") == 200

        wait_until("readiness", is_ready)
        return self

    @property
    def state(self):
        return json.loads(engine("inspect", self.name).stdout)[0]["State"]

    @property
    def log(self):
        result = engine("logs", self.name)
        return result.stdout + result.stderr

    def http(self, path):
        """The status of the probe, `None` when nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.status}{path}", timeout=PATIENCE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, ConnectionError):
            return None

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.metrics}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name + " "))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.ports.server), timeout=PATIENCE)

    def ask(self, text):
        with self.connect() as connection:
            connection.sendall(text.encode() + b"\r\n")
            return connection.makefile("rb").readline().decode().rstrip("\r\n")

    def execute(self, *command, check=True):
        return engine("exec", self.name, *command, check=check)

    def health_check(self):
        """The command that the image names, as the engine would run it: its result."""
        image = inspect_image(IMAGE)
        # Docker's place, and Podman's.
        kind, *command = (image["Config"].get("Healthcheck") or image["Healthcheck"])["Test"]
        assert kind == "CMD", kind
        return self.execute(*command, check=False)


class Project(unittest.TestCase):
    """Tests with a project of their own to mount: the worker of Tests/Image and a configuration."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="rr-image-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        # Whoever the container runs as may read it, and write into `state`.
        self.directory.chmod(0o755)
        self.state = self.directory / "state"
        self.state.mkdir()
        self.state.chmod(0o777)
        self.worker = pathlib.Path(__file__).with_name("worker.php").read_bytes()
        self.app = self.directory / "app"
        self.app.mkdir()
        (self.app / "worker.php").write_bytes(self.worker)
        self.ports = Ports()

    def configuration(self, command="php worker.php", status=True):
        text = f"""\
version: "3"
server:
  command: {command}
tcp:
  servers:
    main:
      addr: 127.0.0.1:{self.ports.server}
  pool:
    num_workers: 2
metrics:
  address: 127.0.0.1:{self.ports.metrics}
endure:
  grace_period: 60s
"""
        if status:
            text += f"status:\n  address: 127.0.0.1:{self.ports.status}\n"
        return text

    def mounts(self, configuration):
        file = self.directory / ".rr.yaml"
        file.write_text(configuration)
        return (
            "-v", f"{file}:/etc/rr/.rr.yaml:ro",
            "-v", f"{self.app}:/app:ro",
            "-v", f"{self.state}:/state",
        )

    def container(self, *options, configuration=None, command=()):
        mounts = self.mounts(configuration or self.configuration())
        return Container(*mounts, *options, ports=self.ports, command=command)
