"""`examples/keras/`: the commands of its README, on a small synthetic set, give the same answers everywhere.

TensorFlow has an environment of its own, made once from the example's `requirements.txt`; PRIVET_KERAS_PYTHON names
another interpreter that has the packages. Only where they cannot be had is this left out.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import onnx
import onnx.numpy_helper
import pandas as pd
import pytest
from support import ABSOLUTE, BINARY, RELATIVE, ROOT, privet

import program

pytestmark = program.built
EXAMPLE = ROOT / "examples/keras"
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
FILES = {"ONNX": "model.onnx", "SavedModel": "saved_model", "TFLite": "model.tflite"}
FRAMEWORK = 1e-5


@dataclass(frozen=True)
class Story:
    """What the README's commands left in `folder`, and what they printed."""

    folder: pathlib.Path
    python: str
    printed: list[str]

    @property
    def run(self):
        return self.folder / "run"

    @property
    def keras(self):
        return np.load(self.run / "keras.npy").astype(float)

    @property
    def comparison(self):
        return json.loads((self.run / "comparison.json").read_text())

    def line(self, name):
        (found,) = (line for line in self.comparison["lines"] if line["name"] == name)
        return found

    def check(self, file):
        """What privet itself says about a file."""
        return privet("check", self.run / file, "--rows", self.run / "ranges.npy", "--json").object


@pytest.fixture(scope="module")
def story(tmp_path_factory, pytestconfig):
    python, folder = interpreter(pytestconfig), tmp_path_factory.mktemp("keras")
    return Story(folder, python, [step(words, folder) for words in commands(python)])


def interpreter(pytestconfig):
    """A Python that has the example's packages."""
    given = os.environ.get("PRIVET_KERAS_PYTHON")
    if given:
        return given
    venv, wanted = TARGET / "keras-venv", EXAMPLE / "requirements.txt"
    mark, python = venv / "installed.txt", str(venv / "bin/python")
    if mark.is_file() and mark.read_bytes() == wanted.read_bytes():
        return python
    shutil.rmtree(venv, ignore_errors=True)
    for words in ([sys.executable, "-m", "venv", venv], [python, "-m", "pip", "install", "-qr", wanted]):
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode != 0:
            leave_out((done.stderr or done.stdout).strip(), pytestconfig)
    shutil.copy(wanted, mark)
    return python


def leave_out(problem, pytestconfig):
    reason = f"examples/keras: its packages cannot be had: {problem}"
    with pytestconfig.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print(f"\nSKIPPED {reason}")
    pytest.skip(reason)


def commands(python):
    """Those of the README that come after the installation, with the programs under test."""
    blocks = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    programs = {"target/release/privet-credit": str(program.BINARY), "target/keras-venv/bin/python": python}
    for line in blocks[1].splitlines():
        first, *rest = shlex.split(line)
        yield [programs[first], *(str(ROOT / word) if word.startswith("examples/") else word for word in rest)]


def step(words, folder):
    done = run(words, folder)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run(words, folder):
    env = os.environ | {"PRIVET_BIN": str(BINARY)}
    return subprocess.run(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150)


def rounding(keras):
    """What float32 may do to a probability."""
    return ABSOLUTE + RELATIVE * keras


def test_rows_are_scaled_as_in_2019(story):
    rules = json.loads((story.folder / "preparation.json").read_text())
    read = pd.read_parquet(story.folder / "features.parquet")
    read = read[read["TARGET"].notna()].iloc[rules["fitted_rows"] :]
    rules = pd.DataFrame(rules["features"]).set_index("name")
    scaled = read[rules.index].replace([np.inf, -np.inf], np.nan).fillna(rules["fill"])
    scaled = scaled.clip(rules["low"], rules["high"], axis=1) - rules["low"]
    scaled /= (rules["high"] - rules["low"]).replace(0.0, 1.0)
    rows = np.load(story.run / "rows.npy")
    assert rows.dtype == np.float32 and rows.shape == scaled.shape and len(rows) > 300
    assert np.abs(rows - scaled.to_numpy()).max() <= 1e-7
    assert rows.min() == 0 and rows.max() == 1


def test_the_model_is_one_layer_without_a_bias(story):
    model = onnx.load(story.run / "model.onnx")
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Sigmoid"]
    (weights,) = (onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer)
    assert weights.shape == (528, 1)
    scores = np.load(story.run / "rows.npy").astype(float) @ weights.astype(float)
    exact = 1 / (1 + np.exp(-scores.ravel()))
    assert (np.abs(exact - story.keras) <= rounding(exact)).all()


def test_the_loss_falls(story):
    facts = json.loads((story.run / "training.json").read_text())
    loss = facts["training_loss"]
    assert len(loss) == 20 and loss[-1] < loss[0] and loss[-1] < 0.5
    assert f"AUC {facts['auc']:.4f}" in story.printed[2]


@pytest.mark.parametrize("name", ["ONNX in ONNX Runtime", "SavedModel in TensorFlow", "TFLite in its interpreter"])
def test_every_file_gives_what_keras_gives(name, story, line):
    found = story.line(name)
    assert found["status"] == "agrees" and found["largest"] <= FRAMEWORK, found
    line(f"keras: {name}: {found['largest']:.1e} of {FRAMEWORK:.1e}")


@pytest.mark.parametrize("name", FILES)
def test_every_kind_that_exists_gives_what_keras_gives(name, story, line):
    """What exists is what `privet check` calls ready; the bound is the one that it has proven."""
    checked = story.check(FILES[name])
    if "kinds" not in checked:
        assert story.line(f"{name} in privet")["reason"] == f"{checked['code']} {said(checked, story)}"
        return
    for kind, report in checked["kinds"].items():
        found = story.line(f"{name} in privet, {kind}")
        if report["status"] == "ready":
            assert_within(found, [cost["bound"] for cost in report["protocols"].values()], story.keras)
            line(f"keras: {name}, {kind}: {found['largest']:.1e} of {found['allowed']:.1e}")
        else:
            assert found["status"] == "absent" and report["problems"][0]["reason"] in found["reason"], found


def said(checked, story):
    """The commands name their folder as the README does."""
    return checked["error"].replace(f"{story.folder}/", "")


def assert_within(found, bounds, keras):
    assert found["status"] == "agrees" and found["bound"] in bounds, found
    assert found["largest"] <= found["bound"] + rounding(keras).max(), found


def test_plain_and_three_parties_exist(story):
    kinds = {line["kind"] for line in story.comparison["lines"] if line["status"] == "agrees"}
    assert {"plain", "mpc"} <= kinds


def test_the_same_row_is_the_same_everywhere(story):
    """2019 printed 0.044, 0.418 and 0.406."""
    found = story.comparison
    assert found["row"] == 0 and found["keras"] == story.keras[0]
    answered = [line for line in found["lines"] if line["probability"] is not None]
    assert len(answered) >= 5
    for line in answered:
        distance = abs(line["probability"] - story.keras[0])
        assert distance == pytest.approx(line["difference"], abs=1e-12) and distance <= line["allowed"] <= 1.1e-4, line


def test_the_table_stands_beside_what_2019_printed(story):
    table = story.printed[3].splitlines()
    for name, old in [("Keras", "0.044"), ("ONNX in privet, mpc", "0.418"), ("ONNX in privet, tee", "0.406")]:
        (row,) = (row for row in table if row.startswith(f"{name} "))
        assert old in row, row
    assert f"all {len(story.keras)} rows" in table[0]


def test_one_wrong_answer_is_found(story, tmp_path):
    """In the last row, which is not the one that is printed, by three times what three parties are allowed."""
    wrong = tmp_path / "run"
    shutil.copytree(story.run, wrong)
    answers = np.load(wrong / "keras.npy")
    answers[-1] += 3e-4
    np.save(wrong / "keras.npy", answers)
    done = run([story.python, str(EXAMPLE / "compare.py"), "--run", str(wrong), "--row", "1"], tmp_path)
    assert done.returncode == 1, done.stderr
    rows = [row for row in done.stdout.splitlines() if row.endswith(("agrees", "differs"))]
    assert len(rows) >= 5 and all(row.endswith("differs") for row in rows), done.stdout
