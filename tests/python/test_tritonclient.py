"""NVIDIA's own client, which knows nothing of privet, against what `privet up` serves."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from support import MODELS, deployment
from test_oip import Grpc, Http


def address(endpoint, kind):
    return endpoint[f"{kind}_url"].removeprefix("https://")


@pytest.mark.parametrize("name", ["lr528-keras", "lr-uci", "lr-uci-columns", "softmax-iris"])
def test_a_plain_host_is_an_ordinary_server(name, up):
    running = up("plain", MODELS / name / "model.onnx")
    [endpoint] = deployment(running.deployment)["endpoints"]
    judge = [sys.executable, pathlib.Path(__file__).with_name("test_oip.py")]
    where = ["--http", address(endpoint, "http"), "--grpc", address(endpoint, "grpc")]
    trust = ["--ca", running.folder / endpoint["ca"], "--model", name]
    rows = ["--rows", MODELS / name / "rows.npz", "--expected", MODELS / name / "expected.npz"]
    imputes = ["--nan-accepted"] if name.startswith("lr-uci") else []
    done = subprocess.run([*judge, *where, *trust, *rows, *imputes], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nok ") > 30, done.stdout


def sides(running, endpoint):
    ca = str(running.folder / endpoint["ca"])
    http = address(endpoint, "http")
    return [Http(http, ca, binary=True), Http(http, ca, binary=False), Grpc(address(endpoint, "grpc"), ca)]


def test_parties_answer_about_themselves_and_refuse_plain_tensors(shared):
    running = shared("mpc", MODELS / "lr-uci/model.onnx")
    for endpoint in deployment(running.deployment)["endpoints"]:
        for side in sides(running, endpoint):
            healthy_party(side, "lr-uci")
            plain_tensor_is_refused(side, "lr-uci")
            healthy_party(side, "lr-uci")


def healthy_party(side, model):
    client = side.client
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    assert not known(client, "no-such-model")
    assert side.server_metadata()["name"]
    metadata = side.metadata(model)
    assert metadata["name"] == model and metadata["platform"].startswith("privet_mpc"), metadata
    assert metadata["inputs"] and {t["datatype"] for t in metadata["inputs"]} == {"UINT8"}, metadata
    assert "features" not in {t["name"] for t in metadata["inputs"]}


def known(client, model):
    """Over gRPC an unknown model is an error, over HTTP an answer."""
    try:
        return client.is_model_ready(model)
    except InferenceServerException as error:
        assert model in error.message()
        return False


def plain_tensor_is_refused(side, model):
    rows = np.load(MODELS / "lr-uci/rows.npz")["features"][:2]
    with pytest.raises(InferenceServerException) as caught:
        side.client.infer(model, [side.input("features", rows)])
    message = caught.value.message()
    assert message[0] == "E" and message[1:4].isdigit() and message.endswith("."), message
    assert "share" in message or "request" in message, f"it does not say what was expected: {message}"
    value = f"{rows[0, 0]:g}"
    assert value not in message, f"an applicant's value was printed: {message}"


def test_a_party_survives_what_is_no_share(shared):
    running = shared("mpc", MODELS / "lr-uci/model.onnx")
    endpoint = deployment(running.deployment)["endpoints"][2]
    side = Grpc(address(endpoint, "grpc"), str(running.folder / endpoint["ca"]))
    for size in (0, 1, 31, 32, 100, 5000):
        noise = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
        inputs = [side.input("request", noise, "UINT8"), side.input("share", noise, "UINT8")]
        with pytest.raises(InferenceServerException):
            side.client.infer("lr-uci", inputs)
    healthy_party(side, "lr-uci")


def test_a_client_that_does_not_trust_the_certificate_gets_nothing(shared):
    running = shared("mpc", MODELS / "lr-uci/model.onnx")
    ours, theirs = deployment(running.deployment)["endpoints"][:2]
    client = triton_grpc.InferenceServerClient(
        address(ours, "grpc"), ssl=True, root_certificates=str(running.folder / theirs["ca"])
    )
    with pytest.raises(InferenceServerException):
        client.is_server_live(client_timeout=5)
