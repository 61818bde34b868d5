"""Measures every protocol of parties beside plain, in one run for each model: logistic regression with its probability, networks A to D, 50 trees.
Writes a record, and prints its table.

    python bench/protocols.py --privet target/release/privet --out docs/bench/protocols.json
    python bench/protocols.py --table docs/bench/protocols.json     prints a record's table
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROTOCOLS = ["replicated3", "dealer2", "replicated3-malicious"]
# Model, what is revealed, accuracy, requests at each place, and rows per request: of the two large networks as many as a dealer's keys fit in memory
# for, half a gigabyte of them.
WORKLOADS = [
    ("lr528-keras", "score", 1e-4, 200, [1, 64, 1024]),
    ("lr528-keras", "probability", 1e-4, 200, [1, 64, 1024]),
    ("digits-a-torch", "score", 1e-3, 20, [1, 64]),
    ("digits-b-torch", "score", 1e-3, 5, [1, 8]),
    ("digits-c-torch", "score", 1e-2, 5, [1, 8]),
    ("digits-d-torch", "score", 1e-2, 10, [1, 64]),
    ("xgboost-classifier", "score", 1e-3, 10, [1, 64]),
]


def main():
    args = arguments()
    if args.table:
        print(table(json.loads(args.table.read_text())))
        return
    record = {"format": 1, "results": []}
    for workload in WORKLOADS:
        print(*workload[:3], "…", file=sys.stderr, flush=True)
        measured = bench(args.privet, *workload)
        record.setdefault("machine", measured["machine"])
        record["results"] += [of(r) for r in measured["results"]]
        record.setdefault("absent", []).extend(measured["absent"])
        args.out.write_text(json.dumps(record, indent=1) + "\n")
    print(table(record))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--privet", type=pathlib.Path, default=ROOT / "target/release/privet")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench/protocols.json")
    parser.add_argument("--table", type=pathlib.Path, metavar="RECORD")
    return parser.parse_args()


def bench(privet, name, reveal, accuracy, repeats, batches):
    folder = ROOT / "models" / name
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "record.json"
        subprocess.run(
            [privet, "bench", folder / "model.onnx", "--rows", folder / "rows.npz", "--reveal", reveal, "--accuracy", str(accuracy),
             "--kinds", "plain,mpc", "--protocols", ",".join(PROTOCOLS), "--batch-sizes", ",".join(map(str, batches)),
             "--repeats", str(repeats), "--json", out],
            check=True, stdout=subprocess.DEVNULL, cwd=ROOT,
        )
        return json.loads(out.read_text())


def of(result):
    kept = ["model", "kind", "protocol", "reveal", "accuracy", "batch", "median_s", "p95_s", "rounds", "bytes_up", "bytes_between", "bytes_dealt",
            "max_error", "bound", "ratio_to_plain"]
    return {name: result.get(name) for name in kept}


def table(record):
    heads = ["model", "reveal", "batch", "plain", *PROTOCOLS]
    heads += [f"{name} to {other}" for name, other in zip(PROTOCOLS[1:], ["plain", "replicated3"])]
    heads += ["rounds", "between, each", "dealt ahead", "worst error", "bound"]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "---:|" * (len(heads) - 2)]
    for place in dict.fromkeys((r["model"], r["reveal"], r["batch"]) for r in record["results"]):
        here = [r for r in record["results"] if (r["model"], r["reveal"], r["batch"]) == place]
        plain = next(r for r in here if r["kind"] == "plain")
        by = {r["protocol"]: r for r in here if r["kind"] == "mpc"}
        all_of = lambda what, show: " / ".join(show(by[name][what]) if name in by else "-" for name in PROTOCOLS)
        ratio = lambda a, b: f"{a['median_s'] / b['median_s']:.1f}" if a and b else "-"
        cells = [place[0], place[1], str(place[2]), seconds(plain["median_s"])]
        cells += [seconds(by[name]["median_s"]) if name in by else "-" for name in PROTOCOLS]
        cells += [ratio(by.get("dealer2"), plain), ratio(by.get("replicated3-malicious"), by.get("replicated3"))]
        dealt = by["dealer2"]["bytes_dealt"] if "dealer2" in by else 0
        cells += [all_of("rounds", str), all_of("bytes_between", size), size(dealt or 0)]
        cells += [f"{max(r['max_error'] for r in by.values()):.1e}", f"{max(r['bound'] for r in by.values()):.1e}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines + [""] + [f"* {one['model']}: absent. {one['reason']}" for one in record["absent"]]).rstrip()


def seconds(s):
    return f"{s:.2f} s" if s >= 1 else f"{s * 1e3:.2f} ms"


def size(n):
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{n / 1e3:.1f} kB" if n >= 1000 else f"{n} B"


if __name__ == "__main__":
    main()
