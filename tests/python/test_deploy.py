"""The recipes in `deploy/`: rendered and checked by the tools of their own kind, and run where this machine can.

A tool that is missing is a skipped test that says what to install.
"""

import ast
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml

from support import BINARY, ROOT, ok

KUBERNETES = ROOT / "deploy/kubernetes"
SYSTEMD = ROOT / "deploy/systemd"
ORGANISATIONS = ["bank-a", "bank-b", "auditor"]
FOLDERS = [f"overlays/{name}" for name in [*ORGANISATIONS, "bank-a-stateless"]] + ["kserve/plain", "kserve/gateway"]
# `preStop.sleep` is on by default from the first of them.
VERSIONS = ["1.32", "1.37"]


def need(command, advice):
    if not shutil.which(command):
        pytest.skip(f"SKIPPED: `{command}` is not there: {advice}")


def rendered(folder):
    """The resources of a folder by kind, as Kustomize makes them."""
    need("kubectl", "install kubectl 1.27 or newer, which brings Kustomize 5")
    done = subprocess.run(["kubectl", "kustomize", KUBERNETES / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return {resource["kind"]: resource for resource in yaml.safe_load_all(done.stdout)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_that_is_rendered_fits_the_schemas(folder):
    resources = rendered(folder)
    assert len(resources) > 1
    for kind, resource in resources.items():
        group = resource["apiVersion"].split("/")[0]
        if group == "serving.kserve.io":
            check_kserve(resource)
        elif group == "monitoring.coreos.com":
            # No package ships its schema: the fields that matter, by name.
            assert set(resource["spec"]) == {"selector", "endpoints"} and kind == "ServiceMonitor"
        else:
            for version in VERSIONS:
                kubernetes_validate.validate(resource, version, strict=True)


def check_kserve(resource):
    """By the types of KServe's own SDK; what those take from Kubernetes, by Kubernetes' schemas."""
    name = {"ServingRuntime": "V1alpha1ServingRuntime", "InferenceService": "V1beta1InferenceService"}[resource["kind"]]
    check_type(name, resource, resource["kind"])


def check_type(name, value, where):
    inner = re.fullmatch(r"list\[(.*)\]|dict\(str, (.*)\)", name)
    if inner:
        values = value if inner[1] else value.values()
        assert isinstance(value, list if inner[1] else dict), where
        for each in values:
            check_type(inner[1] or inner[2], each, where)
    elif name in ("str", "int", "bool", "float"):
        assert isinstance(value, {"str": str, "int": int, "bool": bool, "float": float}[name]), f"{where}: {value!r}"
    elif (types := kserve_type(name)) is not None:
        assert not set(value) - set(types), f"{where}: {set(value) - set(types)} unknown"
        for key, each in value.items():
            check_type(types[key], each, f"{where}.{key}")
    elif name in ("V1Container", "V1Volume"):
        containers = [value] if name == "V1Container" else [{"name": "x", "image": "x"}]
        volumes = [value] if name == "V1Volume" else [{"name": m["name"]} for m in value.get("volumeMounts", [])]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": containers, "volumes": volumes}}
        kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)
    else:
        assert name == "V1ObjectMeta" and not set(value) - {"name", "namespace", "labels", "annotations"}, where


def kserve_type(name):
    """A type of the SDK, read and not imported, as it would bring a whole server: the keys of JSON and their types."""
    models = pathlib.Path(importlib.util.find_spec("kserve").origin).parent / "models"
    file = models / (re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + ".py")
    if not file.is_file():
        return None
    found = {}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("openapi_types", "attribute_map"):
            found[node.targets[0].id] = ast.literal_eval(node.value)
    return {found["attribute_map"][key]: kind for key, kind in found["openapi_types"].items()}


@pytest.mark.parametrize("name", ORGANISATIONS)
def test_a_party_that_talks_to_others_is_one_process(name):
    resources = rendered(f"overlays/{name}")
    spec = resources["Deployment"]["spec"]
    assert spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"} and "HorizontalPodAutoscaler" not in resources
    assert resources["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1, "a node could never be drained"
    assert "[peers]" in resources["ConfigMap"]["data"]["party.toml"]
    # The name service's pods have labels of their own only: more in the selector, and no name is resolved.
    ways = resources["NetworkPolicy"]["spec"]["egress"]
    [names] = [way["to"][0]["podSelector"] for way in ways if "to" in way]
    assert names == {"matchLabels": {"k8s-app": "kube-dns"}}


def test_the_parties_name_each_other_in_the_bundles_order():
    told = [rendered(f"overlays/{name}")["ConfigMap"]["data"]["party.toml"] for name in ORGANISATIONS]
    for n, text in enumerate(told):
        assert f'previous = "{ORGANISATIONS[n - 1]}.example' in text and f'next = "{ORGANISATIONS[(n + 1) % 3]}.example' in text


def test_a_stateless_party_scales_and_has_no_way_out():
    resources = rendered("overlays/bank-a-stateless")
    deployment, scaler = resources["Deployment"], resources["HorizontalPodAutoscaler"]["spec"]
    assert "replicas" not in deployment["spec"] and deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"] and scaler["minReplicas"] >= 2
    assert resources["NetworkPolicy"]["spec"]["egress"] == [] and "peers" not in resources["ConfigMap"]["data"]["party.toml"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["topologySpreadConstraints"] and pod["affinity"]["podAntiAffinity"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_container_keeps_the_restricted_standard_and_is_probed(folder):
    resources = rendered(folder)
    runtime = resources.get("ServingRuntime")
    pod = runtime["spec"] if runtime else resources["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    own = pod.get("securityContext", {}) | container["securityContext"]
    assert own["runAsNonRoot"] and own["readOnlyRootFilesystem"] and own["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready" and container["resources"]["limits"]["memory"]
    if not runtime:
        drain = 5 + 10
        assert container["lifecycle"]["preStop"]["sleep"]["seconds"] == 5 and pod["terminationGracePeriodSeconds"] > drain


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_selected_is_there(folder):
    """Each Service, budget and policy finds the Pods, and every ConfigMap that a Pod wants is made."""
    resources = rendered(folder)
    if "Deployment" not in resources:
        pytest.skip("KServe makes the Pods")
    template = resources["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    selectors = [resources["Service"]["spec"]["selector"], resources["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]]
    selectors.append(resources["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"])
    assert all(selector and selector.items() <= labels for selector in selectors)
    [volume] = template["spec"]["volumes"]
    assert volume["projected"]["sources"][0]["configMap"]["name"] == resources["ConfigMap"]["metadata"]["name"]
    assert {resource["metadata"].get("namespace") for resource in resources.values()} - {None} == {resources["Namespace"]["metadata"]["name"]}


ROLES = ["party", "dealer", "plain", "he", "web", "keys", "enclave", "gateway"]


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as they are installed, beside a program at the path that they name."""
    need("systemd-analyze", "install systemd")
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(SYSTEMD, folder, dirs_exist_ok=True)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace("/usr/local/bin/privet", str(BINARY)))
    return folder


@pytest.mark.parametrize("role", ROLES)
def test_units_are_right_and_shut_in(units, role, line):
    unit, env = units / f"privet-{role}@x.service", os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:", "LC_ALL": "C"}
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0 and not [said for said in done.stderr.splitlines() if "privet" in said], done.stderr
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", unit]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    exposure = float(re.search(r"Overall exposure level for \S+ ([0-9.]+)", done.stdout)[1])
    line(f"systemd: exposure of privet-{role}@: {exposure}")
    assert exposure <= (2.5 if role == "enclave" else 1.5), done.stdout
    args = re.search(r"^ExecStart=\S+ (\S+ ?\S*) --", unit.with_name(f"privet-{role}@.service").read_text(), re.MULTILINE)[1]
    ok(*args.split(), "--help")


def test_a_real_systemd_runs_the_units(tmp_path):
    """It boots in name spaces of its own; `tests/systemd/trial.py` is what happens in it."""
    need("systemctl", "install systemd")
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: only root can boot a systemd in name spaces")
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("SKIPPED: this machine lets nobody make name spaces")
    done = subprocess.run([ROOT / "tests/systemd/run", BINARY, sys.executable, tmp_path], capture_output=True, text=True, check=False)
    log = (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
    assert (tmp_path / "passed").exists(), done.stdout[-3000:] + done.stderr[-1000:] + log
