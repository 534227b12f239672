#!/usr/bin/env python3
"""How cost and memory grow: with connections, workers, packets, servers, event loops, the pieces that a packet comes in,
connections that wait for a worker, connections that say nothing, and readers that are slow.

    growth.py [--quick] [--only NAME,...] [--output DIRECTORY]

For each point: requests a second, CPU of the server a request, and its resident memory at the most, for a server that was
started for it. Writes growth.md, growth.json and growth-*.svg. `--quick` leaves out the far ends.
"""
import argparse
import contextlib
import json
import math
import os
import time

import figures
import rig


def best(server, settings, seconds, slices):
    """Of some slices the one that cost least: other work on the machine only ever adds."""
    runs = [rig.load(server, seconds=seconds, **settings) for _ in range(slices)]
    for run in runs:
        if run["failures"] or run["refused"]:
            raise SystemExit(f"{server.name} {settings}: {run['failures']} failures, {run['refused']} refused")
    return min(runs, key=lambda run: run["cpu_us"])


def point(start, settings, seconds, slices, herd=None):
    """`herd`: connections that are there meanwhile, in a mode of their own."""
    # Long enough for some packets of any size, also where one takes a while.
    seconds = max(seconds, settings["size"] / 16e6)
    with start() as server:
        warm_up = 1000 if settings["size"] < 1 << 20 else 4
        rig.load(server, **{**settings, "seconds": 30, "requests": warm_up, "connections": min(settings["connections"], 16)})
        base = server.memory()
        with rig.Herd(server, seconds=600, **herd) if herd else contextlib.nullcontext():
            if herd:
                rig.settle(server)
            # The events of a herd that connects, and the first round of a queue as long as there are connections.
            run = best(server, {**settings, "warmup": 0.1 + 2e-4 * settings["connections"]}, seconds, slices)
            return {
                "per_second": run["per_second"],
                "cpu_us": run["cpu_us"],
                "p99_us": figures.percentile(run["histogram"], 0.99) / 1e3,
                "base_bytes": base,
                "peak_bytes": server.memory("VmHWM"),
            }


def series(values, make, options, floor=True, herd=None):
    """`make(value)` gives the load and the servers' settings of one point."""
    result = []
    for value in values:
        settings, of_server = make(value)
        starts = {"rr": lambda: rig.serve(**of_server)}
        if floor:
            starts["floor"] = lambda: rig.serve_floor(**{k: v for k, v in of_server.items() if k in ("workers", "worker")})
        beside = herd and {**herd, "connections": value}
        row = {"x": value}
        for name, start in starts.items():
            row[name] = point(start, settings, options.seconds, options.slices, beside)
        result.append(row)
        print(f"  {value}: " + "  ".join(f"{name} {at['per_second']:,.0f}/s {at['cpu_us']:.1f} µs "
                                         f"{figures.size(at['peak_bytes'])}"
                                         for name, at in row.items() if name != "x"), flush=True)
    return result


def connections(options):
    values = [1, 10, 100, 1000] + ([] if options.quick else [10000])
    return series(values, lambda n: (dict(connections=n, size=64), {}), options)


def workers(options):
    # As many connections as keep all workers busy.
    values = [1, 4, 16] if options.quick else [1, 2, 4, 8, 16, 32, 64]
    return series(values, lambda n: (dict(connections=4 * n, size=64), dict(workers=n)), options)


def packets(options):
    values = [16 << (2 * i) for i in range(7 if options.quick else 11)]
    return series(values, lambda n: (dict(connections=4, size=n), {}), options)


def servers(options):
    values = [1, 8, 32] if options.quick else [1, 2, 4, 8, 16, 32]
    return series(values, lambda n: (dict(connections=32, size=64), dict(servers=n)), options, floor=False)


def loops(options):
    values = [1, 2] if options.quick else [1, 2, 3, 4]
    return series(values, lambda n: (dict(connections=64, size=64), dict(loops=n, workers=4)), options, floor=False)


def pieces(options):
    """One packet in pieces of 1 KiB, as slow networks deliver it: when every piece made all be looked at again, twice the
    packet would cost four times as much."""
    values = [1 << 20, 4 << 20] if options.quick else [1 << 20, 4 << 20, 8 << 20, 16 << 20, 32 << 20]
    # Few requests: each is a thousand system calls and more of the load generator.
    return series(values, lambda n: (dict(connections=1, size=n, piece=1024), {}), options)


def waiting(options):
    """Connections whose events wait for one of two workers that take 200 µs each."""
    values = [10, 100, 1000] + ([] if options.quick else [10000])
    return series(values, lambda n: (dict(connections=n, size=64), dict(worker=rig.worker_command("c", 200))), options)


def idle(options):
    """16 connections that work, beside many that say nothing."""
    values = [10, 100, 1000] + ([] if options.quick else [10000])
    return series(values, lambda n: (dict(connections=16, size=64), {}), options, herd=dict(mode="idle"))


def slow(options):
    """16 connections that work, beside some that send without end and read 10 KiB a second. Each packet is an event of its
    own: merged, what is sent without a pause is one packet, and may have max_packet_size."""
    values = [1, 10, 100] + ([] if options.quick else [300])
    herd = dict(mode="slow", size=65536)
    return series(values, lambda n: (dict(connections=16, size=64), dict(listener="framing: split")), options, floor=False,
                  herd=herd)


# name: (what measures it, title, unit, the steepest that CPU a request may grow, as a power of the unit)
# A request that costs in step with how many others there are is the quadratic of a herd, power 1; a packet that costs
# with the square of its length, power 2. In between there is room for caches that no longer hold all.
CURVES = {
    "connections": (connections, "connections, 64 B, 2 workers", "connections", 0.5),
    "workers": (workers, "workers, 64 B, 4 connections each", "workers", 0.5),
    "packets": (packets, "packets, 4 connections, 2 workers", "bytes", 1.5),
    "servers": (servers, "servers, 32 connections, 64 B, 2 workers", "servers", 0.5),
    "loops": (loops, "event loops, 64 connections, 64 B, 4 workers", "event loops", 0.5),
    "pieces": (pieces, "one packet in pieces of 1 KiB", "bytes", 1.5),
    "waiting": (waiting, "connections that wait for two workers of 200 µs", "connections", 0.5),
    "idle": (idle, "16 connections that work beside idle ones", "idle connections", 0.5),
    "slow": (slow, "16 connections that work beside slow readers", "slow readers", 0.5),
}


def steepest(rows):
    """How CPU a request grows from one point to another: 0 not at all, 1 in step, 2 with the square.

    Between points a factor of 4 apart, where there are any: nearer ones say more about the machine than about the curve.
    """
    pairs = [(a, next((b for b in rows if b["x"] >= 4 * a["x"]), None)) for a in rows]
    pairs = [(a, b) for a, b in pairs if b] or [(rows[0], rows[-1])]
    return max(math.log(b["rr"]["cpu_us"] / a["rr"]["cpu_us"]) / math.log(b["x"] / a["x"]) for a, b in pairs)


def verdict(name, rows):
    _, _, unit, most = CURVES[name]
    power, first, last = steepest(rows), rows[0], rows[-1]
    servers = [server for server in ("rr", "floor") if server in first]
    text = (f"{'✓' if power <= most else '✗'} Steepest step: CPU a request grows with the power {power:.2f} of {unit} "
            f"(≤ {most}). From {first['x']:,} to {last['x']:,}: ")
    text += ", ".join(f"{server} {last[server]['cpu_us'] / first[server]['cpu_us']:.2f} ×" for server in servers)
    if name in ("connections", "idle", "slow"):
        each = (last["rr"]["peak_bytes"] - last["rr"]["base_bytes"]) / last["x"]
        text += f"; {figures.size(each)} of memory each at {last['x']:,}"
    return text + "."


def table(rows, unit):
    floor = "floor" in rows[0]
    head = [unit, "requests/s", "CPU µs/request", "p99 µs", "most memory"]
    head += ["floor: requests/s", "CPU µs/request", "p99 µs", "CPU ÷"] if floor else []
    lines = []
    for row in rows:
        ours = row["rr"]
        line = [f"{row['x']:,}", *cells(ours), figures.size(ours["peak_bytes"])]
        if floor:
            line += [*cells(row["floor"]), f"{ours['cpu_us'] / row['floor']['cpu_us']:.2f}"]
        lines.append(line)
    return figures.table(head, lines)


def section(name, rows):
    _, title, unit, _ = CURVES[name]
    return f"{table(rows, unit)}\n\n{verdict(name, rows)}\n\n![{title}](growth-{name}.svg)\n"


def cells(at):
    return [f"{at['per_second']:,.0f}" if at["per_second"] >= 100 else f"{at['per_second']:.1f}",
            f"{at['cpu_us']:,.1f}", f"{at['p99_us']:,.0f}"]


def draw(name, rows, directory):
    import plot

    _, title, unit, _ = CURVES[name]
    lines = [(server, [(row["x"], row[server]["cpu_us"]) for row in rows])
             for server in ("rr", "floor") if server in rows[0]]
    memory = [(row["x"], row["rr"]["peak_bytes"] / 1048576) for row in rows]
    plot.growth(os.path.join(directory, f"growth-{name}.svg"), title, unit, lines, memory=memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(CURVES), help="of " + ", ".join(CURVES))
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "growth"))
    options = parser.parse_args()
    options.seconds, options.slices = (0.5, 2) if options.quick else (1.5, 3)
    rig.build()
    os.makedirs(options.output, exist_ok=True)
    result, started = {"machine": rig.machine(), "curves": {}}, time.monotonic()
    result["machine"]["run"] = f"the cheapest of {options.slices} slices of {options.seconds} s for each point"
    texts = []
    for name in options.only.split(","):
        print(CURVES[name][1], flush=True)
        rows = result["curves"][name] = CURVES[name][0](options)
        draw(name, rows, options.output)
        print("  " + verdict(name, rows), flush=True)
        texts.append(f"## {CURVES[name][1].capitalize()}\n\n{section(name, rows)}")
        # After each: a run that is broken off leaves what it had.
        with open(os.path.join(options.output, "growth.json"), "w") as file:
            json.dump(result, file, indent=1)
        with open(os.path.join(options.output, "growth.md"), "w") as file:
            file.write("\n".join(texts) + "\n" + figures.machine(result))
    print(f"In {options.output}: growth.md, growth.json, growth-*.svg; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
