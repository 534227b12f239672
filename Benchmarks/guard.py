#!/usr/bin/env python3
"""Guards what a request costs: instructions, allocations, retains and system calls of the server, counted and not timed.

    guard.py                 compares with guard.json, fails when instructions are off by more than 5 %
    guard.py --if-possible   the same, but where valgrind cannot run the server it says so and does not fail
    guard.py --record        writes guard.json

hotspots.py tells where they are.

The release binary runs under valgrind's callgrind, with one event loop and one worker, and is sent a fixed script of
requests, one after the other, twice: the short run's count is taken from the long one's, so that start and end do not
count. The difference is the same on a busy machine and on a quiet one, to within one percent. Seldom a start costs some
millions more, when two threads look up the same protocol conformances at once; so what is out of bounds is counted again,
up to three times, and the least count of each run is the one that holds: what a request really costs is in all of them.

Packets are shorter than 4096 bytes: longer ones pass a pipe in pieces, and in how many is a matter of timing.

Valgrind knows the instructions of processors up to its own age, no newer ones: where it dies of one, and the server alone
runs, nothing was measured, which is neither good nor bad news about the server. What fails otherwise is a failure.

What makes valgrind 3.19 work with a Swift binary: debug information is stripped (it cannot read all of DWARF 5). Hashing
is made deterministic.
"""
import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import figures
import rig

RECORD = os.path.join(rig.HERE, "guard.json")
SPLIT, LENGTH = "echo 121 B, framing: split", "echo 121 B, framing: length"
# name: (what is sent, requests of the short run and of the long one, the depth of the pipeline, lines of the server)
SCRIPT = {
    "echo 64 B": (dict(connections=1, size=64), 500, 2500, 1),
    "echo 3 KiB": (dict(connections=1, size=3072), 500, 2500, 1),
    "echo 64 B, 16 connections wait for a worker": (dict(connections=16, size=64), 500, 2500, 1),
    "echo 64 B, 16 connections, a pipeline of 16": (dict(connections=16, size=64), 500, 2500, 16),
    "connect, echo, close": (dict(mode="storm", connections=1, size=64), 200, 1200, 1),
    SPLIT: (dict(connections=1, size=121), 500, 2500, 1, "framing: split"),
    # The load's packets consist of the letter x, which is 120, and so is the length behind it.
    LENGTH: (dict(connections=1, size=121), 500, 2500, 1, "framing: length\nlength: {size: 1}"),
}
# A length costs no more than a delimiter, as precisely as that is counted.
MOST_FOR_LENGTH = 1.02
TOLERANCE = 0.05
# Another compiler lays out other code, another SwiftNIO has other code; what is done with memory stays about the same.
TOLERANCE_OTHER_MAKE = 0.25
ATTEMPTS = 3
# Valgrind's own last words, as opposed to those of the server that it runs.
VALGRIND_FAILED = re.compile(
    "unhandled instruction|Unrecognised instruction|'impossible' happened|^valgrind: |Valgrind has to exit|"
    "unhandled amd64-linux syscall|unhandled arm64-linux syscall|Valgrind's memory management", re.M)
# Without valgrind the kernel answers these in the process itself, without a system call.
IN_PROCESS = {"clock_gettime", "gettimeofday", "time", "getcpu"}
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}


class CannotCount(Exception):
    """Valgrind, and not the server, does not work here."""


class Count:
    """What one callgrind output file says: instructions and system calls by function, how often functions were called."""

    def __init__(self, path):
        self.total, self.own, self.system, self.calls, self.callers = 0, {}, {}, {}, {}
        names, function, callee, called = {}, None, None, False
        with open(path, errors="replace") as file:
            for line in file:
                if match := re.match(r"(c?fn)=\((\d+)\)(?: (.*))?", line):
                    kind, number, name = match.groups()
                    # A suffix counts recursion, or is the version of a symbol.
                    if name:
                        names[number] = re.sub(r"('\d+|@.*)$", "", name)
                    if kind == "fn":
                        function = names[number]
                    else:
                        callee = names[number]
                elif line.startswith("calls="):
                    times = int(line[6:].split()[0])
                    self.calls[callee] = self.calls.get(callee, 0) + times
                    self.callers[callee, function] = self.callers.get((callee, function), 0) + times
                    called = True  # The next line is what the call cost, which its own lines say too.
                elif line.startswith(("+", "-", "*")) or line[:1].isdigit():
                    if not called:
                        # Instructions, system calls, their time; what is zero to the end is left out.
                        costs = line.split()[1:]
                        self.own[function] = self.own.get(function, 0) + int(costs[0])
                        self.total += int(costs[0])
                        if len(costs) > 1 and function not in IN_PROCESS:
                            self.system[function] = self.system.get(function, 0) + int(costs[1])
                    called = False


def by_request(long, short, requests):
    """What of two tables of counts falls to one request."""
    return {name: (count - short.get(name, 0)) / requests for name, count in long.items()}


def stripped(directory):
    for tool in ("valgrind", "strip"):
        if shutil.which(tool) is None:
            sys.exit(f"guard: {tool} is needed; scripts/setup --test installs what tests need")
    target = os.path.join(directory, "rr")
    subprocess.run(["strip", "-g", "-o", target, rig.BINARY], check=True)
    return target


def count(binary, directory, settings, depth, listener, requests):
    output = os.path.join(directory, "callgrind.out")
    if os.path.exists(output):
        os.remove(output)
    valgrind = ["valgrind", "--quiet", "--sigill-diagnostics=yes", "--tool=callgrind", "--collect-systime=yes",
                f"--callgrind-out-file={output}", binary]
    environment = {"SWIFT_DETERMINISTIC_HASHING": "1"}
    try:
        pool = f"pipeline: {{depth: {depth}}}"  # What `auto` makes of it is a matter of timing.
        with rig.serve(workers=1, loops=1, pool=pool, listener=listener, command=valgrind, environment=environment,
                       name="rr under valgrind") as server:
            result = rig.load(server, seconds=120, requests=requests, **settings)
            if result["requests"] < requests or result["failures"] or result["refused"]:
                raise RuntimeError(f"{settings}: {result['requests']} of {requests} requests, {result['failures']} failures, "
                                   f"{result['refused']} refused\n{server.log()}")
    except RuntimeError as failure:
        if VALGRIND_FAILED.search(str(failure)) and runs_alone():
            raise CannotCount(str(failure)) from None
        sys.exit(f"guard: {failure}")
    if not os.path.exists(output):
        sys.exit("guard: the server under valgrind did not end in time, so nothing was counted")
    return Count(output)


def runs_alone():
    """Whether the server answers without valgrind: what fails with it then is not the server's fault."""
    try:
        with rig.serve(workers=1, loops=1) as server:
            return rig.load(server, seconds=5, requests=10)["requests"] >= 10
    except RuntimeError:
        return False


class Case:
    """One kind of request: the least that the short and the long run have cost so far."""

    def __init__(self, binary, directory, settings, short, long, depth, listener=""):
        self.arguments, self.requests = (binary, directory, settings, depth, listener), (short, long)
        self.least = [None, None]

    def run(self):
        for i, requests in enumerate(self.requests):
            new = count(*self.arguments, requests)
            if self.least[i] is None or new.total < self.least[i].total:
                self.least[i] = new

    def table(self, field):
        short, long = self.least
        return by_request(getattr(long, field), getattr(short, field), self.requests[1] - self.requests[0])

    def figures(self):
        short, long = self.least
        calls, system = self.table("calls"), self.table("system")
        return {
            "instructions": round((long.total - short.total) / (self.requests[1] - self.requests[0])),
            "allocations": round(sum(calls.get(allocator, 0) for allocator in ALLOCATORS), 2),
            "retains": round(sum(times for name, times in calls.items() if re.search("retain", name, re.I)), 2),
            "system calls": round(sum(system.values()), 2),
        }


def made_of():
    """What else than our sources decides what a request costs."""
    text = subprocess.run([os.environ.get("SWIFT", "swift"), "--version"], capture_output=True, text=True).stdout
    swift = re.search(r"Swift version (\d+\.\d+)", text)
    try:
        with open(os.path.join(rig.ROOT, "Package.resolved")) as file:
            pins = {pin["identity"]: pin["state"].get("version") for pin in json.load(file)["pins"]}
    except OSError:
        pins = {}
    return f"Swift {swift[1] if swift else 'unknown'}, SwiftNIO {pins.get('swift-nio', 'unknown')}, {platform.machine()}"


def fault(now, was, tolerance):
    """What is wrong with a figure, if anything."""
    change = now["instructions"] / was["instructions"] - 1
    if abs(change) > tolerance:
        return f"{change:+.1%} instructions a request, at most {tolerance:.0%} either way are allowed"
    if now["allocations"] > was["allocations"] * (1 + TOLERANCE) + 0.5:
        return f"{now['allocations']} allocations a request, recorded are {was['allocations']}"
    return None


def compare(cases, recorded):
    tolerance = TOLERANCE
    if recorded["made of"] != made_of():
        tolerance = TOLERANCE_OTHER_MAKE
        print(f"guard: the record is of {recorded['made of']}, this is {made_of()}: {tolerance:.0%} are tolerated")
    rows, faults = [], []
    for name, case in cases.items():
        was = recorded["requests"][name]
        for _ in range(ATTEMPTS):
            case.run()
            now = case.figures()
            if not (wrong := fault(now, was, tolerance)):
                break
        if wrong:
            faults.append(f"{name}: {wrong}")
        rows.append([name, f"{was['instructions']:,}", f"{now['instructions']:,}",
                     f"{now['instructions'] / was['instructions'] - 1:+.1%}",
                     *(f"{was[what]} → {now[what]}" for what in ("allocations", "retains", "system calls"))])
    head = ["a request", "instructions, recorded", "now", "change", "allocations", "retains", "system calls"]
    print(figures.table(head, rows))
    for _ in range(ATTEMPTS):
        split, length = (cases[name].figures()["instructions"] for name in (SPLIT, LENGTH))
        if length <= MOST_FOR_LENGTH * split:
            break
        cases[SPLIT].run()
        cases[LENGTH].run()
    else:
        faults.append(f"{LENGTH} takes {length:,} instructions, with split it is {split:,}")
    if faults:
        sys.exit("guard: " + "\nguard: ".join(faults) + "\nguard: when that is wanted: make bench-guard-record")


def record(cases):
    for case in cases.values():
        for _ in range(ATTEMPTS):
            case.run()
    with open(RECORD, "w") as file:
        requests = {name: case.figures() for name, case in cases.items()}
        json.dump({"made of": made_of(), "requests": requests}, file, indent=2)
        file.write("\n")


def say_not_counted(why, error):
    rule = "!" * 100
    print(f"{rule}\nguard: NOT CHECKED: what a request costs was not counted. Valgrind cannot run the server on this machine,"
          f"\nguard: where the server alone runs. Take a newer valgrind, or another machine. It said:\n{why}\n{rule}",
          file=sys.stderr)
    sys.exit(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--if-possible", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    rig.build()
    with tempfile.TemporaryDirectory(prefix="rr-guard-") as directory:
        binary = stripped(directory)
        cases = {name: Case(binary, directory, *case) for name, case in SCRIPT.items()}
        try:
            if options.record:
                record(cases)
            else:
                with open(RECORD) as file:
                    compare(cases, json.load(file))
        except CannotCount as why:
            say_not_counted(why, 0 if options.if_possible else 1)


if __name__ == "__main__":
    main()
