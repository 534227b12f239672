#!/usr/bin/env python3
"""What a PHP team gets: rr with PHP workers beside Workerman, which has the sockets in its PHP processes. And reports.

    [WORKERMAN=DIRECTORY] [ROADRUNNER_PHP=DIRECTORY] php.py [--quick] [--workers N] [--pool NAME=YAML]... [--against NAME=BINARY]...
           [--only CASE[,CASE]] [--php OPTIONS] [--output DIRECTORY]

WORKERMAN is where `composer require workerman/workerman` was run, ROADRUNNER_PHP the same for spiral/roadrunner-tcp: without
them rr is measured with a worker on the package in php/ alone. --pool adds rr with another line under tcp.pool, and --against
another binary that takes the same configuration, each with that worker.

Slices alternate between the servers; medians. CPU and context switches are of whole slices, by /proc: of the server without
its PHP processes, and of these. Each slice is a second or three; all of it some minutes.
"""
import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

import figures
import rig

SLOW_SIZE, SLOW_SECONDS = 66, 0.05
ECHO = {
    "1x64": dict(connections=1, size=64),
    "16x64": dict(connections=16, size=64),
    "16x16384": dict(connections=16, size=16384),
    "256x64": dict(connections=256, size=64),
    "storm": dict(mode="storm", connections=16, size=64),
}
# name: (what BENCH_WORK says, load, the share of the capacity for 1 % slow ones that is offered)
CASES = {
    **{name: ("none", settings, None) for name, settings in ECHO.items()},
    "16x64 100us": ("compute 100", dict(connections=16, size=64), None),
    "256x64 100us": ("compute 100", dict(connections=256, size=64), None),
    "16x64 5ms": ("wait 5000", dict(connections=16, size=64), None),
    "mix 50%": ("none", dict(mode="open", connections=64, size=64), 0.5),
    "mix 80%": ("none", dict(mode="open", connections=64, size=64), 0.8),
}
WORDS = {
    "storm": "connect, echo, close; 16 at a time",
    "16x64 100us": "16x64, 100 µs of computing",
    "256x64 100us": "256x64, 100 µs of computing",
    "16x64 5ms": "16x64, 5 ms of waiting",
    "mix 50%": "quick ones beside 1 % of 50 ms, half of what the workers can do",
    "mix 80%": "quick ones beside 1 % of 50 ms, 80 % of what the workers can do",
}


def php(options, script):
    return ["php", *options.php.split(), os.path.join(rig.HERE, "php", script)]


def rr(options, work, name, script="rr.php", pool="", binary=None):
    return rig.serve(options.workers, php(options, script), pool=pool, command=binary and [binary], name=name,
                     environment={"BENCH_WORK": work})


def workerman(options, work):
    directory, ports = tempfile.mkdtemp(prefix="rr-bench-"), rig.free_ports(1)
    return rig.Server("Workerman", [*php(options, "workerman.php"), "start"], ports, directory, {
        "BENCH_WORK": work, "BENCH_PORT": str(ports[0]), "BENCH_WORKERS": str(options.workers), "BENCH_DIRECTORY": directory})


def contestants(options):
    """Name and how to start it, the subject first."""
    result = {"rr": lambda work: rr(options, work, "rr")}
    if os.environ.get("ROADRUNNER_PHP"):
        result["rr, official client"] = lambda work: rr(options, work, "rr, official client", "roadrunner.php")
    for name, _, pool in (text.partition("=") for text in options.pool):
        result[name] = lambda work, name=name, pool=pool: rr(options, work, name, pool=pool)
    for name, _, binary in (text.partition("=") for text in options.against):
        result[name] = lambda work, name=name, binary=binary: rr(options, work, name, binary=binary)
    if os.environ.get("WORKERMAN"):
        result["Workerman"] = lambda work: workerman(options, work)
    return result


def usage(pid):
    """Seconds of CPU, and context switches, of all threads of a process."""
    seconds, switches = 0, 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            seconds += int(file.read().split()[0]) / 1e9
        with open(f"/proc/{pid}/task/{task}/status") as file:
            switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return seconds, switches


class Meter:
    """CPU and context switches of a server, of its PHP processes, and of the clients, between its start and `stop`."""

    def __init__(self, server):
        self.server, self.php = server, rig.children(server.pid)
        self.before = self._now()

    def _now(self):
        clients = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [usage(self.server.pid), [sum(values) for values in zip(*map(usage, self.php))],
                (clients.ru_utime + clients.ru_stime, clients.ru_nvcsw + clients.ru_nivcsw)]

    def stop(self, requests):
        if rig.children(self.server.pid) != self.php:
            raise SystemExit(f"{self.server.name}: its processes are not those of before\n{self.server.log()}")
        (server, php, client) = ([(b - a) / requests for a, b in zip(*pair)] for pair in zip(self.before, self._now()))
        return {"server_us": server[0] * 1e6, "php_us": php[0] * 1e6,
                "switches": {"server": server[1], "php": php[1], "client": client[1]}}


@contextlib.contextmanager
def background(server, **settings):
    """A load that nobody measures, from before what is measured to after it."""
    process = subprocess.Popen(rig.load_arguments(server, settings), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def take(options, server, settings, share, seconds):
    """One slice."""
    with contextlib.ExitStack() as stack:
        slow = 0
        if share is not None:
            # What the slice before has left waits in front of these.
            rig.load(server, connections=16, seconds=0.5)
            total = share * options.workers / (0.01 * SLOW_SECONDS)
            settings = dict(settings, rate=round(0.99 * total))
            slow = 0.01 * total
            stack.enter_context(background(server, mode="open", connections=256, size=SLOW_SIZE, rate=slow, seconds=seconds + 60))
        meter = Meter(server)
        result = rig.load(server, seconds=seconds, **settings)
        if result["failures"] or result["refused"]:
            raise SystemExit(f"{server.name}: {result['failures']} failures, {result['refused']} refused")
        return {**result, **meter.stop(result["requests"] + slow * seconds)}


def summary(slices):
    histogram = figures.merged(one["histogram"] for one in slices)
    median = lambda value: statistics.median(map(value, slices))
    return {
        "per_second": [one["per_second"] for one in slices],
        "p50_us": median(lambda one: figures.percentile(one["histogram"], 0.5) / 1e3),
        "p99_us": median(lambda one: figures.percentile(one["histogram"], 0.99) / 1e3),
        "p999_us": figures.percentile(histogram, 0.999) / 1e3,
        "server_us": median(lambda one: one["server_us"]),
        "php_us": median(lambda one: one["php_us"]),
        "switches": {who: median(lambda one: one["switches"][who]) for who in ("server", "php", "client")},
    }


def tables(result):
    head = ["", "", "requests/s", "p50 µs", "p99 µs", "p99.9 µs", "CPU µs: server", "CPU µs: PHP",
            "switches: server", "switches: PHP", "switches: clients", "rate ÷"]
    lines = []
    for name, case in result["cases"].items():
        for number, (server, one) in enumerate(case.items()):
            last = list(case.values())[-1]
            lines.append([
                "" if number else WORDS.get(name, name), server, f"{statistics.median(one['per_second']):,.0f}",
                *(f"{one[key]:,.0f}" for key in ("p50_us", "p99_us", "p999_us")),
                *(f"{one[key]:.1f}" for key in ("server_us", "php_us")),
                *(f"{one['switches'][who]:.2f}" for who in ("server", "php", "client")),
                "" if one is last else f"{figures.median_ratio(one['per_second'], last['per_second']):.2f}"])
    return figures.table(head, lines) + "\n"


def report(result):
    return ("# PHP workers\n\nCPU and context switches are a request's. ÷ is the median ratio of neighbouring slices to the last "
            f"server of a case.\n\n{tables(result)}\n{figures.machine(result)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a minute for each two servers")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pool", action="append", default=[], metavar="NAME=YAML")
    parser.add_argument("--against", action="append", default=[], metavar="NAME=BINARY")
    parser.add_argument("--only", metavar="CASE[,CASE]", help=", ".join(CASES))
    parser.add_argument("--php", default="-d opcache.enable_cli=1", help="of all PHP processes; %(default)s", metavar="OPTIONS")
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "php"))
    options = parser.parse_args()
    cases = rig.chosen(options.only, CASES)
    rig.build()
    os.makedirs(options.output, exist_ok=True)

    starts = contestants(options)
    slices, seconds = (3, 0.7) if options.quick else (5, 2.0)
    result = {"machine": rig.machine(), "cases": {}}
    result["machine"]["run"] = (f"{options.workers} PHP processes each, php {options.php}; {slices} slices of {seconds} s, "
                                f"{3 * seconds:g} s for mixes, {len(starts)} servers in turn")
    for work in dict.fromkeys(CASES[name][0] for name in cases):
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(start(work)) for start in starts.values()]
            for server in servers:
                rig.load(server, connections=16, seconds=0.5)
            for name in cases:
                if CASES[name][0] != work:
                    continue
                _, settings, share = CASES[name]
                taken = {server.name: [] for server in servers}
                for _ in range(slices):
                    for server in servers:
                        taken[server.name].append(take(options, server, settings, share, seconds * (3 if share else 1)))
                result["cases"][name] = {server: summary(all) for server, all in taken.items()}
                print(f"{name}:  " + "  ".join(f"{server} {statistics.median(one['per_second']):,.0f}/s" for server, one in
                                               result["cases"][name].items()), flush=True)

    with open(os.path.join(options.output, "php.json"), "w") as file:
        json.dump(result, file, indent=1)
    text = report(result)
    with open(os.path.join(options.output, "report.md"), "w") as file:
        file.write(text)
    print("\n" + text)
    print(f"In {options.output}: report.md, php.json")


if __name__ == "__main__":
    main()
