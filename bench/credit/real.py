"""Real applicants, where somebody has them: the application table alone, five folds, against scikit-learn and against
what was measured of the set-up of 2019.

    python real.py PROGRAM HOME_CREDIT SCRATCH

HOME_CREDIT holds `application_train_48950.parquet` and the folder `linked-10k`, of whose tables only the columns are
taken. Prints figures over all rows of a fold, and never a row.
"""

import json
import pathlib
import statistics
import sys

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

import child
import design

POOL, LINKED = "application_train_48950.parquet", "linked-10k"
ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = json.loads((ROOT / "crates/credit/src/features/names.json").read_text())["by_table"]["application"]
FOLDS, SEED = 5, 0
# scikit-learn's C = 0.001 on four fifths of 48,950 rows.
C = 0.001
# What was measured before this program existed, each on one random fifth: AUC, accuracy and mean log loss.
ANCHOR_AUC = 0.747
ANCHOR_2019 = {"auc": 0.7235, "accuracy": 0.9233, "log_loss": 0.2483}
OF_2019 = ["--no-bias", "--scaling", "min-max", "--schedule", "constant", "--epochs", "20", "--batch", "256"]


def there(home):
    """Whether the rows are there."""
    return (pathlib.Path(home) / POOL).is_file() and (pathlib.Path(home) / LINKED).is_dir()


def measured(program, home, scratch):
    """All figures, and the mean over the folds."""
    pool = applicants(home)
    folds = [fold(program, home, pool, held, pathlib.Path(scratch) / str(number)) for number, held in parts(pool)]
    return {
        "note": "real applicants, local only",
        "rows": len(pool),
        "columns": len(NAMES),
        "c": C,
        "anchor_auc": ANCHOR_AUC,
        "anchor_2019": ANCHOR_2019,
        "folds": folds,
        "mean": {name: mean([one[name] for one in folds]) for name in folds[0]},
    }


def applicants(home):
    """The pool, without the column that says where a row was found and without unknown genders."""
    pool = pq.read_table(pathlib.Path(home) / POOL).drop_columns(["_source"])
    return pool.filter(np.array([gender != "XNA" for gender in pool["CODE_GENDER"].to_pylist()]))


def parts(pool):
    """Numbered: the rows of each fold, at random."""
    return enumerate(np.array_split(np.random.default_rng(SEED).permutation(len(pool)), FOLDS))


def fold(program, home, pool, held, folder):
    """Ours, scikit-learn's and the set-up of 2019, fitted on all rows but `held` and judged on these."""
    folder.mkdir(parents=True)
    rest = np.setdiff1d(np.arange(len(pool)), held)
    write_tables(home, pool.take(np.concatenate([rest, held])), folder / "tables")
    features = folder / "features.parquet"
    share = len(held) / len(pool)
    child.run(program, "features", "--tables", folder / "tables", "--out", features, "--held-out", share)
    preparation = json.loads((folder / "preparation.json").read_text())
    assert preparation["fitted_rows"] == len(rest), "another number of rows was fitted on"
    target = design.targets(features, len(pool)).astype(int)
    l2 = 1 / (C * len(rest))
    return {
        "ours": train(program, features, target, "--l2", f"{l2:.17g}"),
        "scikit_learn": optimum(features, preparation, target, len(rest)),
        "of_2019": train(program, features, target, "--preparation", "inside", *OF_2019),
    }


def write_tables(home, pool, folder):
    """`application_train` in this order; the other tables are empty, with the columns that they have."""
    folder.mkdir()
    pq.write_table(pool, folder / "application_train.parquet")
    for path in sorted((pathlib.Path(home) / LINKED).glob("*.parquet")):
        if path.stem != "application_train":
            pq.write_table(pq.read_table(path).slice(0, 0), folder / path.name)


def train(program, features, target, *options):
    """The program's figures on the held-out rows, from the probabilities that it wrote."""
    scores = features.with_name("scores.parquet")
    child.run(
        program, "train", "--features", features, "--out", features.with_name("model.onnx"), "--scores", scores,
        "--columns", "application", "--validation", 0, *options,
    )  # fmt: skip
    found = pq.read_table(scores)
    probability = found["probability"].to_numpy()
    assert len(probability) == len(target), "not every row was scored"
    held = np.array(found["part"].to_pylist()) == "held-out"
    return figures(target[held], probability[held])


def optimum(features, preparation, target, fitted):
    """scikit-learn's figures on the held-out rows, from the same rule on the same rows."""
    rules = [rule for rule in preparation["features"] if rule["name"] in set(NAMES)]
    rows = design.matrix(features, rules, len(target)).astype(float)
    model = LogisticRegression(C=C, solver="lbfgs", tol=1e-6, max_iter=2000).fit(rows[:fitted], target[:fitted])
    return figures(target[fitted:], model.predict_proba(rows[fitted:])[:, 1])


def figures(target, probability):
    right = (probability >= 0.5) == (target == 1)
    return {
        "auc": float(roc_auc_score(target, probability)),
        "accuracy": float(right.mean()),
        "always_repays": float((target == 0).mean()),
        "log_loss": float(log_loss(target, probability)),
    }


def mean(ones):
    return {name: statistics.fmean(one[name] for one in ones) for name in ones[0]}


if __name__ == "__main__":
    print(json.dumps(measured(*sys.argv[1:])))
