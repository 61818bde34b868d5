"""ONNX's own operator tests judge the importer and the parties: each model of the package `onnx` whose operators are read is evaluated
and compared as ONNX's own runner does, and then computed between three parties and held to the bound that their plan proved. What fails
in plain is a list in `onnx_operators_failing.txt`, with reasons; nothing else may fail, and nothing on it may pass. Between parties
nothing fails: a model is refused by name, or right."""

import collections
import os
import re
import subprocess
from pathlib import Path

import onnx
import pytest

from onnx_suite import ask, cases, variants, wrong

HERE = Path(__file__).parent
FAILING = HERE / "onnx_operators_failing.txt"
PROGRAM = Path(os.environ["PRIVET_BIN"]).parent / "examples" / "onnx_operators"
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
# Why three parties refuse a model that plain runs; anything else is a failure.
REFUSED = [
    (r"E201 [^`]*`[^`]*` \((\w+)\): ", "no private form of {}"),
    (r"E211", "a bound beyond 64 bits, or a choice that depends on rounded numbers"),
    (r"E10[1-9]|E21\d", "inputs that are not finite or not in a range"),
    (r"E231|E106|nothing that depends on the rows", "outputs that do not depend on the rows"),
]
ACCURACY = 1e-3


def judged(program, case, folder):
    """`passed`, or why it cannot be asked, or what is wrong."""
    reason = case.reason()
    if reason:
        return "not applicable", reason
    problems = []
    for model in variants(case):
        answer = ask(program, copy(model), case, folder)
        problem = wrong(case, answer)
        if problem is None:
            return "passed", model
        problems.append(problem)
        if "error" not in answer:
            return "failed", problem
    for problem in problems:
        for pattern, reason in BEYOND:
            if re.search(pattern, problem):
                return "not applicable", reason
    return "failed", problems[0]


def copy(model):
    return onnx.ModelProto.FromString(model.SerializeToString())


def between_parties(program, model, case, folder):
    """`passed`; or `refused` and why; or `failed` and what is wrong."""
    answer = ask(program, copy(model), case, folder, ACCURACY)
    if "error" not in answer:
        problem = wrong(case, answer)
        return ("failed", problem) if problem else ("passed", None)
    for pattern, reason in REFUSED:
        found = re.search(pattern, answer["error"])
        if found:
            return "refused", reason.format(*found.groups())
    return "failed", answer["error"]


def listed():
    lines = FAILING.read_text().splitlines()
    return {line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()}


class Results:
    """By kind, what came of each test; and of each operator, by itself, how often."""

    def __init__(self):
        self.names = {kind: collections.defaultdict(dict) for kind in ("plain", "parties")}
        self.operators = collections.defaultdict(lambda: {"plain": collections.Counter(), "parties": collections.Counter()})

    def add(self, kind, case, result, why):
        self.names[kind][result][case.name] = why
        nodes = case.model.graph.node
        if len(nodes) == 1:
            self.operators[nodes[0].op_type][kind][result if result != "refused" else f"refused: {why}"] += 1

    def count(self, kind):
        return {result: len(names) for result, names in sorted(self.names[kind].items())}

    def reasons(self, kind, result):
        return collections.Counter(self.names[kind][result].values()).most_common()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built: `cargo build --release -p privet-deploy --examples`")
    program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    folder, results = tmp_path_factory.mktemp("onnx"), Results()
    for case in cases():
        result, why = judged(program, case, folder)
        results.add("plain", case, result, None if result == "passed" else why)
        # Whoever computes with whole numbers does not round as float16 does.
        if result == "passed" and "float16" not in case.name and "fp16" not in case.name:
            results.add("parties", case, *between_parties(program, why, case, folder))
    program.stdin.close()
    program.wait(timeout=10)
    return results


def test_operators_answer_as_onnx_says(results, capsys):
    failed = results.names["plain"]["failed"]
    with capsys.disabled():
        print(f"\nONNX operator tests, plain: {results.count('plain')}")
        for reason, count in results.reasons("plain", "not applicable"):
            print(f"  not applicable, {reason}: {count}")
        for name, why in sorted(failed.items()):
            print(f"  failing: {name}: {why[:160]}")
    assert len(results.names["plain"]["passed"]) > 700
    assert set(failed) - listed() == set(), "these fail and are not listed"
    assert listed() - set(failed) == set(), "these are listed and do not fail any more"


def test_parties_answer_as_onnx_says_or_refuse_by_name(results, capsys):
    failed = results.names["parties"]["failed"]
    with capsys.disabled():
        print(f"\nONNX operator tests, three parties: {results.count('parties')}")
        for reason, count in results.reasons("parties", "refused"):
            print(f"  refused, {reason}: {count}")
        for name, why in sorted(failed.items()):
            print(f"  failing: {name}: {why[:200]}")
    assert len(results.names["parties"]["passed"]) > 300 and not failed
