"""A record in the format of `privet bench`, with results of several models and systems. What the peers say beside it
stays in additional fields.
"""

import json
import subprocess
import sys
import time

from systems import SYSTEMS
from terms import TERMS
from workload import ROOT

FORMAT = 2


def empty():
    return {
        "format": FORMAT,
        "model": "several",
        "rows": "each model's own, in order, again and again until the batch is full",
        "commit": commit(),
        "commands": ["python bench/peers/run.py"],
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "packages": {},
        "networks": [],
        "results": [],
        "memory": [],
        "trust": [],
        "terms": TERMS,
        "absent": [],
    }


def commit():
    """Of the sources; `+` where they had been changed since."""
    changed = git("status", "--porcelain", "--", "crates", "Cargo.lock", "bench/peers")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True).stdout.strip()


def add_privet(record, work, load, found):
    """What one run of `privet bench` found; of the machine, what the first run said."""
    if found["format"] != FORMAT:
        raise RuntimeError(f"privet writes format {found['format']} of the record, and format {FORMAT} is needed")
    for name in ("machine", "limits", "prices"):
        record.setdefault(name, found[name])
    for name, key in (("networks", "name"), ("trust", "kind")):
        known = {one[key] for one in record[name]}
        record[name] += [one for one in found[name] if one[key] not in known]
    record["results"] += [{**one, "model": work.model, "load": load} for one in found["results"]]
    record["memory"] += [{**one, "model": work.model, "reveal": work.reveal} for one in found["memory"]]
    record["absent"] += found["absent"]


def add_peer(record, work, system, load, found):
    """What a peer's script printed."""
    key = {"system": system, "model": work.model, "kind": SYSTEMS[system].kind, "reveal": work.reveal}
    record["results"] += [result(work, key, load, one) for one in found["results"]]
    record["memory"] += [{**key, "role": role, "peak_bytes": peak} for role, peak in found["memory"].items()]


def result(work, key, load, found):
    system = SYSTEMS[key["system"]]
    return {
        **key,
        "protocol": system.protocol,
        "accuracy": None,
        "network": "loopback",
        "concurrency": 1,
        "rows_per_s": found["batch"] / found["median_s"],
        "bytes_up": None,
        "rounds": None,
        "bound": None,
        "assurance": system.assurance,
        "load": load,
        **found,
    }


def add_absent(record, work, system, kind, batches, reason):
    """Loudly."""
    print(f"\nABSENT: {system}, {kind}, {work.name}, batches {batches}: {reason}", file=sys.stderr)
    key = {"system": system, "model": work.model, "kind": kind, "reveal": work.reveal}
    record["absent"].append({**key, "batches": batches, "reason": reason})


def compare_with_plain(record):
    """Each median over that of privet's plain kind at the same place."""
    plain = {place(one): one["median_s"] for one in record["results"] if is_ours(one, "plain")}
    for one in record["results"]:
        base = plain.get(place(one))
        one["ratio_to_plain"] = one["median_s"] / base if base else None


def place(one):
    return one["model"], one["reveal"], one["network"], one["concurrency"], one["batch"]


def is_ours(one, kind):
    return (one["system"], one["kind"]) == ("privet", kind)


def write(record, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")
