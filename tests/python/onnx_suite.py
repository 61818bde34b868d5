"""ONNX's own operator tests, and how one of them is asked of `onnx_operators` and judged."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

KINDS = ["node", "simple", "pytorch-converted", "pytorch-operator"]
# Kinds of values that no port has.
KNOWN = {
    onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64,
    onnx.TensorProto.INT32, onnx.TensorProto.INT16, onnx.TensorProto.INT8, onnx.TensorProto.UINT8,
    onnx.TensorProto.UINT16, onnx.TensorProto.UINT32, onnx.TensorProto.UINT64, onnx.TensorProto.BOOL,
}
class Case:
    """One data set of one test."""

    def __init__(self, name, model, inputs, outputs, rtol, atol):
        self.name, self.model, self.inputs, self.outputs = name, model, inputs, outputs
        self.rtol, self.atol = rtol, atol

    def reason(self):
        """Why it cannot be asked, if so."""
        values = list(self.model.graph.input) + list(self.model.graph.output)
        if any(v.type.WhichOneof("value") != "tensor_type" for v in values):
            return "sequences, maps and optional values"
        types = {v.type.tensor_type.elem_type for v in values}
        if onnx.TensorProto.STRING in types:
            return "text"
        if types - KNOWN:
            return "types that no port has"
        if any(np.size(x) == 0 for x in self.inputs):
            return "empty inputs"
        return None


def cases():
    warnings.simplefilter("ignore")
    for kind in KINDS:
        for test in load_model_tests(kind=kind):
            if test.model is not None:
                model, sets = test.model, test.data_sets
            else:
                folder = Path(test.model_dir)
                model, sets = onnx.load(folder / "model.onnx"), stored(folder)
            for inputs, outputs in sets:
                yield Case(test.name, model, [array(x) for x in inputs], [array(x) for x in outputs], test.rtol, test.atol)


def stored(folder):
    for data in sorted(folder.glob("test_data_set_*")):
        yield tuple(
            [tensor(path) for path in sorted(data.glob(f"{kind}_*.pb"), key=lambda p: int(re.sub(r"\D", "", p.stem)))]
            for kind in ("input", "output")
        )


def tensor(path):
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def variants(case):
    """The model as it is; and with parameters fixed, where they came as inputs."""
    yield case.model
    if len(case.model.graph.input) > 1:
        yield fixed(case, 1)


def fixed(case, kept):
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    known = {t.name for t in model.graph.initializer}
    asked = [i for i in model.graph.input if i.name not in known]
    for info, value in list(zip(asked, case.inputs))[kept:]:
        if value is not None:
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), info.name))
    return model


def whole(model):
    """Classical models work on rows; for all others the first axis is one like any other."""
    return not any(node.domain == "ai.onnx.ml" for node in model.graph.node)


def bits(value):
    return np.ascontiguousarray(value).astype(np.float64).view(np.uint64).ravel().tolist()


def ask(program, model, case, folder, accuracy=None):
    path = folder / "model.onnx"
    for info, value in zip(list(model.graph.input), case.inputs):
        # Inputs of one call have its shape.
        if value is not None and info.type.tensor_type.HasField("shape"):
            for dim, size in zip(info.type.tensor_type.shape.dim, np.shape(value)):
                if not dim.HasField("dim_value"):
                    dim.dim_value = size
    path.write_bytes(model.SerializeToString())
    known = {t.name for t in model.graph.initializer}
    asked = [i.name for i in model.graph.input]
    inputs = {name: bits(x) for name, x in zip(asked, case.inputs) if name not in known and x is not None}
    asked = {"model": str(path), "whole": whole(model), "inputs": inputs, "accuracy": accuracy}
    program.stdin.write(json.dumps(asked) + "\n")
    program.stdin.flush()
    return json.loads(program.stdout.readline())


def wrong(case, answer):
    """What differs from the expected outputs, if anything does."""
    if "error" in answer:
        return answer["error"]
    names = [o.name for o in case.model.graph.output]
    for name, expected in zip(names, case.outputs):
        got = answer["outputs"].get(name)
        if got is None or got["bits"] is None:
            return f"no output `{name}`"
        values = np.array(got["bits"], dtype=np.uint64).view(np.float64)
        expected = np.asarray(expected).astype(np.float64)
        if values.size != expected.size or (whole(case.model) and tuple(got["dims"]) != expected.shape):
            return f"`{name}` has the shape {got['dims']}, expected {expected.shape}"
        if not np.allclose(values, expected.ravel(), rtol=case.rtol, atol=case.atol + answer["bound"], equal_nan=True):
            worst = np.nanmax(np.abs(values - expected.ravel()))
            return f"`{name}` differs by {worst:g}"
    return None
