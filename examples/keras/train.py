"""The 2019 path: one Keras layer without a bias on the 528 features, exported as ONNX, SavedModel and TFLite."""

import argparse
import json
import os
import pathlib
import sys
import time

# Before TensorFlow is imported: what it logs about itself, and the one backend that writes all three formats.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf

RATE, BATCH, EPOCHS = 0.001, 256, 20
# The last part of the training rows, which Keras only watches the loss on.
VALIDATION = 0.2


def main():
    args = arguments()
    preparation = json.loads((args.preparation or args.features.with_name("preparation.json")).read_text())
    features, targets = read(args.features, preparation["features"])
    fitted = preparation["fitted_rows"]
    if not 0 < fitted < len(features):
        sys.exit(f"{fitted} of {len(features)} rows were fitted on, so none are left to score; use `--held-out 0.2`.")
    model, history = train(features[:fitted], targets[:fitted], args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    export(model, args.out)
    answer(model, features[fitted:], args.out)
    report(history | score(model, features[fitted:], targets[fitted:]), args.out)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=pathlib.Path, required=True, help="what `privet-credit features` wrote")
    parser.add_argument("--preparation", type=pathlib.Path, help="`preparation.json`; beside the features if left out")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder for the models and Keras' answers")
    parser.add_argument("--seed", type=int, default=2019, help="of the first weights and of the order of the rows")
    return parser.parse_args()


def read(path, rules):
    """The applicants whose TARGET is known, in the file's order: prepared features float32 [rows, 528], targets
    float32 [rows]. Reads piece by piece: the whole file as float64 is twice as large as what is kept."""
    file = pq.ParquetFile(path)
    features = np.empty((file.metadata.num_rows, len(rules)), np.float32)
    targets = np.empty(len(features), np.float32)
    rows = 0
    for piece in file.iter_batches():
        piece = piece.filter(pc.is_valid(piece["TARGET"]))
        here = slice(rows, rows + len(piece))
        features[here] = prepare(matrix(piece, rules), rules)
        targets[here] = piece["TARGET"].to_numpy()
        rows += len(piece)
    return features[:rows], targets[:rows]


def matrix(piece, rules):
    """The features as float64 [rows, 528]; missing values are NaN."""
    return np.column_stack([piece[rule["name"]].to_numpy(zero_copy_only=False) for rule in rules])


def prepare(values, rules):
    """Min-max scaling, as in 2019: without a bias, features that lie around zero cannot express that most repay.
    What is infinite is missing, what is missing gets the median; then clipped, and brought into [0, 1]."""
    fill, low, high = (np.array([rule[key] for rule in rules]) for key in ("fill", "low", "high"))
    span = np.where(high > low, high - low, 1.0)
    values = np.where(np.isfinite(values), values, fill)
    return ((np.clip(values, low, high) - low) / span).astype(np.float32)


def train(features, targets, seed):
    """The model as of the last epoch, which is what 2019 exported too, and how training went."""
    keras.utils.set_random_seed(seed)
    layer = keras.layers.Dense(1, use_bias=False, activation="sigmoid", name="probability")
    model = keras.Sequential([keras.Input((features.shape[1],), name="features"), layer])
    model.compile(keras.optimizers.Adam(RATE), "binary_crossentropy", metrics=["accuracy", "AUC"])
    start = time.monotonic()
    fit = model.fit(features, targets, BATCH, EPOCHS, validation_split=VALIDATION, verbose=2)
    seconds = (time.monotonic() - start) / EPOCHS
    return model, {"training_loss": fit.history["loss"], "seconds_per_epoch": seconds}


def export(model, folder):
    """`model.onnx`, `saved_model/` and `model.tflite`: the same weights three times."""
    model.export(folder / "model.onnx", format="onnx", verbose=False)
    model.export(folder / "saved_model", format="tf_saved_model", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved_model"))
    (folder / "model.tflite").write_bytes(converter.convert())


def answer(model, features, folder):
    """The held-out rows and Keras' own answers, which everything is compared with. Prepared values lie in [0, 1], so two
    rows tell a deployment the whole range."""
    np.save(folder / "rows.npy", features)
    np.save(folder / "ranges.npy", np.repeat(np.float32([[0], [1]]), features.shape[1], axis=1))
    np.save(folder / "keras.npy", model.predict(features, 8192, verbose=0).ravel())


def score(model, features, targets):
    """Loss, accuracy and AUC on the held-out rows, beside the accuracy of always saying that the applicant repays."""
    found = model.evaluate(features, targets, 8192, return_dict=True, verbose=0)
    found = {key.lower(): value for key, value in found.items()}
    return {"held_out_rows": len(features)} | found | {"always_repays": float(1 - targets.mean())}


def report(facts, folder):
    (folder / "training.json").write_text(json.dumps(facts, indent=1))
    print(
        f"{facts['held_out_rows']} held-out rows: loss {facts['loss']:.4f}, AUC {facts['auc']:.4f}, accuracy"
        f" {facts['accuracy']:.4f} (always `repays`: {facts['always_repays']:.4f});"
        f" {facts['seconds_per_epoch']:.2f} seconds an epoch"
    )


if __name__ == "__main__":
    main()
