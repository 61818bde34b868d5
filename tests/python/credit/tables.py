"""The eight tables on disk: reading a folder of them, and writing one in every form that the program takes."""

import pathlib
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

TABLES = [
    "application_train",
    "application_test",
    "bureau",
    "bureau_balance",
    "previous_application",
    "POS_CASH_balance",
    "installments_payments",
    "credit_card_balance",
]
FORMS = ["csv", "csv.gz", "csv.zst", "parquet"]
COMPRESSIONS = {"csv.gz": "gzip", "csv.zst": "zstd"}


def read(folder):
    """All eight tables, whatever form each has."""
    return {table: read_one(file(folder, table)) for table in TABLES}


def file(folder, table):
    """The one file of a table."""
    found = [path for form in FORMS if (path := pathlib.Path(folder) / f"{table}.{form}").is_file()]
    assert len(found) == 1, f"{table} in {folder}: {found}"
    return found[0]


def read_one(path):
    """Parquet as it is. In CSV only the empty cell is missing: `NA` would be a level like any other."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    with opened(path, "rb") as stream:
        return pd.read_csv(stream, keep_default_na=False, na_values=[""])


def write(tables, folder, form="csv"):
    """Writes all tables in one form, or in the form that `form` (a dictionary) names for each; gives the folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        write_one(rows, folder, table, form[table] if isinstance(form, dict) else form)
    return folder


def write_one(rows, folder, table, form):
    path = folder / f"{table}.{form}"
    if form == "parquet":
        rows.to_parquet(path, index=False)
        return
    with opened(path, "wb") as stream:
        rows.to_csv(stream, index=False)


@contextmanager
def opened(path, mode):
    """A file of bytes, compressed as its name says. (pandas needs one more package for Zstandard; Arrow does not.)"""
    compression = next((name for form, name in COMPRESSIONS.items() if path.name.endswith(form)), None)
    with open(path, mode) as raw:
        if compression is None:
            yield raw
            return
        stream = pa.CompressedInputStream if "r" in mode else pa.CompressedOutputStream
        with stream(raw, compression) as packed:
            yield packed
