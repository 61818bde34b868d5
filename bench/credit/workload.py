"""Tables and features: the program, the same SQL on DuckDB, and pandas on a part."""

import json
import pathlib
import shutil
from dataclasses import dataclass

import child

HERE = pathlib.Path(__file__).resolve().parent


@dataclass(frozen=True)
class Bench:
    """What is measured, how, and the folder for everything that it makes."""

    program: pathlib.Path
    folder: pathlib.Path
    applicants: int
    part: int
    threads: int
    memory: str
    seed: int = 0

    @property
    def tables(self):
        return self.folder / "parquet"

    @property
    def features(self):
        return self.folder / "features"

    @property
    def preparation(self):
        return json.loads((self.features / "preparation.json").read_text())

    def cost_of(self, *words):
        """Runs the program; gives what it cost and what it said."""
        done = child.run(self.program, *words, "--threads", self.threads, "--json")
        return done.cost, done.said


def synth(bench, form):
    into = bench.folder / form
    words = ["--applicants", bench.applicants, "--seed", bench.seed, "--format", form, "--out", into]
    cost, said = bench.cost_of("synth", *words)
    sizes = {table: {"rows": one["rows"], "bytes": one["bytes"]} for table, one in said["tables"].items()}
    return cost | {"tables": sizes, **per_second(sizes, cost)}


def featurise(bench, form, into):
    """`features` on the tables of one form; `into` names the folder for what it makes."""
    folder = bench.folder / into
    folder.mkdir(exist_ok=True)
    cost, said = bench.cost_of(
        "features", "--tables", bench.folder / form, "--out", folder / "features.parquet", "--memory", bench.memory,
        "--scratch", bench.folder,
    )  # fmt: skip
    steps = {step["name"]: step["seconds"] for step in said["steps"]}
    facts = {"applicants": said["rows"], "fitted_rows": said["fitted_rows"], "steps": steps}
    return cost | per_second(said["tables"], cost) | facts | {"memory": bench.memory}


def duckdb(bench, memory):
    """The same SQL files on DuckDB, with what the program fitted."""
    spill = bench.folder / "spill"
    done = child.python(
        HERE / "duck.py", bench.tables, bench.folder / "duckdb.parquet", bench.features / "preparation.json",
        "--memory", memory, "--threads", bench.threads, "--spill", spill,
    )  # fmt: skip
    return done.cost | {"memory": memory} | done.said


def values(ours, theirs):
    """All columns of two files."""
    return child.python(HERE / "values.py", ours, theirs).said


def part(bench):
    """The first applicants: the program's features and pandas', fitted on that part alone."""
    folder = bench.folder / "part"
    shutil.rmtree(folder, ignore_errors=True)
    rows = child.python(HERE / "part.py", bench.tables, bench.part, folder).said["tables"]
    sizes = {table: {"rows": count} for table, count in rows.items()}
    ours = featurise(bench, "part", "part-features")
    made, theirs = bench.folder / "part-features/features.parquet", bench.folder / "part-pandas.parquet"
    done = child.python(HERE / "pandas_features.py", folder, ours["fitted_rows"], theirs)
    pandas = done.cost | per_second(sizes, done.cost) | done.said
    return {"applicants": bench.part, "ours": ours, "pandas": pandas, "values": values(made, theirs)}


def per_second(tables, cost):
    """The rows of all tables."""
    rows = sum(one["rows"] for one in tables.values())
    return {"rows": rows, "rows_per_s": rows / cost["wall_s"]}
