"""Bundles of earlier formats (tests/old-bundles) keep serving: every kind and protocol, with its answers compared."""

import numpy as np
import pytest

import judge
from machines import free_ports
from support import MODELS, ROOT, Role, changed, ok

OLD = ROOT / "tests/old-bundles/format-2"
ROWS = MODELS / "lr-uci/rows.npz"
PARTIES = [name for p in ("replicated3", "dealer2", "replicated3-malicious") for name in (p, f"{p}-probability")]


@pytest.fixture
def serve(tmp_path):
    """Starts roles, each from a configuration of these lines."""
    roles = []

    def start(role, at, port, lines):
        config = tmp_path / f"{role}-{at}.toml"
        config.write_text(f'listen = "127.0.0.1:{port}"\n{lines}')
        roles.append(Role("serve", role, "--config", config, log=tmp_path / f"{role}-{at}.log"))
        roles[-1].ready()

    yield start
    for role in roles:
        assert role.end() == 0


def compared(deployment, tmp_path, *more):
    done = ok("predict", "--to", deployment, ROWS, "-o", tmp_path / "answers.npz", "--json", *more)
    fixture = judge.fixture("models/lr-uci")
    judge.compare(fixture.name, dict(np.load(tmp_path / "answers.npz")), fixture.expected, done.facts["bound"])


@pytest.mark.parametrize("name", PARTIES)
def test_parties(name, serve, tmp_path):
    ports = free_ports(3)
    for at, machine in enumerate("abc"):
        is_dealer = name.startswith("dealer2") and at == 0
        half = OLD / name / ("dealer.bundle" if is_dealer else f"party-{at}.bundle")
        peers = f'[peers]\nprevious = "127.0.0.1:{ports[at - 1]}"\nnext = "127.0.0.1:{ports[(at + 1) % 3]}"\n'
        lines = f'key = "{OLD / f"machine-{machine}.key"}"\nbundle = "{half}"\n'
        serve("dealer" if is_dealer else "party", at, ports[at], lines + ("" if is_dealer else peers))
    file = OLD / name / "deployment.toml"
    moves = [(f"127.0.0.1:4710{at + 1}", f"127.0.0.1:{port}") for at, port in enumerate(ports)]
    moves = [move for move in moves if move[0] in file.read_text()]
    compared(changed(file, tmp_path / "deployment.toml", *moves), tmp_path)


def moved(name, port, tmp_path):
    return changed(OLD / name / "deployment.toml", tmp_path / "deployment.toml", ("127.0.0.1:47101", f"127.0.0.1:{port}"))


def test_ciphertexts(serve, tmp_path):
    (port,) = free_ports(1)
    serve("he", 0, port, f'key = "{OLD / "machine-a.key"}"\nbundle = "{OLD / "he/server.bundle"}"\n')
    compared(moved("he", port, tmp_path), tmp_path)


def test_plain(serve, tmp_path):
    (port,) = free_ports(1)
    lines = f'key = "{OLD / "machine-a.key"}"\nmodel = "{OLD / "plain/model.onnx"}"\nname = "lr-uci"\n'
    serve("plain", 0, port, lines)
    done = ok("predict", "--to", moved("plain", port, tmp_path), ROWS, "-o", tmp_path / "answers.npz")
    fixture = judge.fixture("models/lr-uci")
    answers = np.load(tmp_path / "answers.npz")["probabilities"]
    assert np.abs(answers - fixture.expected["probabilities"]).max() < 1e-6, done


def test_an_enclave_s_model_is_still_released_and_opened(up, serve, tmp_path):
    """The sealed model and its secret are of then, the enclave and its measurement are of now."""
    text = (up("tee", MODELS / "lr-uci/model.onnx").folder / "policy.toml").read_text()
    policy = tmp_path / "policy.toml"
    # Without the key that stamps: that one was another deployment's.
    policy.write_text(text.split("[channel]")[0] + "[simulator]" + text.split("[simulator]")[1])
    line = (OLD / "machine-b.pub").read_text().strip()
    keys, host = free_ports(2)
    lines = f'key = "{OLD / "machine-b.key"}"\nsecrets = ["{OLD / "tee/model.secret"}"]\npolicy = "policy.toml"\nstate = "state"\n'
    serve("keys", 0, keys, lines)
    lines = f'key = "{OLD / "machine-a.key"}"\nbundle = "{OLD / "tee/public.json"}"\nmodel = "{OLD / "tee/model.sealed"}"\nattester = "simulated"\n'
    serve("enclave", 0, host, lines + f'[keys]\nurl = "https://127.0.0.1:{keys}"\nkey = "{line}"\n')
    to = moved("tee", host, tmp_path)
    ok("predict", "--to", to, ROWS, "-o", tmp_path / "answers.npz", "--policy", policy, "--dangerous-accept-simulated")
    fixture = judge.fixture("models/lr-uci")
    assert np.abs(np.load(tmp_path / "answers.npz")["probabilities"] - fixture.expected["probabilities"]).max() < 1e-6
