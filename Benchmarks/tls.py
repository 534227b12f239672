#!/usr/bin/env python3
"""TLS: rr, which terminates it itself, beside nginx and HAProxy, which do it in front of an rr in clear. And reports.

    tls.py [--quick] [--threads N] [--against NAME=BINARY]... [--only CASE[,CASE]] [--output DIRECTORY]

Handshakes, full ones and such that continue a session: connect, handshake, echo 64 B, close. Packets on connections that
stay. Memory of connections that have said nothing yet, and of such that have had a packet. All have the same kind of
certificate, with a P-256 key, and as many event loops, worker processes or threads; the client, OpenSSL, wants TLS 1.3 with
X25519 and AES-128-GCM, so that all do the same work. Beside them rr without TLS and a client without: what all but TLS costs.

Slices alternate between the servers; medians. CPU and memory are of all that serves, so of nginx or HAProxy and the rr
behind it, without the workers. Beside the memory of the processes is that of the kernel for their sockets, of which a
connection has three there: the kernel's for one is measured as well, of idle sockets of this script. --against adds another build of rr. Needs nginx with its stream module, haproxy and openssl.
"""
import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import figures
import rig

SUBJECT = "rr"
# name: (what it is, load, least rate and most CPU that are wanted, as ratios to each proxy)
CASES = {
    "full": ("full handshake, echo 64 B, close; 16 at a time", dict(mode="storm", connections=16, size=64), (1.0, 1.0)),
    "resumed": ("resumed handshake, echo 64 B, close; 16 at a time",
                dict(mode="storm", connections=16, size=64, resume=1), (1.0, 1.0)),
    "16x64": ("16 connections, 64 B", dict(connections=16, size=64), (None, 1.0)),
    "16x16384": ("16 connections, 16 KiB", dict(connections=16, size=16384), (None, 1.0)),
}
# name: (what it is, load)
IDLE = {
    "idle": ("2000 that have said nothing", dict(connections=2000)),
    "rested": ("2000 that have had an echo of 16 KiB", dict(connections=2000, first=1, size=16384)),
    "large": ("50 that have had an echo of 1 MiB", dict(connections=50, first=1, size=1 << 20)),
}
MEMORY = 1.0
# Seconds after which rr has given back what it no longer needs.
REST = 12

NGINX = """daemon off; pid {directory}/nginx.pid; error_log stderr error;
worker_processes {threads}; worker_rlimit_nofile 16384;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ worker_connections 8192; }}
stream {{
    server {{
        listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
        proxy_timeout 1h; proxy_pass 127.0.0.1:{behind};
    }}
}}
"""
HAPROXY = """global
    nbthread {threads}
    maxconn 4096
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen tls
    bind 127.0.0.1:{port} ssl crt {directory}/both.pem
    server rr 127.0.0.1:{behind}
"""


def certificate(directory):
    """Makes cert.pem, key.pem, and both.pem with the two of them."""
    certificate, key, both = (os.path.join(directory, name) for name in ("cert.pem", "key.pem", "both.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    with open(both, "wb") as file:
        for path in (certificate, key):
            with open(path, "rb") as part:
                file.write(part.read())


class Proxy(rig.Server):
    """One that does TLS in front of another server. CPU and memory are of both."""

    load_program = "load-tls"

    def __init__(self, name, command, configuration, options):
        directory = tempfile.mkdtemp(prefix="rr-bench-")
        certificate(directory)
        self.behind = rig.serve(loops=options.threads)
        port = rig.free_ports(1)[0]
        path = os.path.join(directory, "configuration")
        with open(path, "w") as file:
            file.write(configuration.format(directory=directory, threads=options.threads, port=port, behind=self.behind.ports[0]))
        super().__init__(name, [part.format(directory=directory, path=path) for part in command], [port], directory)

    def pids(self):
        return [self.pid, *rig.children(self.pid), *self.behind.pids()]

    def close(self):
        super().close()
        self.behind.close()


class Encrypted(contextlib.AbstractContextManager):
    """An rr that does TLS itself."""

    def __init__(self, name, options, binary=None):
        self.directory = tempfile.mkdtemp(prefix="rr-bench-")
        certificate(self.directory)
        listener = f"tls:\n  cert: {self.directory}/cert.pem\n  key: {self.directory}/key.pem"
        self.server = rig.serve(loops=options.threads, listener=listener, command=binary and [binary], name=name)
        self.server.load_program = "load-tls"

    def __enter__(self):
        return self.server

    def __exit__(self, *_):
        self.server.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def tool(name):
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    return path or sys.exit(f"tls.py needs {name}: scripts/setup --bench installs it")


def contestants(options):
    """Name and how to start it, the subject first and the one without TLS last."""
    nginx = [tool("nginx"), "-p", "{directory}", "-e", "stderr", "-c", "{path}"]
    haproxy = [tool("haproxy"), "-db", "-f", "{path}"]
    tool("openssl")
    result = {SUBJECT: lambda: Encrypted(SUBJECT, options)}
    for name, _, binary in (text.partition("=") for text in options.against):
        result[name] = lambda name=name, binary=binary: Encrypted(name, options, binary)
    result["nginx, rr"] = lambda: Proxy("nginx, rr", nginx, NGINX, options)
    result["HAProxy, rr"] = lambda: Proxy("HAProxy, rr", haproxy, HAPROXY, options)
    result["rr without TLS"] = lambda: rig.serve(loops=options.threads, name="rr without TLS")
    return result


def take(server, settings, seconds):
    """One slice."""
    settings = {key: value for key, value in settings.items() if key != "resume" or server.load_program == "load-tls"}
    result = rig.load(server, seconds=seconds, warmup=0.2, **settings)
    if result["failures"] or result["refused"]:
        raise SystemExit(f"{server.name}: {result['failures']} failures, {result['refused']} refused\n{server.log()}")
    return result


def summary(slices):
    return {
        "per_second": [one["per_second"] for one in slices],
        "cpu_us": [one["cpu_us"] for one in slices],
        "p50_us": [figures.percentile(one["histogram"], 0.5) / 1e3 for one in slices],
        "p99_us": [figures.percentile(one["histogram"], 0.99) / 1e3 for one in slices],
        "resumed": [one["resumed"] / one["handshakes"] for one in slices if one.get("handshakes")],
        "terms": sorted({one["terms"] for one in slices if "terms" in one}),
    }


def slab():
    with open("/proc/meminfo") as file:
        return int(re.search(r"Slab: +(\d+)", file.read())[1])


def socket_memory(pairs=2000):
    """KiB of the kernel for a TCP socket that is connected and has no data, the descriptor included."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        before = slab()
        for _ in range(pairs):
            stack.enter_context(socket.create_connection(listener.getsockname()))
            stack.enter_context(listener.accept()[0])
        return (slab() - before) / 2 / pairs


def descriptors(server):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.pids())


def idle_memory(starts, settings):
    """KiB and sockets of a connection that no longer says anything, of servers that had no freed memory to reuse."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(start()) for start in starts.values()]
        before, herds = {}, {}
        for server in servers:
            take(server, dict(connections=16, size=64), 0.2)
        time.sleep(REST)
        for server in servers:
            before[server.name] = server.memory(), descriptors(server)
            herds[server.name] = stack.enter_context(rig.Herd(server, mode="idle", seconds=120, **settings))
            rig.settle(server)
        time.sleep(REST)
        result = {}
        for server in servers:
            (memory, sockets), opened = before[server.name], herds[server.name].open
            result[server.name] = ((server.memory() - memory) / opened / 1024, round((descriptors(server) - sockets) / opened))
        return result


def ratios(name, case, key):
    """Of the subject to another server, a slice each."""
    return figures.median_ratio(case[SUBJECT][key], case[name][key])


def is_proxy(name):
    return name.endswith(", rr")


def tables(result):
    head = ["", "", "a second", "CPU µs each", "p50 µs", "p99 µs", "resumed", "rate ÷", "CPU ÷"]
    lines = []
    for key, case in result["cases"].items():
        words, settings, (rate, cpu) = CASES[key]
        for name, one in case.items():
            target = is_proxy(name)
            lines.append([
                words if name == SUBJECT else "", name, f"{statistics.median(one['per_second']):,.0f}",
                f"{statistics.median(one['cpu_us']):.1f}", f"{statistics.median(one['p50_us']):,.0f}",
                f"{statistics.median(one['p99_us']):,.0f}",
                f"{statistics.median(one['resumed']):.0%}" if one["resumed"] and settings.get("mode") == "storm" else "",
                *(["", ""] if name == SUBJECT else [
                    figures.mark(ratios(name, case, "per_second"), rate if target else None, False),
                    figures.mark(ratios(name, case, "cpu_us"), cpu if target else None, True)])])
    text = [figures.table(head, lines), ""] if lines else []
    lines = []
    for key, memory in result["idle"].items():
        processes = {name: [one["KiB"] for one in values] for name, values in memory.items()}
        whole = {name: [one["KiB"] + one["sockets"] * one["KiB a socket"] for one in values] for name, values in memory.items()}
        for name, values in memory.items():
            lines.append([
                IDLE[key][0] if name == SUBJECT else "", name, f"{statistics.median(processes[name]):.1f}",
                values[0]["sockets"], f"{statistics.median(whole[name]):.1f}",
                *(["", ""] if name == SUBJECT else [
                    f"{figures.median_ratio(processes[SUBJECT], processes[name]):.2f}",
                    figures.mark(figures.median_ratio(whole[SUBJECT], whole[name]), MEMORY if is_proxy(name) else None, True)])])
    head = ["idle connections", "", "KiB each", "sockets", "KiB with these", "÷", "÷ with these"]
    text += [figures.table(head, lines), ""] if lines else []
    return "\n".join(text)


def report(result):
    return ("# TLS\n\nMedians over slices that alternate; ÷ is the median ratio of rr to that server. ✓ and ✗ say whether the "
            f"target in brackets is met. CPU and memory are of all that serves.\n\n{tables(result)}\n{figures.machine(result)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about three minutes")
    parser.add_argument("--threads", type=int, default=2, help="event loops, worker processes, threads; %(default)s")
    parser.add_argument("--against", action="append", default=[], metavar="NAME=BINARY")
    parser.add_argument("--only", metavar="CASE[,CASE]", help=", ".join([*CASES, *IDLE]))
    parser.add_argument("--output", default=os.path.join(rig.BUILD, "tls"))
    options = parser.parse_args()
    cases = rig.chosen(options.only, [*CASES, *IDLE])
    starts = contestants(options)
    rig.build({**rig.PROGRAMS, **rig.TLS_LOAD})
    os.makedirs(options.output, exist_ok=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    slices, seconds, rounds = (3, 0.7, 1) if options.quick else (7, 2.0, 3)
    result = {"machine": rig.machine(), "cases": {}, "idle": {}}
    for name, command in {"nginx": ("nginx", "-v"), "HAProxy": ("haproxy", "-v"), "OpenSSL": ("openssl", "version")}.items():
        done = subprocess.run([tool(command[0]), command[1]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        result["machine"][name] = done.stdout.partition("\n")[0]
    result["machine"]["run"] = (f"{options.threads} threads and 2 C workers each, {slices} slices of {seconds} s, "
                                f"{len(starts)} servers in turn; memory {rounds} times")
    if chosen := [name for name in cases if name in CASES]:
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(start()) for start in starts.values()]
            for server in servers:
                take(server, dict(connections=16, size=64), 0.5)
            for name in chosen:
                taken = {server.name: [] for server in servers}
                for _ in range(slices):
                    for server in servers:
                        taken[server.name].append(take(server, CASES[name][1], seconds))
                case = result["cases"][name] = {server: summary(all) for server, all in taken.items()}
                print(f"{name}:  " + "  ".join(
                    f"{server}: {statistics.median(one['per_second']):,.0f}/s {statistics.median(one['cpu_us']):.1f} µs"
                    for server, one in case.items()), flush=True)
        terms = {" or ".join(one["terms"]) for case in result["cases"].values() for one in case.values() if one["terms"]}
        result["machine"]["agreed on"] = "; ".join(sorted(terms))
    for key in (name for name in cases if name in IDLE):
        memory = result["idle"][key] = {}
        for _ in range(rounds):
            each = socket_memory()
            for name, (kib, sockets) in idle_memory(starts, IDLE[key][1]).items():
                memory.setdefault(name, []).append({"KiB": kib, "sockets": sockets, "KiB a socket": each})
    with open(os.path.join(options.output, "tls.json"), "w") as file:
        json.dump(result, file, indent=1)
    text = report(result)
    with open(os.path.join(options.output, "report.md"), "w") as file:
        file.write(text)
    print("\n" + text)
    print(f"In {options.output}: report.md, tls.json")


if __name__ == "__main__":
    main()
