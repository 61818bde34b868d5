"""Measures what a gateway adds to the native client, and what it gains by asking about many small requests together. Writes a
record, and prints its table.

    python bench/gateway.py --privet target/release/privet --out docs/bench/gateway.json
    python bench/gateway.py --table docs/bench/gateway.json        prints a record's table

It needs the Python package of `bindings/python`, whose native client is what a gateway is compared with, and numpy.
"""

import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODEL = ROOT / "models/lr528-keras"
KINDS = ["plain", "mpc", "tee"]
BATCHES = [1, 128, 1024]
REPEATS = 300
CLIENTS, SECONDS = 64, 8.0


def main():
    args = arguments()
    if args.table:
        print(table(json.loads(args.table.read_text())))
        return
    os.environ["PRIVET_BIN"] = str(args.privet.resolve())
    record = {"format": 1, "machine": machine(), "alone": [], "together": []}
    for kind in KINDS:
        with deployed(kind) as (native, to):
            for batch in BATCHES:
                record["alone"].append({"kind": kind, **alone(args.privet, native, to, batch)})
            for rows, name in ((1, "no"), (1024, "yes")):
                record["together"].append({"kind": kind, "batching": name, **together(args.privet, to, rows)})
        args.out.write_text(json.dumps(record, indent=1) + "\n")
        print(f"{kind} measured", file=sys.stderr)
    print(table(record))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--privet", type=pathlib.Path, default=ROOT / "target/release/privet")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench/gateway.json")
    parser.add_argument("--table", type=pathlib.Path, metavar="RECORD")
    return parser.parse_args()


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"cpu": cpu, "cores": os.cpu_count(), "load": os.getloadavg()[0]}


@contextlib.contextmanager
def deployed(kind):
    """The native client, and the file that it was opened from."""
    import privet

    with tempfile.TemporaryDirectory() as folder:
        up = [privet.run.program(), "up", kind, MODEL / "model.onnx", "--rows", MODEL / "rows.npz", "--dir", folder]
        with running(up) as to:
            yield privet.connect(to, dangerous_accept_simulated=kind == "tee"), to


@contextlib.contextmanager
def gateway(program, to, *options):
    run = [program, "gateway", "--to", to, "--listen", "127.0.0.1:0", "--dangerous-accept-simulated", *options]
    with running(run) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


@contextlib.contextmanager
def running(command):
    """A program, for as long as the context lasts, and what it says to be ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process.stdout.readline().removeprefix("ready ").strip()
    finally:
        process.terminate()
        process.wait()


class Raw:
    """The least that a client can do: one connection, one request that is always the same, and its answer's bytes."""

    def __init__(self, at, rows):
        data = rows.astype("<f4").tobytes()
        head = {"inputs": [{"name": "features", "datatype": "FP32", "shape": list(rows.shape)}]}
        head["inputs"][0]["parameters"] = {"binary_data_size": len(data)}
        head = json.dumps(head | {"parameters": {"binary_data_output": True}}).encode()
        lines = [
            "POST /v2/models/lr528-keras/infer HTTP/1.1",
            f"Host: {at[0]}:{at[1]}",
            f"Content-Length: {len(head) + len(data)}",
            f"Inference-Header-Content-Length: {len(head)}",
        ]
        self.request = ("\r\n".join(lines) + "\r\n\r\n").encode() + head + data
        self.socket = socket.create_connection(at)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self):
        self.socket.sendall(self.request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.socket.recv(1 << 16)
        head, _, body = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), got
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        while len(body) < length:
            body += self.socket.recv(1 << 16)
        return body


def rows_of(count):
    import numpy as np

    rows = np.load(MODEL / "rows.npz")["features"]
    return np.resize(rows, (count, rows.shape[1])).astype(np.float32)


def alone(program, native, to, batch):
    """The native client and the gateway in turn."""
    rows = rows_of(batch)
    with gateway(program, to) as at:
        raw = Raw(at, rows)
        steps = {"native": lambda: native.outputs(rows), "gateway": raw.ask}
        took = {name: [] for name in steps}
        for _ in range(REPEATS):
            for name, step in steps.items():
                start = time.perf_counter()
                step()
                took[name].append(time.perf_counter() - start)
    return {"batch": batch, "repeats": REPEATS} | {f"{name}_s": statistics.median(all) for name, all in took.items()}


def together(program, to, most):
    """Many clients with one row each, all the time."""
    with gateway(program, to, "--batch-rows", str(most)) as at:
        clients = [Raw(at, rows_of(1)) for _ in range(CLIENTS)]
        took, stop = [], time.perf_counter() + SECONDS

        def work(client):
            while (start := time.perf_counter()) < stop:
                client.ask()
                took.append(time.perf_counter() - start)

        threads = [threading.Thread(target=work, args=[client]) for client in clients]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - start
    took.sort()
    rate = len(took) / seconds
    return {"clients": CLIENTS, "seconds": SECONDS, "rows_per_s": rate, "p50_s": took[len(took) // 2], "p99_s": took[len(took) * 99 // 100]}


def table(record):
    lines = ["| kind | rows per request | native client | through the gateway | more |", "|---|---:|---:|---:|---:|"]
    for r in record["alone"]:
        native, through = r["native_s"] * 1e3, r["gateway_s"] * 1e3
        more = f"{through - native:.2f} ms, {100 * (through / native - 1):.0f} %"
        lines.append(f"| {r['kind']} | {r['batch']} | {native:.2f} ms | {through:.2f} ms | {more} |")
    lines += ["", "| kind | asked together | rows/s | median | 99 of 100 |", "|---|---|---:|---:|---:|"]
    for r in record["together"]:
        times = f"{r['p50_s'] * 1e3:.1f} ms | {r['p99_s'] * 1e3:.1f} ms"
        lines.append(f"| {r['kind']} | {r['batching']} | {r['rows_per_s']:,.0f} | {times} |")
    cpu, alone, together = record["machine"], record["alone"][0], record["together"][0]
    lines += ["", f"Medians of {alone['repeats']} in turn; then {together['clients']} clients with one row each for "
              f"{together['seconds']:.0f} s. {cpu['cpu']}, "
              f"{cpu['cores']} cores, which clients, gateway and all roles share; load {cpu['load']:.2f} at the start."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
