"""The judge of every answer: ONNX Runtime, run live on the file that was exported."""

import csv
import io
import json

import numpy as np
import onnxruntime

from support import ABSOLUTE, RELATIVE, ROOT

LINEAR = ("lr", "softmax-iris", "linear-", "ridge-")

# These the plain kind runs and no private kind can: constants of the model would have to be shown to the client.
NOT_PRIVATE = {"sklearn-normalizer-zipmap"}
# What is not linear, and runs as a program between the parties.
PROGRAMS = {"affine-after-sigmoid", "constant-minus", "ratios"}

# One row of coefficients without a logistic function: the scores are 1 - s and s, and the sign of s is the label.
BY_SIGN = {"classifier-one-row-none", "classifier-one-row-softmax"}


class Fixture:
    def __init__(self, folder):
        self.folder, self.name = folder, folder.name
        self.model = folder / "model.onnx"
        self.rows = dict(np.load(folder / "rows.npz"))
        self.stored = dict(np.load(folder / "expected.npz"))
        self.expected = run(self.model, self.rows)

    @property
    def count(self):
        return len(next(iter(self.rows.values())))


def names():
    """Every linear model of `models/`, and all of `models-extra/`, as paths below the repository."""
    linear = [f for f in matching("models") if f.removeprefix("models/").startswith(LINEAR)]
    return linear + matching("models-extra")


def matching(folder):
    index = json.loads((ROOT / folder / "index.json").read_text())
    return [f"{folder}/{f['name']}" for f in index["fixtures"] if f["expect"] == "match"]


def fixture(name):
    return Fixture(ROOT / name)


def run(model, rows):
    """ONNX Runtime's outputs by name; a sequence of maps becomes one column per label, in ascending order."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    fed = {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in rows.items()}
    return {out.name: columns(value) for out, value in zip(session.get_outputs(), session.run(None, fed))}


def columns(value):
    if isinstance(value, list):
        labels = sorted(value[0])
        value = [[row[label] for label in labels] for row in value]
        return np.array(value, dtype=np.float32)
    return value.astype(str) if value.dtype == object else value


def is_label(array):
    return array.dtype.kind not in "f"


def near_boundary(name, outputs, margin):
    """Rows in which an error of `margin` in a score could change a label: the best two, or the sign, lie that close.

    A model whose only output is a label does not show how close; all of its labels must be right.
    """
    scores = [o for o in outputs.values() if not is_label(o)]
    count = len(next(iter(outputs.values())))
    if not scores or len(scores) == len(outputs):
        return np.zeros(count, dtype=bool)
    scores = scores[0].reshape(count, -1).astype(np.float64)
    if scores.shape[1] == 1 or name in BY_SIGN:
        return np.abs(scores[:, -1]) <= 2 * margin
    best = np.sort(scores, axis=1)
    return best[:, -1] - best[:, -2] <= 2 * margin


def compare(name, got, expected, bound=0.0):
    """Numbers within the bound and float32's tolerance; labels equal, but in rows at the boundary.

    Gives the worst error, the largest part of its limit that an error takes, and how many labels were left out.
    """
    what = f"{name} with a bound of {bound:g}"
    assert list(got) == list(expected), f"{what}: outputs {list(got)}, expected {list(expected)}"
    near = near_boundary(name, expected, bound + 1e-5)
    assert near.sum() * 2 < max(len(near), 8), f"{what}: {near.sum()} of {len(near)} rows lie at the boundary"
    worst = part = 0.0
    for name, want in expected.items():
        have = got[name]
        assert have.shape == want.shape, f"{what}: `{name}` has the shape {have.shape}, expected {want.shape}"
        if is_label(want):
            wrong = (have.astype(want.dtype) != want) & ~near
            assert not wrong.any(), f"{what}: `{name}` differs in rows {np.flatnonzero(wrong)[:5]}"
            continue
        assert have.dtype == want.dtype, f"{what}: `{name}` is {have.dtype}, expected {want.dtype}"
        want = want.astype(np.float64)
        error = np.abs(have.astype(np.float64) - want)
        limit = bound + ABSOLUTE + RELATIVE * np.abs(want)
        assert np.all(error <= limit), f"{what}: `{name}` is off by {error.max():.3g}, row {error.argmax()}"
        worst, part = max(worst, error.max(initial=0)), max(part, (error / limit).max(initial=0))
    return worst, part, int(near.sum())


def tables(outputs):
    """The outputs as columns of text formats have them: `name`, or `name[label]` where an output is wider."""
    flat = {}
    for name, array in outputs.items():
        array = array.reshape(len(array), -1)
        for at in range(array.shape[1]):
            flat[name, at] = array[:, at]
    return flat


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text)))
    return rows[0], [list(column) for column in zip(*rows[1:])]


def read_json_lines(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return list(rows[0]), [[row[name] for row in rows] for name in rows[0]]


def same_table(what, header, values, outputs):
    """Text reads back as the very numbers of the arrays, under their names and in their order."""
    flat = tables(outputs)
    assert len(header) == len(flat), f"{what}: columns {header}"
    for name, column, ((output, _), array) in zip(header, values, flat.items()):
        assert name == output or name.startswith(f"{output}["), f"{what}: column {name} for {output}"
        assert np.array_equal(np.array(column).astype(array.dtype), array), f"{what}: column {name} differs"
