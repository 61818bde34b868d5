"""Writes the small row files that the tests of the command line read.

    python tools/make_row_files.py

Needs numpy, pandas and pyarrow. The files go to crates/cli/tests/data. `table.*` hold the same five rows, written
by different tools; the other files each hold one thing that must be read in a special way, or refused.
"""

import datetime
import decimal
import json
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DATA = pathlib.Path(__file__).resolve().parent.parent / "crates" / "cli" / "tests" / "data"

ARRAYS = {
    "id": np.arange(5, dtype="<i8") + 1000,
    "a": np.array([0.1, np.nan, -1e-30, 16777217.0, 1.00000006], "<f8"),
    "b": np.array([1.5, 0.1, 3e38, -0.0, np.nan], "<f4"),
    "n": np.array([-3, 0, 2147483647, 7, 8], "<i4"),
    "u": np.array([0, 1, 255, 128, 7], "u1"),
    "flag": np.array([True, False, True, True, False]),
    "city": np.array(["Zürich", "", "a, \"b\"", "東京", "x"]),
}


def write_table():
    np.savez(DATA / "table.npz", **ARRAYS)
    np.savez_compressed(DATA / "table-deflated.npz", **ARRAYS)
    frame = pd.DataFrame(ARRAYS)
    frame.to_csv(DATA / "table.csv", index=False)
    frame.to_csv(DATA / "table.csv.gz", index=False, compression={"method": "gzip", "mtime": 0})
    with open(DATA / "table.jsonl", "w", encoding="utf-8") as file:
        for row in frame.to_dict("records"):
            file.write(json.dumps(row) + "\n")  # writes NaN without quotes
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in ARRAYS.items()})
    pq.write_table(table, DATA / "table.parquet", row_group_size=2)
    pq.write_table(table, DATA / "table-v2-gzip.parquet", compression="gzip", data_page_version="2.0")
    pq.write_table(table, DATA / "table-plain.parquet", compression="none", use_dictionary=False)
    pq.write_table(table, DATA / "table-zstd.parquet", compression="zstd")
    pq.write_table(table, DATA / "refused-brotli.parquet", compression="brotli")


def write_special_parquet():
    table = pa.table(
        {
            "u4": pa.array([1, 4294967295], pa.uint32()),
            "u8": pa.array([1, 18446744073709551615], pa.uint64()),
            "words": pa.array(["p", "q"]).dictionary_encode(),
            "numbers": pa.array(["0.5", None]),
            "money": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(10, 2)),
            "small_money": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(5, 2)),
            "day": pa.array([datetime.date(2020, 1, 1), None]),
            "list": pa.array([[1.0, 2.0], [3.0]]),
            "struct": pa.array([{"x": 1.0}, None]),
        }
    )
    pq.write_table(table, DATA / "special.parquet", store_decimal_as_integer=True)


def write_special_arrays():
    pairs = np.array([[1.5, 2.5, 3.5], [4.5, 5.5, np.nan]], "<f4")
    np.save(DATA / "pairs.npy", pairs)
    np.save(DATA / "pairs-fortran.npy", np.asfortranarray(pairs))
    np.save(DATA / "refused-big-endian.npy", pairs.astype(">f4"))
    np.save(DATA / "refused-object.npy", pairs.astype(object), allow_pickle=True)
    with open(DATA / "pairs-version-2.npy", "wb") as file:
        np.lib.format.write_array(file, pairs, version=(2, 0))
    integers = {kind: np.array([[-1], [1]]).astype(kind) for kind in ("i1", "<i2", "<i4", "<i8", "u1", "b1", "<f8")}
    np.savez(DATA / "integers.npz", **{f"{kind.strip('<')}:0": values for kind, values in integers.items()})


if __name__ == "__main__":
    DATA.mkdir(parents=True, exist_ok=True)
    write_table()
    write_special_parquet()
    write_special_arrays()
