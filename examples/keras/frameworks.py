"""Each exported file, run by what it was made for."""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass

# Before TensorFlow is imported: what it logs about itself.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import onnxruntime
import tensorflow as tf


@dataclass(frozen=True)
class Format:
    """`run` takes the file's path and features, float32 [rows, 528], and gives probabilities [rows, 1]."""

    name: str
    file: str
    program: str
    run: Callable[[str, np.ndarray], np.ndarray]


def onnx_runtime(path, features):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: features})[0]


def tensorflow(path, features):
    model = tf.saved_model.load(path)
    (answers,) = model.signatures["serving_default"](features=tf.constant(features)).values()
    return answers.numpy()


def tflite(path, features):
    with warnings.catch_warnings():
        # That the interpreter is to move to a package of its own.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(path)
    entry, answers = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(entry, features.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, features)
    interpreter.invoke()
    return interpreter.get_tensor(answers)


FORMATS = [
    Format("ONNX", "model.onnx", "ONNX Runtime", onnx_runtime),
    Format("SavedModel", "saved_model", "TensorFlow", tensorflow),
    Format("TFLite", "model.tflite", "its interpreter", tflite),
]
