"""Private training under faults, and what it refuses: ended processes, damaged files, wrong rows, strangers, and models that
nobody may have."""

import collections
import json
import os
import shutil
import signal
import ssl
import subprocess
import time
import tomllib
import urllib.error
import urllib.request

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from machines import http, infer
from support import ROOT, Role, alive, children, ok, privet, refused, until
from trainers import Command, Here, Trainers
from training_support import Preparation, plain, read_rows, sigmoid, weights_of

DATA = ROOT / "data/uci-credit-default/default_of_credit_card_clients.parquet"
LABEL = "default payment next month"
COLUMNS = ["LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "BILL_AMT1", "PAY_AMT1"]
RECIPE = ["--label", LABEL, "--columns", ",".join(COLUMNS)]
# Some seconds of steps, judged often; the best state is far better than the next, and among the last.
LONG = [*RECIPE, "--batch", 16, "--epochs", 12, "--judge-every", 60, "--rate", 0.01, "--seed", 2]
NEAR = 0.01


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    table = pq.read_table(DATA).slice(0, 2000)
    pa.csv.write_csv(table.slice(0, 1200), folder / "bank.csv")
    pq.write_table(table.slice(1200), folder / "bureau.parquet")
    return {"bank": folder / "bank.csv", "bureau": folder / "bureau.parquet"}


@pytest.fixture
def trainers(tmp_path):
    trainers = Trainers(tmp_path)
    yield trainers
    trainers.end()


@pytest.fixture
def agreed(trainers, files, tmp_path):
    """Agrees on the long training, and serves."""
    return agree(trainers, files, *LONG)


def agree(trainers, files, *recipe):
    trainers.agree("--rows", files["bank"], "--preparation", trainers.folder / "preparation.json", *recipe)
    return trainers.serve()


def given(trainers, files, owner):
    return ["--rows", files[owner], "--preparation", trainers.folder / "preparation.json"]


def gave(trainers, files):
    """The owner who does not lead gives its rows."""
    done = trainers.start("bureau", *given(trainers, files, "bureau")).end()
    assert done.code == 0, done
    return trainers


def led(trainers, files, *more):
    return trainers.start("bank", *given(trainers, files, "bank"), "--out", trainers.folder / "model.onnx", *more)


def expected_of(trainers, files):
    prepared = Preparation(trainers.folder / "preparation.json", COLUMNS)
    rows = np.concatenate([prepared(read_rows(file, COLUMNS)) for file in files.values()])
    labels = np.concatenate([read_rows(file, [LABEL]) for file in files.values()]).ravel()
    return plain(trainers.agreement, rows, labels), rows, labels


def assert_trained(trainers, files, done):
    """The end is that of a training which nothing befell."""
    assert done.code == 0, done
    expected, *_ = expected_of(trainers, files)
    training, losses = done.object["training"], sorted(one.loss for one in expected.judgements)
    assert len(losses) < 2 or losses[1] - losses[0] > 1e-3, "too close for fixed point to tell; take another seed"
    assert training["result_step"] == expected.step
    weights, constant = weights_of(trainers.folder / "model.onnx")
    assert np.abs(weights - expected.weights).max() < NEAR and abs(constant - expected.intercept) < NEAR
    assert abs(training["judgements"][-1]["loss"] - expected.judgements[-1].loss) < 0.002
    return training


def test_parties_are_killed_one_after_the_other_and_the_lead_goes_on(agreed, files):
    gave(agreed, files)
    lead = led(agreed, files)
    for party, step in enumerate((180, 420, 660)):
        lead.until(f"step {step} ")
        agreed.kill(party)
        time.sleep(0.3)
        agreed.parties[party].serve("trainer")
    done = lead.end(60)
    training = assert_trained(agreed, files, done)
    assert done.err.count("Trying again.") >= 3, done
    # What was lost at each is a few hundred steps at most.
    assert training["steps"] <= 1344 + 3 * 2 * 60


def test_a_killed_lead_begins_again_where_parties_are(agreed, files):
    gave(agreed, files)
    lead = led(agreed, files).until("step 240 ")
    lead.kill()
    out = agreed.folder / "model.onnx"
    assert not out.exists()
    done = agreed.start("bank", "--out", out, "--preparation", agreed.folder / "preparation.json").end(60)
    training = assert_trained(agreed, files, done)
    assert "have the 1200 rows of `bank` already" in done.err and training["steps"] <= 1344 - 120
    # Once more, though all is done: the same model, and no step.
    first = out.read_bytes()
    again = led(agreed, files).end()
    assert again.code == 0 and again.object["training"]["steps"] == 0 and out.read_bytes() == first


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_training_on_one_machine_goes_on_however_it_was_ended(how, files, tmp_path):
    here = Here(tmp_path / "here")
    words = ["train", "--here", here.folder, "--rows", files["bank"], "--rows", files["bureau"], *LONG, "--json"]
    first = Command(*words).until("step 240 ")
    parties = children(first.process.pid)
    first.process.send_signal(how)
    done = first.end(30)
    first.kill()
    assert len(parties) == 3 and done.code == (-how if how == signal.SIGKILL else 2), done
    assert how == signal.SIGKILL or "E359" in done.err, done
    until(lambda: not any(alive(party) for party in parties))
    assert not here.out.exists()
    again = Command(*words)
    done = again.end(60)
    again.kill()
    training = assert_trained(here, files, done)
    assert "Going on with" in done.err and training["steps"] <= 1344 - 120


def test_an_owner_that_is_killed_while_it_gives_rows_gives_all_of_them_again(trainers, files, tmp_path):
    many = tmp_path / "many.csv"
    pa.csv.write_csv(pa.concat_tables([pq.read_table(DATA)] * 3), many)
    agree(trainers, files, *RECIPE, "--epochs", 1, "--batch", 1024)
    more = [*given(trainers, {"bureau": many}, "bureau")]
    begun = trainers.start("bureau", *more)
    rows = trainers.state(1) / "rows-1"
    until(lambda: rows.exists() and rows.stat().st_size > 0)
    begun.kill()
    assert not (trainers.state(1) / "offer-1").exists(), "it was quicker than the test; give it more rows"
    assert trainers.start("bureau", *more).end().object["rows"] == 90_000
    done = led(trainers, files).end()
    assert_trained(trainers, {"bank": files["bank"], "bureau": many}, done)


def test_a_damaged_state_is_said_and_costs_no_more_than_its_steps(agreed, files):
    gave(agreed, files)
    led(agreed, files).until("step 240 ").kill()
    assert agreed.parties[1].role.end() == 0
    damage(agreed, 1)
    agreed.parties[1].serve("trainer")
    done = led(agreed, files, "--wait", 20).end(60)
    # The party says so where it writes down what it was asked; to the lead whichever of the three refusals comes first.
    audit = (agreed.parties[1].folder / "audit.jsonl").read_text()
    assert '"E356"' in audit and "Trying again" in done.err, done
    assert_trained(agreed, files, done)


def damage(trainers, party):
    """Changes a bit of a party's latest state."""
    progress = json.loads((trainers.state(party) / "progress.json").read_text())["progress"]
    latest = trainers.state(party) / f"state-{progress['states'][-1]['id']}"
    whole = latest.read_bytes()
    latest.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])


def test_what_is_kept_of_rows_is_not_believed_where_it_was_changed(agreed, files):
    gave(agreed, files)
    led(agreed, files).until("step 120 ").kill()
    party = agreed.parties[2]
    party.end()
    offer = agreed.state(2) / "offer-0"
    offer.write_bytes(offer.read_bytes()[:-1])
    role = Role("serve", "trainer", "--config", party.config, log=party.folder / "log")
    assert role.process.wait(15) != 0 and "E356" in party.log() and "offer-0" in party.log()
    role.process.stdout.close()
    party.role = None


def assert_refused_by(done, code, *names):
    assert done.code == code, done
    assert all(name in done.err for name in names), (names, done)


def test_a_model_that_is_kept_as_shares_answers_and_nobody_has_it(trainers, files, tmp_path):
    agree(trainers, files, *RECIPE, "--epochs", 3, "--rate", 0.02, "--keep-as-shares")
    gave(trainers, files)
    out = tmp_path / "deployment.toml"
    done = trainers.start("bank", *given(trainers, files, "bank"), "--out", out).end()
    assert done.code == 0 and done.object["deployment"] == str(out) and "model" not in done.object, done
    status, _, said = asked(trainers, "bank", {"model": {"of": "0" * 64, "nonce": "0" * 32}})
    assert status == 403 and "E351" in said and "nobody may" in said, said
    expected, rows, _ = expected_of(trainers, files)
    for at, party in enumerate(trainers.parties):
        party.end()
        party.write(f'bundle = "state/party-{at}.bundle"\n')
        party.serve("party")
    np.save(tmp_path / "rows.npy", rows[:200])
    answers = tmp_path / "answers.npz"
    bound = ok("predict", "--to", out, tmp_path / "rows.npy", "-o", answers, "--json").facts["bound"]
    by_numpy = sigmoid(rows[:200] @ expected.weights + expected.intercept)
    assert np.abs(np.load(answers)["probability"].ravel() - by_numpy).max() < bound + 0.002


def asked(trainers, owner, ask, party=0):
    """An owner's own call to a party, in JSON, with its machine's key in the handshake."""
    key = tomllib.loads((trainers.folder / f"{owner}.key").read_text())["tls"]
    pem, certificate = trainers.folder / f"{owner}.pem", trainers.folder / f"{owner}.crt"
    pem.write_text(f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n")
    make = ["openssl", "req", "-x509", "-key", pem, "-days", "2", "-subj", "/CN=privet", "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    anyone.load_cert_chain(certificate, pem)
    text = list(json.dumps(ask).encode())
    tensor = {"name": "training", "shape": [len(text)], "datatype": "UINT8", "data": text}
    url = f"{trainers.parties[party].url}/v2/models/{trainers.agreement['name']}/infer"
    body, headers = json.dumps({"inputs": [tensor]}).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20, context=anyone) as reply:
            return reply.status, reply.headers, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_only_whom_it_was_agreed_for_is_answered(trainers, files):
    agree(trainers, files, *RECIPE, "--epochs", 1)
    gave(trainers, files)
    done = led(trainers, files).end()
    assert done.code == 0, done
    nonce = "0" * 32
    # An owner who does not lead neither drives nor gets the model.
    state = "0" * 64
    run = {"run": {"from": state, "steps": 1, "nonce": nonce}}
    for ask in (run, {"judge": {"of": state, "nonce": nonce}}, {"best": {"of": state}}, {"finish": {"of": state}}):
        status, _, said = asked(trainers, "bureau", ask)
        assert status == 403 and "E351" in said and "`bank`" in said, said
    status, _, said = asked(trainers, "bureau", {"model": {"of": "0" * 64, "nonce": nonce}})
    assert status == 403 and "E351" in said and "only `bank`" in said, said
    assert asked(trainers, "bureau", "status")[0] == 200
    # Nothing is trained any more, and no rows are taken.
    result = json.loads((trainers.state(0) / "progress.json").read_text())["progress"]["finished"]["id"]
    status, _, said = asked(trainers, "bank", {"run": {"from": result, "steps": 1, "nonce": nonce}})
    assert status == 400 and "E354" in said, said
    status, _, said = asked(trainers, "bureau", "begin")
    assert status == 400 and "E352" in said, said
    # Strangers are not answered at all.
    party = trainers.parties[0]
    assert infer(party.url, "model", np.zeros((1, 1), dtype=np.uint8), name="training", datatype="UINT8")[0] == 401
    assert http(f"{party.url}/v2/models/model")[0] == 401
    trainers.lines["stranger"] = trainers.key("stranger")
    status, _, said = asked(trainers, "stranger", "status")
    assert status in (401, 403), said
    done = trainers.start("stranger", "--rows", files["bank"]).end()
    assert_refused_by(done, 3, "E232", "`stranger`")
    assert_audits_name_owners_only(trainers)


def assert_audits_name_owners_only(trainers):
    for party in trainers.parties:
        lines = [json.loads(line) for line in (party.folder / "audit.jsonl").read_text().splitlines()]
        counts = collections.Counter(line["client"] for line in lines if line["outcome"] == "answered")
        rows = {owner: sum(line["rows"] for line in lines if line["client"] == owner) for owner in ("bank", "bureau")}
        assert set(counts) == {"bank", "bureau"} and counts["bank"] > counts["bureau"] >= 4, counts
        assert rows == {"bank": 1200, "bureau": 800}, rows
        strangers = [line for line in lines if line["client"] not in counts]
        assert all(line["outcome"] != "answered" and line["rows"] == 0 for line in strangers), strangers


def test_an_owner_who_waits_for_its_model_does_not_hold_up_the_training(trainers, files):
    agree(trainers, files, *LONG, "--open-to", "bureau")
    out = trainers.folder / "model.onnx"
    waiting = trainers.start("bureau", *given(trainers, files, "bureau"), "--out", out)
    lead = trainers.start("bank", *given(trainers, files, "bank"))
    for _ in range(10):
        # Asked for while it is made: at one party only, which makes it busy for the two others.
        status, _, said = asked(trainers, "bureau", {"model": {"of": "0" * 64, "nonce": os.urandom(16).hex()}}, party=2)
        assert status in (400, 429) and any(code in said for code in ("E324", "E352", "E353")), (status, said)
    done = lead.end(60)
    assert done.code == 0, done
    assert waiting.end(30).code == 0
    assert_trained(trainers, files, done)


# Of a file's third row, what is wrong; what is said; and the words that a training takes for it.
WRONG = {
    "beyond": ("AGE", "9.5", ["E120", "than 8", "`AGE`", "--clip"], []),
    "missing": ("AGE", "", ["E120", "missing", "`AGE`", "--preparation"], []),
    "infinite": ("AGE", "inf", ["E120", "not finite", "`AGE`"], []),
    "label": (LABEL, "0.5", ["E121", "0 and 1", f"`{LABEL}`"], []),
    "label-missing": (LABEL, "", ["E121", "missing", f"`{LABEL}`"], []),
    "label-far": (LABEL, "5000", ["E121", "4096", f"`{LABEL}`"], ["--loss", "squares"]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_rows_that_do_not_fit_are_refused_by_file_row_and_column(wrong, trainers, tmp_path):
    column, value, names, recipe = WRONG[wrong]
    wrong = small(tmp_path / "bureau.csv", 40, {2: {column: value}})
    small(tmp_path / "head.csv", 40)
    trainers.agree("--rows", tmp_path / "head.csv", "--label", LABEL, "--columns", "AGE,PAY_0", "--batch", 8, *recipe)
    trainers.serve()
    done = trainers.start("bureau", "--rows", wrong).end()
    assert_refused_by(done, 3, *names, "bureau.csv", "Row 3")
    assert not value or f" {value}" not in done.err, "no value is shown"
    assert not (trainers.state(1) / "offer-1").exists()
    if "--clip" in names:
        done = trainers.start("bureau", "--rows", wrong, "--clip").end()
        assert done.code == 0 and (trainers.state(1) / "offer-1").exists(), done


def small(path, rows, changes=()):
    """Prepared rows, of which some are changed."""
    draw = np.random.default_rng(3)
    number = lambda: f"{draw.normal():.3f}"
    lines = [{"ID": str(at), "AGE": number(), "PAY_0": number(), LABEL: str(at % 2)} for at in range(rows)]
    for at, change in dict(changes).items():
        lines[at] |= change
    path.write_text("\n".join([",".join(lines[0]), *(",".join(line.values()) for line in lines)]) + "\n")
    return path


def test_an_identifier_that_comes_twice_is_refused(trainers, tmp_path):
    small(tmp_path / "bank.csv", 40, {7: {"ID": "5"}})
    (tmp_path / "bureau.csv").write_text("ID,PAY_2\n")
    rows = ["--rows", tmp_path / "bank.csv", "--rows", tmp_path / "bureau.csv", "--batch", 8]
    key = tmp_path / "alignment.key"
    trainers.agree(*rows, "--label", LABEL, "--leave-out", "ID", "--arrangement", "vertical-by-tags", "--alignment-key", key)
    trainers.serve()
    mine = ["--rows", tmp_path / "bank.csv"]
    done = trainers.start("bank", *mine, "--id", "ID", "--alignment-key", key).end()
    assert_refused_by(done, 3, "E122", "bank.csv", "Row 8", "`ID`", "is that of row")
    assert_refused_by(trainers.start("bank", *mine).end(), 2, "E350", "--id", "--alignment-key")


def test_owners_without_a_row_in_common_are_told(trainers, tmp_path):
    """As where one of them has another alignment key."""
    bank, bureau = small(tmp_path / "bank.csv", 40), tmp_path / "bureau.csv"
    bureau.write_text("ID,PAY_2\n" + "".join(f"{at},{at % 3}\n" for at in range(40)))
    words = ["--label", LABEL, "--leave-out", "ID", "--arrangement", "vertical-by-tags", "--batch", 8]
    for at in ("one", "other"):
        key = ["--alignment-key", tmp_path / f"{at}.key", "--rows", bank, "--rows", bureau]
        trainers.agree(*key, *words, out=tmp_path / f"{at}.toml")
    shutil.copy(tmp_path / "one.toml", trainers.file)
    trainers.serve()
    done = trainers.start("bureau", "--rows", bureau, "--id", "ID", "--alignment-key", tmp_path / "one.key").end()
    assert done.code == 0, done
    done = trainers.start("bank", "--rows", bank, "--id", "ID", "--alignment-key", tmp_path / "other.key").end()
    assert_refused_by(done, 3, "E357", "no identifier in common")


def test_a_party_with_another_agreement_is_found_out(trainers, files, tmp_path):
    rows = ["--rows", files["bank"], *RECIPE]
    trainers.agree(*rows)
    trainers.agree(*rows, "--rate", 0.5, out=tmp_path / "other.toml")
    trainers.serve()
    changed = trainers.parties[1]
    changed.end()
    shutil.copy(tmp_path / "other.toml", changed.folder / "training.toml")
    shutil.rmtree(trainers.state(1))
    changed.serve("trainer")
    done = trainers.start("bank", "--rows", files["bank"]).end()
    assert_refused_by(done, 3, "E350", "Party 1 has another agreement")


def test_a_machine_that_is_no_party_does_not_serve(trainers, files, tmp_path):
    trainers.agree("--rows", files["bank"], *RECIPE)
    config = tmp_path / "other.toml"
    config.write_text('listen = "127.0.0.1:0"\nkey = "bank.key"\ntraining = "training.toml"\nstate = "state"\n')
    refused(3, "serve", "trainer", "--config", config, names=["E232", "`bank`", "names no party"])


def test_an_agreement_that_cannot_be_followed_is_refused_with_reasons(trainers, files):
    trainers.agree("--rows", files["bank"], *RECIPE)
    text = trainers.file.read_text()
    dealer = trainers.folder / "dealer2.toml"
    dealer.write_text(text.replace('protocol = "replicated3"', 'protocol = "dealer2"'))
    refused(3, "check", "--train", dealer, names=["E350", "`dealer2` does not train", "dealer"])
    owners = [word for line in trainers.lines.values() for word in ("--owner", line)]
    parties = [word for m in trainers.parties for word in ("--party", m.line, "--url", m.url)]
    agree = ["agree", *owners, *parties, "--rows", files["bank"], *RECIPE, "--out", trainers.folder / "none.toml"]
    done = privet(*agree, "--protocol", "dealer2")
    assert done.code == 3 and "`dealer2` does not train" in done.err, done
    for words, names in {
        ("--noise", 1.0, "--norm", 5.0, "--protocol", "replicated3-malicious"): ["noise is not offered"],
        ("--validation", 0, "--patience", 1): ["`patience` needs validation rows"],
        ("--rate", 100): ["rate"],
        ("--open-to", "nobody"): ["`nobody`, who is no owner"],
    }.items():
        refused(3, *agree, *words, names=["E350", *names])
        assert not (trainers.folder / "none.toml").exists()
