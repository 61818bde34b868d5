"""Seconds of each epoch of Keras on the CPU: one dense unit, Adam, batches of 256.

    python keras_epochs.py FOLDER STEPS EPOCHS

FOLDER holds `matrix.npy` and `targets.npy`; STEPS is `steps_per_execution`. The first epoch, in which TensorFlow builds
its graph, is run beforehand and told apart.
"""

import json
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow  # noqa: E402


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds, self.losses = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)
        self.losses.append(float(logs["loss"]))


def model(columns, steps):
    layers = [keras.Input((columns,)), keras.layers.Dense(1, activation="sigmoid")]
    found = keras.Sequential(layers)
    found.compile(keras.optimizers.Adam(0.001), "binary_crossentropy", steps_per_execution=steps)
    return found


def main(folder, steps, epochs):
    keras.utils.set_random_seed(0)
    folder, clock = pathlib.Path(folder), Clock()
    rows, targets = np.load(folder / "matrix.npy"), np.load(folder / "targets.npy")
    fitted = model(rows.shape[1], int(steps))
    fitted.fit(rows, targets, batch_size=256, epochs=1 + int(epochs), verbose=0, callbacks=[clock])
    versions = {"keras": keras.__version__, "tensorflow": tensorflow.__version__, "numpy": np.__version__}
    facts = {"first_s": clock.seconds[0], "samples_s": clock.seconds[1:], "losses": clock.losses}
    print(json.dumps({"versions": versions, "rows": len(rows), "columns": rows.shape[1]} | facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
