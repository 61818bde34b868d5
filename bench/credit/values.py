"""Compares two tables of features, all 528 columns, one at a time: missing where missing, and close.

    python values.py OURS.parquet THEIRS.parquet

The tolerance is that of the tests, 1e-9 of the value or of the column's median magnitude.
"""

import json
import sys

import numpy as np
import pyarrow.parquet as pq

import independent
from independent import NAMES, TOLERANCE, difference


def compared(ours, theirs):
    ours, theirs = pq.ParquetFile(ours), pq.ParquetFile(theirs)
    assert names(ours) == names(theirs) == ["SK_ID_CURR", "TARGET", *NAMES], "the columns are not the same"
    for key in ("SK_ID_CURR", "TARGET"):
        assert np.array_equal(column(ours, key), column(theirs, key), equal_nan=True), f"{key} is not the same"
    columns = {name: difference(column(ours, name), column(theirs, name)) for name in NAMES}
    return judged(columns, ours.metadata.num_rows)


def judged(columns, rows):
    """`columns`: by name, what `difference` says."""
    bad = [name for name, one in columns.items() if not good(one)]
    worst = max(columns, key=lambda name: columns[name]["worst"])
    return {
        "rows": int(rows),
        "columns": len(columns),
        "tolerance": TOLERANCE,
        "differ": bad,
        "worst": float(columns[worst]["worst"]),
        "worst_column": worst,
    }


def good(one):
    return one["worst"] <= TOLERANCE and one["missing"] == 0 and one["infinite"] == 0


def names(file):
    return file.schema_arrow.names


def column(file, name):
    return independent.array(file.read(columns=[name]).column(0).to_pandas())


if __name__ == "__main__":
    print(json.dumps(compared(*sys.argv[1:])))
