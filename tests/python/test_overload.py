"""More requests than parties take that wait for each other: some are refused, the others are answered, and afterwards all are."""

import json
import os
import pathlib
import signal
import subprocess
import time

import numpy as np

import judge
from support import BINARY, MODELS

LOAD = pathlib.Path(os.environ.get("PRIVET_EXAMPLES", BINARY.parent / "examples")) / "load"
UCI = MODELS / "lr-uci"


def test_a_rush_is_over_when_it_is_over(up, tmp_path):
    running = up("mpc", UCI / "model.onnx", "--rows", UCI / "rows.npz", "--reveal", "probability")
    for config in running.folder.glob("party-*.toml"):
        config.write_text(config.read_text().replace("[limits]", "[limits]\nrequests = 24"))
    [os.kill(role, signal.SIGHUP) for role in running.children]
    time.sleep(1)
    rows = np.load(UCI / "rows.npz")["features"]
    rows = rows[np.isfinite(rows).all(axis=1)]
    # Where both classes are all but equal, either label is right.
    rows = rows[np.abs(judge.run(UCI / "model.onnx", {"features": rows})["probabilities"][:, 1] - 0.5) > 2e-3]
    expected = [y.reshape(len(rows), -1).astype(float).tolist() for y in judge.run(UCI / "model.onnx", {"features": rows}).values()]
    source = {"name": "rush", "deployment": str(running.deployment), "rows": rows.tolist(), "expected": expected}
    (tmp_path / "sources.json").write_text(json.dumps([source | {"tolerance": [1e-3, 0.0], "batches": [1]}]))
    order = [LOAD, tmp_path / "sources.json", "--out", tmp_path / "load.json", "--clients", "60", "--seconds", "4", "--closed", "10,60", "--rates", "0.2"]
    subprocess.run(list(map(str, order)), check=True, stdout=subprocess.DEVNULL)
    few, many, after = json.loads((tmp_path / "load.json").read_text())["results"]
    assert few["refused"] == {}, few
    assert set(many["refused"]) <= {"E320", "E324", "E326"} and many["answers_per_s"] > 0.2 * few["answers_per_s"], many
    assert after["refused"] == {}, after
