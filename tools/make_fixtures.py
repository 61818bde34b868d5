"""Writes the small extra models of `models-extra`: one operator or combination each, with rows and ONNX Runtime's answers.

Run: python tools/make_fixtures.py
Needs: numpy, onnx, onnxruntime, scikit-learn, skl2onnx. Seeds are fixed: the same versions write the same files.

Each folder holds `model.onnx`, `rows.npz` (one array per input) and `expected.npz` (one array per output). A ZipMap
output is stored as one column per label, in the order of the labels. Rows: random ones, then hard ones (zeros, extremes,
alternating extremes, single features, and rows close to the decision boundary).
"""

import json
import os
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

OUT = pathlib.Path(__file__).resolve().parent.parent / "models-extra"
ML = "ai.onnx.ml"
DTYPES = {T.FLOAT: "float32", T.DOUBLE: "float64", T.INT64: "int64", T.INT32: "int32", T.STRING: "string"}
FIXTURES = []


# Helpers ------------------------------------------------------------------------------------------------------------


def port(name, dtype, *shape):
    """An input or output; the rows are a symbol."""
    return h.make_tensor_value_info(name, dtype, ["rows", *shape])


def weight(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def node(op, inputs, outputs, **attributes):
    return h.make_node(op, inputs.split(), outputs.split(), name=f"the_{op}_{outputs.split()[0]}", **attributes)


def ml(op, inputs, outputs, **attributes):
    return node(op, inputs, outputs, domain=ML, **attributes)


def model(nodes, inputs, outputs, weights=(), opset=17, ml_opset=3):
    graph = h.make_graph(nodes, "graph", inputs, outputs, initializer=list(weights))
    opsets = [h.make_opsetid("", opset), h.make_opsetid(ML, ml_opset)]
    made = h.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="fixtures")
    onnx.checker.check_model(made)
    return made


def table(seed, columns, low=-3.0, high=3.0):
    """24 random rows, then hard ones."""
    rng = np.random.default_rng(seed)
    alternating = np.where(np.arange(columns) % 2 == 0, low, high)
    single = np.eye(columns) * high
    hard = [np.zeros(columns), np.full(columns, low), np.full(columns, high), alternating, -alternating, *single]
    return np.vstack([rng.uniform(low, high, (24, columns)), hard]).astype(np.float32)


def near_boundary(rows, weights, bias):
    """Rows moved to both sides of `weights @ x + bias = 0`, closer and closer."""
    weights = np.asarray(weights, np.float64)
    on = rows[:6] - np.outer((rows[:6] @ weights + bias) / (weights @ weights), weights)
    steps = [s * weights / (weights @ weights) for d in (1e-1, 1e-2, 1e-3) for s in (d, -d)]
    return np.vstack([rows, *[on + step for step in steps]]).astype(np.float32)


def as_tensor(value):
    """An output as an array; a list of maps as columns."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.asarray([[row[label] for label in sorted(row)] for row in value], np.float32)
    array = np.asarray(value)
    return array.astype(str) if array.dtype == object else array


def describe(info):
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        map_type = info.type.sequence_type.elem_type.map_type
        key = DTYPES[map_type.key_type]
        return {"name": info.name, "dtype": f"seq(map({key},float32))", "shape": []}
    tensor = info.type.tensor_type
    shape = [None if not d.HasField("dim_value") else d.dim_value for d in tensor.shape.dim]
    return {"name": info.name, "dtype": DTYPES[tensor.elem_type], "shape": shape}


def save(name, made, rows, task, note):
    """Runs the model and writes the folder. Output shapes are those that the runtime gives."""
    content = made.SerializeToString()
    assert len(content) < 20_000, name
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    feeds = {k: v.astype(object) if v.dtype.kind == "U" else v for k, v in rows.items()}
    answers = [as_tensor(answer) for answer in session.run(None, feeds)]
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    np.savez(folder / "rows.npz", **rows)
    np.savez(folder / "expected.npz", **{o.name: a for o, a in zip(made.graph.output, answers)})
    outputs = [describe(o) for o in made.graph.output]
    for output, answer in zip(outputs, answers):
        if output["dtype"].startswith("seq"):
            continue
        output["shape"] = [None, *answer.shape[1:]]
        assert output["dtype"] == "string" or output["dtype"] == str(answer.dtype), name
    inputs = [describe(i) for i in made.graph.input]
    count = len(next(iter(rows.values())))
    FIXTURES.append({"name": name, "expect": "match", "task": task, "inputs": inputs, "outputs": outputs, "rows": count,
                     "note": note})


BINARY, MULTI, REGRESSION = "binary-classification", "multiclass-classification", "regression"


# Heads --------------------------------------------------------------------------------------------------------------


def normalizers():
    for norm in ("L1", "L2", "MAX"):
        w, b = [1.5, -2.0, 0.5, 1.0], 0.25
        nodes = [ml("Normalizer", "x", "unit", norm=norm), node("Gemm", "unit w b", "score", transB=1),
                 node("Sigmoid", "score", "p")]
        made = model(nodes, [port("x", T.FLOAT, 4)], [port("p", T.FLOAT, 1)], [weight("w", [w]), weight("b", [b])])
        save(f"normalizer-{norm.lower()}", made, {"x": near_boundary(table(1, 4), w, 0.0)}, BINARY,
             f"Normalizer {norm} before Gemm and Sigmoid; one row is all zeros, some have no positive value")


def imputers():
    x = table(2, 3)
    x[::4, 0] = -999.0
    x[1::5, 2] = -999.0
    x[-1] = -999.0
    tail = [node("MatMul", "scaled w", "y")]
    scaler = {"offset": [0.5, -0.25, 1.0], "scale": [2.0, 0.5, 1.25]}
    nodes = [ml("Imputer", "x", "full", imputed_value_floats=[0.5, 1.0, -1.5], replaced_value_float=-999.0),
             ml("Scaler", "full", "scaled", **scaler), *tail]
    made = model(nodes, [port("x", T.FLOAT, 3)], [port("y", T.FLOAT, 1)], [weight("w", [[1.0], [-2.0], [3.0]])])
    save("imputer-sentinel", made, {"x": x}, REGRESSION, "missing values are -999")

    x = table(3, 3)
    x[::4, 0] = np.nan
    x[-1] = np.nan
    nodes = [ml("Scaler", "x", "scaled1", **scaler),
             ml("Imputer", "scaled1", "scaled", imputed_value_floats=[0.75], replaced_value_float=float("nan")), *tail]
    made = model(nodes, [port("x", T.FLOAT, 3)], [port("y", T.FLOAT, 1)], [weight("w", [[1.0], [-2.0], [3.0]])])
    save("imputer-after-scaler", made, {"x": x}, REGRESSION, "gaps are filled after scaling, by one value for all columns")

    x = np.round(table(4, 3, -20, 20)).astype(np.int64)
    x[::4, 1] = -1
    nodes = [ml("Imputer", "x", "full", imputed_value_int64s=[3, 7, -2], replaced_value_int64=-1),
             ml("Scaler", "full", "scaled", **scaler), *tail]
    made = model(nodes, [port("x", T.INT64, 3)], [port("y", T.FLOAT, 1)], [weight("w", [[1.0], [-2.0], [3.0]])])
    save("imputer-int64-scaler", made, {"x": x}, REGRESSION, "integer columns, missing is -1, then Scaler")


def encoders():
    colours = np.asarray([["red"], ["green"], ["blue"], ["none"], [""], ["Red"], ["blue"], ["grün"]])
    amounts = table(5, 2)[:8]
    nodes = [ml("OneHotEncoder", "colour", "hot3", cats_strings=["red", "green", "blue", "grün"], zeros=1),
             node("Reshape", "hot3 shape", "hot"), node("Concat", "amounts hot", "all", axis=1),
             node("Gemm", "all w b", "y")]
    made = model(nodes, [port("colour", T.STRING, 1), port("amounts", T.FLOAT, 2)], [port("y", T.FLOAT, 1)],
                 [weight("shape", [-1, 4], np.int64), weight("w", [[1.0], [2.0], [-1.0], [0.5], [4.0], [0.125]]),
                  weight("b", [0.5])])
    save("onehot-strings", made, {"colour": colours, "amounts": amounts}, REGRESSION,
         "text categories; unknown ones give zeros")

    codes = np.asarray([[1, 1], [2, 3], [3, 2], [9, 1], [1, 9], [0, 0], [-1, 2], [2**40, 3]], np.int64)
    nodes = [ml("OneHotEncoder", "codes", "hot3", cats_int64s=[1, 2, 3], zeros=1), node("Flatten", "hot3", "hot", axis=1),
             node("MatMul", "hot w", "score"), node("Sigmoid", "score", "p")]
    made = model(nodes, [port("codes", T.INT64, 2)], [port("p", T.FLOAT, 1)],
                 [weight("w", [[1.0], [2.0], [-1.0], [0.5], [-4.0], [0.125]])])
    save("onehot-two-columns", made, {"codes": codes}, BINARY, "one encoder for two columns: [rows, 2, 3], flattened")

    values = np.asarray([[1.0], [1.9], [2.0], [-0.5], [3.99], [0.0], [7.0]], np.float32)
    nodes = [node("Cast", "code", "whole", to=T.INT64), ml("OneHotEncoder", "whole", "hot3", cats_int64s=[0, 1, 2, 3]),
             node("Reshape", "hot3 shape", "hot"), node("MatMul", "hot w", "y")]
    made = model(nodes, [port("code", T.FLOAT, 1)], [port("y", T.FLOAT, 1)],
                 [weight("shape", [-1, 4], np.int64), weight("w", [[1.0], [2.0], [-1.0], [0.5]])])
    save("onehot-cast-float", made, {"code": values}, REGRESSION, "a float column is cut to whole numbers, then encoded")


def vectorizer():
    nodes = [ml("FeatureVectorizer", "a b c", "all", inputdimensions=[1, 2, 3]), node("MatMul", "all w", "s"),
             node("Add", "s b0", "y")]
    made = model(nodes, [port("a", T.FLOAT, 1), port("b", T.FLOAT, 2), port("c", T.FLOAT, 3)], [port("y", T.FLOAT, 1)],
                 [weight("w", [[1.0], [2.0], [-1.0], [0.5], [4.0], [0.125]]), weight("b0", [-1.0])])
    x = table(6, 6)
    save("feature-vectorizer", made, {"a": x[:, :1], "b": x[:, 1:3], "c": x[:, 3:]}, REGRESSION, "three inputs, joined")


# Arithmetic ---------------------------------------------------------------------------------------------------------


def arithmetic():
    nodes = [node("Sub", "x mean", "a"), node("Div", "a std", "b"), node("Mul", "two b", "c"), node("Add", "c row", "d"),
             node("Neg", "d", "e"), node("MatMul", "e w", "f"), node("Mul", "f wide", "g"), node("Add", "g one", "y")]
    weights = [weight("mean", [1.0, -1.0, 0.5]), weight("std", [[2.0, 0.5, 4.0]]), weight("two", 2.0),
               weight("row", [[0.1, 0.2, 0.3]]), weight("w", [[1.0], [-0.5], [2.0]]), weight("wide", [1.0, -3.0]),
               weight("one", [1.0])]
    made = model(nodes, [port("x", T.FLOAT, 3)], [port("y", T.FLOAT, 2)], weights)
    save("affine-chain", made, {"x": table(7, 3)}, REGRESSION, "Sub, Div, Mul, Add, Neg with every kind of broadcasting")

    nodes = [node("Sub", "top x", "a"), node("Gemm", "a w", "s"), node("Sigmoid", "s", "p"), node("Sub", "one p", "q")]
    weights = [weight("top", [3.0, 2.0]), weight("w", [[1.5], [-2.5]]), weight("one", 1.0)]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("q", T.FLOAT, 1)], weights)
    save("constant-minus", made, {"x": table(8, 2)}, BINARY, "constant - x before and after the score")

    nodes = [node("Gemm", "x w b", "y", alpha=0.5, beta=2.0, transB=0)]
    weights = [weight("w", [[1.0, -1.0], [2.0, 0.5], [0.0, 3.0]]), weight("b", [[0.25, -0.75]])]
    made = model(nodes, [port("x", T.FLOAT, 3)], [port("y", T.FLOAT, 2)], weights)
    save("gemm-alpha-beta", made, {"x": table(9, 3)}, REGRESSION, "alpha, beta, transB = 0")

    nodes = [node("MatMul", "x w", "a"), node("Add", "a b", "s"), node("Softmax", "s", "p", axis=-1),
             node("ArgMax", "p", "label", axis=1, keepdims=0)]
    w = [[1.0, -1.0, 0.5], [0.25, 2.0, -1.5]]
    weights = [weight("w", w), weight("b", [0.1, 0.0, -0.1])]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.INT64), port("p", T.FLOAT, 3)], weights)
    x = near_boundary(table(10, 2), [w[0][0] - w[0][1], w[1][0] - w[1][1]], 0.1)
    save("matmul-softmax-argmax", made, {"x": x}, MULTI, "MatMul, Add, Softmax, ArgMax")

    nodes = [node("Gemm", "x w b", "s"), node("Sigmoid", "s", "p"), node("Mul", "p span", "a"), node("Add", "a base", "y")]
    weights = [weight("w", [[1.0], [-2.0]]), weight("b", [0.5]), weight("span", 550.0), weight("base", [300.0])]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("y", T.FLOAT, 1)], weights)
    save("affine-after-sigmoid", made, {"x": table(11, 2)}, REGRESSION, "a credit score from 300 to 850")

    nodes = [node("Cast", "x", "x32", to=T.FLOAT), node("Gemm", "x32 w", "s"), node("Sigmoid", "s", "p32"),
             node("Cast", "p32", "p", to=T.DOUBLE)]
    made = model(nodes, [port("x", T.DOUBLE, 2)], [port("p", T.DOUBLE, 1)], [weight("w", [[1.25], [-0.75]])])
    save("float64-input", made, {"x": table(12, 2).astype(np.float64)}, BINARY, "float64 in and out, float32 inside")

    nodes = [ml("LinearClassifier", "x", "l s", coefficients=[1.0, -1.0, -1.0, 1.0], intercepts=[0.5, -0.5],
                classlabels_ints=[0, 1], post_transform="SOFTMAX"),
             node("Identity", "l", "l1"), node("Cast", "l1", "label", to=T.INT64), node("Identity", "s", "s1"),
             node("Cast", "s1", "scores", to=T.FLOAT)]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.INT64), port("scores", T.FLOAT, 2)])
    save("identity-cast-tails", made, {"x": near_boundary(table(13, 2), [1.0, -1.0], 0.5)}, BINARY,
         "Identity and Cast behind both outputs")


def ratios():
    """What is not defined below zero, of columns as they come."""
    picks = [node("Gather", f"x {one}", one[1:], axis=1) for one in ("_income", "_debt", "_credit", "_years")]
    nodes = [*picks, node("Log", "income", "a"), node("Div", "debt income", "b"), node("Sqrt", "credit", "c"),
             node("Concat", "a b c years", "all", axis=1), node("Gemm", "all w bias", "s"), node("Sigmoid", "s", "p")]
    places = [weight(one, [i], np.int64) for i, one in enumerate(("_income", "_debt", "_credit", "_years"))]
    weights = [*places, weight("w", [[-0.5], [1.5], [0.004], [-0.02]]), weight("bias", [4.0])]
    made = model(nodes, [port("x", T.FLOAT, 4)], [port("p", T.FLOAT, 1)], weights)
    rng = np.random.default_rng(29)
    low, high = np.array([900.0, 0.0, 0.0, -3.0]), np.array([90_000.0, 60_000.0, 250_000.0, 40.0])
    hard = [low, high, np.where([1, 0, 1, 0], low, high), np.where([0, 1, 0, 1], low, high), *(low + np.diag(high - low))]
    x = np.vstack([low + (high - low) * rng.uniform(0, 1, (24, 4)) ** 3, *hard]).astype(np.float32)
    save("ratios", made, {"x": x}, BINARY, "Log, Div and Sqrt of columns that come no nearer to zero than they do in the rows")


# Classifiers and regressors -----------------------------------------------------------------------------------------


def classifiers():
    w, b = [0.75, -1.25], 0.125
    for post in ("NONE", "LOGISTIC", "SOFTMAX"):
        nodes = [ml("LinearClassifier", "x", "label scores", coefficients=w, intercepts=[b], classlabels_ints=[3, 7],
                    post_transform=post)]
        made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.INT64), port("scores", T.FLOAT, 2)])
        x = np.vstack([near_boundary(table(14, 2), w, b), [[0.0, 0.1]]]).astype(np.float32)
        note = "one row of coefficients for two classes; the last row has the score 0"
        save(f"classifier-one-row-{post.lower()}", made, {"x": x}, BINARY, note)

    nodes = [ml("LinearClassifier", "x", "label scores", coefficients=w, intercepts=[b],
                classlabels_strings=["declined", "accepted"], post_transform="LOGISTIC")]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.STRING), port("scores", T.FLOAT, 2)])
    save("classifier-string-labels", made, {"x": near_boundary(table(15, 2), w, b)}, BINARY, "text labels")

    rows = [1.0, -0.5, 0.25, 0.75, -1.0, 1.5]
    nodes = [ml("LinearClassifier", "x", "label scores", coefficients=rows, intercepts=[0.1, 0.0, -0.1],
                classlabels_ints=[10, 20, 30], post_transform="NONE")]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.INT64), port("scores", T.FLOAT, 3)])
    x = near_boundary(table(16, 2), [0.75, -1.25], 0.1)
    save("classifier-multi-none", made, {"x": x}, MULTI, "three classes, raw scores")

    seq = h.make_sequence_type_proto(h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(T.FLOAT, None)))
    labels = ["bad", "fair", "good"]
    nodes = [ml("LinearClassifier", "x", "label scores", coefficients=rows, intercepts=[0.1, 0.0, -0.1],
                classlabels_strings=labels, post_transform="SOFTMAX"),
             ml("ZipMap", "scores", "probabilities", classlabels_strings=labels)]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.STRING), h.make_value_info("probabilities", seq)])
    save("zipmap-strings", made, {"x": x}, MULTI, "ZipMap with text labels")

    nodes = [ml("LinearRegressor", "x", "y", coefficients=rows, intercepts=[0.5, -0.5, 0.25], targets=3)]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("y", T.FLOAT, 3)])
    save("regressor-three-targets", made, {"x": table(17, 2)}, REGRESSION, "three targets")

    nodes = [ml("LinearRegressor", "x", "y", coefficients=[1.0, -2.0])]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("y", T.FLOAT, 1)])
    save("regressor-no-intercept", made, {"x": table(18, 2)}, REGRESSION, "no intercept")

    nodes = [node("Gemm", "x w", "s"), node("ArgMax", "s", "number", axis=1),
             ml("ArrayFeatureExtractor", "names number", "across"), node("Cast", "across", "across32", to=T.FLOAT),
             node("Reshape", "across32 flat", "label32"), node("Cast", "label32", "label", to=T.INT64)]
    weights = [weight("w", [[1.0, -1.0, 0.5], [0.25, 2.0, -1.5]]), weight("names", [5, 6, 9], np.int64),
               weight("flat", [-1], np.int64)]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.INT64)], weights)
    save("argmax-class-names", made, {"x": table(19, 2)}, MULTI, "class numbers are looked up in a list, as exporters do")


def one_vs_rest():
    rows = [1.0, -0.5, 0.25, 0.75, -1.0, 1.5]
    nodes = [ml("LinearClassifier", "x", "label raw", coefficients=rows, intercepts=[0.1, 0.0, -0.1],
                classlabels_ints=[0, 1, 2], multi_class=0, post_transform="LOGISTIC"),
             ml("Normalizer", "raw", "probabilities", norm="L1")]
    made = model(nodes, [port("x", T.FLOAT, 2)], [port("label", T.INT64), port("probabilities", T.FLOAT, 3)], ml_opset=1)
    save("classifier-one-vs-rest", made, {"x": near_boundary(table(20, 2), [0.75, -1.25], 0.1)}, MULTI,
         "one logistic score per class, then Normalizer L1, in the form that skl2onnx writes")


def sklearn_pipelines():
    """What skl2onnx writes for a pipeline with a binary one-column ZipMap."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, Normalizer

    rng = np.random.default_rng(21)
    x = rng.normal(size=(200, 4)).astype(np.float32)
    y = np.where(x @ [1.0, -1.0, 0.5, 0.0] + rng.logistic(size=200) > 0, "yes", "no")
    trained = make_pipeline(MaxAbsScaler(), Normalizer("l2"), LogisticRegression()).fit(x, y)
    made = convert_sklearn(trained, name="graph", initial_types=[("x", FloatTensorType([None, 4]))], target_opset={"": 17, ML: 3})
    save("sklearn-normalizer-zipmap", made, {"x": table(21, 4)}, BINARY,
         "MaxAbsScaler, Normalizer, LogisticRegression with text labels, as skl2onnx writes it")


def sklearn_table():
    """What skl2onnx writes where all columns come as one table: Gather, Cast, OneHotEncoder."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rng = np.random.default_rng(22)
    x = np.column_stack([rng.integers(0, 4, 200), rng.integers(0, 3, 200), rng.normal(size=(200, 2))]).astype(np.float32)
    y = (x @ [0.5, -0.5, 1.0, -1.0] + rng.logistic(size=200) > 0).astype(int)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer([("codes", OneHotEncoder(handle_unknown="ignore"), [0, 1]), ("numbers", numeric, [2, 3])])
    trained = make_pipeline(columns, LogisticRegression()).fit(x, y)
    made = convert_sklearn(trained, name="graph", initial_types=[("x", FloatTensorType([None, 4]))], target_opset={"": 17, ML: 3},
                           options={"zipmap": False})
    rows = x[:40].copy()
    rows[::5, 2] = np.nan
    rows[3, 0], rows[4, 1], rows[5, 0] = 9.0, -1.0, 2.0
    save("sklearn-table", made, {"x": rows}, BINARY,
         "ColumnTransformer over one float table: two categories, two numbers with gaps")


def main():
    ort.set_default_logger_severity(3)
    for family in (normalizers, imputers, encoders, vectorizer, arithmetic, ratios, classifiers, one_vs_rest, sklearn_pipelines,
                   sklearn_table):
        family()
    lines = ",\n".join(json.dumps(fixture, ensure_ascii=False) for fixture in FIXTURES)
    (OUT / "index.json").write_text(f'{{"version": 1, "fixtures": [\n{lines}\n]}}\n')
    print(f"{len(FIXTURES)} fixtures in {OUT.name}")


if __name__ == "__main__":
    # skl2onnx orders some nodes by the hashes of their names, which are random unless fixed before the start.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    main()
