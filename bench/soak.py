"""Clients that ask seven deployments for a long time, while one role after the other is killed and started again. Writes a record and its table.

    python bench/soak.py --minutes 30 --clients 64
    python bench/soak.py --table docs/bench/soak.json       prints a record's table

It needs `cargo build --release -p privet-cli` and `cargo build --release -p privet-bench --examples`, and the packages of the tests.
It fails where an answer is wrong, a failure has no type or is later than its deadline, an answer comes back late, or memory grows.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from traffic import ROOT, machine, options, source

MODELS = ROOT / "models"
# Name, kind, model, further options, and rows per request.
DEPLOYMENTS = [
    ("plain", "plain", "lr-uci", [], [1, 7, 64, 500]),
    ("parties, linear", "mpc", "lr-uci", [], [1, 7, 64, 500]),
    ("parties, network", "mpc", "mlp-sklearn", ["--accuracy", "1e-3"], [1, 3, 16]),
    ("dealer, probability", "mpc", "lr-uci", ["--protocol", "dealer2", "--reveal", "probability"], [1, 3, 16]),
    ("cheating parties, probability", "mpc", "lr-uci", ["--protocol", "replicated3-malicious", "--reveal", "probability"], [1, 3, 16]),
    ("enclave, SIMULATED", "tee", "lr-uci", [], [1, 7, 64]),
    ("ciphertexts", "he", "lr-uci", ["--accuracy", "1e-5"], [1, 7, 64]),
]
# Seconds: until the first kill, between kills, until what was killed starts again, and until answers must come again.
FIRST, EVERY, AWAY, SOON = 10.0, 20.0, 2.0, 2.0
DEADLINE = 5.0
# What a failure may take beyond its deadline on a machine whose processors are all busy.
GRACE = 1.0
# What memory may grow in an hour, of a role or of the client, once it has run for a while.
GROWTH = 24 << 20
MEASURED = 5.0

HEAD = """# Soak

Clients that ask everything of everyone, for long, while a role is killed every 20 seconds, at random, and started again two seconds later from
the same files. Each client has connections of its own to each deployment, asks for a random number of random rows, and judges every value of
every answer against ONNX Runtime's, within the proven bound, in the order of the rows. `python bench/soak.py --minutes 30` measures it again;
[soak.json](soak.json) has every kill and every kind of failure.

"""


def main():
    args = arguments()
    if args.table:
        print(table(json.loads(args.table.read_text())))
        return
    os.environ["PRIVET_BIN"] = str(args.privet.resolve())
    record = {"format": 1, "machine": machine(), "clients": args.clients, "minutes": args.minutes, "seed": args.seed}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        record |= soak(args, pathlib.Path(folder), stack)
    record["problems"] = problems(record)
    args.out.write_text(json.dumps(record, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(HEAD + table(record) + "\n")
    print(table(record))
    if record["problems"]:
        sys.exit("\n".join(record["problems"]))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options(parser, "docs/bench/soak.json")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--pause", type=float, default=1.0, help="the longest pause of a client between two questions, in seconds")
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between two kills")
    parser.add_argument("--only", default="", help="deployments whose names begin so")
    parser.add_argument("--keep", type=pathlib.Path, help="where to keep the log of the clients")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    return parser.parse_args()


def soak(args, folder, stack):
    deployments = [Deployment(folder, *words) for words in DEPLOYMENTS if words[0].startswith(args.only)]
    for one in deployments:
        stack.callback(one.end)
        one.ready()
    (folder / "sources.json").write_text(json.dumps([one.source() for one in deployments]))
    seconds, log = 60 * args.minutes, args.keep or folder / "log"
    order = [args.examples / "soak", folder / "sources.json", "--log", log, "--clients", str(args.clients), "--seconds", str(seconds)]
    order += ["--deadline", str(DEADLINE), "--pause", str(args.pause), "--seed", str(args.seed)]
    start, kills = time.time(), []
    client = subprocess.Popen(list(map(str, order)), stdout=subprocess.PIPE, text=True)
    stack.callback(client.kill)
    memory = Memory(deployments, client.pid)
    chosen = random.Random(args.seed)
    until(start + FIRST)
    # The last one is back before the end.
    while time.time() < start + seconds - AWAY - 2 * SOON - 3:
        next_kill = time.time() + args.every
        kills.append(chosen.choice(deployments).kill_any(chosen))
        until(next_kill)
    out, _ = client.communicate(timeout=60 + 10 * DEADLINE)
    assert client.returncode == 0, "the clients ended early"
    return {
        "deployments": json.loads(out),
        "kills": [recovered(kill, log) for kill in kills],
        "failures": failures(log),
        "memory": memory.end(),
        "panics": [one.name for one in deployments if one.panicked()],
    }


def until(moment):
    time.sleep(max(0.0, moment - time.time()))


class Deployment:
    """All roles of a deployment, of which any can be killed."""

    def __init__(self, folder, name, kind, model, more, batches):
        from support import Up

        self.name, self.model, self.batches = name, MODELS / model, batches
        self.folder = folder / re.sub(r"\W+", "-", name)
        self.folder.mkdir()
        self.again = {}
        self.up = Up(self.folder, kind, self.model / "model.onnx", "--rows", self.model / "rows.npz", *more)

    def ready(self):
        self.up.ready()
        self.configs = {path.stem: path for path in self.up.folder.glob("*.toml") if path.stem not in ("deployment", "policy")}

    def source(self):
        return source(self.name, self.up, self.model, self.batches)

    def pid(self, role):
        return self.again[role].id if role in self.again else self.up.party(role)

    def kill_any(self, chosen):
        """Kills a role as a power cut would, and starts it again a while later from the same files."""
        from support import Role

        role = chosen.choice(sorted(self.configs))
        killed = time.time()
        if role in self.again:
            self.again.pop(role).kill()
        else:
            os.kill(self.up.party(role), signal.SIGKILL)
        time.sleep(AWAY)
        command = {"server": "plain" if self.name == "plain" else "he"}.get(role, role.split("-")[0])
        self.again[role] = Role("serve", command, "--config", self.configs[role], log=self.folder / f"{role}.log")
        self.again[role].ready()
        return {"on": self.name, "role": role, "killed": killed, "ready": time.time()}

    def panicked(self):
        logs = [self.up.log, *self.folder.glob("*.log")]
        return any("panicked" in log.read_text(errors="replace") for log in logs)

    def end(self):
        for role in self.again.values():
            role.end()
        self.up.end()


class Memory(threading.Thread):
    """The physical memory of all roles, now and then, by the process that has it."""

    def __init__(self, deployments, client):
        super().__init__(daemon=True)
        self.deployments, self.client, self.seen, self.over = deployments, client, {}, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(MEASURED):
            now = time.time()
            for one in self.deployments:
                for role in one.configs:
                    with contextlib.suppress(OSError, StopIteration, KeyError, ValueError):
                        pid = one.pid(role)
                        self.seen.setdefault((one.name, role, pid), []).append((now, resident(pid)))
            with contextlib.suppress(OSError):
                self.seen.setdefault(("clients", "", self.client), []).append((now, resident(self.client)))

    def end(self):
        self.over.set()
        self.join()
        return [{"on": on, "role": role, **growth(points)} for (on, role, _), points in self.seen.items() if len(points) > 10]


def resident(pid):
    return 4096 * int(open(f"/proc/{pid}/statm").read().split()[1])


def growth(points):
    """A line through the second half of what was seen: caches and pools are full by then."""
    half = points[len(points) // 2 :]
    middle = sum(t for t, _ in half) / len(half)
    mean = sum(m for _, m in half) / len(half)
    spread = sum((t - middle) ** 2 for t, _ in half)
    slope = sum((t - middle) * (m - mean) for t, m in half) / spread if spread else 0.0
    return {
        "seconds": round(points[-1][0] - points[0][0]),
        "first_bytes": points[0][1],
        "last_bytes": points[-1][1],
        "most_bytes": max(m for _, m in points),
        "bytes_per_hour": round(3600 * slope),
    }


def lines(log):
    with open(log) as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def recovered(kill, log):
    """How long after the role was back the first right answer came of what was asked since it was killed."""
    ends = [
        line["asked"] + line["took"]
        for line in lines(log)
        if line["on"] == kill["on"] and "code" not in line and line["asked"] >= kill["killed"] and line["asked"] + line["took"] >= kill["ready"]
    ]
    after = min(ends, default=None)
    return kill | {"answered_after": None if after is None else round(after - kill["ready"], 3)}


def failures(log):
    """By deployment and code: how many, the longest, and an example."""
    found = {}
    for line in lines(log):
        if "code" in line:
            one = found.setdefault((line["on"], line["code"]), {"count": 0, "longest_s": 0.0, "said": line["said"]})
            one["count"] += 1
            one["longest_s"] = round(max(one["longest_s"], line["took"]), 3)
    return [{"on": on, "code": code, **one} for (on, code), one in sorted(found.items())]


def problems(record):
    """What was not as it should be."""
    found = []
    for one in record["failures"]:
        where = f"{one['on']}: {one['count']} × {one['code']}"
        if not re.fullmatch(r"E3\d\d", one["code"]):
            found.append(f"{where}: no failure that the loss of a role explains: {one['said']}")
        if one["longest_s"] > DEADLINE + GRACE:
            found.append(f"{where}: {one['longest_s']} s, of a deadline of {DEADLINE} s")
    for kill in record["kills"]:
        after = kill["answered_after"]
        if after is None or after > SOON:
            found.append(f"{kill['on']}: {after} s from the return of {kill['role']} to an answer")
    for one in record["memory"]:
        # A trend needs time.
        if one["seconds"] > 600 and one["bytes_per_hour"] > GROWTH:
            found.append(f"{one['on']}, {one['role']}: {one['bytes_per_hour'] / 2**20:.0f} MiB more memory each hour")
    return found + [f"{name}: a role panicked" for name in record["panics"]]


def table(record):
    failed = {name: sum(p["count"] for p in one["failed"].values()) for name, one in record["deployments"].items()}
    out = [
        "| deployment | right answers | rows | wrong | typed failures | longest failure | half of answers within | 99 of 100 | kills | answers again after |",
        "|:---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in record["deployments"].items():
        wrong = one["failed"].get("E909", {"count": 0})["count"]
        longest = max((p["max_s"] for p in one["failed"].values()), default=0.0)
        kills = [kill["answered_after"] for kill in record["kills"] if kill["on"] == name]
        again = "–" if not kills else "never" if None in kills else f"{max(kills):.2f} s at most"
        answered = one["answered"]
        out.append(
            f"| {name} | {answered['count']:,} | {one['rows']:,} | {wrong} | {failed[name] - wrong:,} | {longest:.2f} s "
            f"| {1000 * answered['p50_s']:.0f} ms | {1000 * answered['p99_s']:.0f} ms | {len(kills)} | {again} |"
        )
    return "\n".join([*out, "", facts(record)])


def facts(record):
    grown = [one for one in record["memory"] if one["seconds"] > 600]
    # What lives for long is what may grow.
    memory = "; memory was seen for too short a time to say whether it grows" if not grown else (
        f"; of the {len(grown)} processes that lived for ten minutes or more the one that grew most did so by "
        f"{max(one['bytes_per_hour'] for one in grown) / 2**20:.1f} MiB an hour"
    )
    kills = sorted(kill["answered_after"] or 1e9 for kill in record["kills"])
    p95 = f", 95 of 100 times within {kills[int(0.95 * (len(kills) - 1))]:.2f} s" if kills else ""
    return (
        f"{record['clients']} clients for {record['minutes']:g} minutes on {record['machine']['cores']} cores; {len(record['kills'])} kills, after which "
        f"answers came again{p95} of the role's own `ready`{memory}. Each call had a deadline of {DEADLINE:g} s. Seed {record['seed']}."
    )


if __name__ == "__main__":
    main()
