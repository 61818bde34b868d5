"""Runs the same models in privet, SecretFlow SPU and CrypTen, one after the other, and writes a record.

    python bench/peers/run.py --privet target/release/privet --out docs/bench/peers.json
    python bench/peers/run.py --only digits-a-torch --out /tmp/trial.json
    python bench/peers/run.py --table docs/bench/peers.json         prints a record's table

Needs the packages of `requirements.txt`, and for CrypTen those of `requirements-crypten.txt`. What is not there is left
out, and the record says so.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import privet_peer
import table
import workload
from terms import NO_TREES, TERMS

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["crypten", "jax", "numpy", "onnx", "onnxruntime", "spu", "torch"]


def main():
    args = arguments()
    if args.table:
        print(table.text(json.loads(args.table.read_text())))
        return
    record = head()
    for model in args.only or workload.WORKLOADS:
        for system in TERMS:
            print(f"{model} in {system} …", end="", file=sys.stderr, flush=True)
            start = time.perf_counter()
            add(record, workload.WORKLOADS[model], system, args)
            print(f" {time.perf_counter() - start:.0f} s", file=sys.stderr)
            write(record, args.out)
    print(table.text(record))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--privet", type=pathlib.Path, default=workload.ROOT / "target/release/privet")
    parser.add_argument("--out", type=pathlib.Path, default=workload.ROOT / "docs/bench/peers.json")
    parser.add_argument("--only", action="append", choices=workload.WORKLOADS, metavar="MODEL")
    parser.add_argument("--most", type=float, default=3600, metavar="SECONDS", help="that a peer may take for a model")
    parser.add_argument("--table", type=pathlib.Path, metavar="RECORD")
    return parser.parse_args()


def head():
    installed = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    return {
        "format": 1,
        "packages": {"python": sys.version.split()[0]} | {name: installed.get(name) for name in PACKAGES},
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "terms": TERMS,
        "results": [],
        "memory": [],
        "absent": [],
    }


def commit():
    """Of the sources; `+` where they had been changed since."""
    changed = git("status", "--porcelain", "--", "crates", "Cargo.lock", "bench/peers")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def git(*words):
    return subprocess.run(["git", "-C", workload.ROOT, *words], capture_output=True, text=True).stdout.strip()


def add(record, work, system, args):
    """What a system said of a model, and why it did not say more."""
    key, load = {"system": system, "model": work.model}, f"{os.getloadavg()[0]:.2f}"
    try:
        found = privet_peer.measure(args.privet, work) if system == "privet" else peer(system, work, args.most)
    except (RuntimeError, OSError) as error:
        found = {"results": [], "memory": {}, "absent": str(error)}
    if "machine" in found:
        record.setdefault("machine", found["machine"])
    record["results"] += [key | {"reveal": work.reveal, "load": load} | one for one in found["results"]]
    record["memory"] += [key | {"role": role, "peak_bytes": peak} for role, peak in found["memory"].items()]
    if "absent" in found:
        batches = work.batches[len(found["results"]) :]
        record["absent"].append(key | {"batches": batches, "reason": found["absent"]})


def peer(system, work, most):
    if work.trees:
        raise RuntimeError(NO_TREES[system])
    try:
        importlib.metadata.version(system)
    except importlib.metadata.PackageNotFoundError:
        raise RuntimeError(f"`{system}` is not installed") from None
    words, pipe = [sys.executable, HERE / f"{system}_peer.py", work.model], subprocess.PIPE
    return ended(subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, start_new_session=True), most)


def ended(process, most):
    """The last object that a process printed, be it before it failed; what it started ends with it."""
    absent = None
    try:
        out, err = process.communicate(timeout=most)
    except subprocess.TimeoutExpired:
        absent = f"had not ended after {most:.0f} s"
        end(process)
        out, err = process.communicate()
    finally:
        end(process)
    objects = [line for line in out.splitlines() if line.startswith("{")]
    found = json.loads(objects[-1]) if objects else {"results": [], "memory": {}}
    failed = {"absent": absent or " ".join(err.strip().splitlines()[-1:])}
    return found | (failed if process.returncode != 0 else {})


def end(process):
    """And all in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def write(record, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
