"""The least loss that there is, by scikit-learn, and that of the program's weights on the same rows.

    python optimum.py FOLDER L2 REPORT.json

FOLDER holds `matrix.npy` and `targets.npy`, REPORT is what `privet-credit train` wrote. Both minimise the mean log loss
plus L2/2 times the sum of squared weights, the bias not among them; scikit-learn's C is 1/(L2 · rows).
"""

import json
import pathlib
import sys
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

# scikit-learn's, of the largest component of the gradient.
TOLERANCE, ITERATIONS = 1e-6, 1000
# Below this penalty, L-BFGS would take very long where columns depend on each other, and Newton's method does not.
CURVED = 1e-4


def main(folder, l2, report):
    folder, l2 = pathlib.Path(folder), float(l2)
    rows, target = np.load(folder / "matrix.npy").astype(float), np.load(folder / "targets.npy")
    best, facts = optimum(rows, target, l2)
    weights, bias, names = ours(report)
    assert len(names) == rows.shape[1], "the report is of other features"
    judged = {"scikit_learn": losses(rows, target, *best, l2), "ours": losses(rows, target, weights, bias, l2)}
    print(json.dumps({"l2": l2, "rows": len(rows), "columns": len(names)} | judged | facts))


def optimum(rows, target, l2):
    c = 1 / (l2 * len(rows)) if l2 > 0 else np.inf
    solver = "lbfgs" if l2 >= CURVED else "newton-cholesky"
    model = LogisticRegression(C=c, solver=solver, tol=TOLERANCE, max_iter=ITERATIONS)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, target)
    seconds, weights, bias = time.perf_counter() - start, model.coef_[0], model.intercept_[0]
    steepest = np.abs(gradient(rows, target, weights, bias, l2)).max()
    facts = {"solver": solver, "iterations": int(model.n_iter_[0]), "seconds": seconds, "gradient": float(steepest)}
    return (weights, bias), facts


def gradient(rows, target, weights, bias, l2):
    off = 1 / (1 + np.exp(-(rows @ weights + bias))) - target
    return np.append(rows.T @ off / len(rows) + l2 * weights, off.mean())


def ours(report):
    """In the order of the matrix, which is that of the preparation beside the model."""
    path = pathlib.Path(report)
    found = json.loads(path.read_text())["coefficients"]
    order = json.loads(path.with_name(path.name.replace(".report.", ".preparation.")).read_text())["features"]
    by_name = {one["name"]: one["weight"] for one in found["weights"]}
    names = [one["name"] for one in order]
    return np.array([by_name[name] for name in names]), found["bias"], names


def losses(rows, target, weights, bias, l2):
    logits = rows @ weights + bias
    loss = float(np.logaddexp(0, np.where(target == 1, -logits, logits)).mean())
    return {"log_loss": loss, "objective": loss + l2 / 2 * float(weights @ weights)}


if __name__ == "__main__":
    main(*sys.argv[1:])
