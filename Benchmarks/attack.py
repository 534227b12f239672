#!/usr/bin/env python3
"""What other clients notice of an attack that the limits of a server are for.

    attack.py [--quick] [--only NAME,...] [--output DIRECTORY]

Clients ask at a fixed rate, in turn without attackers, with attackers of another server on the same machine, and with their
own server attacked. Attackers come from other addresses of loopback: thousands of slow ones, one address that opens
connections as fast as it can, clients that never read. They run when a CPU has nothing else to do (SCHED_IDLE), as what they
do themselves is done by other machines in life; what their packets cost the kernel and the server they attack is not theirs.
The attack of the other server tells how much of a delay is the machine's alone. Says ✓ or ✗ to: p99 at most twice what it is
without, memory flat over the attacks, every connection known to workers or refused for a reason. Writes attack.md and
attack.json.
"""
import argparse
import contextlib
import json
import os
import re
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

import figures
import rig

LIMITS = """framing: split
max_connections_per_ip: 100
accept_rate_per_ip: 200
packet_timeout: 4s
write_timeout: 4s
"""
CASES = {
    "slow": "5,000 clients of as many addresses send a byte a second, and no end",
    "flood": "one address opens connections as fast as it can",
    "deaf": "100 clients send 64 KiB packets and read no answer",
}
# Of all attacks of a run: with fewer connections it was none.
LEAST = {"slow": 5000, "flood": 5000, "deaf": 100}
REFUSALS = {"denied", "max_connections", "max_connections_per_ip", "accept_rate_per_ip"}
MOST = 2.0
# Buffers grow to what the attack needs, and are kept for the next one.
MEMORY_SLACK = 8 << 20


def address(number):
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def connect(port, number):
    client = socket.socket()
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((address(number), 0))
    with contextlib.suppress(BlockingIOError):
        client.connect(("127.0.0.1", port))
    return client


def slow(port, until):
    clients = {}
    while time.monotonic() < until:
        began = time.monotonic()
        for number in range(5000):
            client = clients.get(number)
            try:
                if client is None:
                    client = clients[number] = connect(port, number)
                else:
                    client.send(b"x")
            except OSError:
                client.close()
                clients[number] = None
            if number % 250 == 249:
                time.sleep(0.03)
        time.sleep(max(0.0, began + 1 - time.monotonic()))


def flood(port, until):
    while time.monotonic() < until:
        clients = []
        for _ in range(50):
            with contextlib.suppress(OSError):
                clients.append(connect(port, 100_000))
        for client in clients:
            client.close()


def deaf(port, until):
    packet = memoryview(bytes(65534) + b"\r\n")
    selector = selectors.DefaultSelector()
    for number in range(100):
        selector.register(connect(port, 200_000 + number), selectors.EVENT_WRITE, number)
    while (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(min(left, 0.1)):
            try:
                key.fileobj.send(packet)
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                selector.register(connect(port, 200_000 + key.data), selectors.EVENT_WRITE, key.data)
        time.sleep(0.005)


def attack(name, port, seconds):
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    {"slow": slow, "flood": flood, "deaf": deaf}[name](port, time.monotonic() + seconds)


def counts(port):
    """What a server's metrics say, of all its labels together."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()

    def total(pattern):
        return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, re.M))

    reasons = re.findall(r'^rr_tcp_connections_closed_total{.*reason="(\w+)"} (\S+)$', text, re.M)
    return {
        "accepted": total(r"rr_tcp_connections_accepted_total{.*}"), "events": total(r'rr_tcp_events_total{.*"CONNECTED"}'),
        "reasons": {reason: float(value) for reason, value in reasons if float(value)},
    }


def run(name, options):
    ports = rig.free_ports(2)
    with contextlib.ExitStack() as stack:
        server, other = (stack.enter_context(rig.serve(2, listener=LIMITS, sections=f"metrics:\n  address: 127.0.0.1:{port}\n"))
                         for port in ports)
        rounds, memory = {None: [], other: [], server: []}, []
        ask = dict(mode="open", connections=16, rate=1000, seconds=options.seconds, warmup=0.5)
        before = counts(ports[0])
        for _ in range(options.rounds):
            for target, results in rounds.items():
                # What an attack has left is not measured.
                rig.settle(server)
                rig.settle(other)
                with contextlib.ExitStack() as attackers:
                    if target:
                        attacker = attackers.enter_context(subprocess.Popen(
                            [sys.executable, __file__, "--be", name, str(target.ports[0]), str(options.seconds + 4)]))
                        # Until they are all there.
                        time.sleep(3)
                    results.append(rig.load(server, **ask))
                    if target is server:
                        memory.append(server.memory())
                if target and attacker.returncode:
                    sys.exit(f"{name}: the attackers have failed")
        after = counts(ports[0])
    reasons = {reason: value - before["reasons"].get(reason, 0) for reason, value in after["reasons"].items()}
    p99 = [statistics.median(figures.percentile(round["histogram"], 0.99) / 1e6 for round in results)
           for results in rounds.values()]
    return {
        "title": CASES[name], "p99_ms": p99,
        "failures": sum(round["failures"] for results in rounds.values() for round in results),
        "memory": memory, "accepted": after["accepted"] - before["accepted"], "events": after["events"] - before["events"],
        "reasons": reasons,
    }


def checks(name, case):
    quiet, elsewhere, attacked = case["p99_ms"]
    yield (f"p99 of the others {quiet:.2f} ms without, {attacked:.2f} ms with the attack: {attacked / quiet:.1f} × (≤ {MOST:.0f}); "
           f"{elsewhere:.2f} ms while another server of the machine is attacked: {elsewhere / quiet:.1f} ×",
           attacked <= MOST * quiet)
    yield f"{case['failures']} of their requests failed", not case["failures"]
    first, last = case["memory"][0], case["memory"][-1]
    yield (f"memory flat: {figures.size(first)} in the first attack, {figures.size(last)} in the last",
           last <= first + MEMORY_SLACK)
    told = ", ".join(f"{value:,.0f} {reason}" for reason, value in sorted(case["reasons"].items()))
    refused = sum(value for reason, value in case["reasons"].items() if reason in REFUSALS)
    yield (f"{case['accepted']:,.0f} connections, {case['events']:,.0f} of them known to workers, {refused:,.0f} refused; "
           f"closed: {told}", case["accepted"] == case["events"] + refused and case["accepted"] >= LEAST[name])


def main():
    if sys.argv[1:2] == ["--be"]:
        return attack(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="of " + ", ".join(CASES))
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "attack"))
    options = parser.parse_args()
    options.seconds, options.rounds = (4, 2) if options.quick else (8, 3)
    rig.build()
    os.makedirs(options.output, exist_ok=True)
    result = {"machine": rig.machine(), "cases": {}}
    lines = ["# Attacks\n"]
    for name in rig.chosen(options.only, CASES):
        case = result["cases"][name] = run(name, options)
        lines.append(f"**{case['title'][0].upper()}{case['title'][1:]}**\n")
        lines += [f"- {'✓' if good else '✗'} {what}" for what, good in checks(name, case)] + [""]
        print("\n".join(lines[-6:]), flush=True)
    with open(os.path.join(options.output, "attack.json"), "w") as file:
        json.dump(result, file, indent=1)
    with open(os.path.join(options.output, "attack.md"), "w") as file:
        file.write("\n".join(lines) + figures.machine(result))
    print(f"In {options.output}: attack.md, attack.json")


if __name__ == "__main__":
    main()
