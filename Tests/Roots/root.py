"""A root directory with little in it, and the release binary running there. In namespaces of their own, see
scripts/test-roots: ports are free, and what is mounted is gone with the tests."""

import contextlib
import fcntl
import functools
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ["RR_BINARY"])
# Tests wait for events; one that has not come by then will not come.
PATIENCE = 120
USER, USER_ID, GROUP_ID = "web", 33, 34


# What is compiled, for all tests.
PROGRAMS = BINARY.parent / "programs"


@functools.cache
def compiled(name, source, *options, compiler="cc"):
    PROGRAMS.mkdir(exist_ok=True)
    target = PROGRAMS / name
    subprocess.run([compiler, "-O1", *options, "-o", target, "-x", "c", "-"], input=source, text=True, check=True)
    return target


def worker(name, *options, compiler="cc"):
    """A worker in C, without a dependency but its C library."""
    directory = PROJECT / "Benchmarks"
    return compiled(name, (directory / "worker.c").read_text(), f"-I{directory}", *options, compiler=compiler)


def interpreter_and_libraries(program):
    """What a dynamic program is loaded with: absolute paths."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for word in text.split() if word.startswith("/")]


def wait_until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"in {PATIENCE} s there was no {what}")


def raise_loopback():
    """Brings up the loopback interface of a new network namespace, where it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        get_flags, set_flags, up = 0x8913, 0x8914, 1
        (flags,) = struct.unpack_from("H", fcntl.ioctl(anything, get_flags, struct.pack("16sH14x", b"lo", 0)), 16)
        fcntl.ioctl(anything, set_flags, struct.pack("16sH14x", b"lo", flags | up))


class NameServer:
    """Answers DNS on port 53 of an address of the loopback interface, until the end of the `with`."""

    ADDRESS = "127.0.0.53"

    def __init__(self, names):
        self.names = names
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.ADDRESS, 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        # An empty datagram is the end: no query is empty.
        self.socket.sendto(b"", (self.ADDRESS, 53))
        self.thread.join()
        self.socket.close()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            if not query:
                return
            self.socket.sendto(self.answer(query), client)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12 : at + 5]
        address = self.names.get(".".join(labels).lower())
        is_ipv4 = question[-4:-2] == b"\0\1"
        answers = 1 if address and is_ipv4 else 0
        # A response, recursion available; without that name: there is none such.
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if address else 0x8183, 1, answers, 0, 0)
        # The name is that of the question; type A, class IN, a minute to live.
        record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address) if answers else b""
        return head + question + record


class Root(unittest.TestCase):
    """Tests with a root directory of their own: it has the binary, a worker, /proc, and what a subclass puts in."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="rr-root-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        # Workers that run as another user must be able to enter it.
        self.root.chmod(0o755)
        for name in ("etc", "proc"):
            (self.root / name).mkdir()
        subprocess.run(["mount", "--rbind", "/proc", self.root / "proc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.root / "proc"], check=True)
        self.put(BINARY, "/usr/bin/rr")
        self.fill()

    def fill(self):
        raise NotImplementedError

    def write(self, path, text):
        (self.root / path).write_text(text)

    def put(self, file, path):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)

    def rr(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=PATIENCE)

    def command(self, *arguments):
        return ["chroot", self.root, "/usr/bin/rr", *arguments]

    @contextlib.contextmanager
    def serving(self):
        """`rr serve`; it must end with exit code 0 when it is asked to."""
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(self.command("serve", "-c", "/etc/rr.yaml"), stdout=output, stderr=output)

            def log():
                output.seek(0)
                return output.read()

            try:
                yield Server(process, log)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(PATIENCE), 0, log())
            finally:
                process.kill()
                process.wait()


class Server:
    def __init__(self, process, log):
        self.process, self.log = process, log

    def ask(self, address, port, text):
        """What is answered to a line, as soon as somebody listens."""

        def answer():
            if self.process.poll() is not None:
                raise AssertionError(f"rr has ended with {self.process.returncode}: {self.log()}")
            try:
                with socket.create_connection((address, port), timeout=PATIENCE) as connection:
                    connection.sendall(text.encode() + b"\r\n")
                    return connection.makefile("rb").readline().decode().rstrip("\r\n")
            except ConnectionRefusedError:
                return None

        return wait_until(f"answer of {address}:{port}", answer)

    def workers(self):
        """The identifiers of its child processes."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
