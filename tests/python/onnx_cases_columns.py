"""Cases of the operators that prepare columns for classical models."""

import numpy as np
from onnx import numpy_helper

from onnx_cases import F32, F64, I64, ML, Case


def columns(draw):
    def of(op, values, outputs=1, opset=1, **attributes):
        inputs = values if isinstance(values, dict) else {"x": values}
        return Case(op, list(inputs), inputs, attributes=attributes, outputs=outputs, opset=opset, domain=ML, rows=True)

    for _ in range(14):
        n = draw.random.randint(1, 4)
        count = draw.choice([1, n])
        table = draw.choice([draw.real(6, n), draw.whole(-4, 5, 6, n), draw.real(6, n, dtype=F64)])
        yield of("Scaler", table, offset=draw.real(count).tolist(), scale=draw.real(count).tolist())
        rows = draw.real(6, n)
        rows[0] = 0
        rows[1] = -np.abs(rows[1])
        for norm in ["MAX", "L1", "L2", None]:
            yield of("Normalizer", rows, **({"norm": norm} if norm else {}))
        yield of("Normalizer", draw.whole(-4, 5, 6, n), norm=draw.choice(["L1", "L2", "MAX"]))
        yield of("Binarizer", draw.choice([rows, np.round(rows)]), **({"threshold": draw.choice([0.0, 1.0, -0.5])} if draw.maybe(0.8) else {}))
        yield from imputers(draw, of, n)
        yield from encoders(draw, of, n)
        parts = {"a": draw.real(6, 2), "b": draw.real(6, 1), "c": draw.real(6, n)}
        yield of("FeatureVectorizer", parts, inputdimensions=[2, 1, n])
        yield of("FeatureVectorizer", {"a": draw.whole(0, 9, 6, 2)}, inputdimensions=[2])
        case = of("ArrayFeatureExtractor", draw.choice([draw.real(6, 4), draw.whole(0, 9, 6, 4)]))
        case.order, case.fixed = ["x", "i"], {"i": draw.whole(0, 4, draw.random.randint(1, 5))}
        yield case


def imputers(draw, of, n):
    x = draw.real(6, n)
    x[draw.numbers.random(x.shape) < 0.4] = np.nan
    count = draw.choice([1, n])
    yield of("Imputer", x, imputed_value_floats=draw.real(count).tolist(), replaced_value_float=float("nan"))
    y = draw.whole(-1, 2, 6, n)
    yield of("Imputer", y.astype(F32), imputed_value_floats=draw.real(count).tolist(), replaced_value_float=1.0)
    yield of("Imputer", y.astype(F32), imputed_value_floats=draw.real(count).tolist())
    yield of("Imputer", x, imputed_value_floats=draw.real(count).tolist(), replaced_value_float=0.0)
    yield of("Imputer", y, imputed_value_int64s=[7] * count, replaced_value_int64=1)


def encoders(draw, of, n):
    codes = draw.whole(0, 5, 6, n)
    words = codes.astype(str).astype(object)
    words = np.array([[f"k{w}" for w in row] for row in words])
    for zeros in [0, 1]:
        known = [0, 1, 2, 3, 4] if zeros == 0 else [3, 1, 2]
        yield of("OneHotEncoder", codes, cats_int64s=known, zeros=zeros)
        yield of("OneHotEncoder", codes.astype(F32), cats_int64s=known, zeros=zeros)
        yield of("OneHotEncoder", words, cats_strings=[f"k{w}" for w in known], zeros=zeros)
    yield of("OneHotEncoder", codes.astype(F32) + F32(0.5), cats_int64s=[0, 1, 2], zeros=1)
    ints, floats, texts = [1, 2, 3], [0.5, 1.5, 2.5], ["k1", "k2", "k3"]
    targets = {"values_int64s": ([10, 20, 30], "default_int64", -9), "values_floats": ([0.1, 0.2, 0.3], "default_float", 0.75)}
    for name, (values, default, other) in targets.items():
        given = {default: other} if draw.maybe(0.7) else {}
        yield of("LabelEncoder", codes, opset=2, keys_int64s=ints, **{name: values}, **given)
        yield of("LabelEncoder", words, opset=2, keys_strings=texts, **{name: values}, **given)
        halves = np.where(codes == 4, np.nan, codes / 2).astype(F32)
        yield of("LabelEncoder", halves, opset=2, keys_floats=floats, **{name: values}, **given)
    yield of("LabelEncoder", codes, opset=2, keys_int64s=ints, values_strings=["a", "b", "c"], default_string="other")
    yield of("LabelEncoder", words, opset=2, keys_strings=texts, values_strings=["a", "b", "c"])
    yield of("LabelEncoder", halves, opset=2, keys_floats=[float("nan"), 0.5], values_floats=[7.0, 8.0], default_float=1.0)
    yield of("LabelEncoder", halves, opset=4, keys_floats=[float("nan"), 0.5], values_floats=[7.0, 8.0], default_float=1.0)
    table = {"keys_tensor": [1, 2, 4], "values_tensor": [0.25, 0.5, -1.0], "default_tensor": [9.0]}
    tensors = {k: numpy_helper.from_array(np.array(v, I64 if k[0] == "k" else F64)) for k, v in table.items()}
    yield of("LabelEncoder", codes, opset=4, **tensors)
    yield of("LabelEncoder", words, classes_strings=texts, default_int64=draw.choice([-1, 5]))
    yield of("LabelEncoder", codes, classes_strings=texts, default_string="other")


FAMILIES = [columns]
