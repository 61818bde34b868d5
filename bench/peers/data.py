"""A workload's rows, its model, and the right answers: what needs numpy and ONNX, which run.py does without."""

import numpy as np
import onnx
from onnx import numpy_helper


def rows(work, batch):
    """The fixture's rows in order, again and again until the batch is full."""
    with np.load(work.rows_file) as file:
        (found,) = file.values()
    return np.resize(found, (batch, *found.shape[1:]))


def model(work):
    """The file's model; where the score is revealed, without the sigmoid at its end."""
    found = onnx.load(work.file)
    last = found.graph.node[-1]
    if work.reveal == "score" and last.op_type == "Sigmoid":
        found.graph.output[0].name = last.input[0]
        found.graph.node.remove(last)
    return found


def graph(work):
    """The model's nodes, and its weights by name."""
    found = model(work).graph
    return found.node, {one.name: numpy_helper.to_array(one) for one in found.initializer}


def expected(work, batch):
    """ONNX Runtime's answers."""
    import onnxruntime

    found = model(work).SerializeToString()
    session = onnxruntime.InferenceSession(found, providers=["CPUExecutionProvider"])
    (name,) = (one.name for one in session.get_inputs())
    (answers,) = session.run(None, {name: rows(work, batch)})
    return answers


def largest_error(answers, wanted):
    """A shape that is not the wanted one is an error of the measurement, not of the peer."""
    return float(np.abs(answers.astype(np.float64).reshape(wanted.shape) - wanted).max())
