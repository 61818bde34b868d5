"""Cases of operators that pick, join, pad and reduce along axes."""

import numpy as np

from onnx_cases import F32, F64, I32, I64, Case
from onnx_cases_values import opset


def slices(draw):
    for _ in range(60):
        shape = draw.shape(1, 3, 6)
        axes = draw.subset(len(shape)) or [0]
        steps = [draw.choice([1, 1, 2, 3, -1, -2, -3]) for _ in axes]
        starts = [draw.choice([0, 1, 2, 5, 9, -1, -2, -7, 2**31 - 1]) for _ in axes]
        ends = [draw.choice([0, 1, 3, 6, 9, -1, -2, -7, 2**31 - 1, 2**63 - 1, -(2**63) + 1]) for _ in axes]
        x = draw.real(*shape)
        rows = draw.maybe(0.4)
        if min(steps) > 0 and draw.maybe(0.3):
            attributes = {"starts": starts, "ends": ends, "axes": [a % len(shape) for a in axes]}
            yield Case("Slice", ["x"], {"x": x}, attributes=attributes, opset=draw.choice([7, 9]), rows=rows)
        kind = I64 if draw.maybe(0.8) or max(map(abs, ends)) > 2**31 else I32
        fixed = {"s": np.array(starts, kind), "e": np.array(ends, kind), "a": np.array(axes, kind)}
        order = ["x", "s", "e", "a"]
        if steps != [1] * len(steps):
            fixed["t"] = np.array(steps, kind)
            order.append("t")
        yield Case("Slice", order, {"x": x}, fixed, opset=draw.choice([11, 13, 20]), rows=rows)


def gathers(draw):
    for _ in range(40):
        shape = draw.shape(1, 3, 5)
        axis = draw.axis(len(shape))
        n = shape[axis]
        indices = draw.whole(-n, n, *draw.shape(0, 2, 3), dtype=draw.choice([I64, I32]))
        attributes = {"axis": axis} if draw.maybe(0.8) or axis % len(shape) else {}
        rows = draw.maybe(0.4)
        yield Case("Gather", ["x", "i"], {"x": draw.real(*shape)}, {"i": indices}, {"axis": axis}, opset=13, rows=rows)
        del attributes
        picks = draw.whole(-n, n, *[max(1, d - draw.random.randint(0, 1)) for d in shape])
        yield Case("GatherElements", ["x", "i"], {"x": draw.real(*shape)}, {"i": picks}, {"axis": axis}, opset=13, rows=rows)


def splits(draw):
    for _ in range(30):
        shape = draw.shape(1, 3, 6)
        axis = draw.axis(len(shape))
        n = shape[axis]
        cut = draw.random.randint(1, n)
        lengths = [cut, n - cut] if n > cut else [n]
        rows = draw.maybe(0.3)
        x = {"x": draw.real(*shape)}
        parts = len(lengths)
        if axis >= 0:
            yield Case("Split", ["x"], x, attributes={"axis": axis, "split": lengths}, outputs=parts, opset=draw.choice([7, 11]), rows=rows)
        fixed = {"s": np.array(lengths, I64)}
        yield Case("Split", ["x", "s"], x, fixed, {"axis": axis}, outputs=parts, opset=draw.choice([13, 18]), rows=rows)
        if n % 2 == 0:
            yield Case("Split", ["x"], x, attributes={"axis": axis}, outputs=2, opset=13, rows=rows)
        count = draw.random.randint(1, min(n, 4))
        yield Case("Split", ["x"], x, attributes={"axis": axis, "num_outputs": count}, outputs=count, opset=18, rows=rows)


def joins(draw):
    for _ in range(20):
        shape = draw.shape(1, 4, 4)
        axis = draw.axis(len(shape))
        other = list(shape)
        other[axis] = draw.random.randint(1, 3)
        values = {"a": draw.real(*shape), "b": draw.real(*other), "c": draw.real(*shape)}
        fixed = {"b": values.pop("b")} if draw.maybe(0.3) else {}
        yield Case("Concat", ["a", "b", "c"], values, fixed, {"axis": axis}, opset=draw.choice([11, 13]), rows=draw.maybe(0.3))
        repeats = draw.whole(1, 3, len(shape))
        yield Case("Tile", ["x", "r"], {"x": draw.real(*shape)}, {"r": repeats}, opset=13)
        to = [draw.choice([1, d]) if d > 1 else draw.choice([1, 3]) for d in shape]
        to = ([2] if draw.maybe(0.3) else []) + to
        yield Case("Expand", ["x", "s"], {"x": draw.real(*shape)}, {"s": np.array(to, I64)}, opset=13)


def pads(draw):
    for _ in range(60):
        shape = [d + 2 for d in draw.shape(1, 3, 3)]
        rank = len(shape)
        mode = draw.choice(["constant", "reflect", "edge", "wrap"])
        amounts = [draw.choice([0, 1, 2, -1]) if mode == "constant" else draw.choice([0, 1, 2]) for _ in range(2 * rank)]
        rows = draw.maybe(0.3)
        if rows:
            amounts[0] = amounts[rank] = 0
        x = {"x": draw.real(*shape)}
        if mode != "wrap" and draw.maybe(0.4):
            attributes = {"mode": mode, "pads": amounts}
            if draw.maybe():
                attributes["value"] = 1.5
            yield Case("Pad", ["x"], x, attributes=attributes, opset=draw.choice([7, 9, 10]), rows=rows)
        fixed, order = {"p": np.array(amounts, I64)}, ["x", "p"]
        if mode == "constant" and draw.maybe():
            fixed["v"] = np.array(2.5, F32)
            order.append("v")
        version = 19 if mode == "wrap" else draw.choice([11, 13, 18, 21])
        if version >= 18 and draw.maybe(0.4):
            axes = draw.random.sample(range(rank), rank)
            order = ["x", "p", "v" if "v" in fixed else "", "a"]
            fixed["a"] = np.array([a - rank if draw.maybe(0.3) else a for a in axes], I64)
            fixed["p"] = np.array([amounts[a] for a in axes] + [amounts[a + rank] for a in axes], I64)
        yield Case("Pad", order, x, fixed, {"mode": mode}, opset=version, rows=rows)


REDUCTIONS = "ReduceMax ReduceMin ReduceMean ReduceSum ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare".split()


def reductions(draw):
    for op in REDUCTIONS:
        for _ in range(12):
            shape = draw.shape(1, 4, 4)
            axes = draw.subset(len(shape))
            dtype = draw.choice([F32, F32, F64] + ([I64, I32] if op in REDUCTIONS[:4] else []))
            x = draw.positive(*shape).astype(dtype) if op == "ReduceLogSum" else draw.real(*shape, scale=5).astype(dtype)
            attributes = {"keepdims": draw.choice([0, 1])} if draw.maybe(0.7) else {}
            rows = draw.maybe(0.4) and bool(axes) and all(a % len(shape) for a in axes)
            since = 13 if op == "ReduceSum" else 18
            version = opset(draw, op)
            if version < since:
                if min(axes, default=0) < 0 and version < 11:
                    version = 11
                if axes:
                    attributes["axes"] = axes
                yield Case(op, ["x"], {"x": x}, attributes=attributes, opset=version, rows=rows)
                continue
            if draw.maybe(0.4):
                attributes["noop_with_empty_axes"] = draw.choice([0, 1])
            if not axes and draw.maybe():
                yield Case(op, ["x"], {"x": x}, attributes=attributes, opset=version)
                continue
            fixed = {"a": np.array(axes, I64)}
            yield Case(op, ["x", "a"], {"x": x}, fixed, attributes, opset=version, rows=rows)


def places(draw):
    for op in ["ArgMax", "ArgMin"]:
        for _ in range(20):
            shape = draw.shape(1, 3, 5)
            axis = draw.axis(len(shape))
            x = draw.whole(-2, 3, *shape).astype(draw.choice([F32, F32, I32]))
            attributes = {"axis": axis}
            if draw.maybe():
                attributes["keepdims"] = draw.choice([0, 1])
            version = draw.choice([7, 11, 12, 13])
            if version >= 12 and draw.maybe():
                attributes["select_last_index"] = 1
            if version < 11:
                attributes["axis"] = axis % len(shape)
            yield Case(op, ["x"], {"x": x}, attributes=attributes, opset=version, rows=draw.maybe(0.4))


def groups(draw):
    for op in ["Softmax", "LogSoftmax", "Hardmax"]:
        for _ in range(24):
            shape = draw.shape(1, 4, 4)
            version = draw.choice([7, 9, 11, 12, 13, 18])
            attributes = {"axis": draw.axis(len(shape))} if draw.maybe(0.8) else {}
            if version < 11 and "axis" in attributes:
                attributes["axis"] %= len(shape)
            if not attributes and len(shape) < 2 and version < 13:
                continue
            x = draw.real(*shape, scale=draw.choice([1, 40]))
            yield Case(op, ["x"], {"x": x}, attributes=attributes, opset=version, rows=draw.maybe(0.4))
    for _ in range(16):
        shape = draw.shape(2, 4, 5)
        axis = draw.axis(len(shape))
        tail = shape[axis:] if axis < 0 else shape[axis:]
        if len(tail) == len(shape) and draw.maybe(0.7):
            continue
        fixed, order = {"s": draw.real(*tail)}, ["x", "s"]
        if draw.maybe():
            fixed["b"] = draw.real(*tail)
            order.append("b")
        attributes = {"axis": axis, "epsilon": draw.choice([1e-5, 1e-2])}
        x = draw.real(*shape)
        if int(np.prod(tail)) > 1:
            yield Case("LayerNormalization", order, {"x": x}, fixed, attributes, opset=17, rows=draw.maybe(0.4) and len(tail) < len(shape))
    for p in [1, 2]:
        yield Case("LpNormalization", ["x"], {"x": draw.real(3, 4)}, attributes={"p": p, "axis": draw.choice([0, 1, -1])}, opset=draw.choice([7, 22]))


FAMILIES = [slices, gathers, splits, joins, pads, reductions, places, groups]
