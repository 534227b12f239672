#!/usr/bin/env python3
"""Storages from PHP: the package in php/ and the driver memory, beside redis-server and Debian's php-redis. And reports.

    rpc.py [--quick] [--against NAME=BINARY]... [--only CASE[,CASE]] [--php OPTIONS] [--output DIRECTORY]

PHP processes set a key and get it, one pair after the other, as a worker does with a session: 1, 4 and 16 of them, with
64 B and 16 KiB, over a unix socket and over TCP. Both servers keep everything in memory and write nothing to disk; values
are strings, without serialization. --against adds another build of rr.

The case "packets" is another one: how long packets through rr take while nobody calls, while 16 such processes call redis,
and while they call this rr. What they take of the CPUs alone shows with redis.

Slices alternate between the servers; medians. A call's CPU is of the server alone, by /proc: half of a pair's.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import figures
import plot
import rig

TRANSPORTS, WORKERS, SIZES = ("unix", "tcp"), (1, 4, 16), (64, 16384)
CASES = {f"{transport} {workers}x{size}": (transport, workers, size)
         for transport in TRANSPORTS for size in SIZES for workers in WORKERS}
PACKETS = "packets"
RATE, CPU, P99 = 1.0, 1.5, 1.1


def rr(name, transport, binary=None):
    """A server with its storage, and the address of its RPC."""
    listen = "unix://rpc.sock" if transport == "unix" else f"tcp://127.0.0.1:{rig.free_ports(1)[0]}"
    sections = f"rpc:\n  listen: {listen}\nkv:\n  bench:\n    driver: memory\n    config: {{}}\n"
    server = rig.serve(1, sections=sections, command=binary and [binary], name=name)
    return server, listen.replace("unix://", f"unix://{server.directory}/")


def redis(name, transport):
    directory, ports = tempfile.mkdtemp(prefix="rr-bench-"), rig.free_ports(1)
    socket = os.path.join(directory, "redis.sock")
    server = rig.Server(name, ["redis-server", "--port", str(ports[0]), "--bind", "127.0.0.1", "--unixsocket", socket, "--save", "",
                               "--appendonly", "no", "--dir", directory], ports, directory)
    return server, f"unix://{socket}" if transport == "unix" else f"tcp://127.0.0.1:{ports[0]}"


class Clients:
    """PHP processes with a connection each."""

    def __init__(self, options, kind, address, workers, size):
        arguments = ["php", *options.php.split(), os.path.join(rig.HERE, "php", "pairs.php"), kind, address, str(size)]
        self.processes = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
                          for _ in range(workers)]
        for process in self.processes:
            self._line(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    @staticmethod
    def _line(process):
        line = process.stdout.readline()
        if not line:
            raise SystemExit("rpc.py: a PHP process has failed, see above")
        return line

    def run(self, seconds):
        """Pairs a second of all of them, CPU seconds of all of them, pairs."""
        for process in self.processes:
            process.stdin.write(f"{seconds}\n")
        results = [json.loads(self._line(process)) for process in self.processes]
        return (sum(one["pairs"] / one["seconds"] for one in results), sum(one["cpu"] for one in results),
                sum(one["pairs"] for one in results))


def take(server, clients, seconds):
    before = server.cpu()
    rate, php, pairs = clients.run(seconds)
    return {"per_second": rate, "server_us": (server.cpu() - before) / pairs / 2 * 1e6, "php_us": php / pairs * 1e6}


def measure(options, servers, case, slices, seconds):
    """The slices of one case by server: `servers` are name, kind, server, address."""
    _, workers, size = CASES[case]
    taken = {name: [] for name, *_ in servers}
    with contextlib.ExitStack() as stack:
        clients = {name: stack.enter_context(Clients(options, kind, address, workers, size)) for name, kind, _, address in servers}
        for name, _, server, _ in servers:
            take(server, clients[name], 0.3)
        for _ in range(slices):
            for name, _, server, _ in servers:
                taken[name].append(take(server, clients[name], seconds))
    return {name: {key: [one[key] for one in all] for key in all[0]} for name, all in taken.items()}


def measure_packets(options, slices, seconds):
    """Histograms of packets at a fixed rate by who is called meanwhile."""
    load = dict(mode="open", connections=16, size=64, rate=4000, seconds=seconds)
    taken = {"nobody": [], "redis": [], "rr": []}
    with contextlib.ExitStack() as stack:
        server, rr_address = rr("rr", "unix")
        other, redis_address = redis("redis", "unix")
        for one in (server, other):
            stack.enter_context(one)
        clients = {name: stack.enter_context(Clients(options, name, address, 16, 64))
                   for name, address in (("redis", redis_address), ("rr", rr_address))}
        rig.load(server, **load)
        for _ in range(slices):
            for name, histograms in taken.items():
                if name == "nobody":
                    histograms.append(rig.load(server, **load)["histogram"])
                    continue
                with concurrent.futures.ThreadPoolExecutor() as pool:
                    calls = pool.submit(clients[name].run, seconds + 1)
                    time.sleep(0.5)
                    histograms.append(rig.load(server, **load)["histogram"])
                    calls.result()
    return taken


def packets_table(taken):
    def median(name, share):
        return statistics.median(figures.percentile(one, share) for one in taken[name]) / 1e3
    p99 = [figures.percentile(a, 0.99) / figures.percentile(b, 0.99) for a, b in zip(taken["rr"], taken["redis"])]
    lines = [[name, f"{median(name, 0.5):,.0f}", f"{median(name, 0.99):,.0f}",
              figures.mark(statistics.median(p99), P99, True) if name == "rr" else ""] for name in taken]
    return figures.table(["16 PHP processes call", "packets: p50 µs", "p99 µs", "p99 ÷ redis"], lines)


def words(case):
    transport, workers, size = CASES[case]
    return f"{transport}, {workers} PHP, {figures.size(size)}"


def tables(result):
    head = ["", "", "pairs/s", "CPU µs a call: server", "CPU µs a pair: PHP", "rate ÷", "CPU ÷"]
    lines = []
    for name, case in result["cases"].items():
        last = list(case.values())[-1]
        for number, (server, one) in enumerate(case.items()):
            ratios = ["", ""] if one is last else [
                figures.mark(figures.median_ratio(one["per_second"], last["per_second"]), RATE, False),
                figures.mark(figures.median_ratio(one["server_us"], last["server_us"]), CPU, True)]
            lines.append(["" if number else words(name), server, f"{statistics.median(one['per_second']):,.0f}",
                          *(f"{statistics.median(one[key]):.1f}" for key in ("server_us", "php_us")), *ratios])
    text = [figures.table(head, lines), ""] if lines else []
    if result["packets"]:
        text += [packets_table(result["packets"]), ""]
    text += [f"![pairs a second with {figures.size(size)}]({picture(size)})" for size in sizes(result)]
    return "\n".join(text) + "\n"


def sizes(result):
    return [size for size in SIZES if any(CASES[name][2] == size for name in result["cases"])]


def picture(size):
    return f"rpc-{size}.svg"


def draw(result, directory):
    for size in sizes(result):
        lines = {}
        for name, case in result["cases"].items():
            transport, workers, one_size = CASES[name]
            if one_size == size:
                for server, one in case.items():
                    lines.setdefault(f"{server}, {transport}", []).append((workers, statistics.median(one["per_second"])))
        plot.growth(os.path.join(directory, picture(size)), f"get and set, {figures.size(size)}", "PHP processes",
                    list(lines.items()), value_unit="pairs a second")


def report(result):
    return ("# Storages from PHP\n\nMedians over slices that alternate; ÷ is the median ratio of neighbouring slices to redis. "
            f"✓ and ✗ say whether the target in brackets is met.\n\n{tables(result)}\n{figures.machine(result)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a minute for each two servers")
    parser.add_argument("--against", action="append", default=[], metavar="NAME=BINARY")
    parser.add_argument("--only", metavar="CASE[,CASE]", help=", ".join([*CASES, PACKETS]))
    parser.add_argument("--php", default="-d opcache.enable_cli=1", help="of all PHP processes; %(default)s", metavar="OPTIONS")
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "rpc"))
    options = parser.parse_args()
    cases = rig.chosen(options.only, [*CASES, PACKETS])
    rig.build()
    os.makedirs(options.output, exist_ok=True)

    slices, seconds = (3, 0.7) if options.quick else (7, 1.5)
    result = {"machine": rig.machine(), "cases": {}, "packets": None}
    result["machine"]["redis"] = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.strip()
    result["machine"]["php-redis"] = subprocess.run(["php", "-r", "echo phpversion('redis');"], capture_output=True, text=True).stdout
    result["machine"]["run"] = f"php {options.php}; {slices} slices of {seconds} s, servers in turn"
    for transport in TRANSPORTS:
        chosen = [name for name in cases if name != PACKETS and CASES[name][0] == transport]
        if not chosen:
            continue
        with contextlib.ExitStack() as stack:
            servers = [("rr", "rr", *rr("rr", transport))]
            for name, _, binary in (text.partition("=") for text in options.against):
                servers.append((name, "rr", *rr(name, transport, binary)))
            servers.append(("redis", "redis", *redis("redis", transport)))
            for _, _, server, _ in servers:
                stack.enter_context(server)
            for name in chosen:
                result["cases"][name] = measure(options, servers, name, slices, seconds)
                print(f"{words(name)}:  " + "  ".join(f"{server} {statistics.median(one['per_second']):,.0f}/s"
                                                       for server, one in result["cases"][name].items()), flush=True)

    if PACKETS in cases:
        result["packets"] = measure_packets(options, slices, 2 * seconds)
    with open(os.path.join(options.output, "rpc.json"), "w") as file:
        json.dump(result, file, indent=1)
    draw(result, options.output)
    text = report(result)
    with open(os.path.join(options.output, "report.md"), "w") as file:
        file.write(text)
    print("\n" + text)
    print(f"In {options.output}: report.md, rpc.json, plots")


if __name__ == "__main__":
    main()
