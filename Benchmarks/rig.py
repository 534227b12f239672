"""What all benchmarks share: the C programs, servers under test, the load, and what /proc says about them.

Everything runs on 127.0.0.1 and ends with the script: servers are context managers, and a signal ends them too.
"""
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, ".build", "bench")
BINARY = os.environ.get("RR_BINARY") or os.path.join(ROOT, ".build", "release", "rr")
# name: the source, and what it is compiled with besides
PROGRAMS = {"load": ["load.c"], "floor": ["floor.c"], "worker": ["worker.c"]}
TLS_LOAD = {"load-tls": ["load.c", "-DTLS", "-lssl", "-lcrypto"]}
TICK = os.sysconf("SC_CLK_TCK")


def build(programs=PROGRAMS):
    """Compiles the C programs that are older than their sources, and the release binary when there is none."""
    os.makedirs(BUILD, exist_ok=True)
    headers = [os.path.join(HERE, name) for name in os.listdir(HERE) if name.endswith(".h")]
    for name, (source, *flags) in programs.items():
        source, target = os.path.join(HERE, source), program(name)
        newest = max(os.path.getmtime(path) for path in [source, *headers])
        if not os.path.exists(target) or os.path.getmtime(target) < newest:
            compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
            if compiler is None:
                sys.exit("a C compiler is needed: apt-get install gcc libc6-dev")
            subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", target, source, *flags], check=True)
    if not os.path.exists(BINARY):
        subprocess.run(["make", "--no-print-directory", "release"], cwd=ROOT, check=True)
    # A signal must end what was started here too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def program(name):
    return os.path.join(BUILD, name)


def chosen(only, cases):
    """The names of cases that `--only` gives, separated by commas; all of them without it."""
    names = only.split(",") if only else list(cases)
    if unknown := [name for name in names if name not in cases]:
        sys.exit(f"no case {', '.join(unknown)}; there are {', '.join(cases)}")
    return names


def free_ports(count):
    sockets = []
    try:
        for _ in range(count):
            taken = socket.socket()
            sockets.append(taken)
            taken.bind(("127.0.0.1", 0))
        return [taken.getsockname()[1] for taken in sockets]
    finally:
        for taken in sockets:
            taken.close()


def worker_command(kind="c", pause=0):
    """The worker's command: `c` or `php`; `pause` is how many microseconds the C one waits before an answer."""
    if kind == "php":
        # No opcode cache and no configuration of the machine: the same everywhere.
        return ["php", "-n", os.path.join(HERE, "worker.php")]
    return [program("worker")] + ([str(pause)] if pause else [])


class Server:
    """A running server process; `command` makes its arguments from a directory and ports."""

    load_program = "load"

    def __init__(self, name, arguments, ports, directory, environment=None):
        self.name, self.ports, self.directory = name, ports, directory
        self.output = open(os.path.join(directory, "output"), "wb")
        started = time.perf_counter()
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            env={**os.environ, **(environment or {})})
        try:
            self._await_accept(60)
        except BaseException:
            self.close()
            raise
        self.start_seconds = time.perf_counter() - started

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        """The processes that CPU and memory are of."""
        return [self.pid]

    def log(self):
        with open(os.path.join(self.directory, "output"), errors="replace") as file:
            return file.read()[-2000:]

    def _await_accept(self, seconds):
        until = time.monotonic() + seconds
        for port in self.ports:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if self.process.poll() is not None or time.monotonic() > until:
                        raise RuntimeError(f"{self.name} does not serve:\n{self.log()}") from None
                    time.sleep(0.0005)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu(self):
        """Seconds of CPU so far, of the server alone, without its workers."""
        try:
            return sum(_first_number(f"/proc/{pid}/task/{task}/schedstat")
                       for pid in self.pids() for task in os.listdir(f"/proc/{pid}/task")) / 1e9
        except OSError:  # A kernel without schedstat: 10 ms steps.
            return sum(self.cpu_split())

    def cpu_split(self):
        """Seconds of CPU in user mode and in the kernel, in steps of 10 ms."""
        return tuple(map(sum, zip(*map(_cpu_split, self.pids()))))

    def memory(self, field="VmRSS"):
        """Bytes resident; with VmHWM the most there ever was."""
        return sum(_memory(pid, field) for pid in self.pids())


def _cpu_split(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICK, int(fields[12]) / TICK


def _memory(pid, field):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"{field}:\s+(\d+)", file.read())[1]) * 1024


def children(pid):
    """Process ids of all that a process has started, and that those have."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    return found + [grandchild for child in found for grandchild in children(child)]


def _first_number(path):
    with open(path) as file:
        return int(file.read().split()[0])


def serve(workers=2, worker=None, servers=1, loops=None, listener="", pool="", sections="", command=None, name="rr",
          environment=None):
    """Starts the server under test on a configuration made for it. `listener`, `pool` and `sections` are more YAML lines.

    `command` is another one than the binary, also of another server. No key is written that RoadRunner does not know.
    """
    directory = tempfile.mkdtemp(prefix="rr-bench-")
    ports = free_ports(servers)
    path = os.path.join(directory, ".rr.yaml")
    listeners = "".join(f"    bench{i}:\n      addr: 127.0.0.1:{port}\n" + "".join(f"      {line}\n" for line in
                        listener.splitlines()) for i, port in enumerate(ports))
    with open(path, "w") as file:
        file.write(
            f'version: "3"\nserver:\n  command: {json.dumps(worker or worker_command())}\n'
            f"logs:\n  level: error\ntcp:\n  servers:\n{listeners}  pool:\n    num_workers: {workers}\n"
            + "".join(f"    {line}\n" for line in pool.splitlines()) + sections)
    environment = {**(environment or {}), **({"RR_EVENT_LOOPS": str(loops)} if loops else {})}
    return Server(name, [*(command or [BINARY]), "serve", "-c", path, "-s"], ports, directory, environment)


def serve_floor(workers=2, worker=None):
    ports = free_ports(1)
    arguments = [program("floor"), str(ports[0]), str(workers), *(worker or worker_command())]
    return Server("floor", arguments, ports, tempfile.mkdtemp(prefix="rr-bench-"))


def load_arguments(server, settings):
    ports = ",".join(str(port) for port in server.ports)
    return [program(server.load_program), f"port={ports}"] + [f"{key}={value}" for key, value in settings.items()]


def load(server, **settings):
    """Runs the load generator to its end. Returns its report, and the server's CPU microseconds a request as `cpu_us`."""
    before = server.cpu()
    limit = settings.get("seconds", 1) + settings.get("warmup", 0) + 90
    pids = ",".join(map(str, server.pids()))
    done = subprocess.run(load_arguments(server, {**settings, "pid": pids}), capture_output=True, text=True, timeout=limit)
    if done.returncode != 0:
        raise RuntimeError(f"{server.name}: {done.stderr}{server.log()}")
    result = json.loads(done.stdout.splitlines()[-1])
    if not result["requests"]:
        raise RuntimeError(f"{server.name}: no answer under {settings}\n{server.log()}")
    # A kernel that does not tell the load generator: of the whole run, with the opening and closing of connections.
    seconds = result["cpu_ns"] / 1e9 or server.cpu() - before
    result["cpu_us"] = seconds / result["requests"] * 1e6
    result["per_second"] = result["requests"] / result["seconds"]
    return result


class Herd:
    """A load generator in the background, in a mode that says when its connections are open."""

    def __init__(self, server, **settings):
        self.process = subprocess.Popen(load_arguments(server, settings), stdout=subprocess.PIPE, text=True)
        self.open = json.loads(self.process.stdout.readline() or '{"open":0}')["open"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def settle(server, seconds=20):
    """Waits until the server is at rest: a herd has been taken in, what it sent has been answered or is held back."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        before = server.cpu()
        time.sleep(0.5)
        if server.cpu() - before < 0.02:
            return
    raise RuntimeError(f"{server.name} is not at rest after {seconds} s")


def machine():
    """What the numbers depend on, as pairs of a name and a text."""
    def first(pattern, path):
        with open(path) as file:
            found = re.search(pattern, file.read())
        return found[1] if found else "unknown"

    def output(*command):
        try:
            text = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
            return text.splitlines()[0] if text else "unknown"
        except (OSError, subprocess.TimeoutExpired):
            return "not there"

    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": f"{os.cpu_count()} × {first(r'model name[^:]*: (.*)', '/proc/cpuinfo')}, "
                   f"{int(first(r'MemTotal: *([0-9]+)', '/proc/meminfo')) // 1048576} GiB",
        "load average at the start": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "kernel": f"{platform.system()} {platform.release()}",
        "rr": output(BINARY, "-v"),
        "commit": output("git", "-C", ROOT, "describe", "--always", "--dirty"),
        "swift": output(os.environ.get("SWIFT", "swift"), "--version"),
        "build": first(r"RELEASE_FLAGS = (.*)", os.path.join(ROOT, "Makefile")),
        "C compiler": f"{output(os.environ.get('CC', 'cc'), '--version')}, -O2",
        "php": output("php", "-v"),
    }
