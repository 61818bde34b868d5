"""Kind `he` as its owner and operator have it: a key, a bundle, a server; and a client that has `deployment.toml` and nothing else."""

import json
import socket
import stat

import numpy as np
import pytest
import tritonclient.http as triton_http

from support import MODELS, Gateway, Role, ok, refused

WIDE = MODELS / "lr528-keras"


class Server:
    """One operator's folder, and the bundle that came from the owner."""

    def __init__(self, folder, limits=""):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.folder, self.url = folder, f"https://127.0.0.1:{port}"
        line = ok("keygen", "--name", "lender", "--out", folder / "machine.key").text.strip()
        words = ["--kind", "he", "--rows", WIDE / "rows.npz", "--accuracy", "1e-5"]
        done = ok("bundle", WIDE / "model.onnx", *words, "--party", line, "--url", self.url, "--out", folder / "bundle")
        assert "ciphertexts, no third party" in done.err and "holds the model" in done.err
        self.secret, self.deployment = folder / "bundle/server.bundle", folder / "bundle/deployment.toml"
        self.config = folder / "he.toml"
        self.config.write_text(
            f'listen = "127.0.0.1:{port}"\nkey = "machine.key"\nbundle = "bundle/server.bundle"\n\n[limits]\n{limits}'
        )

    def serve(self):
        role = Role("serve", "he", "--config", self.config, log=self.folder / "log")
        assert role.ready() == self.url
        return role


def test_one_server_serves_what_its_owner_handed_out(tmp_path):
    server = Server(tmp_path)
    assert stat.S_IMODE(server.secret.stat().st_mode) == 0o600
    weights = json.loads(server.secret.read_text())["weights"]
    assert len(weights) > 5000 and weights[:40] not in server.deployment.read_text()
    role = server.serve()
    done = ok("predict", "--to", server.deployment, WIDE / "rows.npz", "-o", tmp_path / "out.npz", "--json")
    (got,), (expected,) = np.load(tmp_path / "out.npz").values(), np.load(WIDE / "expected.npz").values()
    assert np.abs(got.ravel() - expected.ravel()).max() <= 1e-5 + 1e-6
    facts = done.facts
    assert facts["assurance"] == "ciphertexts only" and facts["bound"] <= 1e-5 and facts["bytes_between"] == 0
    # 128 rows are 9 ciphertexts, or a few more where calls end in the middle of one, with a key in each call; a row is at most a
    # quarter of TenSEAL's 136 kB.
    assert facts["bytes_up"] / 128 < 34_000
    assert role.end() == 0


def test_a_client_with_tickets_gets_the_same_answers_also_from_a_server_that_was_restarted(tmp_path):
    server = Server(tmp_path)
    role = server.serve()
    (rows,), (expected,) = np.load(WIDE / "rows.npz").values(), np.load(WIDE / "expected.npz").values()
    gateway = Gateway(server.deployment, tmp_path / "gateway.log", "--tickets", "64")
    with triton_http.InferenceServerClient(gateway.address) as client:
        [given], [output] = (client.get_model_metadata("lr528-keras")[what] for what in ("inputs", "outputs"))

        def ask(row):
            tensor = triton_http.InferInput(given["name"], [1, 528], given["datatype"])
            tensor.set_data_from_numpy(rows[row : row + 1])
            answer = client.infer("lr528-keras", [tensor]).as_numpy(output["name"])
            assert abs(answer.ravel()[0] - expected.ravel()[row]) <= 1e-5 + 1e-6, row

        for row in range(100):
            ask(row)
        # What there are tickets for is answered by another process too; a ciphertext is encrypted anew for it.
        assert role.end() == 0
        role = server.serve()
        for row in range(100):
            ask(row)
    assert gateway.end() == 0 and role.end() == 0


def test_a_server_that_answers_so_many_rows_a_minute_says_when_to_ask_again(tmp_path):
    server = Server(tmp_path, limits="rows_per_minute = 150\n")
    role = server.serve()
    ask = ["predict", "--to", server.deployment, WIDE / "rows.npz", "-o"]
    ok(*ask, tmp_path / "first.npz")
    refused(4, *ask, tmp_path / "second.npz", names=["E325", "150 rows in a minute", "Ask again in"])
    assert not (tmp_path / "second.npz").exists()
    assert role.end() == 0


@pytest.mark.parametrize(
    "change, code",
    [
        (lambda half: half | {"weights": half["bias"]}, "E230"),
        (lambda half: half | {"salt": "0" * 32}, "E230"),
        (lambda half: {"public": half["public"]}, "E230"),
        (lambda half: half | {"public": half["public"].replace('"degree":8192', '"degree":4096')}, "E231"),
        (lambda half: half | {"public": half["public"].replace('"kind":"he"', '"kind":"plain"')}, "E231"),
    ],
)
def test_a_server_refuses_a_half_that_is_not_the_bundles(change, code, tmp_path):
    server = Server(tmp_path)
    half = change(json.loads(server.secret.read_text()))
    server.secret.write_text(json.dumps(half))
    refused(3, "serve", "he", "--config", server.config, names=[code], timeout=20)


def test_check_tells_the_ring_and_its_proof():
    said = ok("check", WIDE / "model.onnx", "--rows", WIDE / "rows.npz", "--accuracy", "1e-5", "--json").object
    cost = said["kinds"]["he"]["protocols"]["bfv"]
    ring = cost["ring"]
    assert (cost["rounds"], cost["bytes_between"]) == (1, 0) and cost["bound"] <= 1e-5
    assert ring["modulus_bits"] <= ring["standard_bits"] == {4096: 109, 8192: 218, 16384: 438}[ring["degree"]]
    assert ring["flood_bits"] == ring["noise_bits"] + 40 + 12 and 0.1 < ring["worst_share"] < 1
    told = ok("check", WIDE / "model.onnx", "--rows", WIDE / "rows.npz").text
    assert "128-bit security allows 218" in told and "of what decryption bears" in told


def test_a_client_sends_the_bytes_that_check_tells(shared):
    cost = ok("check", WIDE / "model.onnx", "--json").object["kinds"]["he"]["protocols"]["bfv"]
    running = shared("he", WIDE / "model.onnx")
    row = json.dumps(np.load(WIDE / "rows.npz")[np.load(WIDE / "rows.npz").files[0]][0].tolist())
    name = ok("check", WIDE / "model.onnx", "--json").object["inputs"][0]["name"]
    line = json.dumps({name: json.loads(row)}).encode()
    facts = ok("predict", "--to", running.deployment, "-", "--json", stdin=line).facts
    # A TLS handshake and HTTP/2 headers come on top of the messages themselves.
    assert cost["bytes_up"] <= facts["bytes_up"] <= cost["bytes_up"] + 3000, (cost, facts)
