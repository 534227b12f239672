#!/usr/bin/env python3
"""Measures rr against the floor (floor.c: the least that such a relay must do) side by side, and reports.

    compare.py [--quick] [--worker c|php] [--workers N] [--against NAME=COMMAND]... [--output DIRECTORY]

Slices alternate between the servers, and what is reported is the median of the ratios of neighbouring slices: a machine
that is busy with other things is so for all. Writes report.md, report.json and latency-*.svg.

--against adds another server that takes `COMMAND serve -c FILE -s`, say RoadRunner itself: --against roadrunner=/usr/bin/rr
"""
import argparse
import contextlib
import json
import os
import statistics

import figures
import rig

# name: (load, most CPU and least rate that are wanted, as ratios to the floor with the C worker)
CASES = {
    "1 connection, 64 B": (dict(connections=1, size=64), None),
    "16 connections, 64 B": (dict(connections=16, size=64), (1.6, 0.85)),
    "256 connections, 64 B": (dict(connections=256, size=64), (1.8, 0.85)),
    "16 connections, 16 KiB": (dict(connections=16, size=16384), (1.5, 0.9)),
    "16 connections, 64 B, 16 in flight each": (dict(connections=16, size=64, depth=16), None),
    "connect, echo, close, 16 at a time": (dict(mode="storm", connections=16, size=64), (1.6, 0.9)),
}
OPEN = "64 connections, 64 B, open loop"
P99 = 1.5
IDLE_KIB = 3.0


def run(servers, settings, slices, seconds):
    taken = {server.name: [] for server in servers}
    for _ in range(slices):
        for server in servers:
            result = rig.load(server, seconds=seconds, **settings)
            if result["failures"] or result["refused"]:
                raise SystemExit(f"{server.name}: {result['failures']} failures, {result['refused']} refused")
            taken[server.name].append(result)
    return {name: summary(results) for name, results in taken.items()}


def summary(results):
    histogram = figures.merged(result["histogram"] for result in results)
    return {
        "per_second": [result["per_second"] for result in results],
        "cpu_us": [result["cpu_us"] for result in results],
        "p50_us": [figures.percentile(result["histogram"], 0.5) / 1e3 for result in results],
        "p99_us": [figures.percentile(result["histogram"], 0.99) / 1e3 for result in results],
        "p999_us": figures.percentile(histogram, 0.999) / 1e3,
        "curve": figures.curve(histogram),
    }


def idle_memory(start, connections):
    """KiB a connection that says nothing, after its CONNECTED was answered; of a server that has no freed memory to reuse."""
    with start() as server:
        rig.load(server, connections=16, seconds=0.2)
        before = server.memory()
        with rig.Herd(server, mode="idle", connections=connections, seconds=60) as herd:
            rig.settle(server)
            return (server.memory() - before) / herd.open / 1024


def start_times(start, times):
    result = []
    for _ in range(times):
        with start() as server:
            result.append(server.start_seconds * 1e3)
    return result


def rows(name, case, target, subject):
    ours = case[subject]
    for other, theirs in case.items():
        line = [name if other == subject else "", other, f"{statistics.median(theirs['per_second']):,.0f}",
                f"{statistics.median(theirs['cpu_us']):.1f}", f"{statistics.median(theirs['p50_us']):,.0f}",
                f"{statistics.median(theirs['p99_us']):,.0f}", f"{theirs['p999_us']:,.0f}"]
        if other == subject:
            yield line + ["", "", ""]
            continue
        wanted = target if other == "floor" and target else None
        rate = figures.median_ratio(ours["per_second"], theirs["per_second"])
        cpu = figures.median_ratio(ours["cpu_us"], theirs["cpu_us"])
        p99 = figures.median_ratio(ours["p99_us"], theirs["p99_us"])
        yield line + [figures.mark(rate, wanted and wanted[1], False), figures.mark(cpu, wanted and wanted[0], True),
                      figures.mark(p99, P99 if wanted else None, True)]


def tables(result):
    head = ["", "", "requests/s", "CPU µs/request", "p50 µs", "p99 µs", "p99.9 µs", "rate ÷", "CPU ÷", "p99 ÷"]
    lines = []
    for name, case in result["cases"].items():
        lines += rows(name, case["servers"], case["target"], result["subject"])
    text = [figures.table(head, lines), ""]
    memory = [[name, f"{value:.2f}"] for name, value in result["idle KiB a connection"].items()]
    text += [figures.table([f"{result['idle connections']} idle connections", "KiB each"], memory), ""]
    starts = [[name, f"{statistics.median(values):.1f}"] for name, values in result["start ms"].items()]
    text += [figures.table(["start to first accept", "ms"], starts), ""]
    text += [f"![latency, {name}](latency-{i}.svg)" for i, name in enumerate(result["cases"])]
    return "\n".join(text) + "\n"


def report(result):
    return ("# rr and the floor\n\nMedians over slices that alternate; ÷ is the median ratio of rr to that server. ✓ and ✗ "
            f"say whether the target in brackets is met.\n\n{tables(result)}\n{figures.machine(result)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--worker", choices=["c", "php"], default="c")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--against", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "report"))
    options = parser.parse_args()
    rig.build()
    os.makedirs(options.output, exist_ok=True)

    slices, seconds = (3, 0.7) if options.quick else (9, 2.0)
    command = rig.worker_command(options.worker)
    starts = {"rr": lambda: rig.serve(options.workers, command),
              "floor": lambda: rig.serve_floor(options.workers, command)}
    for other in options.against:
        name, _, binary = other.partition("=")
        starts[name] = lambda name=name, binary=binary: rig.serve(
            options.workers, command, command=binary.split(), name=name)

    result = {"subject": "rr", "machine": rig.machine(), "cases": {}}
    result["machine"]["run"] = (f"{options.workers} {options.worker} workers, {slices} slices of {seconds} s each, "
                                f"{len(starts)} servers in turn")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(start()) for start in starts.values()]
        for server in servers:
            rig.load(server, connections=16, seconds=0.5)
        for name, (settings, target) in CASES.items():
            show(result, name, run(servers, settings, slices, seconds), target if options.worker == "c" else None)
        # A rate that both can keep up with: what is seen is latency, not who is faster.
        rate = round(0.4 * statistics.median(result["cases"]["16 connections, 64 B"]["servers"]["floor"]["per_second"]), -2)
        settings = dict(mode="open", connections=64, size=64, rate=rate)
        show(result, f"{OPEN} at {rate:,.0f}/s", run(servers, settings, slices, seconds), None)
    result["idle connections"] = 1000 if options.quick else 5000
    result["idle KiB a connection"] = {name: idle_memory(start, result["idle connections"]) for name, start in starts.items()}
    result["start ms"] = {name: start_times(start, 3 if options.quick else 9) for name, start in starts.items()}

    with open(os.path.join(options.output, "report.json"), "w") as file:
        json.dump(result, file, indent=1)
    text = report(result)
    with open(os.path.join(options.output, "report.md"), "w") as file:
        file.write(text)
    draw(result, options.output)
    print("\n" + text)
    print(f"In {options.output}: report.md, report.json, latency-*.svg")


def show(result, name, case, target):
    result["cases"][name] = {"servers": case, "target": target}
    print(f"{name}:  " + "  ".join(f"{server} {statistics.median(values['per_second']):,.0f}/s "
                                   f"{statistics.median(values['cpu_us']):.1f} µs" for server, values in case.items()), flush=True)


def draw(result, directory):
    import plot

    for i, (name, case) in enumerate(result["cases"].items()):
        plot.latency(os.path.join(directory, f"latency-{i}.svg"), name,
                     [(server, values["curve"]) for server, values in case["servers"].items()])


if __name__ == "__main__":
    main()
