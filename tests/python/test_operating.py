"""What an operator relies on: who may ask and how much, what is written down, versions side by side, new configurations without a restart,
and readiness that says the truth."""

import json
import re
import shutil
import signal

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import judge
from machines import Machine, bundle_of, free_ports, http, infer, peers_of
from support import MODELS, ok, privet, refused, until

UCI = MODELS / "lr-uci"
ROWS = UCI / "rows.npz"
X = np.load(ROWS)["features"]
PLAIN = f'model = "{UCI / "model.onnx"}"\nname = "lr-uci"\n'


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path, "lender", free_ports(1)[0])
    yield machine
    machine.end()


def serve_parties(machines, out, more="", peers=True):
    for party, machine in enumerate(machines):
        shutil.copy(out / f"party-{party}.bundle", machine.folder / "party.bundle")
        machine.write('bundle = "party.bundle"\n' + more + (peers_of(machines, party) if peers else ""))
        machine.serve("party")


def client_of(out, machine_or_folder, **shown):
    """A copy of the deployment's file in which a client added what it shows."""
    text = (out / "deployment.toml").read_text()
    lines = "".join(f'{key} = "{value}"\n' for key, value in shown.items())
    file = machine_or_folder / "mine.toml"
    file.write_text(lines + text)
    return file


def token_of(folder, name):
    digest = ok("keygen", "--name", name, "--out", folder / f"{name}.token", "--token").text.strip()
    return digest, (folder / f"{name}.token").read_text()


def test_a_client_is_known_by_its_token(machine, tmp_path):
    digest, token = token_of(tmp_path, "clinic")
    spy, other = token_of(tmp_path, "spy")
    machine.write(
        PLAIN
        + f'[[clients]]\nname = "clinic"\ntoken_digest = "{digest}"\n[[clients]]\nname = "spy"\ntoken_digest = "{spy}"\nmodels = ["other"]\noperator = true\n'
    )
    machine.serve("plain")
    bearer = {"Authorization": f"Bearer {token}"}
    assert infer(machine.url, "lr-uci", X[:2], bearer)[0] == 200
    status, _, said = infer(machine.url, "lr-uci", X[:2])
    assert status == 401 and said["code"] == "E165" and said["blame"] == "denied", said
    assert infer(machine.url, "lr-uci", X[:2], {"Authorization": "Bearer " + "0" * 64})[0] == 401
    status, _, said = infer(machine.url, "lr-uci", X[:2], {"Authorization": f"Bearer {other}"})
    assert status == 403 and "`spy`" in said["error"], said
    # Whoever balances load is not known, and counts are for operators.
    assert http(machine.url + "/v2/health/ready")[0] == 200
    assert http(machine.url + "/v2/models/lr-uci")[0] == 401
    assert http(machine.url + "/metrics")[0] == 401
    assert http(machine.url + "/metrics", headers=bearer)[0] == 403
    status, _, counts = http(machine.url + "/metrics", headers={"Authorization": f"Bearer {other}"})
    assert status == 200 and 'privet_client_requests_total{client="clinic"} 1' in counts, counts
    # The native client, in its own words.
    out = tmp_path / "bundle"
    ok("bundle", UCI / "model.onnx", "--kind", "plain", "--party", machine.line, "--url", machine.url, "--out", out)
    refused(3, "predict", "--to", out / "deployment.toml", ROWS, names=["E165", "client_key"])
    mine = client_of(out, tmp_path, client_token=tmp_path / "clinic.token")
    ok("predict", "--to", mine, ROWS, "-o", tmp_path / "answers.npz")


def test_a_client_is_known_by_its_key_at_every_party(parties, tmp_path):
    out = bundle_of(parties, UCI / "model.onnx", tmp_path / "bundle")
    key = ok("keygen", "--name", "clinic", "--out", tmp_path / "clinic.key").text.strip()
    ok("keygen", "--name", "spy", "--out", tmp_path / "spy.key")
    for party, m in enumerate(parties):
        shutil.copy(out / f"party-{party}.bundle", m.folder / "party.bundle")
        m.write(f'bundle = "party.bundle"\n[[clients]]\nname = "clinic"\nkey = "{key}"\nrows_per_minute = 150\n')
        m.serve("party")
    mine = client_of(out, tmp_path, client_key="clinic.key")
    answers = tmp_path / "answers.npz"
    done = ok("predict", "--to", mine, ROWS, "-o", answers, "--json")
    fixture = judge.fixture("models/lr-uci")
    judge.compare(fixture.name, dict(np.load(answers)), fixture.expected, done.facts["bound"])
    # 132 of its 150 rows are used up.
    refused(4, "predict", "--to", mine, ROWS, names=["E325", "`clinic`", "150 rows", "Ask again in"])
    for shown in ({}, {"client_key": "spy.key"}):
        refused(3, "predict", "--to", client_of(out, tmp_path, **shown), ROWS, names=["E165"])
    # A token would be shown to three.
    (tmp_path / "clinic.token").write_text("0" * 64)
    refused(2, "predict", "--to", client_of(out, tmp_path, client_token="clinic.token"), ROWS, names=["E142"])


def test_parties_take_no_tokens(parties, tmp_path):
    out = bundle_of(parties, UCI / "model.onnx", tmp_path / "bundle")
    shutil.copy(out / "party-0.bundle", parties[0].folder / "party.bundle")
    digest, _ = token_of(tmp_path, "clinic")
    parties[0].write(f'bundle = "party.bundle"\n[[clients]]\nname = "clinic"\ntoken_digest = "{digest}"\n')
    refused(2, "serve", "party", "--config", parties[0].config, names=["E171", "`clinic`", "use `key`"])


def test_limits_are_told_with_their_numbers_and_the_time_to_wait(machine, tmp_path):
    machine.write(PLAIN + "[limits]\nrows = 10\nrows_per_minute = 20\nrequests_per_minute = 6\n")
    machine.serve("plain")
    status, _, said = infer(machine.url, "lr-uci", X[:11])
    assert status == 400 and said["code"] == "E319" and "11 rows came; this server takes at most 10" in said["error"]
    assert infer(machine.url, "lr-uci", X[:10])[0] == 200 == infer(machine.url, "lr-uci", X[10:20])[0]
    status, headers, said = infer(machine.url, "lr-uci", X[:1])
    assert status == 429 and said["code"] == "E325" and said["blame"] == "busy", said
    assert 1 <= int(headers["retry-after"]) <= 4 and f"in {headers['retry-after']} s" in said["error"]
    codes = [infer(machine.url, "lr-uci", X[:1])[2].get("code") for _ in range(4)]
    assert codes[-1] == "E328", codes


def test_a_server_that_is_full_says_so_at_once(machine):
    """One request that is still on its way is all that this server takes."""
    import socket
    import ssl

    machine.write(PLAIN + "[limits]\nrequests = 1\n")
    machine.serve("plain")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", machine.port))) as slow:
        slow.sendall(b"POST /v2/models/lr-uci/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        until(lambda: infer(machine.url, "lr-uci", X[:1])[0] == 429)
        status, headers, said = infer(machine.url, "lr-uci", X[:1])
        assert said["code"] == "E326" and headers["retry-after"] == "1" and "has 1 requests" in said["error"], said
        assert "privet_inference_pending_requests 1" in http(machine.url + "/metrics")[2]
    until(lambda: infer(machine.url, "lr-uci", X[:1])[0] == 200)


def test_the_audit_log_has_every_request_and_no_value(machine, tmp_path):
    machine.write('audit = "audit.jsonl"\n' + PLAIN)
    machine.serve("plain")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert infer(machine.url, "lr-uci", X[:3], {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})[0] == 200
    assert infer(machine.url, "lr-uci", X[:3, :5])[0] == 400
    log = machine.folder / "audit.jsonl"
    first, second = map(json.loads, log.read_text().splitlines())
    assert {k: first[k] for k in ("client", "model", "version", "rows", "outcome", "trace")} == {
        "client": "anyone", "model": "lr-uci", "version": "1", "rows": 3, "outcome": "answered", "trace": trace,
    }  # fmt: skip
    assert re.fullmatch(r"E\d{3}", second["outcome"]) and second["rows"] == 3 and 0 < first["seconds"] < 10
    assert set(first) <= {"time", "client", "model", "version", "rows", "outcome", "trace", "seconds"}


def test_what_cannot_be_written_down_is_not_answered(machine):
    machine.write('audit = "/dev/full"\n' + PLAIN)
    machine.serve("plain")
    status, _, said = infer(machine.url, "lr-uci", X[:3])
    assert status == 503 and said["code"] == "E329", said


def test_versions_stand_side_by_side_and_come_and_go_without_a_restart(parties, tmp_path):
    model, rows = UCI / "model.onnx", ("--rows", ROWS)
    first = bundle_of(parties, model, tmp_path / "v1", *rows)
    serve_parties(parties, first, peers=False)
    old = first / "deployment.toml"
    ok("predict", "--to", old, ROWS, "-o", tmp_path / "1.npz")
    ok("bundle", model, "--from", old, *rows, "--out", tmp_path / "v2")
    new = tmp_path / "v2/deployment.toml"
    refused(3, "predict", "--to", new, ROWS, names=["E154", "version `2`", "it has 1"])
    for party, m in enumerate(parties):
        shutil.copy(tmp_path / f"v2/party-{party}.bundle", m.folder / "party-2.bundle")
        m.write('bundle = "party.bundle"\nalso = ["party-2.bundle"]\n')
        before = m.reload()
        until(lambda m=m, before=before: "is in force" in m.log()[len(before) :])
    for file in (old, new, old):
        ok("predict", "--to", file, ROWS, "-o", tmp_path / "2.npz")
        assert np.abs(np.load(tmp_path / "1.npz")["probabilities"] - np.load(tmp_path / "2.npz")["probabilities"]).max() < 1e-3
    assert json.loads(http(parties[0].url + "/v2/models/lr-uci")[2])["versions"] == ["1", "2"]
    for m in parties:
        m.write('bundle = "party-2.bundle"\n')
        before = m.reload()
        until(lambda m=m, before=before: "is in force" in m.log()[len(before) :])
    ok("predict", "--to", new, ROWS, "-o", tmp_path / "2.npz")
    refused(3, "predict", "--to", old, ROWS, names=["E154", "version `1`"])


def test_a_new_version_of_a_program_meets_its_peers_on_the_same_ports(parties, tmp_path):
    model = UCI / "model.onnx"
    first = bundle_of(parties, model, tmp_path / "v1", "--reveal", "probability")
    serve_parties(parties, first)
    ok("predict", "--to", first / "deployment.toml", ROWS, "-o", tmp_path / "1.npz")
    ok("bundle", model, "--from", first / "deployment.toml", "--out", tmp_path / "v2")
    for party, m in enumerate(parties):
        shutil.copy(tmp_path / f"v2/party-{party}.bundle", m.folder / "party-2.bundle")
        m.write('bundle = "party.bundle"\nalso = ["party-2.bundle"]\n' + peers_of(parties, party))
        m.reload()
    until(lambda: all(http(m.url + "/v2/health/ready")[0] == 200 for m in parties))
    fixture = judge.fixture("models/lr-uci")
    for version in ("v1", "v2", "v1"):
        done = ok("predict", "--to", tmp_path / version / "deployment.toml", ROWS, "-o", tmp_path / "2.npz", "--json")
        judge.compare(fixture.name, dict(np.load(tmp_path / "2.npz")), fixture.expected, done.facts["bound"])


def test_a_configuration_that_does_not_load_changes_nothing(machine):
    machine.write(PLAIN)
    machine.serve("plain")
    machine.write(PLAIN + "[limits]\nrowz = 3\n")
    before = machine.reload()
    until(lambda: "stays in force" in machine.log()[len(before) :])
    assert "rowz" in machine.log() and infer(machine.url, "lr-uci", X[:4])[0] == 200
    machine.write(PLAIN + "[limits]\nrows = 3\n")
    machine.reload()
    until(lambda: infer(machine.url, "lr-uci", X[:4])[0] == 400)
    assert infer(machine.url, "lr-uci", X[:3])[0] == 200


def test_plain_versions_share_a_name(machine, tmp_path):
    other = MODELS / "lr-uci-columns/model.onnx"
    also = f'[[also]]\nmodel = "{other}"\nname = "columns"\n[[also]]\nmodel = "{UCI / "model.onnx"}"\nname = "lr-uci"\nversion = 7\nreveal = "label"\n'
    machine.write(PLAIN + also)
    machine.serve("plain")
    assert json.loads(http(machine.url + "/v2/models/lr-uci")[2])["versions"] == ["1", "7"]
    names = [sorted(o["name"] for o in infer(machine.url, "lr-uci", X[:2], version=v)[2]["outputs"]) for v in (None, "1", "7")]
    assert names[0] == names[1] != names[2], names
    assert infer(machine.url, "lr-uci", X[:2], version="3")[0] == 404
    assert http(machine.url + "/v2/models/columns")[0] == 200


def test_readiness_names_the_party_that_is_missing(parties, tmp_path):
    out = bundle_of(parties, UCI / "model.onnx", tmp_path / "bundle", "--reveal", "probability")
    serve_parties(parties, out)
    ready = lambda m: http(m.url + "/v2/health/ready")  # noqa: E731
    until(lambda: all(ready(m)[0] == 200 for m in parties))
    parties[2].role.process.send_signal(signal.SIGKILL)
    parties[2].role.process.wait()
    until(lambda: ready(parties[0])[0] == ready(parties[1])[0] == 503)
    assert "arty 2" in ready(parties[0])[2] or "auditor" in ready(parties[0])[2], ready(parties[0])
    assert 'privet_peer_up{model="lr-uci",version="1",peer="2"} 0' in http(parties[0].url + "/metrics")[2]
    parties[2].serve("party")
    until(lambda: all(ready(m)[0] == 200 for m in parties))
    ok("predict", "--to", out / "deployment.toml", ROWS, "-o", tmp_path / "answers.npz")
    families = {f.name: f for f in text_string_to_metric_families(http(parties[1].url + "/metrics")[2])}
    sent = [s.value for s in families["privet_peer_sent_bytes"].samples if s.name.endswith("_total")]
    assert len(sent) == 2 and sum(sent) > 1000
    assert families["privet_inference_rounds"].samples[0].value > 0
    assert families["process_open_fds"].samples[0].value > 5


def test_a_machine_s_new_key_takes_the_place_of_the_old_one(parties, tmp_path):
    model, rows = UCI / "model.onnx", ("--rows", ROWS)
    first = bundle_of(parties, model, tmp_path / "v1", *rows)
    m = parties[1]
    before = (m.folder / "machine.key").read_text()
    line = ok("keygen", "--name", m.name, "--out", m.folder / "machine.key", "--replace").text.strip()
    assert line != m.line and (m.folder / "machine.key.before-1").read_text() == before
    refused(2, "keygen", "--name", "x", "--out", tmp_path / "none.key", "--replace", names=["E314"])
    done = ok("bundle", model, "--from", first / "deployment.toml", "--replace", line, *rows, "--out", tmp_path / "v2")
    assert len(done.text.strip()) == 64
    stranger = ok("keygen", "--name", "stranger", "--out", tmp_path / "s.key").text.strip()
    order = ("--from", first / "deployment.toml", "--replace", stranger, "--out", tmp_path / "v3")
    refused(2, "bundle", model, *order, names=["E146", "`stranger`", "bank-a, bank-b, auditor"])
    serve_parties(parties, tmp_path / "v2", peers=False)
    ok("predict", "--to", tmp_path / "v2/deployment.toml", ROWS, "-o", tmp_path / "answers.npz")
    # The old file pins the old key, and asks for a version that is gone: whichever is found first.
    done = privet("predict", "--to", first / "deployment.toml", ROWS)
    assert (done.code, done.err[:4]) in ((5, "E311"), (3, "E154")) and done.out == b"", done


def test_logs_are_json_where_that_is_wanted(machine):
    import os

    machine.write(PLAIN)
    machine.serve("plain", env=os.environ | {"PRIVET_LOG": "json"})
    machine.write(PLAIN + "nonsense = 1\n")
    machine.reload()
    until(lambda: machine.log().strip() != "")
    line = json.loads(machine.log().splitlines()[-1])
    assert line["level"] == "ERROR" and "nonsense" in line["error"] and "message" in line, line
