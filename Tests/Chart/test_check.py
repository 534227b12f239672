"""The Job that asks `rr check` before an upgrade: what it sees is what pods would see, and it never waits for nothing."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import helm_python as helm

from chart import CHART, RR, VALUE_FILES, Rendered, minimal, mounted, read


class ConfigCheck(unittest.TestCase):
    def run_job(self, **changes):
        """Its container's command and variables, with the file that its volume has."""
        job = Rendered(minimal(**changes)).one("Job")["spec"]["template"]
        container = job["spec"]["containers"][0]
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, ".rr.yaml")
            file.write_text(mounted(job))
            places = {"/etc/rr/.rr.yaml": str(file), "/app": directory}
            clean = {k: v for k, v in os.environ.items() if not k.startswith("RR_")}
            return subprocess.run(
                [RR, *(places.get(a, a) for a in container["args"])],
                env=clean | {e["name"]: e["value"] for e in container.get("env", []) if "value" in e},
                capture_output=True,
                text=True,
            )

    def test_a_good_file_passes(self):
        result = self.run_job()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("1025", result.stdout)

    def test_a_bad_file_fails_and_is_named(self):
        result = self.run_job(config__tcp__pool={"num_workers": "many"})
        self.assertEqual(result.returncode, 1)
        self.assertIn("num_workers", result.stderr)

    def test_what_overrules_the_file_is_seen(self):
        for changes in (
            {"env": {"RR_TCP_POOL_NUM_WORKERS": "many"}},
            {"extraArgs": ["-s", "-o", "tcp.pool.num_workers=many", "-p"]},
            {"extraArgs": ["--override=tcp.pool.num_workers=many"]},
        ):
            with self.subTest(**changes):
                result = self.run_job(**changes)
                self.assertEqual(result.returncode, 1)
                self.assertIn("many", result.stderr)

    def test_arguments_of_serve_alone_are_left_out(self):
        said = ["-s", "-o", "a=b", "-p", "-oc=d", "--override=e=f", "--dotenv", ".env", "--silent"]
        arguments = Rendered(minimal(extraArgs=said)).one("Job")["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertEqual(arguments[5:], ["-o", "a=b", "-oc=d", "--override=e=f", "--dotenv", ".env"])
        result = self.run_job(extraArgs=["-s", "-o", "logs.level=warn", "-p"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("level: warn", result.stdout)

    def test_it_runs_first_and_stays_when_it_failed(self):
        annotations = Rendered(minimal()).one("Job")["metadata"]["annotations"]
        self.assertEqual(annotations["helm.sh/hook"], "pre-upgrade")
        self.assertLess(int(annotations["helm.sh/hook-weight"]), 0)
        self.assertEqual(annotations["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded")

    def test_it_ends(self):
        job = Rendered(minimal(configCheck__timeoutSeconds=7)).one("Job")["spec"]
        self.assertEqual((job["backoffLimit"], job["activeDeadlineSeconds"]), (0, 7))
        self.assertEqual(job["template"]["spec"]["restartPolicy"], "Never")
        # A proxy beside it would not end.
        self.assertEqual(job["template"]["metadata"]["labels"]["sidecar.istio.io/inject"], "false")
        self.assertEqual(job["template"]["metadata"]["annotations"]["linkerd.io/inject"], "disabled")

    def test_it_can_be_switched_off(self):
        self.assertEqual(Rendered(minimal(configCheck__enabled=False)).all("Job"), [])

    def test_it_needs_what_pods_need(self):
        """Image, credentials, place and files are those of the pods, so it can run where they can."""
        for file in VALUE_FILES:
            with self.subTest(file.name):
                rendered = Rendered(read(file))
                pod, job = rendered.pod, rendered.one("Job")["spec"]["template"]["spec"]
                for key in ("imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName", "runtimeClassName"):
                    self.assertEqual(job.get(key), pod.get(key))
                container = job["containers"][0]
                for key in ("image", "imagePullPolicy", "command", "securityContext", "resources", "volumeMounts"):
                    self.assertEqual(container[key], rendered.container[key])
                self.assertEqual([v["name"] for v in job["volumes"]], [v["name"] for v in pod["volumes"]])
                self.assertEqual([e["name"] for e in container.get("env", [])],
                                 [e["name"] for e in rendered.container.get("env", [])])
                # The code is copied; init containers of the user, which may migrate a database, do not run twice.
                copies = [c for c in pod.get("initContainers", []) if c["name"] == "app"]
                self.assertEqual(job.get("initContainers", []), copies)

    def test_the_file_is_that_of_the_new_pods(self):
        for changes in ({}, {"config__endure": {"grace_period": "1m"}}):
            rendered = Rendered(minimal(**changes))
            self.assertEqual(mounted(rendered.one("Job")["spec"]["template"]), rendered.configuration)

    def test_an_existing_file_is_read(self):
        job = Rendered(read(CHART / "ci/existing-config-values.yaml")).one("Job")["spec"]["template"]["spec"]
        volume = next(v for v in job["volumes"] if v["name"] == "config")["configMap"]
        self.assertEqual(volume["name"], "mail-config")
        self.assertEqual(volume["items"], [{"key": "rr.yaml", "path": ".rr.yaml"}])

    def test_it_waits_for_nothing_that_the_upgrade_brings(self):
        """Secrets and ConfigMaps of `extraObjects` come after it: without them it runs, and names what it misses."""
        values = read(CHART / "ci/everything-values.yaml")
        values["extraVolumes"] = [
            {"name": "a", "configMap": {"name": "a"}},
            {"name": "b", "projected": {"sources": [{"secret": {"name": "b"}}, {"configMap": {"name": "b"}}]}},
            {"name": "c", "cephfs": {"monitors": ["m"], "secretRef": {"name": "c"}}},
        ]
        rendered = Rendered(values)
        job = rendered.one("Job")["spec"]["template"]["spec"]
        container = job["containers"][0]
        environment = {e["name"]: e for e in container["env"]}
        self.assertIs(environment["DATABASE_PASSWORD"]["valueFrom"]["secretKeyRef"]["optional"], True)
        self.assertEqual(container["envFrom"], [{"secretRef": {"name": "app", "optional": True}}])
        volumes = {v["name"]: v for v in job["volumes"]}
        self.assertIs(volumes["secret-0"]["secret"]["optional"], True)
        self.assertIs(volumes["a"]["configMap"]["optional"], True)
        self.assertEqual([[s["optional"] for s in source.values()] for source in volumes["b"]["projected"]["sources"]],
                         [[True], [True]])
        self.assertEqual(volumes["c"], values["extraVolumes"][2])
        # Pods themselves wait.
        self.assertNotIn("optional", str(rendered.one("Deployment")))

    def test_its_account_is_there_already(self):
        """One that the release makes is not, before its first upgrade that makes it, or when Argo CD runs the hook."""

        def account(values, *live):
            return Rendered(values, live).one("Job")["spec"]["template"]["spec"]["serviceAccountName"]

        live = Rendered(minimal()).one("Deployment")
        self.assertEqual(account(minimal(), live), "ci-rr")
        self.assertEqual(account(minimal(serviceAccount__name="new"), live), "ci-rr")
        self.assertEqual(account(minimal()), "default")
        self.assertEqual(account(minimal(serviceAccount={"create": False, "name": "theirs"})), "theirs")


if __name__ == "__main__":
    unittest.main()
