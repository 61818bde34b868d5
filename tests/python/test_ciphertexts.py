"""Linear models on ciphertexts: what a client gets that was written from the documents, and what a person gets from the program."""

import math
import secrets
import signal
import ssl
import urllib.request

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest
import tritonclient.http as triton_http

import judge
from ciphertext_client import asking, client_of, rows_of
from support import ABSOLUTE, MODELS, RELATIVE, Role, deployment, ok, signal_to, until

WIDE, IRIS = "lr528-keras", "softmax-iris"


def probabilities(name):
    """What ONNX Runtime gave for a model's rows."""
    outputs = np.load(MODELS / name / "expected.npz")
    return next(array for array in outputs.values() if array.dtype.kind == "f")


def test_the_order_of_values_is_that_of_the_text(shared):
    """The judge's own transform, against the text's definition."""
    ring = asking(shared, IRIS)[0].ring
    coefficients = np.array([secrets.randbelow(ring.q) for _ in range(ring.degree)], dtype=object)
    values = ring.values(coefficients)
    for place in (0, 1, 2, 4096, 5000, 8191):
        at, value = pow(ring.root, 2 * int(f"{place:013b}"[::-1], 2) + 1, ring.q), 0
        for coefficient in coefficients[::-1]:
            value = (value * at + coefficient) % ring.q
        assert values[place] == value, place


@pytest.mark.parametrize("name, count", [(WIDE, 1), (WIDE, 128), (IRIS, 1), (IRIS, 44), (IRIS, 45), (IRIS, 96)])
def test_scores_are_those_of_the_integers_of_the_plan(name, count, shared):
    client, weights, bias = asking(shared, name)
    together = client.packing(count)[0] > 1
    assert together == (name == IRIS and count <= 44), "these rows do not stand as this test means them to"
    encoded, expected = client.encoded(rows_of(name)[:count]), probabilities(name)[:count]
    scores, _, _ = client.ask(encoded)
    assert np.array_equal(scores, encoded.dot(weights.T) + bias)
    plan = client.plan
    real = np.ldexp(scores.astype(np.float64), -plan["input_bits"] - plan["weight_bits"])
    answers = 1 / (1 + np.exp(-real)) if name == WIDE else softmax(np.hstack([real, np.zeros((count, 1))]))
    limit = plan["bound"] + ABSOLUTE + RELATIVE * np.abs(expected)
    assert (np.abs(answers - expected) <= limit).all()


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["lr-uci", "ridge-two-targets", "onehot-two-columns", WIDE, IRIS])
def test_the_parameters_keep_what_the_text_says(name, shared):
    """Counted with the server's own weights, and with whole numbers."""
    client, weights, _ = asking(shared, name)
    ring, of = client.ring, client.ring.parameters
    # Where one product answers all scores, each answer has the errors of all their weights.
    norms = np.abs(weights).sum(axis=1)
    norm = norms.sum() if norms.size * client.columns <= ring.degree else norms.max()
    noise = 43 * norm + 42 * (2 * ring.degree + 1) + 1
    assert noise <= 2 << of["noise_bits"] and of["flood_bits"] >= of["noise_bits"] + 40 + 12
    # Twice everything that is wrong, times what makes the share of a Δ' whole.
    switched = (ring.degree + 5) * ring.q << ring.k
    wrong = 2 * ((1 << of["noise_bits"]) + (1 << of["flood_bits"]) << ring.k + ring.d)
    assert (
        wrong + switched < ring.q << ring.d and abs((wrong + switched) / (ring.q << ring.d) - ring.worst_share()) < 1e-9
    )
    assert all(prime % (2 * ring.degree) == 1 and pow(3, prime - 1, prime) == 1 for prime in ring.primes)
    assert ring.primes == sorted(set(ring.primes), reverse=True)
    # The standard's line, for the whole ring and for what is left of it under a key that lies.
    line = {4096: 109, 8192: 218, 16384: 438}[ring.degree]
    told = of["rows"] * (math.log2(ring.q) - of["flood_bits"] - 1) / math.log2(3)
    assert ring.q < 1 << line and math.log2(ring.q) <= line * (1 - told / ring.degree)
    assert 1 <= of["rows"] <= ring.degree // client.columns


def test_the_integers_are_the_model_s_weights_by_their_ranges(shared):
    client, weights, bias = asking(shared, WIDE)
    [stands] = onnx.load(MODELS / WIDE / "model.onnx").graph.initializer
    exponents = client.plan["weight_bits"] + np.array(client.plan["range_exponents"])
    real = onnx.numpy_helper.to_array(stands).astype(np.float64).T
    assert np.array_equal(weights, np.rint(np.ldexp(real, exponents)).astype(np.int64)) and bias == [0]


@pytest.mark.parametrize("name", [WIDE, IRIS])
def test_scores_at_the_ends_of_all_ranges_do_not_wrap(name, shared):
    client, weights, bias = asking(shared, name)
    most = 1 << client.plan["input_bits"]
    ends = np.array([[most * (-1) ** (w < 0) for w in weights[0]], [most] * client.columns], dtype=object)
    encoded = np.vstack([ends, -ends])
    assert np.array_equal(client.ask(encoded)[0], encoded.dot(weights.T) + bias)


@pytest.mark.parametrize("name", [WIDE, IRIS, "onehot-two-columns", "regressor-three-targets"])
def test_scores_are_right_whatever_the_plaintexts_are(name, shared):
    assert_right_of_random_plaintexts(*asking(shared, name))


def test_a_model_of_many_columns_has_a_ring_of_its_own(up, tmp_path):
    columns = 9000
    stands = np.random.default_rng(1).normal(scale=0.01, size=(columns, 1)).astype(np.float32)
    given, gives = (
        onnx.helper.make_tensor_value_info(of, 1, [None, width]) for of, width in (("x", columns), ("y", 1))
    )
    node, held = onnx.helper.make_node("MatMul", ["x", "w"], ["y"]), onnx.numpy_helper.from_array(stands, "w")
    graph = onnx.helper.make_graph([node], "wide", [given], [gives], [held])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), tmp_path / "wide.onnx")
    np.save(tmp_path / "rows.npy", np.ones((2, columns), dtype=np.float32))
    client, weights, bias = client_of(up("he", tmp_path / "wide.onnx", "--rows", tmp_path / "rows.npy"))
    assert client.ring.degree == 16384 and client.packing(2) == (1, 1)
    assert_right_of_random_plaintexts(client, weights, bias)


def assert_right_of_random_plaintexts(client, weights, bias):
    """Far beyond what a plan lets anybody send: modulo 2^k, then."""
    random = [[secrets.randbits(client.ring.k) for _ in range(client.columns)] for _ in range(4)]
    encoded = np.array(random, dtype=object)
    scores, errors, _ = client.ask(encoded)
    assert not ((scores - encoded.dot(weights.T) - bias) % (1 << client.ring.k)).any()
    assert errors.max() < client.ring.worst_share()


@pytest.mark.parametrize("name", [WIDE, IRIS])
def test_errors_keep_to_their_proven_share(name, shared, line):
    """As a share of what decryption bears: below the proof's, and not so far below that the flood could be missing."""
    client, *_ = asking(shared, name)
    encoded = np.tile(client.encoded(rows_of(name)), (2, 1))
    scores, errors, _ = client.ask(encoded)
    count, proven = len(scores) * client.scores, client.ring.worst_share()
    assert count > 200 and 0.1 * proven < errors.max() < proven < 1
    # A uniform flood of which no bit is missing: the largest of hundreds is close to its end.
    flood = 2 ** (client.ring.parameters["flood_bits"] + client.ring.k + 1) / client.ring.q
    assert 0.9 * flood < errors.max() and 0.4 * flood < errors.mean() < 0.6 * flood
    line(f"{name} on ciphertexts: largest of {count} errors {errors.max():.3f} of half a Δ, proven {proven:.3f}")


def test_the_same_rows_asked_twice_give_other_bytes_and_the_same_scores(shared):
    client, *_ = asking(shared, WIDE)
    encoded = client.encoded(rows_of(WIDE)[:3])
    [(first, _, one), (second, _, two)] = [client.ask(encoded, with_key) for with_key in (True, False)]
    assert np.array_equal(first, second) and len(one) == len(two)
    equal = np.mean(np.frombuffer(one, np.uint8) == np.frombuffer(two, np.uint8))
    assert equal < 0.01, f"{equal:.1%} of the bytes are the same"


def test_other_forms_of_a_call_carry_the_same_message(shared):
    """JSON without raw tensors, and gRPC."""
    client, weights, bias = asking(shared, IRIS)
    encoded = client.encoded(rows_of(IRIS)[:3])
    for ask in (client.server.ask_json, client.server.ask_grpc):
        question = client.question(encoded)
        scores, _ = client.decrypted(client.phases(question, ask(question.tensors())))
        assert np.array_equal(scores, encoded.dot(weights.T) + bias), ask


@pytest.mark.parametrize("name", ["lr-uci", "lr-uci-columns", "ridge-two-targets", WIDE, IRIS])
def test_the_program_gives_the_model_s_answers(name, shared, tmp_path):
    running, fixture = shared("he", MODELS / name / "model.onnx"), judge.fixture(f"models/{name}")
    done = ok("predict", "--to", running.deployment, fixture.folder / "rows.npz", "-o", tmp_path / "out.npz", "--json")
    judge.compare(name, dict(np.load(tmp_path / "out.npz")), fixture.expected, done.facts["bound"])


def test_the_program_reads_and_writes_tables(shared, tmp_path):
    running, fixture = shared("he", MODELS / "lr-uci/model.onnx"), judge.fixture("models/lr-uci")
    done = ok("predict", "--to", running.deployment, fixture.folder / "rows.csv")
    ok("predict", "--to", running.deployment, fixture.folder / "rows.npz", "-o", tmp_path / "out.npz")
    judge.same_table("csv", *judge.read_csv(done.text), dict(np.load(tmp_path / "out.npz")))


def test_a_client_sends_its_key_again_to_a_server_that_was_started_anew(up, gateway, tmp_path):
    running = up("he", MODELS / WIDE / "model.onnx")
    client = triton_http.InferenceServerClient(gateway(running).address)
    before = asked(client)
    signal_to(running.party("server"), signal.SIGKILL)
    # Only then has its last thread let go of the port.
    until(lambda: "`server` ended" in running.log.read_text())
    again = Role("serve", "he", "--config", running.folder / "server.toml", log=tmp_path / "again.log")
    again.ready()
    try:
        assert np.array_equal(asked(client), before), "the second request, of the same client"
        # What made it send its key is a refusal, and nothing else was refused.
        counted = metrics(running)
        assert 'code="E361"} 1\n' in counted and counted.count("privet_inference_request_failure_total{") == 1, counted
    finally:
        assert again.end() == 0


def asked(client):
    rows = rows_of(WIDE)[:20]
    given = triton_http.InferInput("features", list(rows.shape), "FP32")
    given.set_data_from_numpy(rows)
    answer = client.infer(WIDE, [given]).as_numpy("Identity:0")
    assert np.abs(answer - probabilities(WIDE)[:20]).max() <= 1e-4
    return answer


def metrics(running):
    [endpoint] = deployment(running.deployment)["endpoints"]
    context = ssl.create_default_context(cafile=running.folder / endpoint["ca"])
    with urllib.request.urlopen(f"{endpoint['http_url']}/metrics", timeout=10, context=context) as reply:
        return reply.read().decode()
