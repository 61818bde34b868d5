"""Runs the same models in privet and in its peers, one after the other, and writes a record.

    python bench/peers/environment.py all                            makes the peers' environments
    python bench/peers/run.py --privet target/release/privet --out docs/bench/peers.json
    python bench/peers/run.py --only lr528-keras/score --systems privet,tenseal --repeats 3 --out /tmp/trial.json
    python bench/peers/run.py --table docs/bench/peers.json          prints a record's table

It needs Python's own library only. What cannot be had is named on standard error and in the record, with the reason.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import environment
import privet_peer
import record
import table
import timing
from systems import NO_TREES, SYSTEMS
from workload import ROOT, WORKLOADS

HERE = pathlib.Path(__file__).resolve().parent


def main():
    args = arguments()
    if args.table:
        print(table.text(json.loads(args.table.read_text())))
        return
    found = record.empty()
    for work in [WORKLOADS[name] for name in args.only or WORKLOADS]:
        for system, kind in steps(work, args.systems):
            print(f"{work.name} in {system}, {kind} …", end="", file=sys.stderr, flush=True)
            start = time.perf_counter()
            add(found, work, system, kind, args)
            print(f" {time.perf_counter() - start:.0f} s", file=sys.stderr)
            record.compare_with_plain(found)
            record.write(found, args.out)
    print(table.text(found))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--privet", type=pathlib.Path, default=ROOT / "target/release/privet")
    parser.add_argument("--environments", type=pathlib.Path, default=environment.FOLDER, metavar="FOLDER")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench/peers.json")
    parser.add_argument("--only", action="append", choices=WORKLOADS, metavar="MODEL/REVEAL")
    parser.add_argument("--systems", type=lambda text: text.split(","), default=["privet", *SYSTEMS], metavar="NAMES")
    parser.add_argument("--repeats", type=int, default=timing.MOST, help="of a request, at most")
    parser.add_argument("--most", type=float, default=3600, metavar="SECONDS", help="that a peer may take for a model")
    parser.add_argument("--table", type=pathlib.Path, metavar="RECORD")
    return parser.parse_args()


def steps(work, systems):
    """What is measured of a workload: systems and kinds."""
    ours = [("privet", kind) for kind in work.kinds]
    return [step for step in [*ours, *((one, SYSTEMS[one].kind) for one in work.peers)] if step[0] in systems]


def add(found, work, system, kind, args):
    """What a system said of a workload, and why it did not say more."""
    load = f"{os.getloadavg()[0]:.2f}"
    try:
        if system == "privet":
            record.add_privet(found, work, load, privet_peer.measure(args.privet, work, kind, args.repeats))
        else:
            add_peer(found, work, system, load, answers(found, work, system, args))
    except (RuntimeError, OSError) as error:
        record.add_absent(found, work, system, kind, work.batches, str(error))


def add_peer(found, work, system, load, said):
    record.add_peer(found, work, system, load, said)
    if "absent" in said:
        missing = work.batches[len(said["results"]) :]
        record.add_absent(found, work, system, SYSTEMS[system].kind, missing, said["absent"])


def answers(found, work, system, args):
    if work.trees:
        raise RuntimeError(NO_TREES[system])
    python = environment.python_of(system, args.environments)
    found["packages"][system] = environment.versions(system, python)
    words, pipe = [python, HERE / f"{system.replace('-', '_')}_peer.py", work.name, str(args.repeats)], subprocess.PIPE
    return ended(subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, start_new_session=True), args.most)


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


if __name__ == "__main__":
    main()
