"""Three operators on three machines, each with its own folder, as the owner's handbook tells it."""

import socket
import stat

import numpy as np
import pytest

import judge
from machines import Machine, free_ports
from support import MODELS, Role, ok, privet, refused

MODEL = MODELS / "lr-uci/model.onnx"
ROWS = MODELS / "lr-uci/rows.npz"
NAMES = ["bank-a", "bank-b", "auditor"]


class Party(Machine):
    """One operator's folder."""

    def take(self, bundle, party):
        """The half of the bundle that came from the owner, and a configuration written by hand."""
        (self.folder / "party.bundle").write_bytes((bundle / f"party-{party}.bundle").read_bytes())
        self.write('bundle = "party.bundle"\n\n[limits]\nconnections = 64\n')


@pytest.fixture
def machines(tmp_path):
    return [Party(tmp_path, name, port) for name, port in zip(NAMES, free_ports(3))]


@pytest.fixture
def serve():
    roles = []

    def start(machine):
        roles.append(machine.serve("party").role)

    yield start
    for role in roles:
        assert role.end() == 0


def bundle(machines, out, model=MODEL, **order):
    lines = [word for m in order.get("lines", machines) for word in ("--party", m.line)]
    urls = [word for m in order.get("urls", machines) for word in ("--url", m.url)]
    done = ok("bundle", model, "--kind", "mpc", *lines, *urls, "--out", out)
    assert len(done.text.strip()) == 64 and "two parties together" in done.err, done
    return out


def test_a_key_is_private_and_never_overwritten(tmp_path):
    out = tmp_path / "bank-a.key"
    line = ok("keygen", "--name", "bank-a", "--out", out).text
    assert line.startswith("privet1 bank-a ") and line.count("\n") == 1
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()
    assert line.split()[2].encode() in before, "the file knows its own public line"
    refused(3, "keygen", "--name", "bank-a", "--out", out, names=["E314", "was left as it is"])
    assert out.read_bytes() == before
    refused(2, "keygen", "--name", "Bank A", "--out", tmp_path / "other.key", names=["Bank A"])
    assert not (tmp_path / "other.key").exists()


def test_three_operators_serve_what_one_owner_handed_out(machines, serve, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    for party, machine in enumerate(machines):
        assert stat.S_IMODE((out / f"party-{party}.bundle").stat().st_mode) == 0o600
        machine.take(out, party)
        serve(machine)
    answers = tmp_path / "answers.npz"
    done = ok("predict", "--to", out / "deployment.toml", ROWS, "-o", answers, "--json")
    fixture = judge.fixture("models/lr-uci")
    judge.compare(fixture.name, dict(np.load(answers)), fixture.expected, done.facts["bound"])


def with_peers(machines):
    """Writes into each configuration where the two others are."""
    for party, machine in enumerate(machines):
        previous, following = machines[party - 1], machines[(party + 1) % 3]
        text = machine.config.read_text()
        machine.config.write_text(
            f'{text}\n[peers]\nprevious = "127.0.0.1:{previous.port}"\nnext = "127.0.0.1:{following.port}"\n'
        )


def test_the_way_between_parties_is_measured_and_what_is_wrong_is_said(machines, serve, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    for party, machine in enumerate(machines):
        machine.take(out, party)
    config = machines[0].config
    refused(2, "doctor", "--links", config, names=["E323", "[peers]", "party 2", "party 1"])
    with_peers(machines)
    serve(machines[1])
    done = privet("doctor", "--links", config, "--json", timeout=30)
    previous, following = done.object["links"]
    assert done.code == 4 and not previous["here"] and "E304" in previous["detail"], done
    assert previous["party"] == 2 and following["party"] == 1
    assert following["here"] and following["round_trip_seconds"] > 0 and following["bytes_per_second"] > 0
    serve(machines[2])
    done = ok("doctor", "--links", config)
    assert done.text.count(" there and back, ") == 2


def test_the_bundle_holds_neither_the_model_nor_the_same_shares_twice(machines, tmp_path):
    first, second = bundle(machines, tmp_path / "one"), bundle(machines, tmp_path / "two")
    assert sorted(f.name for f in first.iterdir()) == ["deployment.toml", *(f"party-{i}.bundle" for i in range(3))]
    for party in range(3):
        name = f"party-{party}.bundle"
        assert (first / name).read_bytes() != (second / name).read_bytes()
    refused(2, "bundle", MODEL, "--kind", "mpc", *both(machines), "--out", first, names=["E144", "party-0.bundle"])


def both(machines):
    return [word for m in machines for word in ("--party", m.line, "--url", m.url)]


def test_mixed_up_halves_are_refused_by_name(machines, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    machines[0].take(out, 1)
    done = refused(3, "serve", "party", "--config", machines[0].config, timeout=20)
    assert "E232" in done.err and "`bank-b` as party 1" in done.err and "`bank-a`" in done.err, done


def test_mixed_up_addresses_are_refused_before_anything_is_sent(machines, serve, tmp_path):
    a, b, c = machines
    out = bundle(machines, tmp_path / "bundle", urls=[b, a, c])
    for party, machine in enumerate(machines):
        machine.take(out, party)
        serve(machine)
    done = refused(5, "predict", "--to", out / "deployment.toml", ROWS, timeout=20)
    assert "E311" in done.err and "not the one pinned for `bank-" in done.err, done


def test_another_key_than_the_bundle_was_made_for_is_refused(machines, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    machines[1].take(out, 1)
    (machines[1].folder / "machine.key").unlink()
    ok("keygen", "--name", "bank-b", "--out", machines[1].folder / "machine.key")
    refused(3, "serve", "party", "--config", machines[1].config, names=["E232", "bank-b"], timeout=20)


def test_a_half_of_another_bundle_does_not_answer(machines, serve, tmp_path):
    out, other = bundle(machines, tmp_path / "bundle"), bundle(machines, tmp_path / "other")
    for party, machine in enumerate(machines):
        machine.take(other if party == 2 else out, party)
        serve(machine)
    done = privet("predict", "--to", out / "deployment.toml", ROWS, timeout=20)
    assert done.code == 3 and done.out == b"" and "E333" in done.err, done


def test_a_damaged_half_is_refused(machines, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    machines[0].take(out, 0)
    half = machines[0].folder / "party.bundle"
    text = half.read_text()
    at = text.index('"tensors":[["') + 20
    half.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    refused(3, "serve", "party", "--config", machines[0].config, names=["E230"], timeout=20)


def test_a_wrong_number_of_lines_is_a_usage_error(machines, tmp_path):
    done = refused(2, "bundle", MODEL, "--kind", "mpc", *both(machines[:2]), "--out", tmp_path / "bundle")
    assert "E146" in done.err and "3 roles" in done.err and not (tmp_path / "bundle").exists(), done


def test_one_machine_cannot_be_two_parties(machines, tmp_path):
    machines[2].line = machines[0].line
    refused(3, "bundle", MODEL, "--kind", "mpc", *both(machines), "--out", tmp_path / "bundle", names=["E234"])


def test_a_line_cut_short_is_refused(machines, tmp_path):
    machines[1].line = machines[1].line[:-4]
    done = refused(2, "bundle", MODEL, "--kind", "mpc", *both(machines), "--out", tmp_path / "bundle")
    assert "E312" in done.err and "whole line" in done.err, done


def test_an_unknown_key_of_a_configuration_is_named_with_the_known_ones(machines, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    machines[0].take(out, 0)
    config = machines[0].config
    good = config.read_text()
    config.write_text(good.replace("bundle =", "bundel ="))
    refused(2, "serve", "party", "--config", config, names=["`bundel`", "`bundle`", "`listen`", "`key`"], timeout=20)
    config.write_text(good.replace("connections", "conections"))
    refused(2, "serve", "party", "--config", config, names=["`conections`", "`connections`"], timeout=20)


def test_a_port_that_is_taken_is_named(machines, tmp_path):
    out = bundle(machines, tmp_path / "bundle")
    machines[0].take(out, 0)
    with socket.create_server(("127.0.0.1", machines[0].port)):
        refused(2, "serve", "party", "--config", machines[0].config, names=["E143", str(machines[0].port)], timeout=20)


def test_one_operator_serves_plain(machines, tmp_path):
    machine = machines[0]
    out = tmp_path / "bundle"
    ok("bundle", MODEL, "--kind", "plain", *both([machine]), "--out", out)
    machine.config = machine.folder / "server.toml"
    (machine.folder / "model.onnx").write_bytes((out / "model.onnx").read_bytes())
    machine.config.write_text(
        f'listen = "127.0.0.1:{machine.port}"\nkey = "machine.key"\nmodel = "model.onnx"\nname = "lr-uci"\n'
    )
    role = Role("serve", "plain", "--config", machine.config, log=machine.folder / "log")
    try:
        assert role.ready() == machine.url
        answers = tmp_path / "answers.npz"
        ok("predict", "--to", out / "deployment.toml", ROWS, "-o", answers)
        fixture = judge.fixture("models/lr-uci")
        judge.compare(fixture.name, dict(np.load(answers)), fixture.expected)
    finally:
        assert role.end() == 0
