"""Training: seconds per epoch beside Keras, and the loss beside the least that there is."""

import hashlib
import json
import os
import pathlib
import statistics

import child
from workload import HERE

KERAS_PYTHON = HERE.parents[1] / "target/keras-venv/bin/python"
EPOCHS_OF_KERAS = 6
# Penalties of the comparison with scikit-learn. Without any, columns that depend on each other leave the weights open.
PENALTIES = ["1e-6", "1e-3"]


def epochs(bench):
    """Ours and Keras by turns, on the same rows, so that neither has the machine at a better time."""
    folder = bench.folder / "matrix"
    folder.mkdir(exist_ok=True)
    files = [bench.features / "features.parquet", bench.features / "preparation.json"]
    shape = child.python(HERE / "design.py", *files, folder).said
    first = train(bench, "first", "0")
    plain = keras(folder, 1)
    second = train(bench, "second", "0")
    packed = keras(folder, 64)
    third = train(bench, "third", "0")
    ours = {"runs": [first, second, third], "median_s": median(first, second, third)}
    same = first["model_sha256"] == second["model_sha256"] == third["model_sha256"]
    return shape | {"batch": 256, "ours": ours | {"same_model": same}, "keras": plain, "keras_64_steps": packed}


def train(bench, name, l2):
    """One training on all fitted rows: what it cost, and the seconds of each epoch, from its checkpoint."""
    folder = bench.folder / "models"
    folder.mkdir(exist_ok=True)
    model, state = folder / f"{name}.onnx", folder / f"{name}.state"
    state.unlink(missing_ok=True)
    cost, said = bench.cost_of(
        "train", "--features", bench.features / "features.parquet", "--out", model, "--validation", 0, "--l2", l2,
        "--checkpoint", state,
    )  # fmt: skip
    history = json.loads(state.read_text())["state"]["history"]
    facts = {"epochs": said["epochs"], "epoch_s": said["epoch_seconds"], "parts": said["parts"]}
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    return cost | facts | {"samples_s": [epoch["seconds"] for epoch in history], "model_sha256": digest}


def keras(folder, steps):
    """Keras in its own Python, or why not."""
    python = os.environ.get("PRIVET_KERAS_PYTHON", KERAS_PYTHON)
    if not pathlib.Path(python).is_file():
        return {"skipped": "PRIVET_KERAS_PYTHON names no Python that has Keras"}
    done = child.python(HERE / "keras_epochs.py", folder, steps, EPOCHS_OF_KERAS, interpreter=python)
    return done.cost | done.said | {"steps_per_execution": steps, "median_s": median(done.said)}


def optimum(bench):
    """For each penalty, the program's loss and scikit-learn's on the rows that both were fitted on."""
    return [against_scikit_learn(bench, l2) for l2 in PENALTIES]


def against_scikit_learn(bench, l2):
    name = f"l2-{l2}"
    ours = train(bench, name, l2)
    report = bench.folder / "models" / f"{name}.report.json"
    done = child.python(HERE / "optimum.py", bench.folder / "matrix", l2, report)
    return done.said | {"training": ours, "cost": done.cost}


def median(*runs):
    return statistics.median(second for run in runs for second in run["samples_s"])
