"""Containers that serve: the example, a mounted project, and one that is stopped, locked down, or cannot start."""

import subprocess
import unittest

from container import ENGINE, IMAGE, VERSION, Container, Ports, Project, engine, inspect_image, run, wait_until

# Every other process of PHP.
KILL_WORKERS = """
foreach (glob('/proc/[0-9]*') as $process) {
    $id = (int) basename($process);
    if ($id !== getmypid() && trim((string) @file_get_contents("$process/comm")) === 'php') {
        posix_kill($id, 9);
    }
}
"""


class CommandLine(unittest.TestCase):
    def test_version_is_the_build_argument(self):
        self.assertEqual(run("-v").stdout, f"rr version {VERSION}\n")
        self.assertEqual(inspect_image(IMAGE)["Config"]["Labels"]["org.opencontainers.image.version"], VERSION)

    def test_arguments_pass_through(self):
        result = run("check")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("php\n  - examples/worker.php", result.stdout)


class Example(unittest.TestCase):
    def test_without_mounts_it_serves_the_example(self):
        ports = Ports()
        variables = {
            "RR_TCP_SERVERS_ECHO_ADDR": ports.server,
            "RR_STATUS_ADDRESS": ports.status,
            "RR_METRICS_ADDRESS": ports.metrics,
        }
        options = [f"--env={name}=127.0.0.1:{port}" for name, port in variables.items()]
        with Container(*options, ports=ports).ready() as container:
            self.assertEqual(container.ask("hello"), "hello")
            self.assertEqual(container.health_check().returncode, 0)


class Mounted(Project):
    def test_it_serves_a_mounted_project_as_it_is(self):
        with self.container().ready() as container:
            self.assertEqual(container.ask("hello"), "hello")
            self.assertEqual(container.ask("who"), "10001:10001 /app")
            self.assertEqual(container.metric("rr_tcp_total_workers"), 2)
            self.assertEqual(container.health_check().returncode, 0)

    def test_environment_overrides(self):
        with self.container("--env=RR_TCP_POOL_NUM_WORKERS=3").ready() as container:
            self.assertEqual(container.metric("rr_tcp_total_workers"), 3)

    def test_a_project_with_its_configuration_in_it(self):
        (self.app / ".rr.yaml").write_text(self.configuration())
        with Container("-v", f"{self.app}:/app:ro", ports=self.ports).ready() as container:
            self.assertEqual(container.ask("who"), "10001:10001 /app")

    def test_a_mounted_configuration_wins_over_that_of_the_project(self):
        (self.app / ".rr.yaml").write_text("not: [this")
        with self.container().ready() as container:
            self.assertEqual(container.ask("hello"), "hello")

    def test_locked_down(self):
        """Read-only root, no capabilities, an arbitrary user in group 0 as on OpenShift, no new privileges."""
        locks = ["--read-only", "--cap-drop=ALL", "--user=1000680000:0", "--security-opt=no-new-privileges"]
        if ENGINE[0] == "podman":
            # Or else it mounts file systems to write to at /tmp, /run and /var/tmp, which Docker and Kubernetes do not.
            locks.append("--read-only-tmpfs=false")
        with self.container(*locks).ready() as container:
            self.assertEqual(container.ask("who"), "1000680000:0 /app")
            self.assertNotEqual(container.execute("touch", "/tmp/file", check=False).returncode, 0)
            self.assertEqual(container.health_check().returncode, 0)
            engine("stop", "-t", "60", container.name)
            self.assertEqual(container.state["ExitCode"], 0)


class Stopping(Project):
    def test_stop_lets_a_request_end(self):
        with self.container().ready() as container, container.connect() as connection:
            connection.sendall(b"slow\r\n")
            wait_until("request at the worker", (self.state / "slow").exists)
            stop = subprocess.Popen([*ENGINE, "stop", "-t", "60", container.name], stdout=subprocess.DEVNULL)
            wait_until("draining", lambda: container.http("/ready") == 503)
            self.assertEqual(container.http("/health"), 200)
            (self.state / "go").touch()
            self.assertEqual(connection.makefile("rb").readline(), b"slow, but here\r\n")
            self.assertEqual(stop.wait(60), 0)
            self.assertEqual(container.state["ExitCode"], 0)

    def test_process_1(self):
        with self.container().ready() as container:
            self.assertEqual(container.execute("cat", "/proc/1/comm").stdout, "rr\n")
            # Its parent has ended, so it is ours to reap.
            orphan = container.ask("orphan")
            wait_until(
                "end of the orphan", lambda: container.execute("test", "-e", f"/proc/{orphan}", check=False).returncode
            )
            engine("kill", "--signal", "INT", container.name)
            wait_until("end", lambda: not container.state["Running"])
            self.assertEqual(container.state["ExitCode"], 0)


class Failing(Project):
    def test_unhealthy_while_no_worker_starts(self):
        with self.container(configuration=self.configuration("sleep infinity")) as container:
            wait_until("answer of the probe", lambda: container.http("/ready") == 503)
            result = container.health_check()
            self.assertEqual(result.returncode, 1)
            self.assertIn("503", result.stderr)

    def test_unhealthy_when_workers_start_no_more(self):
        """They were there, and then the code is gone."""
        with self.container().ready() as container:
            self.assertEqual(container.health_check().returncode, 0)
            (self.app / "worker.php").write_text("<?php exit(7);")
            container.execute("php", "-r", KILL_WORKERS)
            wait_until("failing readiness", lambda: container.http("/ready") == 503)
            self.assertEqual(container.health_check().returncode, 1)
            # It stays, and recovers.
            self.assertTrue(container.state["Running"])
            (self.app / "worker.php").write_bytes(self.worker)
            container.ready()
            self.assertEqual(container.ask("hello"), "hello")

    def test_healthy_without_a_status_section(self):
        """There is nobody to ask: that rr runs must be enough."""
        with self.container(configuration=self.configuration(status=False)) as container:
            wait_until("worker", lambda: self.listens(container))
            self.assertEqual(container.health_check().returncode, 0)
            self.assertEqual(container.execute("rr", "health", check=False).returncode, 1)

    def listens(self, container):
        try:
            return container.ask("hello") == "hello"
        except ConnectionError:
            return False

    def test_a_bad_configuration_is_named_in_one_line(self):
        options = self.mounts(self.configuration().replace("num_workers: 2", "num_workers: many"))
        self.assertRefused(options, "/etc/rr/.rr.yaml:9:", "tcp.pool.num_workers")

    def test_a_configuration_that_cannot_be_read_is_named(self):
        """And the example is not served instead."""
        hidden = self.directory / "hidden"
        hidden.mkdir(mode=0o700)
        (hidden / ".rr.yaml").write_text(self.configuration())
        self.assertRefused(["-v", f"{hidden}:/etc/rr:ro"], "/etc/rr/.rr.yaml", "permission denied")

    def test_a_directory_in_its_place_is_named(self):
        """Docker makes one when the file to mount is not there."""
        empty = self.directory / "empty"
        empty.mkdir()
        self.assertRefused(["-v", f"{empty}:/etc/rr/.rr.yaml:ro"], "/etc/rr/.rr.yaml", "is a directory")

    def assertRefused(self, options, *reasons):
        result = run(options=options)
        self.assertEqual(result.returncode, 1, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for reason in reasons:
            self.assertIn(reason, lines[0])


if __name__ == "__main__":
    unittest.main()
