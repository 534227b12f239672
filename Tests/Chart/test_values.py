"""Every value does something: none is forgotten by the templates, and none by this test."""

import importlib.machinery
import importlib.util
import unittest

import yaml

from chart import CHART, EXAMPLE, ROOT, Rendered, minimal

SCALED = {"autoscaling__enabled": True}
BALANCED = {"service__type": "LoadBalancer"}
GUARDED = {"networkPolicy__enabled": True}
COPIED = {"app__image": "code:1"}
ON_REDIS = {"config__kv": {"s": {"driver": "redis", "config": {}}}}
THEIRS = {"config": {}, "existingConfigMap": "theirs", "existingConfig__servers": {"smtp": 1025}}

# The key, another value than the default, and what it needs beside it to be of use.
CHANGES = {
    "nameOverride": ("other", {}),
    "fullnameOverride": ("other", {}),
    "commonLabels": ({"team": "marked"}, {}),
    "image.repository": ("marked", {}),
    "image.tag": ("marked", {}),
    "image.digest": ("sha256:" + 64 * "b", {}),
    "image.pullPolicy": ("Never", {}),
    "image.command": (["/marked"], {}),
    "imagePullSecrets": ([{"name": "marked"}], {}),
    "config": ({"server": {"command": "marked"}, "tcp": {"servers": {"a": {"addr": ":1"}}}}, {}),
    "existingConfigMap": ("marked", THEIRS),
    "existingConfig.key": ("marked", THEIRS),
    "existingConfig.servers": ({"marked": 1234}, THEIRS),
    "existingConfig.statusPort": (1234, THEIRS),
    "existingConfig.metricsPort": (1234, THEIRS),
    "existingConfig.gracePeriod": ("77s", THEIRS),
    "configCheck.enabled": (False, {}),
    "configCheck.timeoutSeconds": (77, {}),
    "env": ({"NAME": "marked"}, {}),
    "envFrom": ([{"secretRef": {"name": "marked"}}], {}),
    "redis.secretName": ("marked", ON_REDIS),
    "redis.addrsKey": ("marked", ON_REDIS | {"redis__secretName": "x"}),
    "redis.passwordKey": ("marked", ON_REDIS | {"redis__secretName": "x"}),
    "redis.storages": (["77"], THEIRS | {"redis__secretName": "x", "redis__storages": ["s"]}),
    "extraArgs": (["--marked"], {}),
    "secretMounts": ([{"secretName": "marked", "mountPath": "/x"}], {}),
    "app.image": ("marked", {}),
    "app.path": ("/marked", COPIED),
    "app.pullPolicy": ("Never", COPIED),
    "app.sizeLimit": ("77Mi", COPIED),
    "app.volume": ({"persistentVolumeClaim": {"claimName": "marked"}}, {}),
    "replicaCount": (77, {}),
    "strategy.maxUnavailable": (77, {}),
    "strategy.maxSurge": (77, {}),
    "minReadySeconds": (77, {}),
    "revisionHistoryLimit": (77, {}),
    "autoscaling.enabled": (True, {}),
    "autoscaling.minReplicas": (7, SCALED),
    "autoscaling.maxReplicas": (77, SCALED),
    "autoscaling.cpuPercent": (77, SCALED),
    "autoscaling.busyWorkers.enabled": (True, SCALED),
    "autoscaling.busyWorkers.metric": ("marked", SCALED | {"autoscaling__busyWorkers__enabled": True}),
    "autoscaling.busyWorkers.averageValue": ("77", SCALED | {"autoscaling__busyWorkers__enabled": True}),
    "autoscaling.extraMetrics": ([{"type": "marked"}], SCALED),
    "autoscaling.behavior": ({"scaleUp": {"stabilizationWindowSeconds": 77}}, SCALED),
    "podDisruptionBudget.enabled": (False, {}),
    "podDisruptionBudget.maxUnavailable": (77, {}),
    "podDisruptionBudget.minAvailable": (0, {}),
    "topologySpread.enabled": (False, {}),
    "topologySpread.keys": (["marked"], {}),
    "topologySpread.maxSkew": (77, {}),
    "topologySpread.whenUnsatisfiable": ("DoNotSchedule", {}),
    "podAntiAffinity": ("hard", {}),
    "affinity": ({"nodeAffinity": {"marked": 1}}, {}),
    "nodeSelector": ({"marked": "x"}, {}),
    "tolerations": ([{"key": "marked"}], {}),
    "priorityClassName": ("marked", {}),
    "runtimeClassName": ("marked", {}),
    "service.type": ("NodePort", {}),
    "service.annotations": ({"marked": "x"}, {}),
    "service.ports": ({"smtp": 1234}, {}),
    "service.nodePorts": ({"smtp": 30077}, {"service__type": "NodePort"}),
    "service.clusterIP": ("192.0.2.77", {}),
    "service.externalTrafficPolicy": ("Local", BALANCED),
    "service.internalTrafficPolicy": ("Local", {}),
    "service.loadBalancerClass": ("marked", BALANCED),
    "service.loadBalancerSourceRanges": (["192.0.2.0/24"], BALANCED),
    "service.sessionAffinity": ("ClientIP", {}),
    "service.ipFamilyPolicy": ("PreferDualStack", {}),
    "resources": ({"limits": {"memory": "77Mi"}}, {}),
    "tmpSizeLimit": ("77Mi", {}),
    "serviceAccount.create": (False, {}),
    "serviceAccount.name": ("marked", {}),
    "serviceAccount.annotations": ({"marked": "x"}, {}),
    "podSecurityContext": ({"supplementalGroups": [77]}, {}),
    "securityContext": ({"procMount": "marked"}, {}),
    "networkPolicy.enabled": (True, {}),
    "networkPolicy.from": ([{"podSelector": {"marked": 1}}], GUARDED),
    "networkPolicy.metricsFrom": ([{"podSelector": {"marked": 1}}], GUARDED),
    "networkPolicy.egress": ([{"ports": [{"port": 1234}]}], GUARDED),
    "networkPolicy.dnsPorts": ([1234], GUARDED | {"networkPolicy__egress": [{}]}),
    "prometheusRule.enabled": (True, {}),
    "prometheusRule.labels": ({"marked": "x"}, {"prometheusRule__enabled": True}),
    "dashboards.enabled": (True, {}),
    "dashboards.labels": ({"marked": "x"}, {"dashboards__enabled": True}),
    "dashboards.annotations": ({"marked": "x"}, {"dashboards__enabled": True}),
    "dashboards.namespace": ("marked", {"dashboards__enabled": True}),
    "deploymentAnnotations": ({"marked": "x"}, {}),
    "podAnnotations": ({"marked": "x"}, {}),
    "podLabels": ({"marked": "x"}, {}),
    "extraVolumes": ([{"name": "marked"}], {}),
    "extraVolumeMounts": ([{"name": "marked"}], {}),
    "extraInitContainers": ([{"name": "marked"}], {}),
    "extraContainers": ([{"name": "marked"}], {}),
    "extraObjects": ([{"kind": "marked"}], {}),
    "test.server": ("smtp", {"config__tcp__servers__imap": {"addr": ":143"}}),
    "test.send": ("marked", {}),
    "test.expect": ("marked", {}),
    "test.timeoutSeconds": (77, {}),
}
for monitor in ("serviceMonitor", "podMonitor"):
    CHANGES |= {
        f"{monitor}.enabled": (True, {}),
        f"{monitor}.labels": ({"marked": "x"}, {f"{monitor}__enabled": True}),
        f"{monitor}.interval": ("77s", {f"{monitor}__enabled": True}),
        f"{monitor}.metricRelabelings": ([{"marked": 1}], {f"{monitor}__enabled": True}),
    }
for probe in ("startup", "liveness", "readiness"):
    CHANGES |= {f"probes.{probe}.{key}": (77, {}) for key in ("periodSeconds", "timeoutSeconds", "failureThreshold")}
for probe in ("startup", "liveness"):
    CHANGES[f"probes.{probe}.terminationGracePeriodSeconds"] = (77, {})


def described():
    """The keys of the table in the README."""
    loader = importlib.machinery.SourceFileLoader("chart_readme", str(ROOT / "scripts/chart-readme"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("chart_readme", loader))
    loader.exec_module(module)
    return module.descriptions((CHART / "values.yaml").read_text())


class Values(unittest.TestCase):
    def test_all_are_here(self):
        self.assertEqual(set(CHANGES), set(described()))

    def test_each_changes_what_is_installed(self):
        bases = {}
        for key, (value, needs) in CHANGES.items():
            with self.subTest(key):
                if str(needs) not in bases:
                    bases[str(needs)] = Rendered(minimal(**needs)).objects
                before = bases[str(needs)]
                after = Rendered(minimal(**needs | {key.replace(".", "__"): value})).objects
                self.assertNotEqual(before, after)
                for mark in ("marked", "1234", "77"):
                    if mark in str(value):
                        self.assertNotIn(mark, str(before))
                        self.assertIn(mark, str(after))

    def test_the_defaults_are_those_of_the_file(self):
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        self.assertEqual(Rendered(values | EXAMPLE).objects, Rendered(EXAMPLE).objects)


if __name__ == "__main__":
    unittest.main()
