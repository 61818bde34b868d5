"""The rows of some applicants, the first ones of both files, out of all eight tables.

    python part.py TABLES APPLICANTS OUT
"""

import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

HISTORIES = ["bureau", "previous_application", "POS_CASH_balance", "installments_payments", "credit_card_balance"]


def cut(tables, wanted, out):
    """Gives the rows of each table."""
    out.mkdir(parents=True)
    files = {split: tables / f"application_{split}.parquet" for split in ("train", "test")}
    sizes = {split: pq.read_metadata(path).num_rows for split, path in files.items()}
    train = round(wanted * sizes["train"] / sum(sizes.values()))
    people = {"train": pq.read_table(files["train"])[:train], "test": pq.read_table(files["test"])[: wanted - train]}
    found = {f"application_{split}": rows for split, rows in people.items()}
    ids = pa.chunked_array([*people["train"]["SK_ID_CURR"].chunks, *people["test"]["SK_ID_CURR"].chunks])
    found |= {table: of(tables, table, "SK_ID_CURR", ids) for table in HISTORIES}
    found["bureau_balance"] = of(tables, "bureau_balance", "SK_ID_BUREAU", found["bureau"]["SK_ID_BUREAU"])
    for table, rows in found.items():
        pq.write_table(rows, out / f"{table}.parquet")
    return {table: len(rows) for table, rows in found.items()}


def of(tables, table, key, keys):
    """The rows that belong to these keys, in the file's order."""
    return pq.read_table(tables / f"{table}.parquet", filters=[(key, "in", keys.to_pylist())])


if __name__ == "__main__":
    print(json.dumps({"tables": cut(pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3]))}))
