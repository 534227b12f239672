"""compose.yaml: what it mounts is there, and the services find each other."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read(path):
    return yaml.safe_load((ROOT / path).read_text())


class Compose(unittest.TestCase):
    services = read("compose.yaml")["services"]

    def mounted(self, service):
        """Path in the container → file of the project."""
        volumes = (v.split(":") for v in self.services[service]["volumes"])
        return {target: ROOT / source for source, target, *_ in volumes}

    def test_what_it_mounts_is_there(self):
        for service in ("prometheus", "grafana"):
            for file in self.mounted(service).values():
                self.assertTrue(file.is_file(), file)

    def test_it_serves_the_example_and_scrapes_it(self):
        example = read("deploy/docker/.rr.yaml")
        server = example["tcp"]["servers"]["echo"]["addr"].rsplit(":", 1)[1]
        self.assertEqual(self.services["rr"]["ports"], [f"{server}:{server}"])
        metrics = example["metrics"]["address"].rsplit(":", 1)[1]
        scrape = read("deploy/compose/prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"]
        self.assertEqual(scrape, [f"rr:{metrics}"])

    def test_redis_comes_when_asked_for(self):
        redis = self.services["redis"]
        self.assertEqual(redis["profiles"], ["redis"])
        # Others on the network of these services, and nobody else.
        self.assertNotIn("ports", redis)
        for name, service in self.services.items():
            self.assertNotIn("redis", service.get("depends_on", []), name)

    def test_prometheus_takes_its_configuration(self):
        with tempfile.TemporaryDirectory() as directory:
            for target, file in self.mounted("prometheus").items():
                shutil.copy(file, pathlib.Path(directory, pathlib.Path(target).name))
            check = ["promtool", "check", "config", f"{directory}/prometheus.yml"]
            result = subprocess.run(check, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_grafana_finds_prometheus_and_the_dashboard(self):
        source = read("deploy/compose/grafana/datasource.yml")["datasources"][0]
        self.assertEqual((source["type"], source["url"]), ("prometheus", "http://prometheus:9090"))
        mounted = self.mounted("grafana")
        folder = read("deploy/compose/grafana/dashboards.yml")["providers"][0]["options"]["path"]
        self.assertEqual(mounted[f"{folder}/rr.json"], ROOT / "deploy/grafana/rr.json")
        home = self.services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertIn(home, mounted)
        for kind in ("datasources", "dashboards"):
            self.assertIn(f"/etc/grafana/provisioning/{kind}/rr.yml", mounted)


if __name__ == "__main__":
    unittest.main()
