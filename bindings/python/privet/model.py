"""A deployment in scikit-learn's words."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ._privet import Deployment
from .errors import RefusedError, UsageError
from .rows import Port, by_input

Progress = Callable[[int], object]

# How often this process was copied from another one since this package was imported.
_forks = 0


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def connect(
    to: str | PathLike[str],
    *,
    deadline: float = 30.0,
    policy: str | PathLike[str] | None = None,
    collateral: Sequence[str | PathLike[str]] = (),
    token: str | PathLike[str] | None = None,
    dangerous_accept_simulated: bool = False,
    tickets: int = 0,
) -> Model:
    """Opens a deployment by its `deployment.toml`. Nothing is connected before the first call, and none waits longer than
    `deadline` seconds. `tickets` is about kind `he`: for so many rows, what is expensive is done now and kept done, so that later rows are
    answered quickly. The others are about kind `tee`, as in `privet predict --help`."""
    native = Deployment(
        to,
        deadline=deadline,
        policy=policy,
        collateral=list(collateral),
        token=token,
        dangerous_accept_simulated=dangerous_accept_simulated,
    )
    if tickets:
        native.prepare_ahead(tickets)
    return Model(native)


class Model:
    """A model that is asked, not held. `X` is an array (rows × features), a data frame (columns by name), or a mapping with an
    array for each input. May be used by several threads at a time, which do not wait for each other."""

    def __init__(self, native: Deployment):
        self._native: Deployment | None = native
        self._forks = _forks
        facts = json.loads(native.facts())
        self.name: str = facts["name"]
        #: `plain`, `mpc`, `tee` or `he`.
        self.kind: str = facts["kind"]
        #: What is revealed: `score`, `probability` or `label`.
        self.reveal: str = facts["reveal"]
        #: The proven largest error of what is revealed; `None` where the kind computes as the model is defined.
        self.bound: float | None = facts["bound"]
        #: Who could see what.
        self.trust: str = facts["trust"]
        #: The digest of the bundle.
        self.bundle: str = facts["bundle"]
        self._inputs = [Port(port) for port in facts["inputs"]]
        self._outputs = [Port(port) for port in facts["outputs"]]
        #: Rounds and bytes between the roles that the last answer took.
        self.last_cost: dict[str, int] = {}

    def predict(self, X: Any, *, progress: Progress | None = None) -> np.ndarray:
        """Labels, where the model gives them; else what its only output says (a score, or a regression's value). `progress` is
        told how many rows are answered, where there are many."""
        answer = self.outputs(X, progress=progress)
        if self._label is not None:
            return answer[self._label.name]
        return _squeezed(answer[self._only(self._outputs).name])

    def predict_proba(self, X: Any, *, progress: Progress | None = None) -> np.ndarray:
        """Rows × classes. Where a model gives the probability of the second of two classes alone, both are here."""
        port = self._probabilities()
        values = self.outputs(X, progress=progress)[port.name].reshape(-1, port.width)
        slack = (self.bound or 0.0) + 1e-6
        if values.size and (values.min() < -slack or values.max() > 1 + slack):
            raise RefusedError("E127", f"`{port.name}` gives no probabilities. Take it from `predict` or `outputs`.")
        return np.hstack([1 - values, values]) if port.width == 1 else values

    def outputs(self, X: Any, *, progress: Progress | None = None) -> dict[str, np.ndarray]:
        """Every output of the model under its own name, as its exporter gave it."""
        values, rounds, between = self._open.predict(by_input(X, self._inputs), progress)
        self.last_cost = {"rounds": rounds, "bytes_between": between}
        shaped = lambda value, port: np.asarray(value).reshape(-1, *port.shape)  # noqa: E731
        return {port.name: shaped(value, port) for value, port in zip(values, self._outputs)}

    async def predict_async(self, X: Any) -> np.ndarray:
        """`predict`, while other tasks go on."""
        return await asyncio.to_thread(self.predict, X)

    async def predict_proba_async(self, X: Any) -> np.ndarray:
        """`predict_proba`, while other tasks go on."""
        return await asyncio.to_thread(self.predict_proba, X)

    async def outputs_async(self, X: Any) -> dict[str, np.ndarray]:
        """`outputs`, while other tasks go on."""
        return await asyncio.to_thread(self.outputs, X)

    def ready(self, patience: float = 10.0) -> None:
        """Waits until every role answers; raises `UnreachableError`, which names the one that does not."""
        self._open.ready(patience)

    @property
    def assurance(self) -> str:
        """What answers may be believed to have run under; an enclave's is known once it was asked."""
        return self._open.assurance()

    @property
    def classes_(self) -> np.ndarray:
        """The labels, in the order of `predict_proba`'s columns."""
        port = self._probabilities()
        names = port.columns or [str(at) for at in range(max(2, port.width))]
        is_number = self._label is None or self._label.datatype != "BYTES"
        return np.array([int(name) for name in names] if is_number and all(map(_is_int, names)) else names)

    @property
    def feature_names_in_(self) -> np.ndarray:
        """What the model's columns are called, in order."""
        return np.array([name for port in self._inputs for name in port.names], dtype=object)

    @property
    def n_features_in_(self) -> int:
        """Columns a row."""
        return sum(port.width for port in self._inputs)

    def close(self) -> None:
        """Lets go of the connections. Asking again is an error."""
        self._native = None

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        bound = "" if self.bound is None else f", error at most {self.bound:.3g}"
        return f"<privet model `{self.name}`: {self.kind}, reveals {self.reveal}{bound}>"

    @property
    def _open(self) -> Deployment:
        if self._native is None:
            raise UsageError("E126", "This model is closed. Connect again.")
        if self._forks != _forks:
            # Keys and masks are of one use each, and the copy would use the same.
            raise UsageError("E170", "This model was opened before this process was forked. Connect in the new process, too.")
        return self._native

    @property
    def _label(self) -> Port | None:
        labels = [port for port in self._outputs if port.datatype in ("BYTES", "INT64", "INT32") and port.width == 1]
        return labels[0] if len(labels) == 1 else None

    def _probabilities(self) -> Port:
        numbers = [port for port in self._outputs if port.datatype in ("FP32", "FP64")]
        if not numbers:
            what = f"Model `{self.name}` reveals labels alone. Deploy it with `--reveal probability`."
            raise RefusedError("E127", what)
        return self._only(numbers)

    def _number(self, name: str | None) -> Port:
        """The output of numbers that is called so, or the only one."""
        numbers = [port for port in self._outputs if port.datatype in ("FP32", "FP64")]
        if name is not None and name not in {port.name for port in numbers}:
            raise UsageError("E128", f"The model has no output of numbers `{name}`.")
        return self._only([port for port in numbers if name in (None, port.name)])

    def _only(self, ports: list[Port]) -> Port:
        if len(ports) == 1:
            return ports[0]
        names = ", ".join(f"`{port.name}`" for port in ports)
        raise UsageError("E128", f"The model has several such outputs: {names}. Take them from `outputs`.")


def _squeezed(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values)) if values.ndim == 2 and values.shape[1] == 1 else values


def _is_int(name: str) -> bool:
    return name.lstrip("-").isdigit()
