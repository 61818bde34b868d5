"""The enclave kind through real processes: a key service, a host, a SIMULATED enclave, and `predict`."""

import json
import os
import pathlib
import re
import signal
import time

import numpy as np
import pytest

from support import BINARY, MODELS, ROOT, Role, Up, alive, children, ok, privet, refused

LINEAR = MODELS / "lr528-keras"
ACCEPT = "--dangerous-accept-simulated"


def indexed():
    for folder in (MODELS, MODELS.parent / "models-extra"):
        for entry in json.loads((folder / "index.json").read_text())["fixtures"]:
            if entry["expect"] == "match":
                yield pytest.param(folder / entry["name"], id=entry["name"])


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    running = Up(tmp_path_factory.mktemp("tee") / "run", "tee", LINEAR / "model.onnx").ready()
    yield running
    running.stop()


def answers(deployment, rows, out, *more):
    done = ok("predict", "--to", deployment, rows, "-o", out, "--json", *more)
    with np.load(out) as file:
        return {name: file[name] for name in file.files}, done


def enclave_processes(up):
    """The measured program and its inner process: below the host, which is `up`'s child."""
    host = up.party("enclave")
    outer = children(host)
    return outer + [inner for pid in outer for inner in children(pid)]


@pytest.mark.parametrize("fixture", list(indexed()))
def test_answers_are_plains_own_bits(fixture, tmp_path):
    model, rows = fixture / "model.onnx", fixture / "rows.npz"
    if privet("check", model, "--json").code == 3:
        # What no kind reads in this version is refused by name before anything is started.
        refused(3, "up", "tee", model, "--dir", tmp_path / "none")
        return
    got = {}
    for kind, more in (("plain", []), ("tee", [ACCEPT])):
        running = Up(tmp_path / kind, kind, model).ready()
        got[kind], done = answers(running.deployment, rows, tmp_path / f"{kind}.npz", *more)
        running.stop()
    assert done.object["assurance"] == "simulated"
    assert list(got["plain"]) == list(got["tee"])
    for name, plain in got["plain"].items():
        assert plain.dtype == got["tee"][name].dtype and plain.tobytes() == got["tee"][name].tobytes(), name


def test_n48_n49_without_the_flag_nothing_is_sent(up):
    done = refused(3, "predict", "--to", up.deployment, LINEAR / "rows.npz", names=["SIMULATED", ACCEPT, "E363"])
    assert "Nothing was sent" in done.err


def test_n48_the_flag_without_the_policy_is_not_enough(up, tmp_path):
    policy = tmp_path / "policy.toml"
    text = (up.folder / "policy.toml").read_text()
    policy.write_text(text.replace("accept = true", "accept = false"))
    refused(2, "predict", "--to", up.deployment, LINEAR / "rows.npz", "--policy", policy, ACCEPT, names=["E365", "sim-process"])
    program = text.split("sha256:")[1][:64]
    policy.write_text(text.replace(program, "11" * 32))
    refused(3, "predict", "--to", up.deployment, LINEAR / "rows.npz", "--policy", policy, ACCEPT, names=["measurement-unknown"])


def test_every_part_says_that_it_is_simulated(up, tmp_path):
    _, done = answers(up.deployment, LINEAR / "rows.npz", tmp_path / "out.npz", ACCEPT)
    assert "SIMULATED" in done.err and done.object["assurance"] == "simulated"
    assert "SIMULATED" in up.log.read_text() and "SIMULATED" in (up.folder / "policy.toml").read_text()


def test_n52_no_environment_variable_accepts_a_simulator(up):
    words = ("PRIVET_DANGEROUS_ACCEPT_SIMULATED", "DANGEROUS_ACCEPT_SIMULATED", "PRIVET_ACCEPT_SIMULATED", "PRIVET_INSECURE")
    env = os.environ | dict.fromkeys(words, "1")
    refused(3, "predict", "--to", up.deployment, LINEAR / "rows.npz", names=["E363"], env=env)


def test_n52_no_file_adds_a_root(up, tmp_path):
    text = (up.folder / "policy.toml").read_text()
    policy = tmp_path / "policy.toml"
    for more in ('roots = ["mine.pem"]\n', '[roots]\nintel = "mine.pem"\n', '[trust]\nroot = "mine.pem"\n'):
        policy.write_text(text.replace("version = 1\n", "version = 1\n" + more, 1))
        refused(2, "predict", "--to", up.deployment, LINEAR / "rows.npz", "--policy", policy, ACCEPT, names=["E365", "unknown field"])


def test_n54_no_mock_root_of_a_vendor_is_in_the_program():
    mocks = "".join(path.read_text() for path in (ROOT / "crates/tee/src/verify").rglob("tests.rs"))
    # What a leaf of theirs is called, this program says of its simulator too.
    names = set(re.findall(r'"(SIMULATED [^"{]*)"', mocks)) - {"SIMULATED enclave"}
    assert len(names) > 3, "the tests' own vendors have no names"
    program = BINARY.read_bytes()
    assert b"Intel SGX Root CA" in program
    assert not [name for name in names if name.encode() in program]


def test_the_measured_program_is_isolated(up):
    processes = enclave_processes(up)
    assert len(processes) >= 2
    for pid in processes[1:]:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
        for namespace in ("net", "mnt", "ipc", "uts", "user", "pid"):
            own, other = (os.readlink(f"/proc/{p}/ns/{namespace}") for p in (pid, "self"))
            assert own != other, namespace
        assert "00000000:" not in pathlib.Path(f"/proc/{pid}/net/tcp").read_text(), "it has a socket"


def test_n78_an_enclave_that_is_killed_is_replaced_and_clients_attest_again(tmp_path):
    running = Up(tmp_path / "run", "tee", LINEAR / "model.onnx").ready()
    before, _ = answers(running.deployment, LINEAR / "rows.npz", tmp_path / "a.npz", ACCEPT)
    for pid in enclave_processes(running):
        os.kill(pid, signal.SIGKILL)
    end, done = time.monotonic() + 20, None
    while time.monotonic() < end:
        done = privet("predict", "--to", running.deployment, LINEAR / "rows.npz", "-o", tmp_path / "b.npz", ACCEPT)
        if done.code == 0:
            break
        assert done.code == 4 and "E373" in done.err, done
        time.sleep(0.2)
    assert done.code == 0, done
    with np.load(tmp_path / "b.npz") as after:
        assert all(before[name].tobytes() == after[name].tobytes() for name in after.files)
    assert len((running.folder / "releases.jsonl").read_text().splitlines()) == 2
    running.stop()


def test_a_killed_up_leaves_no_process(tmp_path):
    running = Up(tmp_path / "run", "tee", LINEAR / "model.onnx").ready()
    processes = running.children + enclave_processes(running)
    assert len(processes) >= 4
    running.process.kill()
    running.process.wait(10)
    end = time.monotonic() + 15
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not [pid for pid in processes if alive(pid)]


def test_evidence_is_shown_saved_and_appraised_again(up, tmp_path):
    saved, policy = tmp_path / "evidence.json", up.folder / "policy.toml"
    live = ok("attest", "show", "--to", up.deployment, "-o", saved, "--json").object
    assert live["verdict"] == "accepted" and live["assurance"] == "simulated" and all(c["ok"] for c in live["checks"])
    again = ok("attest", "verify", saved, "--policy", policy, "--json").object
    assert again["verdict"] == "accepted" and again["kind"] == "sim-process"
    assert "SIMULATED" in ok("attest", "explain", saved).text
    changed = bytearray(saved.read_bytes())
    changed[len(changed) // 2] ^= 1
    saved.write_bytes(changed)
    assert privet("attest", "verify", saved, "--policy", policy, "--json").code == 3


class Owner:
    """The owner's folder, the host's and a client's, made by hand as on three machines."""

    def __init__(self, folder, *bundle):
        self.folder = folder
        self.bundle = folder / "bundle"
        line = ok("keygen", "--name", "cloud", "--out", folder / "cloud.key").text.strip()
        self.keys_line = ok("keygen", "--name", "owner", "--out", folder / "owner.key").text.strip()
        self.port, self.keys_port = free_ports(2)
        url = f"https://127.0.0.1:{self.port}"
        ok("bundle", LINEAR / "model.onnx", "--kind", "tee", "--party", line, "--url", url, "--out", self.bundle, *bundle)

    def keys(self, policy, more=""):
        config = self.folder / "keys.toml"
        config.write_text(
            f'listen = "127.0.0.1:{self.keys_port}"\nkey = "owner.key"\nsecrets = ["bundle/model.secret"]\n'
            f'policy = "{policy}"\nstate = "state"\n{more}'
        )
        return Role("serve", "keys", "--config", config, log=self.folder / "keys.log")

    def enclave(self):
        config = self.folder / "enclave.toml"
        config.write_text(
            f'listen = "127.0.0.1:{self.port}"\nkey = "cloud.key"\nbundle = "bundle/public.json"\n'
            f'model = "bundle/model.sealed"\nattester = "simulated"\n[keys]\nurl = "https://127.0.0.1:{self.keys_port}"\n'
            f'key = "{self.keys_line}"\n'
        )
        return Role("serve", "enclave", "--config", config, log=self.folder / "enclave.log")


def free_ports(count):
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.fixture
def policy(up, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text((up.folder / "policy.toml").read_text().split("[channel]")[0] + "\n" + "[simulator]" + (
        (up.folder / "policy.toml").read_text().split("[simulator]")[1]
    ))
    return path


def test_n53_a_policy_with_simulators_does_not_start_for_a_model_of_hardware(tmp_path, policy):
    owner = Owner(tmp_path)
    role = owner.keys(policy)
    assert role.process.wait(20) == 2
    assert "E365" in (tmp_path / "keys.log").read_text() and "simulator" in (tmp_path / "keys.log").read_text()


def test_owner_host_and_client_by_hand_with_tokens(tmp_path, policy):
    owner = Owner(tmp_path, "--dangerous-simulated", "--client-policy", policy, "--token-key", tmp_path / "tokens.key")
    keys, to = owner.keys(policy), owner.bundle / "deployment.toml"
    keys.ready()
    enclave = owner.enclave()
    enclave.ready()
    refused(3, "predict", "--to", to, LINEAR / "rows.npz", ACCEPT, names=["E367", "token"])
    token = tmp_path / "token"
    ok("token", "--token-key", tmp_path / "tokens.key", "--bundle", owner.bundle / "public.json", "--client", "app", "--rows", "200", "-o", token)
    ok("predict", "--to", to, LINEAR / "rows.npz", "-o", tmp_path / "a.npz", ACCEPT, "--token", token)
    refused(3, "predict", "--to", to, LINEAR / "rows.npz", "-o", tmp_path / "b.npz", ACCEPT, "--token", token, names=["E368"])
    # A host that starts the enclave again gains nothing: the key service counted.
    enclave.end()
    enclave = owner.enclave()
    enclave.ready()
    refused(3, "predict", "--to", to, LINEAR / "rows.npz", "-o", tmp_path / "b.npz", ACCEPT, "--token", token, names=["E368"])
    for role in (enclave, keys):
        assert role.end() == 0


def test_n56_a_program_that_the_owners_policy_does_not_name_gets_no_key(tmp_path, policy):
    text = policy.read_text()
    policy.write_text(text.replace(text.split("sha256:")[1][:64], "22" * 32))
    owner = Owner(tmp_path, "--dangerous-simulated")
    keys = owner.keys(policy)
    keys.ready()
    enclave = owner.enclave()
    assert enclave.process.wait(30) != 0
    assert "measurement-unknown" in (tmp_path / "enclave.log").read_text()
    assert "measurement-unknown" in (tmp_path / "state/releases.jsonl").read_text()
    keys.end()


def test_n56_a_version_below_the_floor_gets_no_key_even_after_the_floor_was_lowered(tmp_path, policy):
    owner = Owner(tmp_path, "--dangerous-simulated", "--model-version", "2")
    for floors in ("[floors]\nlr528-keras = 3\n", "[floors]\nlr528-keras = 1\n"):
        keys = owner.keys(policy, floors)
        keys.ready()
        enclave = owner.enclave()
        assert enclave.process.wait(30) != 0
        assert "below-floor" in (tmp_path / "enclave.log").read_text()
        keys.end()
