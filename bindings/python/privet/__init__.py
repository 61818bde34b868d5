"""Private predictions: `connect` to a deployment, or start one on this machine with `up`.

    import privet

    with privet.connect("deployment.toml") as model:
        model.predict_proba(rows)

    with privet.up("mpc", "model.onnx", rows) as model:
        model.predict_proba(rows)
"""

from .errors import IntegrityError, InternalError, PrivetError, RefusedError, UnreachableError, UsageError
from .layers import keras_layer, torch_module
from .model import Model, connect
from .run import check, up

__all__ = [
    "IntegrityError",
    "InternalError",
    "Model",
    "PrivetError",
    "RefusedError",
    "UnreachableError",
    "UsageError",
    "check",
    "connect",
    "keras_layer",
    "torch_module",
    "up",
]
