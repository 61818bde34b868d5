"""A thousand clients, each with connections of its own, on a linear model between three parties: as fast as they can, and at rates below and
above what is possible. Writes a record, its table and a plot of latency.

    python bench/load.py --clients 1000
    python bench/load.py --kind plain --out plain.json

It needs `cargo build --release -p privet-cli` and `cargo build --release -p privet-bench --examples`, and the packages of the tests. Clients and
parties share this machine.
"""

import argparse
import json
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time

from traffic import ROOT, commit, options, source

MODEL = ROOT / "models/lr-uci"

# Rows a request where the bound is tried: one row is answered before a second request is read.
MANY = 512

HEAD = """# Load

A thousand clients, each with connections of its own to each of three parties, on a linear model of 23 features, a row a request. First each
asks again as soon as it was answered; then all together at rates below and above the highest rate of answers, whoever is still waiting. There a
question's time begins when it was due, not when a client was free to ask it, so that what one stall delays is counted
(*coordinated omission*). Clients and parties share this machine's processors. `python bench/load.py` measures it again;
[load.json](load.json) is the record.

![Percentiles of latency over questions a second](load.svg)

"""


def main():
    args = arguments()
    os.environ["PRIVET_BIN"] = str(args.privet.resolve())
    from support import Up

    # A connection of each client, and what a role opens by itself.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        up = Up(folder, args.kind, MODEL / "model.onnx", "--rows", MODEL / "rows.npz").ready()
        try:
            table = ask(args, up, pathlib.Path(folder), args.out, [1], args.rates)
            bounded = pathlib.Path(folder) / "bounded.json"
            bound(up, args.requests)
            above = ask(args, up, pathlib.Path(folder), bounded, [MANY], args.above, "--closed", "1")
        finally:
            up.stop()
        results = json.loads(bounded.read_text())["results"]
    record = json.loads(args.out.read_text()) | {"bounded": {"requests": args.requests, "results": results}}
    args.out.write_text(json.dumps(record, indent=1) + "\n")
    said = f"{HEAD}{table}\nWith {MANY} rows a request, and `limits.requests = {args.requests}` at each party, what is more than that is refused at once:\n\n{above}"
    args.out.with_suffix(".md").write_text(said)
    print(said)


def bound(up, requests):
    """So many requests at a time from now on; the roles go on."""
    for config in up.folder.glob("*.toml"):
        text = config.read_text()
        if "[limits]" in text:
            config.write_text(text.replace("[limits]", f"[limits]\nrequests = {requests}"))
    [os.kill(child, signal.SIGHUP) for child in up.children]
    time.sleep(1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options(parser, "docs/bench/load.json")
    parser.add_argument("--kind", default="mpc")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10, help="at each rate")
    parser.add_argument("--requests", type=int, default=1, help="the bound of the second half")
    parser.add_argument("--above", default="0.5,1.2,1.5,2.0", help="rates of the second half")
    parser.add_argument("--rates", default="0.1,0.25,0.5,0.7,0.8,0.9,1.0,1.2,1.5,2.0", help="as parts of the highest rate of answers, with commas between them")
    return parser.parse_args()


def ask(args, up, folder, out, rows, rates, *more):
    sources = folder / "sources.json"
    name = {"mpc": "logistic regression, three parties"}.get(args.kind, f"logistic regression, {args.kind}")
    sources.write_text(json.dumps([source(name, up, MODEL, rows)]))
    order = [args.examples / "load", sources, "--out", out, "--clients", args.clients, "--seconds", args.seconds, "--commit", commit()]
    order += ["--rates", rates, *more]
    done = subprocess.run(list(map(str, order)), stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
