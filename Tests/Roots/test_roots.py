"""The release binary in roots as images have them: with another C library, with none, and with almost nothing."""

import pathlib
import re
import struct
import unittest

from root import (
    BINARY, GROUP_ID, USER, USER_ID, NameServer, Root, compiled, interpreter_and_libraries, raise_loopback, worker,
)

# Of these one is in /etc/hosts and one is told by the name server.
HOSTS_NAME, HOSTS_ADDRESS = "hosts.rr.test", "127.0.0.7"
DNS_NAME, DNS_ADDRESS = "dns.rr.test", "127.0.0.9"
PORT, STATUS_PORT = 7777, 2114

# Whoever loads a module of the name service dies of it.
TRAP = "__attribute__((constructor)) static void trap(void) { __builtin_trap(); }"


def setUpModule():
    raise_loopback()


def can_be_others():
    """Not in a user namespace that has one user."""
    identifiers = pathlib.Path("/proc/self/uid_map").read_text().split()
    return int(identifiers[2]) > USER_ID


class Everywhere:
    """What must hold in each root."""

    def configure(self, address, user):
        self.write("etc/rr.yaml", f"""\
version: "3"
server:
  command: /usr/bin/worker
{f"  user: {user}" if user else ""}
tcp:
  servers:
    main:
      addr: {address}:{PORT}
  pool:
    num_workers: 1
status:
  address: 127.0.0.1:{STATUS_PORT}
""")

    def write_names(self):
        self.write("etc/passwd", f"root:x:0:0::/:/bin/sh\n{USER}:x:{USER_ID}:{GROUP_ID}::/:/bin/sh\n")
        self.write("etc/group", f"root:x:0:\n{USER}:x:{GROUP_ID}:\n")
        self.write("etc/hosts", f"127.0.0.1 localhost\n{HOSTS_ADDRESS} {HOSTS_NAME}\n")
        self.write("etc/resolv.conf", f"nameserver {NameServer.ADDRESS}\n")

    def test_check(self):
        self.configure("127.0.0.1", user=None)
        result = self.rr("check", "-c", "/etc/rr.yaml")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("command:\n  - /usr/bin/worker", result.stdout)

    def test_serves_and_is_healthy(self):
        self.configure("127.0.0.1", user=None)
        with self.serving() as server:
            self.assertEqual(server.ask("127.0.0.1", PORT, "hello"), "hello")
            self.assertEqual(self.rr("health", "-c", "/etc/rr.yaml").returncode, 0)


class Named(Everywhere):
    """What must hold in each root with files of names."""

    def test_listens_at_a_name_of_the_hosts_file(self):
        self.configure(HOSTS_NAME, user=None)
        with self.serving() as server:
            self.assertEqual(server.ask(HOSTS_ADDRESS, PORT, "hello"), "hello")

    def test_listens_at_a_name_of_the_name_server(self):
        self.configure(DNS_NAME, user=None)
        with NameServer({DNS_NAME: DNS_ADDRESS}), self.serving() as server:
            self.assertEqual(server.ask(DNS_ADDRESS, PORT, "hello"), "hello")

    def test_a_name_that_nobody_knows_is_told(self):
        self.configure("nowhere.rr.test", user=None)
        with NameServer({}):
            result = self.rr("serve", "-c", "/etc/rr.yaml")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("nowhere.rr.test", result.stderr + result.stdout)

    def test_workers_run_as_a_named_user(self):
        if not can_be_others():
            self.skipTest("not root")
        self.configure("127.0.0.1", user=USER)
        with self.serving() as server:
            self.assertEqual(server.ask("127.0.0.1", PORT, "hello"), "hello")
            (worker,) = server.workers()
            status = pathlib.Path(f"/proc/{worker}/status").read_text()
            users, groups = (re.search(rf"^{kind}:\s+(\d+)", status, re.M)[1] for kind in ("Uid", "Gid"))
            self.assertEqual((int(users), int(groups)), (USER_ID, GROUP_ID))

    def test_a_user_that_is_not_there_is_told(self):
        self.configure("127.0.0.1", user="nobody-at-all")
        result = self.rr("serve", "-c", "/etc/rr.yaml")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("nobody-at-all", result.stderr + result.stdout)


class Bare(Everywhere, Root):
    """`FROM scratch`: only what is copied into it."""

    def fill(self):
        self.put(worker("static", "-static"), "/usr/bin/worker")


class Distroless(Named, Root):
    """Files of names, and no C library."""

    def fill(self):
        self.write_names()
        self.put(worker("static", "-static"), "/usr/bin/worker")


class Alpine(Named, Root):
    """musl is the C library, and what workers are linked to."""

    def fill(self):
        self.write_names()
        self.write("etc/nsswitch.conf", "hosts: files dns\n")
        program = worker("musl", compiler="musl-gcc")
        self.put(program, "/usr/bin/worker")
        # Its loader is the library too.
        (loader,) = re.findall(r"/lib/ld-musl-\w+\.so\.1", program.read_bytes().decode("latin-1"))
        self.put(loader, loader)


class OtherLibrary(Named, Root):
    """A glibc that is not the binary's, and whose name service has modules of its own, as those of LDAP and systemd are."""

    def fill(self):
        self.write_names()
        self.write("etc/nsswitch.conf", "hosts: trap files dns\npasswd: trap files\ngroup: trap files\n")
        program = worker("glibc")
        self.put(program, "/usr/bin/worker")
        for file in interpreter_and_libraries(program):
            self.put(file, file)
            if file.endswith("/libc.so.6"):
                module = file.replace("libc.so.6", "libnss_trap.so.2")
        self.put(compiled("trap", TRAP, "-shared", "-nostdlib"), module)


class Binary(unittest.TestCase):
    """Its ELF header, which is the same for all machines of 64 bits but for the order of bytes."""

    INTERPRETER, DYNAMIC, NEEDED, SHARED_OBJECT = 3, 2, 1, 3

    def setUp(self):
        self.image = BINARY.read_bytes()
        self.assertEqual(self.image[:6], b"\x7fELF\x02\x01", "64 bits, little-endian")
        offset, = struct.unpack_from("<Q", self.image, 32)
        size, count = struct.unpack_from("<HH", self.image, 54)
        # type, flags, offset, address, physical address, size in the file, …
        self.segments = [struct.unpack_from("<IIQQQQ", self.image, offset + i * size) for i in range(count)]

    def test_it_needs_no_library_and_no_loader(self):
        self.assertNotIn(self.INTERPRETER, [kind for kind, *_ in self.segments])
        for kind, _, offset, _, _, size in self.segments:
            if kind == self.DYNAMIC:
                tags = struct.iter_unpack("<QQ", self.image[offset : offset + size])
                self.assertNotIn(self.NEEDED, [tag for tag, _ in tags])

    def test_it_is_loaded_at_another_address_each_time(self):
        (kind,) = struct.unpack_from("<H", self.image, 16)
        self.assertEqual(kind, self.SHARED_OBJECT)

    def test_its_size(self):
        """Who imports the whole of Foundation adds 40 MB."""
        self.assertLess(len(self.image), 29e6)


if __name__ == "__main__":
    unittest.main()
