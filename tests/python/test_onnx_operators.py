"""ONNX's own operator tests judge the importer and the parties: each model of the package `onnx` whose operators are read is evaluated
and compared as ONNX's own runner does, and then computed between three parties and held to the bound that their plan proved. What fails
in plain is a list in `onnx_operators_failing.txt`, with reasons; nothing else may fail, and nothing on it may pass. Between parties
nothing fails: a model is refused by name, or right. `docs/operators.md` is what came of it; `UPDATE=1` writes it again."""

import collections
import os
import re
import subprocess
from pathlib import Path

import onnx
import pytest

from onnx_suite import ask, cases, variants, wrong
from support import ROOT

HERE = Path(__file__).parent
FAILING = HERE / "onnx_operators_failing.txt"
PROGRAM = Path(os.environ["PRIVET_BIN"]).parent / "examples" / "onnx_operators"
TABLE = ROOT / "docs/operators.md"
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
# A bound above this is no answer.
COARSEST = 0.1


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
    within = reachable(answer)
    if within:
        answer = ask(program, copy(model), case, folder, within)
        if reachable(answer):
            return "failed", f"{within} was said to be reached: {answer['error']}"
    if "error" not in answer:
        problem = wrong(case, answer)
        if problem:
            return "failed", problem
        return ("passed", None) if not within or within <= COARSEST else ("refused", "a bound above 0.1")
    for pattern, reason in REFUSED:
        found = re.search(pattern, answer["error"])
        if found:
            return "refused", reason.format(*found.groups())
    return "failed", answer["error"]


def reachable(answer):
    """What a refusal says can be asked for instead."""
    found = re.search(r"these ranges; ([0-9.e-]+) does", answer.get("error", ""))
    return float(found[1]) if found else None


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


def test_the_table_in_the_docs_is_what_came_of_it(results):
    text = table(results)
    if os.environ.get("UPDATE"):
        TABLE.write_text(text)
    assert TABLE.read_text() == text, f"write it again: `UPDATE=1 python -m pytest {Path(__file__).name}`"


def table(results):
    plain, parties = results.count("plain"), results.count("parties")
    lines = [
        "# Operators",
        "",
        "What ONNX's own operator tests (the package `onnx`, as `tests/python/requirements.txt` pins it) say of each operator by itself. In plain:",
        f"{plain['passed']} passed, {plain.get('failed', 0)} failing ([with reasons](../tests/python/onnx_operators_failing.txt)), {plain['not applicable']} not",
        f"applicable. Between three parties, of those that plain passes and with an accuracy of {ACCURACY:g} (or the next best, at most",
        f"{COARSEST:g}): {parties['passed']} within the bound that the plan proved, {parties.get('failed', 0)} failing, {parties.get('refused', 0)} refused by name. Written by `UPDATE=1 python -m pytest tests/python/test_onnx_operators.py`.",
        "",
        "| operator | plain | three parties | refused between parties, for |",
        "|---|---:|---:|---|",
    ]
    for operator, of in sorted(results.operators.items()):
        if of["plain"]["passed"]:
            refused = sorted(why.removeprefix("refused: ") for why in of["parties"] if why.startswith("refused: "))
            lines.append(f"| {operator} | {of['plain']['passed']} | {of['parties']['passed'] or '-'} | {'; '.join(refused)} |")
    return "\n".join(lines) + "\n"
