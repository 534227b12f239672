"""The dashboard and the alerts ask for what a server tells, by the labels and values that it has."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

import yaml

from chart import CERTIFICATES, ROOT, RR, read

DASHBOARD = json.loads((ROOT / "deploy/grafana/rr.json").read_text())
RULES = ROOT / "deploy/prometheus/rr.rules.yaml"
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
FILTER = 'job=~"$job",instance=~"$instance"'

SELECTOR = re.compile(r"\b((?:rr|process)_[a-z_]+[a-z])(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)=(~?)"([^"]*)"')
# Labels that Prometheus adds, and a histogram's.
ADDED = {"job", "instance", "le"}

# Seconds.
PATIENCE = 60

# Of which there is no sample before somebody calls, or no room is left.
WITHOUT_SAMPLES = {"rr_kv_calls_total", "rr_kv_call_seconds_total", "rr_application_metric_series_refused_total"}
# What nobody has to see: RoadRunner's constant, the configuration, and what `rr_tcp_accept_waiting` and
# `rr_tcp_tls_certificate_rejected` tell better.
UNSEEN = {"rr_tcp_worker_state", "rr_tcp_workers_target", "rr_tcp_accept_waits_total", "rr_tcp_tls_reload_failures_total"}
# Ends that are no fault of clients; those of workers are alerts. `accept_rate` refuses nobody.
ORDINARY = {"client", "worker", "write_close", "error", "drain", "cut_off", "demand", "accept_rate"}
BY_WORKERS = {"worker_error", "worker_failure"}


def scrape():
    """Of a server with all that has metrics of its own: the labels of each sample, by family."""
    with tempfile.TemporaryDirectory() as directory:
        certificate = {"cert": CERTIFICATES.file("first.crt"), "key": CERTIFICATES.file("first.key")}
        configuration = {
            "version": "3",
            "server": {"command": f"php {ROOT}/examples/worker.php"},
            "logs": {"mode": "production"},
            "rpc": {"listen": f"unix://{directory}/rpc.sock"},
            "kv": {"main": {"driver": "memory", "config": {}}},
            "metrics": {"address": f"unix://{directory}/metrics.sock"},
            "tcp": {
                "servers": {"echo": {"addr": f"unix://{directory}/echo.sock", "tls": certificate}},
                "pool": {"num_workers": 1},
            },
        }
        file = pathlib.Path(directory, ".rr.yaml")
        file.write_text(yaml.safe_dump(configuration))
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RR_")}
        log = pathlib.Path(directory, "log")
        with open(log, "wb") as output:
            process = subprocess.Popen([RR, "serve", "-c", file], env=clean, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + PATIENCE
            while b"server started" not in log.read_bytes():
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(f"{directory}/metrics.sock")
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: rr\r\nConnection: close\r\n\r\n")
                text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    families = {name: [] for name in kinds}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        families.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels)))
    for name, kind in kinds.items():
        if kind == "histogram":
            del families[name]
    return families


def panel_expressions():
    """Title, expression and legend of each line."""
    for panel in PANELS.values():
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"], target["legendFormat"]


def alert_expressions():
    for group in read(RULES)["groups"]:
        for rule in group["rules"]:
            texts = " ".join(rule["annotations"].values())
            yield rule["alert"], rule["expr"], texts.replace("$labels.", "").replace("{{ ", "{{").replace(" }}", "}}")


def named(expression):
    """Each metric, with its matchers."""
    for name, matchers in SELECTOR.findall(expression):
        yield name, [(label, value.split("|") if tilde else [value]) for label, tilde, value in MATCHER.findall(matchers)]


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.families = scrape()

    def labels(self, name):
        return set().union(*self.families[name])

    def test_all_that_is_asked_for_is_there(self):
        for title, expression, texts in [*panel_expressions(), *alert_expressions()]:
            with self.subTest(title):
                labels = set(ADDED)
                for name, matchers in named(expression):
                    self.assertIn(name, self.families)
                    labels |= self.labels(name)
                    if name in WITHOUT_SAMPLES:
                        continue
                    for label, values in matchers:
                        there = {sample.get(label, "") for sample in self.families[name]}
                        for value in values if label not in ADDED else []:
                            self.assertTrue(any(re.fullmatch(value, t) for t in there), f'{name}{{{label}="{value}"}}')
                grouped = set(re.findall(r"\w+", " ".join(re.findall(r"\b(?:by|on) \(([^)]*)\)", expression))))
                shown = set(re.findall(r"\{\{(\w+)\}\}", texts))
                if not WITHOUT_SAMPLES & {name for name, _ in named(expression)}:
                    self.assertLessEqual(grouped | shown, labels)
                if "by (" in expression:
                    self.assertLessEqual(shown, grouped, "what sums up has only these")

    def test_all_that_is_there_is_seen(self):
        texts = " ".join(e for _, e, _ in [*panel_expressions(), *alert_expressions()])
        texts += " ".join(variable.get("definition", "") for variable in DASHBOARD["templating"]["list"])
        texts += " ".join(annotation["expr"] for annotation in DASHBOARD["annotations"]["list"])
        asked = {name for name, _ in named(texts)}
        asked |= {f"{name.rpartition('_')[0]}_{end}" for name in asked if name.endswith("_bucket") for end in ("sum", "count")}
        self.assertEqual({name for name in self.families if name.startswith("rr_")} - asked, UNSEEN)
        self.assertEqual({name for name, samples in self.families.items() if not samples}, WITHOUT_SAMPLES)

    def test_every_reason_of_a_close_has_its_place(self):
        closed = "rr_tcp_connections_closed_total"
        asked = {
            value for _, expression, _ in panel_expressions() for name, matchers in named(expression)
            for label, values in matchers if (name, label) == (closed, "reason") for value in values
        }
        self.assertEqual({s["reason"] for s in self.families[closed]}, asked | ORDINARY | BY_WORKERS)
        self.assertEqual(asked & (ORDINARY | BY_WORKERS), set())

    def test_every_line_is_of_the_chosen_instances(self):
        for title, expression, _ in panel_expressions():
            with self.subTest(title):
                # `and on (instance, job) rr_build_info` is of those that it is compared with.
                for name, matchers in SELECTOR.findall(expression.replace("and on (instance, job) rr_build_info", "")):
                    self.assertTrue(matchers.startswith(FILTER), name)
                self.assertEqual(set(re.findall(r"\[([^]]*)\]", expression)) - {"$__rate_interval", "1h"}, set())

    def test_panels_have_a_place_of_their_own(self):
        self.assertEqual(len(PANELS), len(DASHBOARD["panels"]), "two have the same title")
        self.assertEqual(len({panel["id"] for panel in PANELS.values()}), len(PANELS))
        taken = set()
        for title, panel in PANELS.items():
            x, y, width, height = (panel["gridPos"][key] for key in "xywh")
            place = {(x + i, y + j) for i in range(width) for j in range(height)}
            self.assertEqual(place & taken, set(), title)
            taken |= place
        self.assertEqual(len(taken), 24 * (1 + max(y for _, y in taken)), "a row has a gap, or is too wide")

    def test_prometheus_understands_every_line(self):
        rules = [
            {"record": f"line_{i}", "expr": expression.replace("$__rate_interval", "5m")}
            for i, (_, expression, _) in enumerate(panel_expressions())
        ]
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "lines.yaml")
            file.write_text(yaml.safe_dump({"groups": [{"name": "lines", "rules": rules}]}))
            self.promtool("check", "rules", file)

    def test_alerts_fire_when_they_should(self):
        self.promtool("test", "rules", ROOT / "Tests/Chart/rules.yaml")

    def promtool(self, *arguments):
        result = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
