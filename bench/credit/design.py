"""What a model takes, made of features by the rule of `preparation.json`: infinite is missing, missing is filled, the
rest is clipped and standardised. Written from the rule alone, so that the comparison does not rest on the program.

    python design.py FEATURES.parquet PREPARATION.json FOLDER

writes `matrix.npy` (float32 [rows, columns]) and `targets.npy` (float32 [rows]) of the fitted rows.
"""

import json
import pathlib
import sys

import numpy as np
import pyarrow.parquet as pq


def matrix(path, rules, rows):
    """Float32 [rows, columns] of the first rows, one column for each rule; read column by column."""
    file = pq.ParquetFile(path)
    found = np.empty((rows, len(rules)), np.float32)
    for place, rule in enumerate(rules):
        values = file.read(columns=[rule["name"]]).column(0).slice(0, rows).to_numpy()
        found[:, place] = standardised(values, rule)
    return found


def standardised(values, rule):
    filled = np.where(np.isfinite(values), values, rule["fill"])
    return (filled.clip(rule["low"], rule["high"]) - rule["mean"]) / rule["scale"]


def targets(path, rows):
    """Float32 [rows] of the first rows, whose outcome must be known."""
    found = pq.read_table(path, columns=["TARGET"]).column(0).slice(0, rows)
    assert found.null_count == 0, f"the outcome of {found.null_count} rows is not known"
    return found.to_numpy().astype(np.float32)


def main(features, preparation, folder):
    found = json.loads(pathlib.Path(preparation).read_text())
    rows, folder = found["fitted_rows"], pathlib.Path(folder)
    np.save(folder / "matrix.npy", matrix(features, found["features"], rows))
    np.save(folder / "targets.npy", targets(features, rows))
    print(json.dumps({"rows": rows, "columns": len(found["features"])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
