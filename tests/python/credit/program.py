"""`privet-credit` as the tests run it."""

import json
import os
import pathlib
import re
import subprocess
import time
from dataclasses import dataclass

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from support import ROOT, Done

import tables

BINARY = pathlib.Path(os.environ.get("PRIVET_CREDIT_BIN", ROOT / "target/release/privet-credit")).resolve()
HOME_CREDIT = pathlib.Path(os.environ.get("PRIVET_HOME_CREDIT", ROOT.parent / "shared" / "home-credit"))
built = pytest.mark.skipif(
    not BINARY.is_file(),
    reason=f"`{BINARY.name}` is not built: `cargo build --release -p privet-credit`, or set PRIVET_CREDIT_BIN",
)

USAGE, REFUSED = 2, 3


def credit(*args, timeout=600):
    """Runs the program to its end."""
    start = time.monotonic()
    words = [BINARY, *map(str, args)]
    done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout)
    done = Done(done.returncode, done.stdout, done.stderr, time.monotonic() - start)
    assert "panicked" not in done.err, done
    return done


def ok(*args, **more):
    """The same; it must succeed."""
    done = credit(*args, **more)
    assert done.code == 0, done
    return done


@dataclass(frozen=True)
class Run:
    """What `features` made, and what it said."""

    features: pd.DataFrame
    preparation: dict | None
    preparation_file: pathlib.Path
    facts: dict
    err: str

    def warnings(self, table, column):
        return [one for one in self.facts["warnings"] if (one["table"], one["column"]) == (table, column)]


def featurise(folder, into, *options):
    """Runs `features` on a folder of tables; `into` is a folder for what it makes."""
    into.mkdir(parents=True, exist_ok=True)
    out = into / "features.parquet"
    done = ok("features", "--tables", folder, "--out", out, "--json", *options)
    rows = pq.read_table(out)
    assert_plain(rows)
    path = into / "preparation.json"
    preparation = json.loads(path.read_text()) if path.exists() else None
    return Run(rows.to_pandas(), preparation, path, done.object, done.err)


def assert_plain(rows):
    """A missing value is a null, and nothing else is."""
    kinds = dict.fromkeys(rows.column_names, "double") | {"SK_ID_CURR": "int64", "TARGET": "int64"}
    assert {field.name: str(field.type) for field in rows.schema} == kinds
    found = [name for name in rows.column_names[2:] if pc.any(pc.is_nan(rows[name])).as_py()]
    assert not found, f"these hold NaN: {found}"


def refused(exit_code, folder, into, *options, names=(), rows=()):
    """`features` must end with this exit code, no output, and a sentence that names all of `names` and tells no row.

    A name may be a regular expression. `into` is the folder that is to stay empty.
    """
    out = into / "features.parquet"
    done = credit("features", "--tables", folder, "--out", out, *options)
    assert done.code == exit_code, done
    assert not out.exists() and not (into / "preparation.json").exists(), "a refused run left something"
    line = next((line for line in done.err.splitlines() if re.match(r"C\d{3} ", line)), None)
    assert line is not None, f"no error code: {done!r}"
    assert done.err.rstrip().endswith((".", "`")), f"not a sentence: {done!r}"
    for name in names:
        assert re.search(rf"(?<!\w)(?:{name})(?!\w)", done.err), f"`{name}` is not named: {done!r}"
    for row in rows:
        assert_untold(row, done)
    return done


def assert_untold(row, done):
    """Neither a piece of the row's line nor a long number that could tell whose row it is stands in the text."""
    cells = ["" if pd.isna(cell) else str(cell) for cell in row]
    pieces = [",".join(cells[at : at + 3]) for at in range(len(cells) - 2)]
    long = [cell for cell in cells if re.fullmatch(r"-?[\d.]{8,}", cell)]
    told = [piece for piece in [*pieces, *long] if piece in done.err and len(piece) > 6]
    assert not told, f"{told} is told: {done!r}"


def synthesise(folder, applicants, form="parquet"):
    ok("synth", "--applicants", applicants, "--seed", 7, "--format", form, "--out", folder)
    return folder


def changed(base, into, **tables_instead):
    """A folder like `base` but for these tables, which are written as CSV; None leaves a table out."""
    into.mkdir(parents=True)
    for table in tables.TABLES:
        path = tables.file(base, table)
        if table not in tables_instead:
            (into / path.name).symlink_to(path)
        elif tables_instead[table] is not None:
            tables.write_one(tables_instead[table], into, table, "csv")
    return into
