"""The chart as its tests see it: rendered by the Helm engine, objects as dictionaries."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import helm_python as helm
import yaml

from cluster import cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm"
VALUE_FILES = sorted((CHART / "ci").glob("*-values.yaml"))
RR = os.environ["RR_BINARY"]

sys.path.append(str(ROOT / "Tests"))
from certificates import Authority  # noqa: E402


def written():
    """The chart as a package has it, with files where the project has links: the engine notes each link it meets."""
    directory = tempfile.TemporaryDirectory()
    with helm.Chart.load(CHART) as chart:
        return directory, chart.save_dir(directory.name)


_DIRECTORY, WRITTEN = written()


def certificates():
    """Pairs named first, second, client; and tls.crt and tls.key, which are the first."""
    directory = tempfile.TemporaryDirectory()
    authority = Authority(directory.name)
    authority.server("first")
    authority.server("second")
    authority.client("client")
    for end in ("crt", "key"):
        shutil.copy(authority.file(f"first.{end}"), authority.file(f"tls.{end}"))
    return directory, authority


_CERTIFICATES_DIRECTORY, CERTIFICATES = certificates()

# The least that may be said: the example is served.
EXAMPLE = {"image": {"repository": "registry.example.com/mail"}}

# What every refusal starts from: valid, and not the example.
MINIMAL = EXAMPLE | {
    "config": {"server": {"command": "php worker.php"}, "tcp": {"servers": {"smtp": {"addr": ":1025"}}}}
}


class Strict(yaml.CSafeLoader):
    """Refuses a key that is there twice, of which Helm and Kubernetes would each take one, or neither."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"twice: {twice}{node.start_mark}"
        return super().construct_mapping(node, deep)


class Rendered:
    """What a release named `ci` in the namespace `ci` would install; with `live`, in a cluster with these objects."""

    def __init__(self, values, live=None):
        with helm.Chart.load(WRITTEN) as chart:
            if live is None:
                texts = chart.render(values, name="ci", namespace="ci")
            else:
                with cluster(live) as kubeconfig, helm.Config(kubeconfig_content=kubeconfig) as config:
                    texts = config.render(chart, values, name="ci", namespace="ci", is_upgrade=True)
        self.notes = texts.pop("rr/templates/NOTES.txt")
        self.objects = [o for text in texts.values() for o in yaml.load_all(text, Strict) if o]

    def all(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def one(self, kind, name=None):
        found = [o for o in self.all(kind) if name is None or o["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
        return found[0]

    @property
    def pod(self):
        return self.one("Deployment")["spec"]["template"]["spec"]

    @property
    def pods(self):
        """The specifications of all pods."""
        makers = self.all("Deployment") + self.all("Job")
        return [o["spec"]["template"]["spec"] for o in makers] + [o["spec"] for o in self.all("Pod")]

    @property
    def container(self):
        return next(c for c in self.pod["containers"] if c["name"] == "rr")

    @property
    def configuration(self):
        """The text of .rr.yaml, as the kubelet writes it into the pods."""
        return mounted(self.one("Deployment")["spec"]["template"])


def mounted(template):
    """The text of /etc/rr/.rr.yaml in pods of a template, which is the template's own."""
    container = template["spec"]["containers"][0]
    name = next(m["name"] for m in container["volumeMounts"] if m["mountPath"] == "/etc/rr")
    volume = next(v for v in template["spec"]["volumes"] if v["name"] == name)
    item = next(i for i in volume["downwardAPI"]["items"] if i["path"] == ".rr.yaml")
    annotation = re.fullmatch(r"metadata\.annotations\['(.+)'\]", item["fieldRef"]["fieldPath"])[1]
    return template["metadata"]["annotations"][annotation]


def read(path):
    return helm.values_from_yaml(pathlib.Path(path).read_text())


def minimal(**changes):
    """`MINIMAL` with `changes`, whose keys are paths with `__` for dots."""
    values = copy.deepcopy(MINIMAL)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return values


def check(configuration, environment=()):
    """`rr check --json` on a text: what is in effect. A warning is a failure, too. /etc/tls has certificates."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, ".rr.yaml")
        file.write_text(configuration.replace("/etc/tls/", f"{CERTIFICATES.directory}/"))
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RR_")}
        environment = {k: v.replace("/etc/tls/", f"{CERTIFICATES.directory}/") for k, v in dict(environment).items()}
        result = subprocess.run(
            [RR, "check", "--json", "-c", file],
            env=clean | environment,
            capture_output=True,
            text=True,
        )
    assert result.returncode == 0 and not result.stderr, f"{result.stderr}\n{configuration}"
    return json.loads(result.stdout)
