#!/usr/bin/env python3
"""Where the time of a request goes: instructions by module and by function, retains, allocations, system calls.

    hotspots.py [--output DIRECTORY]

Counts as guard.py does, under valgrind, and so without what the kernel does; how much that is, a run without valgrind
tells. Writes hotspots.md and hotspots.json: what each kind of request costs, where its instructions are, and who calls
what is dear.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile

import figures
import guard
import rig

DEAR = ("swift_retain", "swift_release", "malloc", "swift_allocObject", "swift_getGenericMetadata", "swift_dynamicCast")
FUNCTIONS = 40
CALLERS = 12


def module(name):
    """The module that a mangled name is of; what is not Swift is the runtime's or the C library's."""
    if match := re.match(r"\$[sS](\d+)(\w+)", name):
        return match[2][:int(match[1])]
    if re.match(r"\$[sS]", name):
        return "Swift"  # Standard library: its types have short names of their own.
    if re.match(r"_*swift", name):
        return "Swift runtime"
    return "C and system calls"


def demangled(names):
    try:
        return subprocess.run([os.environ.get("SWIFT", "swift"), "demangle", "--simplified"], input="\n".join(names),
                              text=True, capture_output=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return names


def shown(name):
    return name.replace("|", "\\|")[:110]


def profile(case):
    own, calls, callers, system = (case.table(field) for field in ("own", "calls", "callers", "system"))
    modules = {}
    for name, instructions in own.items():
        modules[module(name)] = modules.get(module(name), 0) + instructions
    top = sorted(own, key=own.get, reverse=True)[:FUNCTIONS]
    dear = {}
    for callee in DEAR:
        times = {caller: times for (name, caller), times in callers.items() if name == callee and times >= 0.5}
        most = sorted(times, key=times.get, reverse=True)[:CALLERS]
        dear[callee] = [(text, times[name]) for name, text in zip(most, demangled(most))]
    return {
        "figures": case.figures(),
        "modules": sorted(((name, cost) for name, cost in modules.items() if cost >= 1), key=lambda pair: -pair[1]),
        "system": sorted(((name, times) for name, times in system.items() if times >= 0.1), key=lambda pair: -pair[1]),
        "functions": [(text, own[name], calls.get(name, 0)) for name, text in zip(top, demangled(top))],
        "callers": dear,
    }


def split(start):
    """Microseconds of CPU a request in user mode and in the kernel, of 16 connections and 64 B."""
    with start() as server:
        rig.load(server, connections=16, seconds=0.3)
        before = server.cpu_split()
        result = rig.load(server, connections=16, seconds=4)
        return [(now - was) / result["requests"] * 1e6 for now, was in zip(server.cpu_split(), before)]


def tables(result):
    rows = [[name, f"{user:.1f}", f"{kernel:.1f}", f"{kernel / (user + kernel):.0%}"]
            for name, (user, kernel) in result["split"].items()]
    text = figures.table(["16 connections, 64 B", "user µs/request", "kernel µs/request", "kernel"], rows) + "\n\n"
    rows = [[name, *(f"{case['figures'][what]:,}" for what in ("instructions", "retains", "allocations", "system calls"))]
            for name, case in result["cases"].items()]
    text += figures.table(["a request", "instructions", "retains", "allocations", "system calls"], rows) + "\n\n"
    names = sorted({name for case in result["cases"].values() for name, _ in case["modules"]},
                   key=lambda name: -dict(next(iter(result["cases"].values()))["modules"]).get(name, 0))
    names = [name for name in names if any(dict(case["modules"]).get(name, 0) >= 20 for case in result["cases"].values())]
    rows = [[name, *(f"{dict(case['modules']).get(name, 0):,.0f}" for case in result["cases"].values())] for name in names]
    text += figures.table(["instructions a request in", *result["cases"]], rows) + "\n\n"
    name, case = next(iter(result["cases"].items()))
    rows = [[f"`{shown(function)}`", f"{cost:,.0f}", f"{calls:.1f}"] for function, cost, calls in case["functions"][:15]]
    text += figures.table([f"{name}: function", "own instructions", "calls"], rows) + "\n\n"
    text += f"System calls of {name}: " + ", ".join(f"{function} {times:.1f}" for function, times in case["system"]) + ".\n"
    return text


def details(result):
    text = ""
    for name, case in result["cases"].items():
        rows = [[shown(function), f"{cost:,.0f}", f"{calls:.2f}"] for function, cost, calls in case["functions"]]
        text += f"\n## {name}\n\n{figures.table(['function', 'own instructions', 'calls'], rows)}\n"
        for callee, callers in case["callers"].items():
            rows = [[shown(caller), f"{times:.2f}"] for caller, times in callers]
            text += f"\n{figures.table([f'calls {callee}', 'times'], rows)}\n" if rows else ""
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "hotspots"))
    options = parser.parse_args()
    rig.build()
    os.makedirs(options.output, exist_ok=True)
    result = {"machine": rig.machine(), "cases": {}}
    result["split"] = {"rr": split(rig.serve), "floor": split(rig.serve_floor)}
    with tempfile.TemporaryDirectory(prefix="rr-hotspots-") as directory:
        binary = guard.stripped(directory)
        for name, arguments in guard.SCRIPT.items():
            case = guard.Case(binary, directory, *arguments)
            try:
                for _ in range(2):  # Seldom a start costs more, see guard.py.
                    case.run()
            except guard.CannotCount as why:
                guard.say_not_counted(why, 1)
            result["cases"][name] = profile(case)
    with open(os.path.join(options.output, "hotspots.json"), "w") as file:
        json.dump(result, file, indent=1)
    text = f"# Where the time goes\n\n{tables(result)}{details(result)}\n{figures.machine(result)}"
    with open(os.path.join(options.output, "hotspots.md"), "w") as file:
        file.write(text)
    print(f"{tables(result)}\nIn {options.output}: hotspots.md, hotspots.json")


if __name__ == "__main__":
    main()
