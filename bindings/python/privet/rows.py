"""Rows as people have them, to one array for each input of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import UsageError

TYPES = {
    "FP32": np.float32,
    "FP64": np.float64,
    "INT64": np.int64,
    "INT32": np.int64,
    "BOOL": np.int64,
}


class Port:
    """An input or output: its name, its type, and the shape of one row."""

    def __init__(self, facts: Mapping[str, Any]):
        self.name: str = facts["name"]
        self.datatype: str = facts["datatype"]
        self.width: int = facts["width"]
        self.shape: tuple[int, ...] = tuple(facts["shape"])
        self.columns: list[str] = facts["columns"]

    @property
    def names(self) -> list[str]:
        """What each value of a row is called."""
        if self.columns:
            return list(self.columns)
        return [self.name] if self.width == 1 else [f"{self.name}[{at}]" for at in range(self.width)]


def by_input(x: Any, inputs: Sequence[Port]) -> list[np.ndarray | list[str]]:
    """The rows for each input: from a data frame by the names of its columns, from a mapping by the names of inputs, from an
    array by the order of its columns."""
    if is_frame(x):
        parts = [from_frame(x, port) for port in inputs]
    elif isinstance(x, Mapping):
        parts = [from_mapping(x, port, inputs) for port in inputs]
    else:
        parts = from_array(x, inputs)
    return [typed(part, port) for part, port in zip(parts, inputs)]


def is_frame(x: Any) -> bool:
    """Whether it has columns with names, as the data frames of pandas and polars have."""
    return hasattr(x, "columns") and hasattr(x, "__getitem__") and not isinstance(x, Mapping)


def from_frame(x: Any, port: Port) -> Any:
    have = [str(name) for name in x.columns]
    if port.width > 1 and not port.columns and len(have) == port.width:
        # The model names no columns, so that their order is all there is.
        return np.column_stack([np.asarray(x[name]) for name in x.columns])
    missing = [name for name in port.names if name not in have]
    if missing:
        raise UsageError("E125", f"The frame lacks {len(missing)} columns of the model: {listed(missing)}.")
    columns = dict(zip(have, x.columns))
    return np.column_stack([np.asarray(x[columns[name]]) for name in port.names])


def from_mapping(x: Mapping[str, Any], port: Port, inputs: Sequence[Port]) -> Any:
    unknown = [name for name in x if name not in {port.name for port in inputs}]
    if port.name not in x or unknown:
        known = listed([port.name for port in inputs])
        raise UsageError("E302", f"The model's inputs are {known}; {listed(list(map(str, x)))} came.")
    return x[port.name]


def from_array(x: Any, inputs: Sequence[Port]) -> list[Any]:
    array = x if isinstance(x, np.ndarray) else np.asarray(x)
    if len(inputs) == 1:
        return [array]
    width = sum(port.width for port in inputs)
    if array.ndim != 2 or array.shape[1] != width:
        raise UsageError("E301", f"The model takes {width} columns a row; the array has shape {array.shape}.")
    ends = np.cumsum([port.width for port in inputs])
    return [array[:, end - port.width : end] for end, port in zip(ends, inputs)]


def typed(part: Any, port: Port) -> np.ndarray | list[str]:
    """Rows × width, of the type that the model takes. A whole number stays one: nothing is cut off silently."""
    array = np.asarray(part)
    if array.ndim == 1 and port.width == 1:
        array = array.reshape(-1, 1)
    if array.ndim < 2 or int(np.prod(array.shape[1:])) != port.width:
        raise UsageError("E301", f"`{port.name}` has {port.width} values a row; the array has shape {array.shape}.")
    array = array.reshape(len(array), port.width)
    if port.datatype == "BYTES":
        return [value.decode() if isinstance(value, bytes) else str(value) for value in array.ravel()]
    wanted = TYPES[port.datatype]
    try:
        cast = np.ascontiguousarray(array, dtype=wanted)
    except (TypeError, ValueError):
        raise UsageError("E301", f"`{port.name}` must be {port.datatype}; {array.dtype} came.") from None
    if wanted is np.int64 and not is_kept(array, port.datatype):
        raise UsageError("E301", f"`{port.name}` takes whole numbers of {port.datatype}; others came.")
    return cast


def is_kept(array: np.ndarray, datatype: str) -> bool:
    """Whether every value is a whole number that this type can hold."""
    low, high = {"INT64": (-(2**63), 2**63 - 1), "INT32": (-(2**31), 2**31 - 1), "BOOL": (0, 1)}[datatype]
    if array.dtype.kind in "iub":
        return array.size == 0 or (low <= int(array.min()) and int(array.max()) <= high)
    # Beyond 2^53 a float has lost digits already.
    values = array.astype(np.float64)
    small = np.abs(values) <= 2.0**53
    return bool(np.all(small & (values == np.floor(values)) & (values >= low) & (values <= high)))


def listed(names: Sequence[str], most: int = 8) -> str:
    """Some names, for a sentence."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"`{name}`" for name in names[:most]) + more
