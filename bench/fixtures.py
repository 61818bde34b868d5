"""Measures every model of `models/` in plain and between three parties, one row at a time: on loopback and over an imitated network with
round trips of 10 and 40 ms. Writes a record, and prints its table.

    python bench/fixtures.py --privet target/release/privet --out docs/bench/fixtures.json
    python bench/fixtures.py --table docs/bench/fixtures.json       prints a record's table
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROUND_TRIPS = [0, 10, 40]
ACCURACY = 1e-4
# A bound above this is no answer: such a model is left out, and the record says so.
COARSEST = 0.1
REPEATS = 15


def main():
    args = arguments()
    if args.table:
        print(table(json.loads(args.table.read_text())))
        return
    record = {"format": 1, "batch": 1, "reveal": "score", "results": [], "absent": []}
    for folder in sorted(f.parent for f in (ROOT / "models").glob("*/model.onnx")):
        print(f"{folder.name} …", file=sys.stderr, flush=True)
        accuracy = reached(args.privet, folder)
        if isinstance(accuracy, str):
            record["absent"].append({"model": folder.name, "reason": accuracy})
            continue
        measured = {trip: bench(args.privet, folder, accuracy, trip) for trip in ROUND_TRIPS}
        record.setdefault("machine", measured[0]["machine"])
        record["results"].append(joined(folder.name, measured))
        args.out.write_text(json.dumps(record, indent=1) + "\n")
    print(table(record))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--privet", type=pathlib.Path, default=ROOT / "target/release/privet")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench/fixtures.json")
    parser.add_argument("--table", type=pathlib.Path, metavar="RECORD")
    return parser.parse_args()


def reached(privet, folder):
    """The accuracy with which its parties have a plan; or why they have none."""
    said = subprocess.run(
        [privet, "check", folder / "model.onnx", "--rows", folder / "rows.npz", "--accuracy", str(ACCURACY), "--json"],
        capture_output=True, text=True, cwd=ROOT,
    )
    parties = json.loads(said.stdout)["kinds"]["mpc"]
    if parties["status"] == "ready":
        return ACCURACY
    reason = parties["problems"][0]["reason"]
    within = re.search(r"these ranges; ([0-9.e-]+) does", reason)
    return float(within[1]) if within and float(within[1]) <= COARSEST else reason


def bench(privet, folder, accuracy, trip):
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "record.json"
        network = f"{trip}ms" if trip else "loopback"
        subprocess.run(
            [privet, "bench", folder / "model.onnx", "--rows", folder / "rows.npz", "--accuracy", str(accuracy), "--kinds", "plain,mpc",
             "--batch-sizes", "1", "--repeats", str(REPEATS), "--json", out, "--networks", network],
            check=True, stdout=subprocess.DEVNULL, cwd=ROOT,
        )
        return json.loads(out.read_text())


def joined(name, measured):
    """What all networks share, and the median of each."""
    of = {trip: {r["kind"]: r for r in record["results"]} for trip, record in measured.items()}
    parties = of[0]["mpc"]
    peaks = [m["peak_bytes"] for m in measured[0]["memory"] if m["kind"] == "mpc"]
    return {
        "model": name,
        "bound": parties["bound"],
        "max_error": max(by_kind["mpc"]["max_error"] for by_kind in of.values()),
        "rounds": parties["rounds"],
        "bytes": parties["bytes_up"] + parties["bytes_down"] + parties["bytes_between"],
        "peak_bytes": max(peaks) if peaks else None,
        "median_s": {kind: {str(trip): of[trip][kind]["median_s"] for trip in ROUND_TRIPS} for kind in ("plain", "mpc")},
    }


def table(record):
    heads = ["model", "round trips", "bytes", "bound", "seen"]
    heads += [f"{kind}, {trip} ms" for kind in ("plain", "three parties") for trip in ROUND_TRIPS] + ["peak of a role"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for one in record["results"]:
        medians = [f"{one['median_s'][kind][str(trip)] * 1e3:.1f} ms" for kind in ("plain", "mpc") for trip in ROUND_TRIPS]
        peak = f"{one['peak_bytes'] / 1e6:.0f} MB" if one["peak_bytes"] else ""
        cells = [one["model"], str(one["rounds"]), f"{one['bytes']:,}", f"{one['bound']:.1e}", f"{one['max_error']:.1e}", *medians, peak]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines + [""] + [f"* {one['model']}: absent. {one['reason']}" for one in record["absent"]])


if __name__ == "__main__":
    main()
