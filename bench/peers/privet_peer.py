"""Measures a workload in privet with `privet bench`, which starts the roles of a kind and is the client itself."""

import json
import pathlib
import subprocess
import tempfile

from workload import ROOT


def measure(program, work, kind, repeats):
    """The record that privet writes of one kind."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "record.json"
        model, rows = (one.relative_to(ROOT) for one in (work.file, work.rows_file))
        words = [program.resolve(), "bench", model, "--rows", rows, "--kinds", kind, "--reveal", work.reveal]
        words += ["--accuracy", work.accuracy, "--batch-sizes", ",".join(map(str, work.batches))]
        words += ["--repeats", repeats, "--json", file]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=ROOT)
        if done.returncode != 0:
            raise RuntimeError(said(done.stderr))
        return json.loads(file.read_text())


def said(text):
    """The first line, or what it says if it is an error for machines."""
    (line,) = text.strip().splitlines()[:1] or [""]
    return json.loads(line)["error"] if line.startswith("{") else line
