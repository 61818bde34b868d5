"""`privet gateway`: clients of other people, which know nothing of privet, and get private answers."""

import asyncio
import concurrent.futures
import json
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
import tritonclient.http.aio as triton_aio
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.types import InferenceRequest, RequestInput
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tritonclient.utils import InferenceServerException

from support import MODELS, deployment, ok, refused, signal_to, until

KINDS = ["plain", "mpc", "tee", "he"]
MODEL = "lr-uci-columns"
BOUND = {"plain": 1e-6, "mpc": 1e-4, "tee": 1e-6, "he": 1e-4}


def fixture(name):
    folder = MODELS / name
    return folder / "model.onnx", np.load(folder / "rows.npz"), np.load(folder / "expected.npz")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["lr528-keras", "softmax-iris", "lr-uci-columns"])
def test_an_ordinary_client_asks_a_private_deployment(kind, name, shared, gateway):
    running = shared(kind, MODELS / name / "model.onnx")
    at = gateway(running).address
    judge = [sys.executable, pathlib.Path(__file__).with_name("test_oip.py"), "--http", at, "--grpc", at]
    rows = ["--rows", MODELS / name / "rows.npz", "--expected", MODELS / name / "expected.npz"]
    what = ["--model", name, "--kind", kind, "--absolute", str(BOUND[kind])]
    imputes = ["--nan-accepted"] if name.startswith("lr-uci") else []
    done = subprocess.run([*judge, *rows, *what, *imputes], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nok ") > 30, done.stdout


def asked(client, tensor, name, rows, output):
    given = tensor(name, list(rows.shape), "FP32")
    given.set_data_from_numpy(rows)
    return client.infer("lr528-keras", [given]).as_numpy(output)


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_gives_the_same_answer(kind, shared, gateway, privet, tmp_path):
    model, rows, expected = fixture("lr528-keras")
    running = shared(kind, model)
    at = gateway(running).address
    [name], [output] = rows.files, expected.files
    rows = rows[name][:20]

    async def over_asyncio():
        async with triton_aio.InferenceServerClient(at) as client:
            given = triton_http.InferInput(name, list(rows.shape), "FP32")
            given.set_data_from_numpy(rows)
            return (await client.infer("lr528-keras", [given])).as_numpy(output)

    np.savez(tmp_path / "rows.npz", **{name: rows})
    simulated = ["--dangerous-accept-simulated"] if kind == "tee" else []
    ok("predict", "--to", running.deployment, tmp_path / "rows.npz", "-o", tmp_path / "out.npz", *simulated)
    answers = {
        "command line": np.load(tmp_path / "out.npz")[output],
        "tritonclient, HTTP": asked(triton_http.InferenceServerClient(at), triton_http.InferInput, name, rows, output),
        "tritonclient, gRPC": asked(triton_grpc.InferenceServerClient(at), triton_grpc.InferInput, name, rows, output),
        "tritonclient, asyncio": asyncio.run(over_asyncio()),
        "open-inference-openapi": from_the_specification(at, name, rows, output),
        "Python": privet.connect(running.deployment, dangerous_accept_simulated=kind == "tee").outputs(rows)[output],
    }
    for way, answer in answers.items():
        assert np.abs(answer - expected[output][:20]).max() <= BOUND[kind], way


def from_the_specification(at, name, rows, output):
    """A client that was generated from the protocol's own document."""
    client = OpenInferenceClient(base_url=f"http://{at}")
    client.check_server_readiness()
    given = RequestInput(name=name, datatype="FP32", shape=list(rows.shape), data=rows.ravel().tolist())
    reply = client.model_infer("lr528-keras", request=InferenceRequest(inputs=[given]))
    [found] = [tensor for tensor in reply.outputs if tensor.name == output]
    data = found.data.__root__
    return np.array(data, dtype=np.float32).reshape(found.shape)


def get(url, headers=None, body=None, context=None):
    """Status and JSON."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_metadata_says_names_columns_bound_and_who_sees_what(shared, gateway):
    running = shared("mpc", MODELS / "softmax-iris/model.onnx")
    status, said = get(f"{gateway(running).url}/v2/models/softmax-iris")
    assert status == 200 and said["platform"] == "privet_mpc", said
    parameters = said["parameters"]
    assert parameters["kind"] == "mpc" and 0 < parameters["bound"] <= 1e-4 and parameters["reveal"] == "score"
    assert "each party" in parameters["trust"] and "two parties together" in parameters["trust"]
    assert parameters["bundle"] == deployment(running.deployment)["digest"]
    assert "UINT8" not in {tensor["datatype"] for tensor in said["inputs"]}


def test_a_simulated_enclave_is_called_one_everywhere(shared, gateway):
    running = shared("tee", MODELS / "lr528-keras/model.onnx")
    at = gateway(running)
    assert get(f"{at.url}/v2/models/lr528-keras")[1]["parameters"]["assurance"] == "simulated"
    assert "SIMULATED" in at.log.read_text()


def test_a_reply_says_its_bound_and_its_cost(shared, gateway):
    _, rows, _ = fixture("lr528-keras")
    running = shared("mpc", MODELS / "lr528-keras/model.onnx")
    [name] = rows.files
    body = {"inputs": [{"name": name, "datatype": "FP32", "shape": [1, 528], "data": rows[name][0].tolist()}]}
    status, said = get(f"{gateway(running).url}/v2/models/lr528-keras/infer", body=json.dumps(body).encode())
    assert status == 200, said
    assert said["parameters"]["rounds"] == 1 and said["parameters"]["bound"] <= 1e-4, said["parameters"]
    assert said["parameters"]["trust"] == "mpc / replicated3, semi-honest", said["parameters"]


def test_small_requests_share_a_call_and_one_bad_row_is_its_own_trouble(shared, gateway):
    """64 clients at once, of whom one asks what the plan refuses: parties count fewer calls, everybody has the own answer."""
    _, rows, expected = fixture("lr528-keras")
    running = shared("mpc", MODELS / "lr528-keras/model.onnx")
    [name], [output] = rows.files, expected.files
    rows, expected = rows[name], expected[output]
    # So that a row that went to another caller would be seen.
    assert np.diff(np.sort(expected[:64, 0])).min() > 0
    at = gateway(running, "--batch-calls", "1", "--batch-delay", "2000").address
    before = calls(running)

    def ask(row):
        wrong = np.full((1, 528), 1e30, dtype=np.float32)
        with triton_http.InferenceServerClient(at) as client:
            for turn in range(4):
                asks = wrong if row == 13 and turn == 1 else rows[row : row + 1]
                try:
                    answer = asked(client, triton_http.InferInput, name, asks, output)
                    assert asks is not wrong and abs(answer[0, 0] - expected[row, 0]) <= 1e-4, (row, answer)
                except InferenceServerException as error:
                    assert asks is wrong and error.message().startswith("E1") and "Row 1," in error.message(), error

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(ask, range(64)))
    made = calls(running) - before
    # How many share a call depends on how quick one is.
    assert made < 250, f"{made} private calls for 256 requests"


def test_a_crowd_is_told_to_come_again(up, gateway):
    """While the parties rest, as many rows wait as there is room for; who comes after that is told at once, and those who wait are answered."""
    model, rows, expected = fixture("lr528-keras")
    running = up("mpc", model)
    [name], [output] = rows.files, expected.files
    at = gateway(running, "--batch-calls", "1", "--batch-rows", "2", "--batch-delay", "60000").address
    asleep = [running.party(f"party-{at}") for at in range(3)]
    for party in asleep:
        signal_to(party, signal.SIGSTOP)

    def ask(_):
        with triton_http.InferenceServerClient(at) as client:
            try:
                return asked(client, triton_http.InferInput, name, rows[name][:1], output)[0, 0]
            except InferenceServerException as error:
                return error.message()

    with concurrent.futures.ThreadPoolExecutor(160) as pool:
        answers = [pool.submit(ask, one) for one in range(160)]
        until(lambda: sum(answer.done() for answer in answers) >= 31)
        for party in asleep:
            signal_to(party, signal.SIGCONT)
        got = [answer.result() for answer in answers]
    told = [answer for answer in got if isinstance(answer, str)]
    assert len(told) == 31 and all(answer.startswith("E163 128 rows") for answer in told), told[:3]
    assert all(abs(answer - expected[output][0, 0]) <= 1e-4 for answer in got if not isinstance(answer, str))


def calls(running):
    """Calls that the first party answered."""
    endpoint = deployment(running.deployment)["endpoints"][0]
    text = metrics(endpoint["http_url"], running.folder / endpoint["ca"])
    return sum(s.value for f in text for s in f.samples if s.name == "privet_inference_request_success_total")


def metrics(url, ca=None):
    import ssl

    context = ssl.create_default_context(cafile=ca) if ca else None
    with urllib.request.urlopen(f"{url}/metrics", timeout=10, context=context) as reply:
        assert reply.headers["content-type"].startswith("application/openmetrics-text")
        return list(text_string_to_metric_families(reply.read().decode()))


def test_metrics_are_prometheus_own(shared, gateway):
    _, rows, expected = fixture("lr528-keras")
    running = shared("mpc", MODELS / "lr528-keras/model.onnx")
    at = gateway(running)
    client = triton_http.InferenceServerClient(at.address)
    [name], [output] = rows.files, expected.files
    asked(client, triton_http.InferInput, name, rows[name][:3], output)
    with pytest.raises(InferenceServerException):
        asked(client, triton_http.InferInput, "no_such", rows[name][:3], output)
    families = {family.name: family for family in metrics(at.url)}
    [success] = families["privet_inference_request_success"].samples
    assert success.labels == {"model": "lr528-keras", "version": "1", "platform": "privet_mpc"} and success.value == 1
    [failure] = families["privet_inference_request_failure"].samples
    assert failure.labels["reason"] == "usage" and failure.labels["code"] == "E302" and failure.value == 1
    assert "privet_inference_request_duration_seconds" in families


def test_health_names_the_party_that_is_missing(up, gateway):
    _, rows, expected = fixture("lr528-keras")
    running = up("mpc", MODELS / "lr528-keras/model.onnx")
    at = gateway(running)
    assert get(f"{at.url}/v2/health/ready")[0] == 200
    signal_to(running.party("party-1"), signal.SIGKILL)
    until(lambda: get(f"{at.url}/v2/health/ready")[0] == 503)
    for path in ("v2/health/ready", "v2/models/lr528-keras/ready"):
        status, said = get(f"{at.url}/{path}")
        assert status == 503 and "party-1" in said["error"], said
    assert get(f"{at.url}/v2/health/live")[0] == 200
    assert not triton_grpc.InferenceServerClient(at.address).is_server_ready()
    with pytest.raises(InferenceServerException, match="party-1"):
        client = triton_http.InferenceServerClient(at.address)
        asked(client, triton_http.InferInput, rows.files[0], rows[rows.files[0]][:1], expected.files[0])


def test_pages_of_other_sites_are_refused(shared, gateway):
    at = gateway(shared("plain", MODELS / "lr528-keras/model.onnx"))
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        status, said = get(f"{at.url}/v2/models/lr528-keras", headers)
        assert status == 403 and said["code"] == "E166", (headers, said)
    assert get(f"{at.url}/v2", {"Origin": "http://localhost:3000"})[0] == 200


def test_an_origin_that_is_none_is_named(tmp_path):
    model = MODELS / "lr528-keras/model.onnx"
    refused(2, "up", "plain", model, "--origin", "https://*", "--dir", tmp_path, names=["https://*", "no origin"])


def test_elsewhere_than_on_this_machine_it_needs_a_token_and_tls(shared, gateway, tmp_path):
    import ssl

    running = shared("plain", MODELS / "lr528-keras/model.onnx")
    refused(2, "gateway", "--to", running.deployment, "--listen", "0.0.0.0:0", names=["0.0.0.0:0", "--caller-token"])
    token, certificate, key = (tmp_path / name for name in ("token", "gateway.pem", "gateway.key"))
    token.write_text("a token that nobody can guess\n")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=gateway", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    at = gateway(
        running, "--listen", "0.0.0.0:0", "--caller-token", token, "--certificate", certificate, "--key", key
    )
    context = ssl.create_default_context(cafile=certificate)
    url = f"https://localhost:{at.address.split(':')[1]}/v2/models/lr528-keras"
    for shown, expected in [
        ({}, 401),
        ({"Authorization": "Bearer a token that somebody guessed"}, 401),
        ({"Authorization": "Bearer a token that nobody can guess"}, 200),
    ]:
        status, said = get(url, shown, context=context)
        assert status == expected, said
        assert status == 200 or said["code"] == "E165"
