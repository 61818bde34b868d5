"""The soak and the load measurement, for a minute instead of half an hour: they run, and nothing that they look for is found."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from support import BINARY, ROOT

EXAMPLES = pathlib.Path(os.environ.get("PRIVET_EXAMPLES", BINARY.parent / "examples"))


def run(script, out, *more):
    if not (EXAMPLES / script).is_file():
        pytest.fail(f"{EXAMPLES / script} is not built: `cargo build --release -p privet-bench --examples`")
    order = [sys.executable, ROOT / f"bench/{script}.py", "--privet", BINARY, "--examples", EXAMPLES, "--out", out, *more]
    done = subprocess.run(list(map(str, order)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text())


def test_a_minute_of_soak(tmp_path):
    record = run("soak", tmp_path / "soak.json", "--minutes", "1", "--clients", "16", "--every", "7")
    assert record["problems"] == [] and len(record["kills"]) >= 4
    assert all(one["answered"]["count"] > 10 and "E909" not in one["failed"] for one in record["deployments"].values())


@pytest.mark.parametrize("kind", ["mpc"])
def test_a_little_load(kind, tmp_path):
    record = run("load", tmp_path / "load.json", "--kind", kind, "--clients", "100", "--seconds", "1", "--rates", "0.2,0.4,2", "--above", "0.3,3")
    # Below what is possible everybody is answered.
    assert all(one["refused"] == {} for one in record["results"] if one["mode"] == "closed"), record
    *_, low, middle, _ = record["results"]
    assert low["refused"] == middle["refused"] == {}, (low, middle)
    # Where there is room for one request at a time, whoever is not answered is told so.
    for one in record["bounded"]["results"]:
        assert set(one["refused"]) <= {"E326"} and one["answered"]["count"] > 10, one
    assert "<svg" in (tmp_path / "load.svg").read_text()
