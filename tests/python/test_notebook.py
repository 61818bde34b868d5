"""The notebook in `examples/` runs from its first cell to its last."""

import os
import sys

import nbformat
from nbclient import NotebookClient

from support import BINARY, ROOT


def test_the_notebook_runs(privet, monkeypatch):
    path = ROOT / "examples/python/private_scores.ipynb"
    # The notebook runs in its own folder.
    monkeypatch.setenv("PRIVET_BIN", str(BINARY))
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(privet.__file__)))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "no plot"
    assert sys.version_info >= (3, 11)
