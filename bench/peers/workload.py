"""What every system computes: the models, their batches, their rows, and the right answers."""

import pathlib
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Workload:
    """A fixture model, what the client gets of its answer, the largest error privet may make, and rows per request."""

    model: str
    reveal: str
    accuracy: str
    batches: tuple
    trees: bool = False

    @property
    def folder(self):
        return ROOT / "models" / self.model

    @property
    def file(self):
        return self.folder / "model.onnx"

    @property
    def rows_file(self):
        return self.folder / "rows.npz"


WORKLOADS = {
    one.model: one
    for one in [
        Workload("lr528-keras", "probability", "1e-3", (1, 1024, 8192)),
        Workload("digits-a-torch", "score", "1e-3", (1, 128)),
        Workload("digits-b-torch", "score", "1e-3", (1, 128)),
        Workload("digits-c-torch", "score", "1e-2", (1, 128)),
        Workload("digits-d-torch", "score", "1e-2", (1, 128)),
        Workload("xgboost-classifier", "score", "1e-3", (1, 128), trees=True),
    ]
}


def rows(workload, batch):
    """The fixture's rows in order, again and again until the batch is full."""
    with np.load(workload.rows_file) as file:
        (found,) = file.values()
    return np.resize(found, (batch, *found.shape[1:]))


def expected(workload, batch):
    """ONNX Runtime's answers to them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(workload.file), providers=["CPUExecutionProvider"])
    (name,) = (one.name for one in session.get_inputs())
    (answers,) = session.run(None, {name: rows(workload, batch)})
    return answers


def graph(workload):
    """The file's nodes, and its weights by name."""
    found = onnx.load(workload.file).graph
    return found.node, {one.name: numpy_helper.to_array(one) for one in found.initializer}


def largest_error(answers, wanted):
    """A shape that is not the wanted one is an error of the measurement, not of the peer."""
    return float(np.abs(answers.astype(np.float64).reshape(wanted.shape) - wanted).max())
