"""More requests than parties take that wait for each other: some are refused, the others are answered, and afterwards all are."""

import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import time
import urllib.request

import numpy as np
import pytest

import judge
from support import BINARY, MODELS, deployment, until

LOAD = pathlib.Path(os.environ.get("PRIVET_EXAMPLES", BINARY.parent / "examples")) / "load"
UCI = MODELS / "lr-uci"


def pending(running):
    """Calls that each role has."""
    counts = []
    for endpoint in deployment(running.deployment)["endpoints"]:
        context = ssl.create_default_context(cafile=running.folder / endpoint["ca"])
        with urllib.request.urlopen(f"{endpoint['http_url']}/metrics", timeout=10, context=context) as reply:
            counts += map(int, re.findall(r"privet_inference_pending_requests (\d+)", reply.read().decode()))
    return counts


@pytest.fixture
def rush(up, tmp_path):
    """Parties that talk, take few requests at a time, and are asked by many clients."""
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

    def start(seconds, clients):
        sources, out = tmp_path / "sources.json", tmp_path / "load.json"
        order = [LOAD, sources, "--out", out, "--clients", "60", "--seconds", seconds, "--closed", clients, "--rates", "0.2"]
        return subprocess.Popen(list(map(str, order)), stdout=subprocess.DEVNULL)

    return running, start


def test_a_rush_is_over_when_it_is_over(rush, tmp_path):
    running, start = rush
    assert start(4, "10,60").wait() == 0
    until(lambda: not any(pending(running)), 3)
    few, many, after = json.loads((tmp_path / "load.json").read_text())["results"]
    assert few["refused"] == {}, few
    assert set(many["refused"]) <= {"E320", "E324", "E326"} and many["answers_per_s"] > 0.05 * few["answers_per_s"], many
    assert after["refused"] == {}, after


def test_clients_that_go_while_they_are_asked_for_leave_no_place_taken(rush):
    running, start = rush
    for _ in range(3):
        clients = start(60, "60")
        time.sleep(2)
        clients.kill()
        clients.wait()
        until(lambda: not any(pending(running)), 3)
