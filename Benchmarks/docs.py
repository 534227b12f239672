#!/usr/bin/env python3
"""Puts what the benchmarks found into docs/performance.md: tables between its markers, plots into docs/performance/.

    docs.py [--from DIRECTORY]

Takes report/report.json of compare.py, growth/growth.json, overload/overload.json, hotspots/hotspots.json, php/php.json,
rpc/rpc.json and tls/tls.json, those that are there, from .build/bench or DIRECTORY. A marker pair `<!-- NAME -->` …
`<!-- /NAME -->` holds what a script found, and what is between them is replaced; the words around are people's.
"""
import argparse
import json
import os
import re
import sys

import compare
import figures
import growth
import hotspots
import overload
import php
import rig
import rpc
import tls

PAGE = os.path.join(rig.ROOT, "docs", "performance.md")
PICTURES = os.path.join(rig.ROOT, "docs", "performance")


def compared(result):
    compare.draw(result, PICTURES)
    yield "compare", compare.tables(result)


def grown(result):
    for name, rows in result["curves"].items():
        growth.draw(name, rows, PICTURES)
        yield f"growth {name}", growth.section(name, rows)


def overloaded(result):
    overload.draw(result, PICTURES)
    yield "overload", overload.tables(result)


def spotted(result):
    yield "hotspots", hotspots.tables(result)


def served(result):
    yield "php", php.tables(result)


def stored(result):
    rpc.draw(result, PICTURES)
    yield "rpc", rpc.tables(result)


def encrypted(result):
    yield "tls", tls.tables(result)


RESULTS = {
    "compare": ("report/report.json", compared),
    "growth": ("growth/growth.json", grown),
    "overload": ("overload/overload.json", overloaded),
    "hotspots": ("hotspots/hotspots.json", spotted),
    "php": ("php/php.json", served),
    "rpc": ("rpc/rpc.json", stored),
    "tls": ("tls/tls.json", encrypted),
}


def put(page, name, text):
    found = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.S)
    if not found.search(page):
        sys.exit(f"docs: docs/performance.md has no place for '{name}': <!-- {name} --> and <!-- /{name} -->")
    text = re.sub(r"\]\((?=[\w.-]+\.svg\))", "](performance/", text)
    return found.sub(lambda match: f"{match[1]}{text}{match[2]}", page)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="directory", default=rig.BUILD)
    options = parser.parse_args()
    os.makedirs(PICTURES, exist_ok=True)
    with open(PAGE) as file:
        page = file.read()
    for name, (path, parts) in RESULTS.items():
        try:
            with open(os.path.join(options.directory, path)) as file:
                result = json.load(file)
        except FileNotFoundError:
            print(f"docs: no {path}, so {name} stays as it is")
            continue
        for part, text in parts(result):
            page = put(page, part, text)
        page = put(page, f"machine {name}", figures.machine(result))
        print(f"docs: {name} of {result['machine']['date']}")
    with open(PAGE, "w") as file:
        file.write(page)


if __name__ == "__main__":
    main()
