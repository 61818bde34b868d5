"""Small ONNX models, one operator each, drawn over the attributes that change what the operator means."""

import random
import zlib
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32, F64, I64, I32, BOOL, TEXT = np.float32, np.float64, np.int64, np.int32, np.bool_, np.str_
TYPES = {
    F32: TensorProto.FLOAT, F64: TensorProto.DOUBLE, I64: TensorProto.INT64, I32: TensorProto.INT32,
    BOOL: TensorProto.BOOL, TEXT: TensorProto.STRING, np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8,
}
ML = "ai.onnx.ml"


@dataclass
class Case:
    """One node. `inputs` are asked for, `fixed` stand in the file; both by the order of `order`."""

    op: str
    order: list
    inputs: dict
    fixed: dict = field(default_factory=dict)
    attributes: dict = field(default_factory=dict)
    outputs: int = 1
    opset: int = 17
    domain: str = ""
    # Whether the first axis is that of the rows.
    rows: bool = False

    def model(self):
        node = helper.make_node(
            self.op, self.order, [f"y{i}" for i in range(self.outputs)], name="node", domain=self.domain, **self.attributes
        )
        weights = [numpy_helper.from_array(np.asarray(v), k) for k, v in self.fixed.items()]
        graph = helper.make_graph(
            [node], "g", [self.port(k, v) for k, v in self.inputs.items()],
            [onnx.ValueInfoProto(name=f"y{i}") for i in range(self.outputs)], weights,
        )
        if self.domain:
            opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, self.opset)]
        else:
            opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def port(self, name, value):
        shape = list(value.shape)
        if self.rows:
            shape[0] = "N"
        return helper.make_tensor_value_info(name, TYPES[value.dtype.type], shape)

    def __str__(self):
        shapes = {k: f"{v.dtype}{list(v.shape)}" for k, v in self.inputs.items()}
        fixed = {k: np.asarray(v).tolist() if np.size(v) < 13 else np.shape(v) for k, v in self.fixed.items()}
        where = "rows" if self.rows else "whole"
        return f"{self.op} ({self.opset}, {where}) of {shapes}, fixed {fixed}, {self.attributes}"


class Draw:
    """Numbers from a seed."""

    def __init__(self, seed):
        self.random, self.numbers = random.Random(seed), np.random.default_rng(zlib.crc32(str(seed).encode()))

    def real(self, *shape, scale=2.0, dtype=F32):
        return (self.numbers.standard_normal(shape) * scale).astype(dtype)

    def positive(self, *shape):
        return (self.numbers.random(shape) * 3 + 0.1).astype(F32)

    def whole(self, low, high, *shape, dtype=I64):
        return self.numbers.integers(low, high, shape).astype(dtype)

    def choice(self, options):
        return self.random.choice(list(options))

    def maybe(self, chance=0.5):
        return self.random.random() < chance

    def shape(self, low=1, high=4, longest=5):
        return [self.random.randint(1, longest) for _ in range(self.random.randint(low, high))]

    def subset(self, count):
        chosen = [a for a in range(count) if self.maybe()]
        self.random.shuffle(chosen)
        return [a - count if self.maybe(0.4) else a for a in chosen]

    def axis(self, rank):
        return self.random.randint(-rank, rank - 1)


def newest(op, opset):
    """The opset itself, if the operator is there by then."""
    try:
        return onnx.defs.get_schema(op, max_inclusive_version=opset) is not None
    except onnx.defs.SchemaError:
        return False
