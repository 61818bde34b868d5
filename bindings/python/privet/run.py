"""Deployments on this machine, by the `privet` program that came with the package."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import InternalError, exception
from .model import Model, connect
from .rows import is_frame


def program() -> str:
    """The `privet` program: `PRIVET_BIN`, or the one beside this Python, or the one on the path."""
    beside = pathlib.Path(sysconfig.get_path("scripts")) / "privet"
    found = os.environ.get("PRIVET_BIN") or (str(beside) if beside.is_file() else shutil.which("privet"))
    if found is None:
        raise InternalError("E129", "The program `privet` is not here. Install the package again, or set `PRIVET_BIN`.")
    return found


def check(model: Any, X: Any = None, **plan: Any) -> dict[str, Any]:
    """What a model needs and costs in each kind, and how wrong it is on these rows: what `privet check --json` says. `model` is
    an exported file, or an ONNX model in memory; `plan` is as in `privet check --help` (`accuracy=1e-5`)."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["check", *_files(model, X, folder), *_options(plan), "--json"]
        done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False)
    said = _object(done.stdout)
    # A model that no kind can serve is an answer too.
    if done.returncode in (0, 3) and "kinds" in said:
        return said
    raise _failure(done.returncode, said, done.stderr)


@contextlib.contextmanager
def up(kind: str, model: Any, X: Any = None, **plan: Any) -> Iterator[Model]:
    """All roles of a deployment on this machine, real processes with real TLS, for as long as the context lasts. `X` are sample
    rows, from which ranges are taken; `plan` is as in `privet up --help` (`reveal="probability"`). An enclave is simulated here."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["up", kind, *_files(model, X, folder), *_options(plan), "--dir", f"{folder}/run"]
        os.mkdir(f"{folder}/run")
        with open(f"{folder}/log", "w+") as log:
            process = subprocess.Popen([program(), *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                if not line.startswith("ready "):
                    code = process.wait()
                    log.seek(0)
                    raise _failure(code, {}, log.read())
                to = line.removeprefix("ready ").strip()
                with connect(to, dangerous_accept_simulated=kind == "tee") as connected:
                    yield connected
            finally:
                _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _files(model: Any, X: Any, folder: str) -> list[str]:
    """The model and its rows as files, and the options that name them."""
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    if isinstance(model, (bytes, bytearray)):
        path = pathlib.Path(folder) / "model.onnx"
        path.write_bytes(model)
        model = path
    if not isinstance(model, (str, os.PathLike)):
        what = f"`{type(model).__name__}` is no exported model. For scikit-learn: `skl2onnx.to_onnx(model, X)`."
        raise TypeError(what)
    return [os.fspath(model), *_rows(X, folder)]


def _rows(X: Any, folder: str) -> list[str]:
    if X is None:
        return []
    if isinstance(X, (str, os.PathLike)):
        return ["--rows", os.fspath(X)]
    path = pathlib.Path(folder) / ("rows.csv" if is_frame(X) else "rows.npy")
    if is_frame(X):
        X.to_csv(path, index=False) if hasattr(X, "to_csv") else X.write_csv(path)
    else:
        np.save(path, np.asarray(X))
    return ["--rows", str(path)]


def _options(plan: dict[str, Any]) -> list[str]:
    return [word for name, value in plan.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def _object(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _failure(exit_code: int, said: dict[str, Any], log: str) -> Exception:
    line = said.get("error") or next((line for line in log.splitlines() if line[:1] == "E"), log.strip() or "It ended.")
    code, _, message = line.partition(" ")
    return exception(exit_code, code, message)
