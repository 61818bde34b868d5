"""ONNX's own operator tests judge the importer and the parties: each model of the package `onnx` whose operators are read is evaluated
and compared as ONNX's own runner does, and then computed between three parties and held to the bound that their plan proved. What fails
in plain is a list in `onnx_operators_failing.txt`, with reasons; nothing else may fail, and nothing on it may pass. Between parties
nothing fails: a model is refused by name, or right."""

import collections
import json
import os
import re
import subprocess
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

HERE = Path(__file__).parent
FAILING = HERE / "onnx_operators_failing.txt"
PROGRAM = Path(os.environ["PRIVET_BIN"]).parent / "examples" / "onnx_operators"
KINDS = ["node", "simple", "pytorch-converted", "pytorch-operator"]
# Kinds of values that no port has.
KNOWN = {
    onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64,
    onnx.TensorProto.INT32, onnx.TensorProto.INT16, onnx.TensorProto.INT8, onnx.TensorProto.UINT8,
    onnx.TensorProto.UINT16, onnx.TensorProto.UINT32, onnx.TensorProto.UINT64, onnx.TensorProto.BOOL,
}
# What the importer says where a model asks for more than it claims.
BEYOND = [
    (r"version \d of operator set", "operator sets before 7"),
    (r"This operator is not supported", "operators that are not read"),
    (r"depends on the rows; a constant is expected|condition depends on the rows|other things than columns", "parameters that are computed from inputs"),
    (r"for training|`training_mode` is", "training"),
    (r"second output, the indices", "indices of a pooling"),
    (r"holds padding only", "windows of padding"),
    (r"casts to (uint4|int4|uint2|int2|float4e2m1|float8\w*|element type \d+|string)", "casts to types that no port has"),
    (r"casts between text and numbers|holds text|which is text|is text", "text"),
    (r"is no tensor", "sequences, maps and optional values"),
    (r"number of columns is not given|Its shape is not given", "open dimensions"),
    (r"Its values are \w+, which is not read", "types that no port has"),
    (r"0 columns", "empty inputs"),
]


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


def judged(program, case, folder):
    """`passed`, or why it cannot be asked, or what is wrong."""
    reason = case.reason()
    if reason:
        return "not applicable", reason
    problems = []
    for model in variants(case):
        answer = ask(program, onnx.ModelProto.FromString(model.SerializeToString()), case, folder)
        problem = wrong(case, answer)
        if problem is None:
            return "passed", None
        problems.append(problem)
        if "error" not in answer:
            return "failed", problem
    for problem in problems:
        for pattern, reason in BEYOND:
            if re.search(pattern, problem):
                return "not applicable", reason
    return "failed", problems[0]


def listed():
    lines = FAILING.read_text().splitlines()
    return {line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()}


@pytest.fixture
def program():
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built: `cargo build --release -p privet-deploy --examples`")
    program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield program
    program.stdin.close()
    program.wait(timeout=10)


def test_operators_answer_as_onnx_says(program, tmp_path, capsys):
    passed, failed, reasons = set(), {}, collections.Counter()
    operators = collections.Counter()
    for case in cases():
        result, why = judged(program, case, tmp_path)
        if result == "passed":
            passed.add(case.name)
        elif result == "failed":
            failed[case.name] = why
        else:
            reasons[why] += 1
            if why == "operators that are not read":
                operators.update({node.op_type for node in case.model.graph.node})
    with capsys.disabled():
        print(f"\nONNX operator tests, plain: {len(passed)} passed, {sum(reasons.values())} not applicable, {len(failed)} failing")
        for reason, count in reasons.most_common():
            print(f"  not applicable, {reason}: {count}")
        print("  not read:", ", ".join(f"{op} {count}" for op, count in operators.most_common(400)))
        for name, why in sorted(failed.items()):
            print(f"  failing: {name}: {why[:160]}")
    assert len(passed) > 700
    assert set(failed) - listed() == set(), "these fail and are not listed"
    assert listed() - set(failed) == set(), "these are listed and do not fail any more"


# Why three parties refuse a model that plain runs; anything else is a failure.
REFUSED = [
    (r"E201 [^`]*`[^`]*` \((\w+)\): ", "no private form"),
    (r"E211", "a bound beyond 64 bits, or a choice that depends on rounded numbers"),
    (r"E10[1-9]|E21\d", "inputs that are not finite or not in a range"),
    (r"E231|E106|nothing that depends on the rows", "outputs that do not depend on the rows"),
]
ACCURACY = 1e-3


def between_parties(program, case, folder):
    """`passed`; or `refused` and why; or `failed` and what is wrong."""
    for model in variants(case):
        asked = onnx.ModelProto.FromString(model.SerializeToString())
        plain = ask(program, asked, case, folder)
        if wrong(case, plain) is not None:
            continue
        answer = ask(program, asked, case, folder, ACCURACY)
        if "error" not in answer:
            problem = wrong(case, answer)
            return ("failed", problem) if problem else ("passed", None)
        for pattern, reason in REFUSED:
            found = re.search(pattern, answer["error"])
            if found:
                return "refused", f"{reason}: {found.group(1)}" if found.groups() else reason
        return "failed", answer["error"]
    return "not run in plain", None


def test_parties_answer_as_onnx_says_or_refuse_by_name(program, tmp_path, capsys):
    results, reasons, failed, operators = collections.Counter(), collections.Counter(), {}, set()
    for case in cases():
        if case.reason() or "float16" in case.name:
            results["not applicable"] += 1
            continue
        result, why = between_parties(program, case, tmp_path)
        results[result] += 1
        if result == "passed":
            operators |= {node.op_type for node in case.model.graph.node}
        if result == "refused":
            reasons[why] += 1
        if result == "failed":
            failed[case.name] = why
    with capsys.disabled():
        print("\nONNX operator tests, three parties: " + ", ".join(f"{n} {what}" for what, n in sorted(results.items())))
        print(f"  right within the proven bound: {', '.join(sorted(operators))}")
        for reason, count in reasons.most_common():
            print(f"  refused, {reason}: {count}")
        for name, why in sorted(failed.items()):
            print(f"  failing: {name}: {why[:200]}")
    assert results["passed"] > 300 and not failed
