"""The Python package, as its wheel installs it: a clean environment for the first minutes, then every verb."""

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import venv

import numpy as np
import pandas as pd
import pytest

from support import MODELS, ROOT, deployment

KINDS = ["plain", "mpc", "tee", "he"]
BOUND = {"plain": 1e-6, "mpc": 1e-4, "tee": 1e-6, "he": 1e-4}
UCI = ROOT / "data/uci-credit-default"


def fixture(name):
    folder = MODELS / name
    return folder / "model.onnx", dict(np.load(folder / "rows.npz")), dict(np.load(folder / "expected.npz"))


def connect(privet, running):
    simulated = deployment(running.deployment)["kind"] == "tee"
    return privet.connect(running.deployment, dangerous_accept_simulated=simulated)


FIRST = """
import privet, numpy
rows = numpy.load("rows.npy")
with privet.up("mpc", "model.onnx", rows) as model:
    print(model.predict_proba(rows)[:3].tolist())
"""


def test_from_nothing_to_a_private_prediction_in_five_lines(wheel, tmp_path, line):
    """A clean environment, the wheel, five lines; the wheel brings all that they need, the program too."""
    model, rows, expected = fixture("lr-uci")
    (tmp_path / "model.onnx").write_bytes(model.read_bytes())
    np.save(tmp_path / "rows.npy", rows["features"])
    start = time.monotonic()
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel], check=True)
    installed = time.monotonic()
    script = tmp_path / "first.py"
    script.write_text(FIRST)
    assert len(FIRST.strip().splitlines()) <= 5
    env = {name: value for name, value in os.environ.items() if name not in ("PRIVET_BIN", "PYTHONPATH")}
    done = subprocess.run(
        [python, script], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=env | {"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    seconds = time.monotonic() - installed
    assert np.abs(np.array(json.loads(done.stdout)) - expected["probabilities"][:3]).max() <= 1e-4
    names = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, check=True).stdout
    assert {p["name"] for p in json.loads(names)} == {"numpy", "pip", "privet", "setuptools"}
    assert (tmp_path / "env/bin/privet").stat().st_size < 60 << 20
    line(f"Python: installed in {installed - start:.1f} s, first private prediction {seconds:.1f} s later, 5 lines")


@pytest.mark.parametrize("kind", KINDS)
def test_the_verbs_of_scikit_learn(kind, shared, privet):
    model, rows, expected = fixture("lr-uci")
    with connect(privet, shared(kind, model)) as asked:
        x = rows["features"]
        assert np.abs(asked.predict_proba(x) - expected["probabilities"]).max() <= BOUND[kind]
        assert np.array_equal(asked.predict(x), expected["label"])
        assert asked.classes_.tolist() == [0, 1] and asked.classes_.dtype.kind == "i"
        assert asked.n_features_in_ == x.shape[1] == len(asked.feature_names_in_)
        assert asked.kind == kind and asked.name == "lr-uci" and "the client" in asked.trust
        assert (asked.bound is None) == (kind in ("plain", "tee"))
        assert asked.last_cost["rounds"] == 1
        assert asked.assurance == {"plain": "none", "mpc": "no two parties collude", "tee": "simulated", "he": "ciphertexts only"}[kind]
    with pytest.raises(privet.UsageError, match="closed"):
        asked.predict(x)


def test_tickets_give_the_same_answers(shared, privet):
    model, rows, expected = fixture("lr-uci")
    with privet.connect(shared("he", model).deployment, tickets=50) as asked:
        for row in range(100):
            one = asked.predict_proba(rows["features"][row : row + 1])
            assert np.abs(one - expected["probabilities"][row]).max() <= BOUND["he"], row


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not copied here")
def test_a_copy_of_the_process_uses_no_key_twice(shared, privet):
    model, rows, _ = fixture("lr-uci")
    with privet.connect(shared("he", model).deployment, tickets=10) as asked:
        asked.predict(rows["features"][:1])
        if (child := os.fork()) == 0:
            try:
                asked.predict(rows["features"][:1])
            except privet.UsageError as error:
                os._exit(0 if error.code == "E170" else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        asked.predict(rows["features"][:1])


def test_data_frames_go_by_the_names_of_their_columns(shared, privet):
    model, rows, expected = fixture("lr-uci-columns")
    asked = connect(privet, shared("mpc", model))
    frame = pd.DataFrame({name: values.ravel() for name, values in rows.items()})
    shuffled = frame[sorted(frame.columns, reverse=True)]
    proba = asked.predict_proba(shuffled)
    assert np.abs(proba - expected["probabilities"]).max() <= 1e-4
    assert np.allclose(asked.predict_proba(rows), proba, atol=2e-4)
    assert list(asked.feature_names_in_) == list(rows)
    assert np.abs(asked.predict_proba(frame[list(rows)].to_numpy()) - proba).max() <= 2e-4
    with pytest.raises(privet.UsageError, match=frame.columns[0]):
        asked.predict(frame.drop(columns=frame.columns[0]))


@pytest.mark.parametrize("name", ["lr528-keras", "softmax-iris", "linear-regression", "mlp-keras", "xgboost-classifier"])
def test_every_output_by_its_own_name(name, shared, privet):
    model, rows, expected = fixture(name)
    asked = connect(privet, shared("plain", model))
    answer = asked.outputs(rows)
    for output, values in expected.items():
        if values.dtype.kind in "US":
            assert answer[output].tolist() == values.tolist()
        else:
            assert np.abs(answer[output].reshape(values.shape) - values).max() <= 1e-5 * max(1, np.abs(values).max()), output


def test_errors_are_exceptions_with_the_codes_of_the_command_line(shared, privet, tmp_path):
    model, rows, _ = fixture("lr528-keras")
    asked = connect(privet, shared("mpc", model))
    x = rows[next(iter(rows))][:3].copy()
    x[1, 5] = np.nan
    with pytest.raises(privet.RefusedError, match="Row 2") as caught:
        asked.predict(x)
    assert caught.value.code.startswith("E1") and isinstance(caught.value, ValueError)
    with pytest.raises(privet.UsageError, match="528"):
        asked.predict(np.zeros((2, 7), np.float32))
    with pytest.raises(privet.PrivetError):
        privet.connect(tmp_path / "nothing.toml")
    with pytest.raises(privet.RefusedError, match="no probabilities"):
        model, rows, _ = fixture("linear-regression")
        connect(privet, shared("plain", model)).predict_proba(rows)
    with pytest.raises(TypeError, match="skl2onnx"):
        privet.check(object())


@pytest.mark.parametrize("value", [2.5, 2.0**60, 1e300, np.nan, np.uint64(2**63 + 1)])
def test_no_number_is_sent_in_anothers_place(value, shared, privet):
    model, rows, _ = fixture("lr-uci-columns")
    asked = connect(privet, shared("plain", model))
    with pytest.raises(privet.UsageError, match="SEX"):
        asked.predict({name: values[:1] for name, values in rows.items()} | {"SEX": np.array([[value]])})


def test_an_unreachable_party_is_named(up, privet):
    model, rows, _ = fixture("lr528-keras")
    running = up("mpc", model)
    asked = privet.connect(running.deployment, deadline=3)
    asked.ready()
    os.kill(running.party("party-2"), 9)
    with pytest.raises(privet.UnreachableError, match="party-2") as caught:
        asked.predict(rows[next(iter(rows))][:1])
    assert isinstance(caught.value, ConnectionError)


def test_threads_do_not_wait_for_each_other(shared, privet):
    """Python's lock is let go: while one thread asks about many rows, others go on."""
    model, rows, _ = fixture("lr528-keras")
    asked = connect(privet, shared("mpc", model))
    x = np.resize(rows[next(iter(rows))], (65536, 528)).astype(np.float32)
    ticks, told = [], []
    worker = threading.Thread(target=lambda: asked.predict(x, progress=told.append))
    worker.start()
    while worker.is_alive():
        ticks.append(time.monotonic())
        time.sleep(0.005)
    gaps = np.diff(ticks)
    assert len(ticks) > 20 and np.median(gaps) < 0.05, (len(ticks), gaps.max())
    assert told[-1] == 65536 and told == sorted(told), told


def test_awaited(shared, privet):
    model, rows, expected = fixture("lr-uci")
    asked = connect(privet, shared("mpc", model))

    async def many():
        return await asyncio.gather(*(asked.predict_proba_async(rows["features"][at : at + 1]) for at in range(20)))

    got = np.concatenate(asyncio.run(many()))
    assert np.abs(got - expected["probabilities"][:20]).max() <= 1e-4


def test_check_says_what_a_model_needs(privet):
    model, rows, _ = fixture("lr-uci")
    said = privet.check(model, rows["features"], accuracy=1e-5)
    assert said["kinds"]["mpc"]["status"] == "ready"
    assert said["kinds"]["mpc"]["protocols"]["replicated3"]["bound"] <= 1e-5
    assert privet.check(model.read_bytes())["kinds"]["plain"]["status"] == "ready"
    with pytest.raises(privet.RefusedError):
        privet.check(MODELS / "README.md")


def test_label_alone(privet):
    model, rows, expected = fixture("lr-uci")
    with privet.up("mpc", model, rows["features"], reveal="label") as asked:
        assert asked.reveal == "label"
        labels = asked.predict(rows["features"])
        sure = np.abs(expected["probabilities"][:, 1] - 0.5) > 1e-3
        assert np.array_equal(labels[sure], expected["label"][sure])
        with pytest.raises(privet.RefusedError, match="labels alone"):
            asked.predict_proba(rows["features"])


def test_nothing_is_left_after_up(privet):
    model, rows, _ = fixture("lr-uci")
    before = set(os.listdir("/proc"))
    with privet.up("mpc", model, rows["features"]) as asked:
        asked.predict(rows["features"][:1])
    mine = [pid for pid in set(os.listdir("/proc")) - before if pid.isdigit() and is_privet(pid)]
    assert not mine, mine


def is_privet(pid):
    try:
        return b"privet" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False


def test_a_node_of_a_torch_graph(shared, privet):
    torch = pytest.importorskip("torch")
    model, rows, expected = fixture("lr528-keras")
    asked = connect(privet, shared("mpc", model))
    module = privet.torch_module(asked)
    x = torch.from_numpy(rows[next(iter(rows))][:8])
    graph = torch.nn.Sequential(torch.nn.Identity(), module, torch.nn.Flatten())
    got = graph(x).numpy()
    assert np.abs(got - next(iter(expected.values()))[:8]).max() <= 1e-4


def test_a_node_of_a_keras_graph(shared, privet):
    tf = pytest.importorskip("tensorflow")
    model, rows, expected = fixture("lr528-keras")
    asked = connect(privet, shared("mpc", model))
    x = rows[next(iter(rows))][:8]
    given = tf.keras.Input((528,))
    graph = tf.keras.Model(given, 1 - privet.keras_layer(asked)(given))
    got = graph.predict(x, verbose=0)
    assert np.abs(1 - got - next(iter(expected.values()))[:8]).max() <= 1e-4
    traced = tf.function(lambda x: graph(x))(tf.constant(x)).numpy()
    assert np.abs(traced - got).max() <= 2e-4
