"""What every model of `models/` can do in every kind, as `privet check` says it; `docs/support.md` is printed from that. Whether the
answers are right is for the conformance suite, which runs the same models."""

import concurrent.futures
import json
import math
import os
import re
from pathlib import Path

import pytest
from support import MODELS, ROOT, privet

TABLE = ROOT / "docs/support.md"
REVEALS = ["score", "probability", "label"]
ACCURACY = 1e-4
# A bound above this is no answer.
COARSEST = 0.1


def models():
    """Folder and file of every model, each format of one by itself."""
    folders = sorted(f for f in MODELS.iterdir() if f.is_dir() and f.name != "broken")
    return [(folder, file) for folder in folders for file in exported(folder)]


def exported(folder):
    files = sorted(folder.glob("model.*")) + sorted(folder.glob("saved_model"))
    return [f for f in files if f.suffix in (".onnx", ".pb", ".tflite", "")]


def check(model, rows, reveal, accuracy):
    """What it says, by kind; or the one sentence with which it refuses the file."""
    given = ["--rows", rows] if rows.exists() else []
    done = privet("check", model, *given, "--reveal", reveal, "--accuracy", f"{accuracy:g}", "--json", timeout=300)
    return json.loads(done.out)["kinds"] if done.out else None


def private(folder, file, reveal, kind="mpc"):
    rows = folder / "rows.npz"
    said = check(file, rows, reveal, ACCURACY)[kind]
    within = re.search(r"these ranges; ([0-9.e-]+) does", " ".join(p["reason"] for p in said["problems"]))
    if within and float(within[1]) <= COARSEST:
        said = check(file, rows, reveal, float(within[1]))[kind]
    elif within:
        return f"no: its bound is {float(within[1]):.0e}"
    return cost(said)


def cost(said):
    if said["status"] != "ready":
        return "no: " + problem(said["problems"][0])
    # Parties have several protocols, which run the same models.
    of = said["protocols"].get("replicated3") or next(iter(said["protocols"].values()))
    trips = "1 trip" if of["rounds"] == 1 else f"{of['rounds']} trips"
    return f"{trips}, {size(of['bytes_up'] + of['bytes_between'])}, {bound(of['bound'])}"


def problem(of):
    named = f"`{of['op']}`: " if of["node"] else ""
    return named + of["reason"].split(". ")[0].rstrip(".")


def size(count):
    """Two digits: functions of the system's library differ in their last."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{float(f'{count:.2g}'):g} {unit}"
        count /= 1000


def bound(value):
    return "exact" if value < 1e-15 else f"±2^{math.ceil(math.log2(value))}"


def line(model):
    folder, file = model
    name = f"{folder.name} ({file.suffix.removeprefix('.') or 'SavedModel'})"
    kinds = check(file, folder / "rows.npz", "score", ACCURACY)
    if kinds["plain"]["status"] != "ready":
        return f"| {name} | no: {problem(kinds['plain']['problems'][0])} | no | no | no | no | no |"
    other = [kinds[kind]["status"] == "ready" for kind in ("plain", "tee")]
    cells = ["yes" if ready else "no" for ready in other] + [private(folder, file, reveal) for reveal in REVEALS]
    cells.append(private(folder, file, "score", "he"))
    return f"| {name} | {' | '.join(cells)} |"


HEAD = f"""# Models and kinds

What `privet check --rows` says of every model of `models/`: whether plain and the enclave serve it, and what `replicated3` takes by
what is revealed: round trips, bytes of one row that client and parties send (answers left out), and the proven bound; and what ciphertexts take of a first row, with the key that
comes before it; asked for with an accuracy of {ACCURACY:g} (or
the next best, at most {COARSEST:g}; of a label, how near to the border it may be wrong). Answers of the same models are held to these
bounds by the conformance suite. Written by `UPDATE=1 python -m pytest tests/python/test_support.py`; for single operators,
[operators.md](operators.md).

| model | plain | enclave | score | probability | label | score, on ciphertexts |
|---|---|---|---|---|---|---|
"""


def test_the_table_of_support_is_what_check_says():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        text = HEAD + "\n".join(pool.map(line, models())) + "\n"
    if os.environ.get("UPDATE"):
        TABLE.write_text(text)
    assert TABLE.read_text() == text, f"write it again: `UPDATE=1 python -m pytest {Path(__file__).name}`"


@pytest.mark.parametrize("file", sorted((MODELS / "broken").iterdir()), ids=lambda f: f.name)
def test_a_broken_model_is_refused_with_what_to_do(file):
    done = privet("check", file)
    said = done.err or done.out.decode()
    assert done.code == 3 and re.search(r"E2\d\d |export the model again", said) and file.stem in said, done
