"""A deployment as one node of a larger graph: that part runs privately, the rest stays where it was. No gradient flows through
it: the model belongs to somebody else."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import Model


def keras_layer(model: Model, output: str | None = None, **options: Any) -> Any:
    """A Keras layer (TensorFlow's Keras) with the deployment's only number output, or the one of that name. Works inside
    `tf.function`, `Model.predict` and functional models; the framework must be installed."""
    import keras
    import tensorflow as tf

    port = model._number(output)

    class PrivateLayer(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            answer = tf.numpy_function(lambda x: _ask(model, port.name, x), [inputs], tf.float32, stateful=True)
            answer.set_shape([inputs.shape[0], *port.shape])
            return answer

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], *port.shape)

    return PrivateLayer(trainable=False, dtype="float32", **options)


def torch_module(model: Model, output: str | None = None) -> Any:
    """A PyTorch module with the deployment's only number output, or the one of that name; the framework must be installed."""
    import torch

    port = model._number(output)

    class PrivateModule(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            answer = _ask(model, port.name, x.detach().cpu().numpy())
            return torch.from_numpy(answer).to(x.device)

    return PrivateModule()


def _ask(model: Model, output: str, x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(model.outputs(x)[output], dtype=np.float32)
