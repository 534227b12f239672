"""How many pods there are: with a fixed number, with the autoscaler, and on the way from one to the other."""

import unittest

from chart import CHART, Rendered, minimal, read


class Scaling(unittest.TestCase):
    def test_autoscaling_owns_the_number_of_pods(self):
        rendered = Rendered(read(CHART / "ci/everything-values.yaml"))
        self.assertNotIn("replicas", rendered.one("Deployment")["spec"])
        scaler = rendered.one("HorizontalPodAutoscaler")["spec"]
        self.assertEqual(scaler["behavior"], {"scaleDown": {"stabilizationWindowSeconds": 600}})
        metrics = scaler["metrics"]
        self.assertEqual([m["type"] for m in metrics], ["ContainerResource", "Pods", "Resource"])
        self.assertEqual(metrics[1]["pods"]["metric"]["name"], "rr_tcp_workers_working")

    def test_switching_autoscaling_on_ends_no_pod(self):
        """A field of the last version that the new one leaves out falls back to its default: one pod."""
        scaled = minimal(autoscaling={"enabled": True})

        def upgrade(values, *live):
            found = Rendered(values, live).one("Deployment")
            return found["spec"].get("replicas"), found | {"spec": found["spec"] | {"replicas": 7}}

        fixed, live = upgrade(minimal(replicaCount=4))
        self.assertEqual(fixed, 4)
        switched, live = upgrade(scaled, live)
        self.assertEqual(switched, 7)
        # From now on the field is there, so it has to stay.
        scaler = Rendered(scaled).one("HorizontalPodAutoscaler")
        self.assertEqual(upgrade(scaled, live, scaler)[0], 7)
        self.assertEqual(upgrade(scaled, live | {"spec": {"replicas": 0}}, scaler)[0], 0)
        back, live = upgrade(minimal(replicaCount=3), live, scaler)
        self.assertEqual(back, 3)
        self.assertEqual(upgrade(scaled, live)[0], 7)

    def test_the_number_of_pods_is_left_alone_once_the_autoscaler_has_written_it(self):
        """When Helm applies on the server's side; a patch made by Helm would still take the field away."""
        scaled = minimal(autoscaling={"enabled": True})
        scaler = Rendered(scaled).one("HorizontalPodAutoscaler")
        live = Rendered(scaled, [Rendered(minimal()).one("Deployment")]).one("Deployment")
        self.assertEqual(live["spec"]["replicas"], 2)

        def replicas(*managers):
            fields = {"f:spec": {"f:replicas": {}}}
            entries = [{"manager": m, "operation": o, "fieldsV1": fields} for m, o in managers]
            metadata = live["metadata"] | {"managedFields": entries}
            found = Rendered(scaled, [live | {"metadata": metadata}, scaler]).one("Deployment")
            return found["spec"].get("replicas")

        self.assertEqual(replicas(("helm", "Apply")), 2)
        self.assertEqual(replicas(("helm", "Update"), ("kube-controller-manager", "Update")), 2)
        self.assertIsNone(replicas(("helm", "Apply"), ("kube-controller-manager", "Update")))

    def test_a_release_that_always_scaled_leaves_the_number_alone(self):
        scaled = minimal(autoscaling={"enabled": True})
        installed = Rendered(scaled)
        live = installed.one("Deployment"), installed.one("HorizontalPodAutoscaler")
        self.assertNotIn("replicas", live[0]["spec"])
        live[0]["spec"]["replicas"] = 5
        self.assertNotIn("replicas", Rendered(scaled, live).one("Deployment")["spec"])

    def test_one_pod_has_no_disruption_budget(self):
        self.assertEqual(len(Rendered(minimal()).all("PodDisruptionBudget")), 1)
        self.assertEqual(Rendered(minimal(replicaCount=1)).all("PodDisruptionBudget"), [])


if __name__ == "__main__":
    unittest.main()
