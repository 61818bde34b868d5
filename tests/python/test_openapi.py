"""`schemathesis` and the protocol's OpenAPI document, as another server's authors wrote it: whatever comes, no answer is a
server's error, and every refusal is an object with `error`."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

from support import MODELS, deployment

NAME = "lr-uci-columns"
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance,response_headers_conformance"


def document():
    """The document that MLServer ships (of which nothing else is installed), without what is not in the protocol: text generation."""
    [folder] = importlib.util.find_spec("mlserver").submodule_search_locations
    document = json.loads((pathlib.Path(folder) / "rest/openapi/dataplane.json").read_text())
    document["paths"] = {
        path: steps for path, steps in document["paths"].items() if not any(word in path for word in ("generate", "stream"))
    }
    schemas = document["components"]["schemas"]
    # There, values are of a type `bytes`, which OpenAPI does not have.
    value = {"anyOf": [{"type": kind} for kind in ("number", "string", "boolean")]}
    deep = {"type": "array", "items": {"anyOf": [value, {"type": "array", "items": value}]}}
    schemas["TensorData"] = {"anyOf": [deep, value]}
    # Names at random would find nothing but "no such model".
    for steps in document["paths"].values():
        for parameter in steps.get("parameters", []):
            known = {"model_name": [NAME, "no-such-model"], "model_version": ["1", "999"]}[parameter["name"]]
            parameter["schema"] = {"type": "string", "enum": known}
    schemas["RequestInput"]["properties"]["name"] = {"type": "string", "enum": ["LIMIT_BAL", "SEX", "request", "no_such_input"]}
    return document


def test_the_document_is_all_of_the_protocol():
    assert len(document()["paths"]) == 9


@pytest.mark.parametrize("side", ["gateway", "plain", "party", "enclave"])
def test_whatever_comes_is_answered(side, shared, gateway, tmp_path):
    kind = {"gateway": "mpc", "party": "mpc", "enclave": "tee"}.get(side, side)
    running = shared(kind, MODELS / NAME / "model.onnx")
    endpoint = deployment(running.deployment)["endpoints"][0]
    url, trust = endpoint["http_url"], ["--tls-verify", running.folder / endpoint["ca"]]
    if side == "gateway":
        url, trust = gateway(running).url, []
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(document()))
    run = [sys.executable, "-m", "schemathesis.cli", "run", schema, "--url", url, *trust, "--checks", CHECKS]
    few = ["--max-examples", "40", "--generation-deterministic", "--no-color", "--phases", "coverage,fuzzing"]
    done = subprocess.run(
        [*run, *few], capture_output=True, text=True, timeout=300, cwd=tmp_path, env=os.environ | {"COLUMNS": "120"}
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "9 tested" in done.stdout or "Tested: 9" in done.stdout, done.stdout
