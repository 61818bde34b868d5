"""Measures the credit workload, the program and others side by side, and writes a record.

    python run.py                                            measures all of it, at the published size
    python run.py --resume                                   the steps that an interrupted run did not get to
    python run.py --only duckdb-12GiB --only values          these steps again
    python run.py --tables docs/bench/credit.json --into docs/credit.md
                                                             the tables of a page, from a record

Needs the packages of `requirements.txt`; PRIVET_CREDIT_BIN is the program (target/release/privet-credit),
PRIVET_KERAS_PYTHON a Python that has Keras, PRIVET_HOME_CREDIT a folder with real applicants. What is not there is left
out, and the record says so.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import time

import child
import machine
import report
import training
import workload

ROOT = machine.ROOT
PROGRAM = pathlib.Path(os.environ.get("PRIVET_CREDIT_BIN", ROOT / "target/release/privet-credit")).resolve()
HOME_CREDIT = pathlib.Path(os.environ.get("PRIVET_HOME_CREDIT", ROOT.parent / "shared/home-credit")).resolve()
PUBLISHED = 356_255


def values(bench):
    ours = bench.features / "features.parquet"
    others = {"duckdb": bench.folder / "duckdb.parquet", "csv": bench.folder / "features-csv/features.parquet"}
    return {name: workload.values(ours, theirs) for name, theirs in others.items()}


def real(bench):
    if not (HOME_CREDIT / "application_train_48950.parquet").is_file():
        return {"skipped": "PRIVET_HOME_CREDIT names no folder with real applicants"}
    folder = bench.folder / "real"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        return child.python(workload.HERE / "real.py", bench.program, HOME_CREDIT, folder).said
    finally:
        shutil.rmtree(folder)


# In this order. The program has one turn on its Parquet tables before DuckDB's and one after.
STEPS = {
    "synth": lambda bench: workload.synth(bench, "parquet"),
    "synth-csv": lambda bench: workload.synth(bench, "csv"),
    "features": lambda bench: workload.featurise(bench, "parquet", "features"),
    "features-csv": lambda bench: workload.featurise(bench, "csv", "features-csv"),
    "duckdb-12GiB": lambda bench: workload.duckdb(bench, "12GiB"),
    "features-again": lambda bench: workload.featurise(bench, "parquet", "features-again"),
    "duckdb-2GiB": lambda bench: workload.duckdb(bench, "2GiB"),
    "values": values,
    "part": workload.part,
    "epochs": training.epochs,
    "optimum": training.optimum,
    "real": real,
}


def main():
    args = arguments()
    if args.tables:
        report.rewrite(args.into, json.loads(args.tables.read_text()))
        return
    bench = workload.Bench(PROGRAM, args.work.resolve(), args.applicants, args.part, args.threads, "2GiB")
    steps = bench.folder / "steps"
    begin(bench, steps, anew=not (args.only or args.resume))
    try:
        measure(bench, steps, args)
    except child.Failed as failed:
        sys.exit(f"{failed}\nOnce that is put right, `--resume` goes on from here.")
    write(record(steps), args.out)


def begin(bench, steps, anew):
    """Clears the folder, if it is one of ours, or sees to it that what is in it was measured in the same way."""
    file = steps / "machine.json"
    settings = {"applicants": bench.applicants, "part": bench.part, "threads": bench.threads}
    if bench.folder.exists() and any(bench.folder.iterdir()) and not file.exists():
        sys.exit(f"`{bench.folder}` holds other things than a measurement. Give an empty or new folder as `--work`.")
    if anew:
        shutil.rmtree(bench.folder, ignore_errors=True)
    if not file.exists():
        write(settings | {"machine": machine.facts(bench.program)}, file)
    found = json.loads(file.read_text())
    if any(found[name] != value for name, value in settings.items()):
        sys.exit(f"The steps in `{bench.folder}` have other settings than {settings}. Give the same, or begin anew.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--applicants", type=int, default=PUBLISHED)
    parser.add_argument("--part", type=int, default=30_000, help="applicants that pandas gets")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/bench-credit", help="6 GB come here")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench/credit.json")
    parser.add_argument("--only", action="append", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--tables", type=pathlib.Path, metavar="RECORD")
    parser.add_argument("--into", type=pathlib.Path, metavar="PAGE", help="else they are printed")
    return parser.parse_args()


def measure(bench, steps, args):
    """Runs what is to be run; each step leaves a file, with when, under what load and at which commit it began."""
    for number, (name, step) in enumerate(STEPS.items(), 1):
        file = steps / f"{name}.json"
        if name not in args.only if args.only else file.exists():
            continue
        print(f"[{number}/{len(STEPS)}] {name} …", end="", file=sys.stderr, flush=True)
        began, start = machine.now() | {"commit": machine.commit()}, time.perf_counter()
        found = step(bench)
        write({"began": began, "found": found}, file)
        print(f" {time.perf_counter() - start:.1f} s", file=sys.stderr)


def record(steps):
    """All steps that are there, as one object."""
    files = {name: steps / f"{name}.json" for name in STEPS}
    found = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    return {
        "format": 1,
        **json.loads((steps / "machine.json").read_text()),
        "began": {name: one["began"] for name, one in found.items()},
        "steps": {name: one["found"] for name, one in found.items()},
    }


def write(found, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
