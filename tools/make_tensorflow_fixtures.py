"""Writes the models of `models-tensorflow`: an operator or a few each, as TensorFlow and its converter write them, with rows and
TensorFlow's answers.

Run: python tools/make_tensorflow_fixtures.py
Needs: tensorflow. Seeds are fixed.

Each folder holds `model.pb` (a frozen graph), `model.tflite` (not where the converter has only operators of TensorFlow itself for it),
`rows.npz` (the array `x`) and `expected.npz` (the array `y`). Images are NHWC, as TensorFlow has them.
"""

import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

OUT = pathlib.Path(__file__).resolve().parent.parent / "models-tensorflow"
ROWS = 12
IMAGE, VECTOR, MATRIX = (6, 7, 4), (6,), (4, 5)


def numbers(seed, *shape, size=0.5):
    return np.random.default_rng(seed).uniform(-size, size, shape).astype(np.float32)


def rows(shape, low, high):
    rng = np.random.default_rng(7)
    x = rng.uniform(low, high, (ROWS, *shape)).astype(np.float32)
    x[0], x[1] = low, high
    return x


def normalised(x):
    mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, numbers(1, 6), numbers(2, 6), 1e-3)


def batch_norm(x):
    positive = np.abs(numbers(3, 4)) + 0.5
    return tf.compat.v1.nn.fused_batch_norm(x, numbers(1, 4), numbers(2, 4), numbers(4, 4), positive, is_training=False)[0]


def parts(x):
    a, b, c = tf.split(x, 3, axis=1)
    return tf.concat([c * 2.0, a - b], axis=1)


def uneven(x):
    a, b = tf.split(x, [2, 4], axis=1)
    return tf.concat([tf.nn.relu(b), a], axis=1)


def stacked(x):
    a, b, *_ = tf.unstack(x, axis=1)
    return tf.reshape(tf.stack([a, b, a * b], axis=1), [-1, 15])


def chosen(x):
    return tf.where(x > 0.25, x * 2.0, tf.where(tf.logical_and(x < -0.5, x >= -1.5), 1.0, -x))


def compared(x):
    both = tf.logical_or(tf.less_equal(x, 0.1), tf.logical_not(tf.not_equal(x, 2.0)))
    return tf.cast(both, tf.float32) + tf.cast(tf.equal(x, -2.0), tf.float32)


def conv(x, size, filters, **options):
    kernel = numbers(11, *size, x.shape[-1], filters)
    return tf.nn.conv2d(x, kernel, **options)


def depthwise(x, multiplier, **options):
    return tf.nn.depthwise_conv2d(x, numbers(12, 3, 2, x.shape[-1], multiplier), **options)


def hidden(x):
    return tf.nn.relu(tf.matmul(x, numbers(5, 6, 8)) + numbers(6, 8))


def attention(x):
    keys, values = tf.matmul(x, numbers(7, 5, 3)), tf.matmul(x, numbers(8, 5, 3))
    return tf.matmul(tf.nn.softmax(tf.matmul(keys, values, transpose_b=True)), values)


def small(x):
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(conv(x, (3, 3), 5, strides=1, padding="SAME"), numbers(9, 5))), 2, 2, "VALID")
    return tf.nn.softmax(tf.matmul(tf.reshape(x, [-1, 45]), numbers(10, 45, 3)))


# Name, shape of a row, and function; and, where it is not -2 to 2, from where to where its rows lie.
CASES = [
    ("conv-same", IMAGE, lambda x: conv(x, (3, 3), 5, strides=1, padding="SAME")),
    ("conv-strided-same", IMAGE, lambda x: conv(x, (3, 3), 5, strides=2, padding="SAME")),
    ("conv-valid", IMAGE, lambda x: conv(x, (2, 3), 3, strides=[1, 2], padding="VALID")),
    ("conv-explicit", IMAGE, lambda x: conv(x, (3, 3), 3, strides=1, padding=[[0, 0], [1, 0], [2, 1], [0, 0]])),
    ("conv-dilated", IMAGE, lambda x: conv(x, (2, 2), 3, strides=1, padding="SAME", dilations=2)),
    ("conv-atrous", IMAGE, lambda x: tf.nn.atrous_conv2d(x, numbers(11, 2, 2, 4, 3), 2, "SAME")),
    ("conv-grouped", IMAGE, lambda x: tf.nn.conv2d(x, numbers(13, 3, 3, 2, 6), 1, "SAME")),
    ("depthwise", IMAGE, lambda x: depthwise(x, 2, strides=[1, 1, 1, 1], padding="SAME")),
    ("depthwise-strided", IMAGE, lambda x: depthwise(x, 1, strides=[1, 2, 2, 1], padding="VALID")),
    ("depthwise-dilated", IMAGE, lambda x: depthwise(x, 1, strides=[1, 1, 1, 1], padding="SAME", dilations=[2, 2])),
    ("depthwise-dilated-valid", IMAGE, lambda x: tf.nn.relu(depthwise(x, 2, strides=[1, 1, 1, 1], padding="VALID", dilations=[2, 3]))),
    ("separable", IMAGE, lambda x: tf.nn.separable_conv2d(x, numbers(14, 3, 3, 4, 1), numbers(15, 1, 1, 4, 6), [1, 1, 1, 1], "SAME")),
    ("bias-add", IMAGE, lambda x: tf.nn.bias_add(conv(x, (1, 1), 5, strides=1, padding="SAME"), numbers(9, 5))),
    ("batch-norm", IMAGE, batch_norm),
    ("average-pool-same", IMAGE, lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME")),
    ("average-pool-valid", IMAGE, lambda x: tf.nn.avg_pool2d(x, [2, 3], [2, 1], "VALID")),
    ("max-pool-same", IMAGE, lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME")),
    ("max-pool-valid", IMAGE, lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID")),
    ("global-average-pool", IMAGE, lambda x: tf.reduce_mean(x, axis=[1, 2])),
    ("global-max-pool", IMAGE, lambda x: tf.reduce_max(x, axis=[1, 2], keepdims=True)),
    ("small-network", IMAGE, small),
    ("matmul", VECTOR, lambda x: tf.matmul(x, numbers(5, 6, 3))),
    ("matmul-transposed", VECTOR, lambda x: tf.matmul(x, numbers(5, 3, 6), transpose_b=True)),
    ("matmul-batch", MATRIX, lambda x: tf.matmul(x, numbers(5, 5, 3))),
    ("matmul-of-two", MATRIX, attention),
    ("einsum", MATRIX, lambda x: tf.einsum("bij,jk->bik", x, numbers(5, 5, 3))),
    ("perceptron", VECTOR, lambda x: tf.matmul(hidden(x), numbers(16, 8, 2))),
    ("layer-norm", VECTOR, normalised),
    ("relu", VECTOR, tf.nn.relu),
    ("relu6", VECTOR, tf.nn.relu6, -4.0, 9.0),
    ("leaky-relu", VECTOR, lambda x: tf.nn.leaky_relu(x, 0.1)),
    ("elu", VECTOR, tf.nn.elu),
    ("selu", VECTOR, tf.nn.selu),
    ("gelu", VECTOR, lambda x: tf.nn.gelu(x, approximate=False)),
    ("gelu-tanh", VECTOR, lambda x: tf.nn.gelu(x, approximate=True)),
    ("swish", VECTOR, tf.nn.silu),
    ("hard-swish", VECTOR, lambda x: x * tf.nn.relu6(x + 3.0) / 6.0, -5.0, 5.0),
    ("hard-sigmoid", VECTOR, lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0), -5.0, 5.0),
    ("softplus", VECTOR, tf.nn.softplus),
    ("softsign", VECTOR, tf.nn.softsign),
    ("sigmoid", VECTOR, tf.nn.sigmoid),
    ("tanh", VECTOR, tf.nn.tanh),
    ("softmax", VECTOR, tf.nn.softmax),
    ("log-softmax", VECTOR, tf.nn.log_softmax),
    ("exp", VECTOR, tf.exp),
    ("log", VECTOR, tf.math.log, 0.25, 4.0),
    ("sqrt", VECTOR, tf.sqrt, 0.25, 4.0),
    ("rsqrt", VECTOR, tf.math.rsqrt, 0.25, 4.0),
    ("reciprocal", VECTOR, tf.math.reciprocal, 0.25, 4.0),
    ("pow", VECTOR, lambda x: tf.pow(x, 1.5), 0.25, 4.0),
    ("erf", VECTOR, tf.math.erf),
    ("sin-cos", VECTOR, lambda x: tf.sin(x) + tf.cos(2.0 * x)),
    ("square", VECTOR, tf.square),
    ("squared-difference", VECTOR, lambda x: tf.math.squared_difference(x, numbers(17, 6))),
    ("abs-sign-neg", VECTOR, lambda x: tf.abs(x) + tf.sign(x) * 0.5 - tf.negative(x)),
    ("floor-ceil-round", VECTOR, lambda x: tf.floor(x) + 2.0 * tf.math.ceil(x) + 0.5 * tf.round(x)),
    ("sub-div", VECTOR, lambda x: (1.5 - x) / numbers(18, 6, size=3.0)),
    ("div-of-two", VECTOR, lambda x: x / (1.0 + tf.square(x))),
    ("add-n", VECTOR, lambda x: tf.add_n([x, x * x, tf.nn.relu(x)])),
    ("maximum-minimum", VECTOR, lambda x: tf.maximum(tf.minimum(x, 1.0), numbers(19, 6))),
    ("clip", VECTOR, lambda x: tf.clip_by_value(x, -0.75, 1.25)),
    ("where", VECTOR, chosen),
    ("comparisons", VECTOR, compared),
    ("arg-max", VECTOR, lambda x: tf.cast(tf.argmax(x, axis=1), tf.float32)[:, None]),
    ("arg-min", VECTOR, lambda x: tf.cast(tf.argmin(x, axis=1), tf.float32)[:, None]),
    ("reduce-sum", MATRIX, lambda x: tf.reduce_sum(x, axis=1)),
    ("reduce-mean", MATRIX, lambda x: tf.reduce_mean(x, axis=[2], keepdims=True)),
    ("reduce-max", MATRIX, lambda x: tf.reduce_max(x, axis=-1)),
    ("reduce-min", MATRIX, lambda x: tf.reduce_min(x, axis=[1, 2])),
    ("reduce-prod", MATRIX, lambda x: tf.reduce_prod(x, axis=1)),
    ("split-concat", VECTOR, parts),
    ("split-v", VECTOR, uneven),
    ("stack-unstack", MATRIX, stacked),
    ("gather", MATRIX, lambda x: tf.gather(x, [3, 0, 0, 2], axis=1)),
    ("slice", MATRIX, lambda x: tf.slice(x, [0, 1, 2], [-1, 2, 3])),
    ("strided-slice", MATRIX, lambda x: x[:, ::-1, 1:5:2]),
    ("strided-slice-shrink", MATRIX, lambda x: x[:, 2, 1:] * 2.0 + x[..., 1:][:, 0]),
    ("reshape-flatten", MATRIX, lambda x: tf.reshape(tf.reshape(x, [-1, 2, 10]), [-1, 20])),
    ("transpose", IMAGE, lambda x: tf.transpose(x, [0, 3, 1, 2])),
    ("expand-squeeze", VECTOR, lambda x: tf.squeeze(tf.expand_dims(x, 2) * numbers(20, 6, 1), [2])),
    ("pad", MATRIX, lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1]])),
    ("pad-value", MATRIX, lambda x: tf.pad(x, [[0, 0], [0, 1], [2, 0]], constant_values=-0.5)),
    ("pad-reflect", MATRIX, lambda x: tf.pad(x, [[0, 0], [1, 2], [3, 0]], "REFLECT")),
    ("pad-symmetric", MATRIX, lambda x: tf.pad(x, [[0, 0], [2, 1], [0, 4]], "SYMMETRIC")),
    ("tile", VECTOR, lambda x: tf.tile(x, [1, 3])),
    ("broadcast", MATRIX, lambda x: x + tf.broadcast_to(numbers(21, 1, 5), [4, 5]) * numbers(22, 4, 1)),
]


def frozen(function, shape):
    signature = tf.TensorSpec([None, *shape], tf.float32, name="x")
    named = tf.function(lambda x: tf.identity(function(x), name="y"), input_signature=[signature])
    return convert_variables_to_constants_v2(named.get_concrete_function())


def save(name, shape, function, low=-2.0, high=2.0):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    x, concrete = rows(shape, low, high), frozen(function, shape)
    y = concrete(tf.constant(x))[0].numpy()
    (folder / "model.pb").write_bytes(concrete.graph.as_graph_def().SerializeToString(deterministic=True))
    files = [{"path": "model.pb", "format": "tensorflow-graphdef"}]
    try:
        lite = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
        (folder / "model.tflite").write_bytes(lite)
        files.append({"path": "model.tflite", "format": "tflite"})
    except Exception as error:  # of several unrelated types
        print(f"{name}: no TFLite ({str(error).strip().splitlines()[0][:120]})")
    np.savez(folder / "rows.npz", x=x)
    np.savez(folder / "expected.npz", y=y)
    inputs = [{"name": "x", "dtype": "float32", "shape": [None, *shape]}]
    outputs = [{"name": "y", "dtype": "float32", "shape": [None, *y.shape[1:]]}]
    return {"name": name, "expect": "match", "inputs": inputs, "outputs": outputs, "rows": ROWS, "files": files}


def main():
    lines = ",\n".join(json.dumps(save(*case)) for case in CASES)
    (OUT / "index.json").write_text(f'{{"version": 1, "exporter": "tensorflow {tf.__version__}", "fixtures": [\n{lines}\n]}}\n')
    print(f"{len(CASES)} models in {OUT.name}")


if __name__ == "__main__":
    main()
