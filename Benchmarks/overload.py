#!/usr/bin/env python3
"""What happens when twice as much is asked for as the workers can do.

    overload.py [--quick] [--only NAME,...] [--output DIRECTORY]

For each case a pool of slow workers: first its peak, from clients that wait for their answers; then twice that is offered
at a fixed rate, whether answers come or not. Meanwhile memory, the queue and the probes are looked at. Says ✓ or ✗ to:
throughput within 10 % of the peak, memory flat, waiting bounded, p99 of those admitted bounded, probes answer, the queue
empty soon after.

Then one client that sends 64 MiB packets as fast as it can, with and without a delimiter, beside neighbours on the same
event loop that ask now and then: their latency tells how long the loop is held. Writes overload.md, overload.json and overload-*.svg.
"""
import argparse
import http.client
import json
import os
import re
import socket
import threading
import time

import figures
import rig

# name: the pool; what `load` is to do for the peak, and then; how many requests can be in the server at a time, and how
# many events: a CLOSE is never refused, so that of the connection before may wait beside the events of the next one.
CASES = {
    "packets": dict(
        title="packets on 500 connections, 2 workers of 200 µs", workers=2, pause=200,
        peak=dict(connections=32), over=dict(mode="open", connections=500), requests=500, events=500),
    "connections": dict(
        title="new connections, at most 1,000 at a time, 4 workers of 2 ms", workers=4, pause=2000,
        peak=dict(mode="storm", connections=32), over=dict(mode="arrivals", connections=1000), requests=1000, events=2000),
    "max_queue_size": dict(
        title="new connections, max_queue_size 100, 4 workers of 2 ms", workers=4, pause=2000, pool="max_queue_size: 100",
        peak=dict(mode="storm", connections=32), over=dict(mode="arrivals", connections=1000), requests=100, events=200),
    "slow readers": dict(
        title="packets on 500 connections beside 100 slow readers, 2 workers of 200 µs", workers=2, pause=200,
        slow=100, listener="framing: split", peak=dict(connections=32), over=dict(mode="open", connections=500), requests=500, events=600),
}
# name: what the client sends 64 MiB at a time, and the server's framing.
GIANTS = {
    f"giants {framing} {what}": dict(
        title=f"neighbours of a client that sends 64 MiB {text}, framing {framing}", framing=framing, what=what)
    for framing in ("merge", "split") for what, text in (
        ("none", "never (for comparison)"), ("packets", "packets"), ("endless", "without a delimiter"))
}
GIANT = 64 << 20
# The longest that an event loop may be held; the rest is the machine's, which has other things to do as well.
NEIGHBOUR_P99_MS = 25
LEAST_OF_PEAK = 0.9
# Little's law says how long a full queue takes; and workers are not equally quick.
P99_OF_FULL_QUEUE = 1.5
# One in which a probe of Kubernetes must answer.
PROBE_SECONDS = 1.0
# The allocator keeps what was freed in steps; a leak at these rates is far above.
MEMORY_SLACK = 1 << 20
# A slow reader may hold what it sent and the answers that it does not take. Reading stops past read_buf_size, 1 MB, so
# that is at most twice as much each, in buffers that grew by doubling. When it leaves with a reset, what the kernel has for
# it is read, too, up to the 6 MB of tcp_rmem. Each of its packets is an event of its own: merged, what is sent without a
# pause is one packet, as in RoadRunner, and then max_packet_size is the bound.
SLOW_READER_BYTES = 12 << 20
# What slow readers sent before they left is served after the overload: some seconds.
SETTLED_SECONDS = 2
SETTLED_SECONDS_SLOW = 8


def settled(slow):
    return SETTLED_SECONDS_SLOW if slow else SETTLED_SECONDS


def get(port, path, timeout):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Watch:
    """Looks at a server four times a second and asks its probes ten times a second, until it is closed."""

    def __init__(self, server, status, metrics):
        self.server, self.status, self.metrics = server, status, metrics
        self.began, self.samples, self.probes = time.monotonic(), [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.repeat, args=pair) for pair in ((self.sample, 0.25), (self.probe, 0.1))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def now(self):
        return time.monotonic() - self.began

    def repeat(self, action, seconds):
        while not self.over.wait(seconds):
            action()

    def sample(self):
        try:
            text = get(self.metrics, "/metrics", 5)[1]
        except OSError:
            return  # The probes tell.
        def total(name):
            return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))
        self.samples.append({
            "at": self.now(), "answered": total("rr_tcp_worker_time_seconds_count"),
            "waiting": total("rr_tcp_requests_waiting") + total("rr_tcp_workers_working"),
            "connections": total("rr_tcp_connections"), "memory": self.server.memory()})

    def probe(self):
        for path in ("/health", "/ready"):
            at, started = self.now(), time.perf_counter()
            try:
                status, _ = get(self.status, path, 5)
            except OSError as error:
                status = type(error).__name__
            self.probes.append({"at": at, "path": path, "status": status, "seconds": time.perf_counter() - started})


def run(case, options):
    status, metrics = rig.free_ports(2)
    sections = f"status:\n  address: 127.0.0.1:{status}\nmetrics:\n  address: 127.0.0.1:{metrics}\n"
    command = rig.worker_command("c", case["pause"])
    pool, listener = case.get("pool", ""), case.get("listener", "")
    with rig.serve(case["workers"], command, listener=listener, pool=pool, sections=sections) as server:
        peak = max(rig.load(server, seconds=options.seconds / 4, warmup=0.2, **case["peak"])["per_second"] for _ in range(3))
        slow = case.get("slow")
        before = server.memory()
        with Watch(server, status, metrics) as watch:
            time.sleep(1)
            herd = slow and rig.Herd(server, mode="slow", connections=slow, size=65536, seconds=options.seconds + 60)
            if slow:
                rig.settle(server)
            start = watch.now()
            result = rig.load(server, seconds=options.seconds, warmup=1, rate=2 * peak, **case["over"])
            end = watch.now()
            if herd:
                herd.__exit__()
            time.sleep(settled(slow))
        most = server.memory("VmHWM")
    over = [sample for sample in watch.samples if start + 1 <= sample["at"] <= end]
    half = len(over) // 2
    return {
        "title": case["title"], "peak": peak, "offered": 2 * peak, "served": result["per_second"],
        "refused": result["refused"] / (end - start), "failures": result["failures"],
        "events": case["events"], "waiting": max(sample["waiting"] for sample in over),
        "waiting_after": watch.samples[-1]["waiting"],
        "p99_ms": figures.percentile(result["histogram_since_sent"], 0.99) / 1e6,
        "full_queue_ms": case["requests"] / peak * 1e3,
        "memory_before": before, "memory_most": most,
        "memory": [max(sample["memory"] for sample in part) for part in (over[:half], over[half:])],
        "slow": slow or 0,
        "probes": len(watch.probes), "probes_failed": sum(probe["status"] != 200 for probe in watch.probes),
        "probe_slowest_ms": max(probe["seconds"] for probe in watch.probes) * 1e3,
        "from": start, "to": end, "samples": watch.samples, "probe_answers": watch.probes,
    }


class Giant:
    """A client that sends 64 MiB again and again, until it is closed."""

    def __init__(self, port, what):
        self.port, self.sent, self.over = port, 0, threading.Event()
        self.data = bytes(GIANT - 2) + b"\r\n" if what == "packets" else bytes(GIANT + 1)
        self.thread = threading.Thread(target=self.run) if what != "none" else None

    def __enter__(self):
        if self.thread:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        if self.thread:
            self.thread.join()

    def run(self):
        answer = memoryview(bytearray(1 << 20))
        while not self.over.is_set():
            with socket.create_connection(("127.0.0.1", self.port)) as client:
                try:
                    while not self.over.is_set():
                        client.sendall(self.data)
                        self.sent += 1
                        left = GIANT
                        while left > 0 and (count := client.recv_into(answer)):
                            left -= count
                        if left:
                            break  # Too large: closed.
                except OSError:
                    self.sent += 1


def run_giant(case, options):
    with rig.serve(2, loops=1, listener=f"framing: {case['framing']}") as server:
        with Giant(server.ports[0], case["what"]) as giant:
            result = rig.load(server, mode="open", connections=20, rate=1000, seconds=options.seconds, warmup=1)
        most = server.memory("VmHWM")
    return {
        "title": case["title"], "giants": giant.sent, "failures": result["failures"], "memory_most": most, **{
            f"p{name}_ms": figures.percentile(result["histogram"], share) / 1e6
            for name, share in (("50", 0.5), ("99", 0.99), ("999", 0.999))},
        "max_ms": result["max_ns"] / 1e6,
    }


def giant_checks(case):
    yield f"p99 of neighbours {case['p99_ms']:.1f} ms (≤ {NEIGHBOUR_P99_MS})", case["p99_ms"] <= NEIGHBOUR_P99_MS
    yield f"{case['failures']} neighbours were not answered", not case["failures"]


def checks(case):
    """Pairs of what is wanted, with the figures, and whether it is so."""
    first, second = case["memory"]
    yield (f"throughput {case['served'] / case['peak']:.2f} of the peak (≥ {LEAST_OF_PEAK})",
           case["served"] >= LEAST_OF_PEAK * case["peak"])
    yield (f"memory flat: at most {figures.size(first)} in the first half, {figures.size(second)} in the second",
           second <= first + MEMORY_SLACK)
    if case["slow"]:
        each = (case["memory_most"] - case["memory_before"]) / case["slow"]
        yield (f"a slow reader takes {figures.size(each)} at the most, which is when it leaves "
               f"(≤ {figures.size(SLOW_READER_BYTES)})", each <= SLOW_READER_BYTES)
    yield f"at most {case['waiting']:.0f} events run and wait (≤ {case['events']})", case["waiting"] <= case["events"]
    limit = P99_OF_FULL_QUEUE * case["full_queue_ms"]
    yield f"p99 of those admitted {case['p99_ms']:.0f} ms (≤ {limit:.0f})", case["p99_ms"] <= limit
    yield (f"{case['probes']} probes, {case['probes_failed']} failed, the slowest took {case['probe_slowest_ms']:.0f} ms "
           f"(≤ {PROBE_SECONDS * 1e3:.0f})", not case["probes_failed"] and case["probe_slowest_ms"] <= PROBE_SECONDS * 1e3)
    yield f"{case['waiting_after']:.0f} events wait {settled(case['slow'])} s after", case["waiting_after"] == 0


def tables(result):
    head = ["offered twice the peak", "peak/s", "offered/s", "served/s", "refused/s", "running and waiting, most",
            "p99 ms", "memory, most", "slowest probe, ms"]
    rows = [[case["title"], f"{case['peak']:,.0f}", f"{case['offered']:,.0f}", f"{case['served']:,.0f}",
             f"{case['refused']:,.0f}", f"{case['waiting']:.0f}", f"{case['p99_ms']:.0f}", figures.size(case["memory_most"]),
             f"{case['probe_slowest_ms']:.0f}"] for case in result["cases"].values()]
    text = figures.table(head, rows) + "\n"
    if result.get("giants"):
        head = ["1,000 packets/s on 20 connections, one event loop", "64 MiB sent, times", "p50 ms", "p99 ms", "p99.9 ms",
                "slowest ms", "memory, most"]
        rows = [[case["title"], str(case["giants"]), *(f"{case[key]:.1f}" for key in ("p50_ms", "p99_ms", "p999_ms", "max_ms")),
                 figures.size(case["memory_most"])] for case in result["giants"].values()]
        text += "\n" + figures.table(head, rows) + "\n"
    for name, case in result["cases"].items():
        text += f"\n**{case['title'][0].upper()}{case['title'][1:]}**\n\n"
        text += "".join(f"- {'✓' if good else '✗'} {what}\n" for what, good in checks(case))
        text += f"\n![{case['title']}]({picture(name)})\n"
    return text


def picture(name):
    return f"overload-{name.replace(' ', '-')}.svg"


def draw(result, directory):
    import plot

    for name, case in result["cases"].items():
        samples, served = case["samples"], []
        for before, after in zip(samples, samples[1:]):
            served.append((after["at"], (after["answered"] - before["answered"]) / (after["at"] - before["at"])))
        plot.timeline(os.path.join(directory, picture(name)), case["title"], [
            ("events/s", served),
            ("run and wait", [(sample["at"], sample["waiting"]) for sample in samples]),
            ("MiB", [(sample["at"], sample["memory"] / 1048576) for sample in samples]),
            ("probe, ms", [(probe["at"], probe["seconds"] * 1e3) for probe in case["probe_answers"]]),
        ], marks=[(case["from"], case["to"], "overload")])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join([*CASES, *GIANTS]), help="of " + ", ".join([*CASES, *GIANTS]))
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "overload"))
    options = parser.parse_args()
    options.seconds = 4 if options.quick else 12
    rig.build()
    os.makedirs(options.output, exist_ok=True)
    result = {"machine": rig.machine(), "cases": {}, "giants": {}}
    result["machine"]["run"] = f"{options.seconds} s of overload"
    for name in options.only.split(","):
        if name in GIANTS:
            case = result["giants"][name] = run_giant(GIANTS[name], options)
            print(f"{case['title']}: {case['giants']} times; p50 {case['p50_ms']:.1f}, p99 {case['p99_ms']:.1f}, p99.9 "
                  f"{case['p999_ms']:.1f}, slowest {case['max_ms']:.1f} ms", flush=True)
            for what, good in giant_checks(case):
                print(f"  {'✓' if good else '✗'} {what}", flush=True)
            continue
        case = result["cases"][name] = run(CASES[name], options)
        print(f"{case['title']}: peak {case['peak']:,.0f}/s, offered {case['offered']:,.0f}/s, "
              f"served {case['served']:,.0f}/s", flush=True)
        for what, good in checks(case):
            print(f"  {'✓' if good else '✗'} {what}", flush=True)
    with open(os.path.join(options.output, "overload.json"), "w") as file:
        json.dump(result, file, indent=1)
    with open(os.path.join(options.output, "overload.md"), "w") as file:
        file.write(f"# Twice too much\n\n{tables(result)}\n{figures.machine(result)}")
    draw(result, options.output)
    print(f"In {options.output}: overload.md, overload.json, overload-*.svg")


if __name__ == "__main__":
    main()
