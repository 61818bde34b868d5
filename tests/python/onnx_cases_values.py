"""Cases of operators on single values and pairs, of choices, and of changes of shape."""

import numpy as np

from onnx_cases import BOOL, F32, F64, I32, I64, Case, newest

PLAIN = (
    "Abs Ceil Cos Erf Exp Floor Log Neg Reciprocal Relu Round Sigmoid Sign Sin Softplus Softsign Sqrt Tanh Mish HardSwish "
    "Identity IsNaN IsInf Selu"
).split()
ALPHAS = {
    "LeakyRelu": ["alpha"], "Elu": ["alpha"], "Celu": ["alpha"], "Selu": ["alpha", "gamma"], "HardSigmoid": ["alpha", "beta"],
    "ThresholdedRelu": ["alpha"], "Shrink": ["bias", "lambd"], "Swish": ["alpha"],
}
SPECIAL = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 1.0, -1.0, 30.0, -30.0], F32)
OPSETS = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]


def opset(draw, op, low=7):
    return draw.choice([v for v in OPSETS if v >= low and newest(op, v)] or [24])


def one_value(draw):
    for op in PLAIN:
        for dtype in [F32, F64]:
            yield Case(op, ["x"], {"x": SPECIAL.astype(dtype)}, opset=opset(draw, op, 13 if dtype is F64 else 7))
    for op, names in ALPHAS.items():
        for _ in range(6):
            attributes = {n: round(draw.random.uniform(0.1, 2.0), 2) for n in names if draw.maybe(0.7)}
            x = np.concatenate([draw.real(12), [0.0, 3.0, -3.0, 1.0]]).astype(F32)
            yield Case(op, ["x"], {"x": x}, attributes=attributes, opset=opset(draw, op))
    for approximate in ["none", "tanh"]:
        yield Case("Gelu", ["x"], {"x": draw.real(20)}, attributes={"approximate": approximate}, opset=20)


def clips(draw):
    ends = [None, -1.0, 0.5, 2.0]
    for low in ends:
        for high in ends:
            # An end that is left out is the greatest float32 there, infinity here.
            x = np.where(np.isinf(SPECIAL), F32(9), SPECIAL) if draw.maybe() else draw.real(12)
            given = {k: v for k, v in [("min", low), ("max", high)] if v is not None}
            yield Case("Clip", ["x"], {"x": x}, attributes=given, opset=draw.choice([7, 9, 10]))
            fixed = {k: np.array(v, F32) for k, v in given.items()}
            order = ["x", "min" if low is not None else "", "max" if high is not None else ""]
            yield Case("Clip", order, {"x": x}, fixed, opset=draw.choice([11, 12, 13, 20]))
    x = draw.whole(-9, 9, 12)
    yield Case("Clip", ["x", "lo"], {"x": x}, {"lo": np.array(-2, I64)}, opset=13)


def pair_shapes(draw):
    """Two shapes that fit each other, either the larger one."""
    full = draw.shape(1, 4, 4)

    def smaller():
        kept = full[draw.random.randint(0, len(full)) if draw.maybe(0.4) else 0:]
        return [1 if draw.maybe(0.3) else d for d in kept]

    return smaller(), smaller()


def pairs(draw):
    for op in ["Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Max", "Min", "Mean", "Sum", "Mod", "Equal", "Less", "Greater",
               "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor"]:
        for _ in range(14):
            a, b = pair_shapes(draw)
            if op == "PRelu":
                b = b[-len(a):]
                a = [max(x, y) for x, y in zip(a, [1] * (len(a) - len(b)) + b)]
            kinds = [BOOL] if op in ["And", "Or", "Xor"] else [F32, F32, F64, I64, I32]
            if op in ["PRelu", "Mean"] or (op == "Pow"):
                kinds = [F32]
            dtype = draw.choice(kinds)
            yield pair(draw, op, a, b, dtype)


def pair(draw, op, a, b, dtype):
    version = opset(draw, op, 13 if dtype is not F32 else 7)
    if dtype is BOOL:
        x, y = (draw.whole(0, 2, *s).astype(BOOL) for s in (a, b))
    elif dtype in (I64, I32):
        x, y = (draw.whole(-7, 8, *s, dtype=dtype) for s in (a, b))
        if op in ["Div", "Mod"]:
            y = np.where(y == 0, 3, y).astype(dtype)
    else:
        x, y = draw.real(*a, dtype=dtype), draw.real(*b, dtype=dtype)
        if op == "Pow":
            x, y = np.abs(x).astype(F32), np.round(y).astype(F32)
        if draw.maybe(0.3) and op != "Mod":
            x = np.round(x).astype(dtype)
            y = np.round(y).astype(dtype) + (op == "Div") * dtype(0.5)
    attributes = {"fmod": 1} if op == "Mod" and (dtype in (F32, F64) or draw.maybe()) else {}
    inputs, fixed = {"a": x, "b": y}, {}
    side = draw.choice(["a", "b", None]) if op != "PRelu" else "b"
    if side:
        fixed[side] = inputs.pop(side)
    return Case(op, ["a", "b"], inputs, fixed, attributes, opset=version, rows=len(a) > 0 and len(a) >= len(b) and draw.maybe())


def choices(draw):
    for _ in range(40):
        a, b = pair_shapes(draw)
        c, _ = pair_shapes(draw)
        full = np.broadcast_shapes(tuple(a), tuple(b))
        c = [1 if draw.maybe(0.3) else d for d in full]
        values = {"c": draw.whole(0, 2, *c).astype(BOOL), "a": draw.real(*a), "b": draw.real(*b)}
        fixed = {k: values.pop(k) for k in ["c", "a", "b"] if draw.maybe(0.3) and len(values) > 1}
        yield Case("Where", ["c", "a", "b"], values, fixed, opset=draw.choice([9, 13, 16, 21]))


def casts(draw):
    from onnx import TensorProto as T

    values = np.array([0.0, 1.0, -1.0, 2.7, -2.7, 0.4, 100.9, 3.0], F32)
    wholes = np.array([0, 1, -1, 5, 127, 128, 255, 256, 300, -129, 65536, 70000], I64)
    for to in [T.FLOAT, T.DOUBLE, T.INT64, T.INT32, T.BOOL]:
        for x in [values, values.astype(F64), wholes, wholes.astype(I32), wholes > 3]:
            for version in [9, 13, 19]:
                yield Case("Cast", ["x"], {"x": x}, attributes={"to": to}, opset=version)
    for to in [T.UINT8, T.INT8, T.INT16, T.UINT16]:
        for x in [wholes, wholes.astype(I32), wholes > 3, np.abs(values[:6])]:
            yield Case("Cast", ["x"], {"x": x}, attributes={"to": to}, opset=13)
    big = np.array([2**31, 2**32 + 5, -(2**31) - 1, 2**40], I64)
    yield Case("Cast", ["x"], {"x": big}, attributes={"to": T.INT32}, opset=13)


def reshapes(draw):
    for _ in range(40):
        shape = draw.shape(1, 4, 4)
        x = draw.real(*shape)
        order = list(range(len(shape)))
        draw.random.shuffle(order)
        rows = draw.maybe(0.4)
        attributes = {"perm": order} if draw.maybe(0.8) else {}
        yield Case("Transpose", ["x"], {"x": x}, attributes=attributes, opset=opset(draw, "Transpose"), rows=rows)
        axis = draw.random.randint(0, len(shape)) - (len(shape) if draw.maybe(0.3) else 0)
        if abs(axis) <= len(shape) - 1 or axis == len(shape):
            yield Case("Flatten", ["x"], {"x": x}, attributes={"axis": axis} if draw.maybe(0.8) else {}, rows=rows,
                       opset=draw.choice([11, 13, 21]) if axis < 0 else opset(draw, "Flatten"))
        target = sorted([x.size // 2, 2] if x.size % 2 == 0 else [x.size, 1], key=lambda _: draw.random.random())
        if draw.maybe():
            target[draw.random.randint(0, 1)] = -1
        if draw.maybe(0.3):
            target = [0, -1]
        yield Case("Reshape", ["x", "s"], {"x": x}, {"s": np.array(target, I64)}, opset=opset(draw, "Reshape"), rows=rows)
        yield from ones(draw, rows)


def ones(draw, rows):
    shape = [d if draw.maybe(0.5) else 1 for d in draw.shape(2, 4, 3)]
    x = draw.real(*shape)
    single = [a for a, d in enumerate(shape) if d == 1 and not (rows and a == 0)]
    axes = [a - len(shape) if draw.maybe(0.3) else a for a in single if draw.maybe(0.6)]
    if axes:
        old = {"axes": axes}
        if min(axes) >= 0:
            yield Case("Squeeze", ["x"], {"x": x}, attributes=old, opset=draw.choice([7, 11, 12]), rows=rows)
        yield Case("Squeeze", ["x", "a"], {"x": x}, {"a": np.array(axes, I64)}, opset=draw.choice([13, 21, 23]), rows=rows)
    if not rows:
        yield Case("Squeeze", ["x"], {"x": x}, opset=draw.choice([7, 13, 21]))
    rank = len(shape) + 2
    axes = draw.random.sample(range(rank), 2)
    yield Case("Unsqueeze", ["x"], {"x": x}, attributes={"axes": sorted(axes)}, opset=draw.choice([7, 11, 12]), rows=rows)
    axes = [a - rank if draw.maybe(0.4) else a for a in axes]
    yield Case("Unsqueeze", ["x", "a"], {"x": x}, {"a": np.array(axes, I64)}, opset=draw.choice([13, 21, 23]), rows=rows)


FAMILIES = [one_value, clips, pairs, choices, casts, reshapes]
