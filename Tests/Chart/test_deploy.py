"""Other ways to run `rr` than the chart: what they share with it."""

import configparser
import unittest

import yaml

from chart import ROOT, check


class SystemdUnit(unittest.TestCase):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "deploy/systemd/rr.service")
    service = parser["Service"]

    def test_it_is_started_again_for_ever(self):
        self.assertEqual(self.parser["Unit"]["StartLimitIntervalSec"], "0")
        self.assertEqual(self.service["Restart"], "on-failure")

    def test_what_is_frozen_is_not_drained(self):
        self.assertLess(int(self.service["TimeoutAbortSec"]), int(self.service["TimeoutStopSec"]))

    def test_a_worker_out_of_memory_does_not_end_the_service(self):
        self.assertEqual(self.service["OOMPolicy"], "continue")


class Images(unittest.TestCase):
    def test_none_is_taken_from_a_stranger(self):
        """A name without an owner is one of Docker Hub's own library, where `rr` is free for anybody."""
        compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["rr"]
        self.assertEqual((compose["build"], compose["pull_policy"]), (".", "build"))
        self.assertEqual(yaml.safe_load((ROOT / "helm/values.yaml").read_text())["image"]["repository"], "")


class Compose(unittest.TestCase):
    def test_tls(self):
        """What the file adds names a server of the example, and makes a configuration that is good."""
        service = yaml.safe_load((ROOT / "deploy/compose/tls.yml").read_text())["services"]["rr"]
        self.assertTrue(service["volumes"][0].endswith(":/etc/tls:ro"))
        example = (ROOT / "deploy/docker/.rr.yaml").read_text()
        self.assertNotIn("tls", check(example)["tcp"]["servers"]["echo"])
        effective = check(example, service["environment"])["tcp"]["servers"]
        self.assertEqual(list(effective), ["echo"])
        self.assertEqual(set(effective["echo"]["tls"]) & {"cert", "key"}, {"cert", "key"})


if __name__ == "__main__":
    unittest.main()
