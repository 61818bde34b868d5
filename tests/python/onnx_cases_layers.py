"""Cases of layers: products, convolutions, pools and normalisations."""

import numpy as np

from onnx_cases import F32, F64, Case
from onnx_cases_values import opset


def products(draw):
    for _ in range(40):
        n, k, m = (draw.random.randint(1, 4) for _ in range(3))
        ta, tb = draw.choice([0, 1]), draw.choice([0, 1])
        a = draw.real(*((k, n) if ta else (n, k)))
        b = draw.real(*((m, k) if tb else (k, m)))
        attributes = {"transA": ta, "transB": tb}
        if draw.maybe():
            attributes["alpha"] = draw.choice([0.5, 2.0, 0.0])
        if draw.maybe():
            attributes["beta"] = draw.choice([0.5, -1.0, 0.0])
        c = draw.real(*draw.choice([(), (m,), (1, m), (n, 1), (n, m), (1,), (1, 1)]))
        values = {"a": a, "b": b, "c": c}
        order = ["a", "b", "c"]
        version = draw.choice([7, 9, 11, 13])
        if version >= 11 and draw.maybe(0.3):
            del values["c"]
            order = ["a", "b"]
        fixed = {name: values.pop(name) for name in order[1:] if draw.maybe(0.7)}
        rows = draw.maybe() and set(values) == {"a"} and np.ndim(fixed.get("c", c)) < 2 and not ta
        yield Case("Gemm", order, values, fixed, attributes, opset=version, rows=rows)
    for _ in range(40):
        k = draw.random.randint(1, 4)
        lead = draw.shape(0, 2, 3)
        a, b = draw.choice([
            ([k], [k]), ([k], [k, 3]), ([2, k], [k]), ([2, k], [k, 3]), (lead + [2, k], [k, 3]), ([2, k], lead + [k, 3]),
            (lead + [2, k], lead + [k, 3]), ([1] * len(lead) + [2, k], lead + [k, 3]), ([3] + [2, k], [k]),
            (lead + [1, k], lead + [k, 2]),
        ])
        values = {"a": draw.real(*a), "b": draw.real(*b)}
        side = draw.choice(["a", "b", "b", None])
        fixed = {side: values.pop(side)} if side else {}
        yield Case("MatMul", ["a", "b"], values, fixed, opset=draw.choice([7, 9, 13]), rows=draw.maybe(0.4) and len(a) >= len(b))


def window(draw, rank, kernel, pool=False):
    """Attributes that say how a window moves."""
    attributes = {}
    if draw.maybe():
        attributes["strides"] = [draw.random.randint(1, 3) for _ in range(rank)]
    if draw.maybe(0.4):
        attributes["dilations"] = [draw.random.randint(1, 2) for _ in range(rank)]
    auto = draw.choice(["NOTSET", None, None, "SAME_UPPER", "SAME_LOWER", "VALID"])
    if auto:
        attributes["auto_pad"] = auto
    if auto in (None, "NOTSET") and draw.maybe(0.7):
        most = [k - 1 if pool else 2 for k in kernel]
        attributes["pads"] = [draw.random.randint(0, m) for m in most + most]
    return attributes


def convolutions(draw):
    for _ in range(120):
        rank = draw.choice([1, 2, 2, 2, 3])
        groups = draw.choice([1, 1, 2, 3])
        channels, filters = groups * draw.random.randint(1, 2), groups * draw.random.randint(1, 2)
        kernel = [draw.random.randint(1, 3) for _ in range(rank)]
        size = [draw.random.randint(4, 7) for _ in range(rank)]
        images = draw.choice([1, 2])
        attributes = window(draw, rank, kernel)
        if attributes.get("auto_pad", "N")[0] == "S":
            # The runtime does not combine them.
            attributes.pop("dilations", None)
        if groups > 1 or draw.maybe():
            attributes["group"] = groups
        if draw.maybe():
            attributes["kernel_shape"] = kernel
        x = draw.real(images, channels, *size)
        fixed, order = {"w": draw.real(filters, channels // groups, *kernel)}, ["x", "w"]
        if draw.maybe():
            fixed["b"] = draw.real(filters)
            order.append("b")
        yield Case("Conv", order, {"x": x}, fixed, attributes, opset=draw.choice([7, 11, 22]), rows=draw.maybe())
        fixed = {"w": draw.real(channels, filters // groups, *kernel)}
        attributes = {k: v for k, v in attributes.items() if k != "auto_pad" or v in ("NOTSET", "VALID")}
        attributes.pop("kernel_shape", None)
        yield Case("ConvTranspose", ["x", "w"], {"x": x}, fixed, attributes, opset=11, rows=draw.maybe())


def pools(draw):
    for op in ["MaxPool", "AveragePool", "LpPool"]:
        for _ in range(70):
            rank = draw.choice([1, 2, 2, 3])
            kernel = [draw.random.randint(1, 3) for _ in range(rank)]
            attributes = {"kernel_shape": kernel, **window(draw, rank, kernel, pool=True)}
            version = draw.choice([7, 8, 10, 11, 12, 19, 22])
            ceil = {"MaxPool": 10, "AveragePool": 10, "LpPool": 18}[op]
            dilated = {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[op]
            if version < dilated:
                attributes.pop("dilations", None)
            if version >= ceil and draw.maybe():
                attributes["ceil_mode"] = draw.choice([0, 1])
            if op == "AveragePool" and draw.maybe():
                attributes["count_include_pad"] = draw.choice([0, 1])
            if op == "LpPool":
                attributes["p"] = draw.choice([1, 2, 3])
            size = [draw.random.randint(5, 8) for _ in range(rank)]
            yield Case(op, ["x"], {"x": draw.real(draw.choice([1, 2]), 2, *size)}, attributes=attributes, opset=version, rows=draw.maybe())
    for op in ["GlobalMaxPool", "GlobalAveragePool"]:
        for rank in [1, 2, 3]:
            yield Case(op, ["x"], {"x": draw.real(2, 3, *[4] * rank)}, opset=draw.choice([7, 22]), rows=draw.maybe())


def normalisations(draw):
    for _ in range(24):
        shape = [2, 3] + [3] * draw.random.randint(0, 2)
        names = ["scale", "shift", "mean", "var"]
        fixed = {n: draw.positive(3) if n == "var" else draw.real(3) for n in names}
        attributes = {"epsilon": draw.choice([1e-5, 0.1])} if draw.maybe() else {}
        if draw.maybe(0.3):
            attributes["momentum"] = 0.5
        yield Case("BatchNormalization", ["x", *names], {"x": draw.real(*shape)}, fixed, attributes,
                   opset=draw.choice([7, 9, 14, 15]), rows=draw.maybe())
        image = {"x": draw.real(2, 4, 3, 3)}
        parameters = {"s": draw.real(4), "b": draw.real(4)}
        yield Case("InstanceNormalization", ["x", "s", "b"], image, parameters, {"epsilon": draw.choice([1e-5, 0.1])}, opset=draw.choice([7, 22]))
        yield Case("LRN", ["x"], image, attributes={"size": draw.choice([1, 2, 3, 4]), "alpha": 0.1, "beta": 0.6, "bias": 1.5}, opset=13)
        yield Case("GroupNormalization", ["x", "s", "b"], image, parameters, {"num_groups": draw.choice([1, 2, 4])}, opset=21)
        yield Case("DepthToSpace", ["x"], {"x": draw.real(1, 8, 2, 3)}, attributes={"blocksize": 2, "mode": draw.choice(["DCR", "CRD"])}, opset=13)
        yield Case("SpaceToDepth", ["x"], {"x": draw.real(1, 2, 4, 6)}, attributes={"blocksize": 2}, opset=13)
        axis = draw.choice([0, 1, -1])
        yield Case("CumSum", ["x", "a"], {"x": draw.real(3, 4)}, {"a": np.array(axis, np.int64)},
                   {"exclusive": draw.choice([0, 1]), "reverse": draw.choice([0, 1])}, opset=14)
        data = {"i": draw.whole(-4, 4, 3, 2)}
        hot = {"d": np.array(4, np.int64), "v": np.array([-1.0, 2.0], F32)}
        yield Case("OneHot", ["i", "d", "v"], data, hot, {"axis": draw.choice([-1, 0, 1, -2])}, opset=11)


FAMILIES = [products, convolutions, pools, normalisations]
