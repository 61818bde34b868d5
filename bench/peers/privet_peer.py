"""Measures one model in privet with `privet bench`, which starts three parties and is the client itself."""

import json
import pathlib
import subprocess
import tempfile

import timing
from workload import ROOT


def measure(program, work):
    """The same object as the other systems', with the machine that privet's own record describes."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "record.json"
        model, rows = (one.relative_to(ROOT) for one in (work.file, work.rows_file))
        words = [program.resolve(), "bench", model, "--rows", rows, "--kinds", "mpc", "--reveal", work.reveal]
        words += ["--accuracy", work.accuracy, "--batch-sizes", ",".join(map(str, work.batches))]
        words += ["--repeats", timing.MOST, "--json", file]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=ROOT)
        if done.returncode != 0:
            raise RuntimeError(" ".join(done.stderr.strip().splitlines()[:1]))
        record = json.loads(file.read_text())
    return {
        "machine": record["machine"],
        "network": record["network"],
        "results": [result(one) for one in record["results"]],
        "memory": {one["role"]: one["peak_bytes"] for one in record["memory"]},
    }


def result(one):
    return {
        "batch": one["batch"],
        "median_s": one["median_s"],
        "samples_s": one["samples_s"],
        "max_error": one["max_error"],
        "proven_error": one["bound"],
        "bytes_between": one["bytes_between"],
        "bytes_up": one["bytes_up"],
        "bytes_down": one["bytes_down"],
        "round_trips": one["rounds"],
    }
