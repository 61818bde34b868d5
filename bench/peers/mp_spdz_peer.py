"""Measures logistic regression in MP-SPDZ's replicated ring of three parties, of which the first is the client.

MP_SPDZ_HOME names a built tree of it, with `replicated-ring-party.x`. A program and its inputs are written there.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import data
import numpy as np
import parties
import peer

HERE = pathlib.Path(__file__).resolve().parent
ROLES = ["client", "owner", "party-2"]
PARTY, PROGRAM = "replicated-ring-party.x", "mp_spdz_logistic"
SECONDS = re.compile(r"^Time1 = ([\d.e-]+) seconds", re.M)
GLOBAL = re.compile(r"^Global data sent = ([\d.e-]+) MB", re.M)
ANSWER = re.compile(r"^answer (\S+)", re.M)


def main():
    tree, work = Tree(os.environ.get("MP_SPDZ_HOME")), peer.asked()
    peer.measure(work, tree, lambda batch: client(tree, work, batch))


class Tree:
    """Its parties run anew for each request, so what they needed is added up here."""

    def __init__(self, home):
        self.home = pathlib.Path(home or "")
        if not (home and (self.home / PARTY).exists()):
            raise SystemExit(f"MP_SPDZ_HOME names no built tree with {PARTY}")
        self.used, self.peaks = dict.fromkeys(ROLES, 0.0), dict.fromkeys(ROLES, 0)
        shutil.copy(HERE / f"{PROGRAM}.mpc", self.home / "Programs/Source")
        self.do("Scripts/setup-ssl.sh", len(ROLES))

    def do(self, *words):
        subprocess.run([str(word) for word in words], cwd=self.home, check=True, capture_output=True)

    def prepare(self, rows, weights):
        (self.home / "Player-Data").mkdir(exist_ok=True)
        for number, values in enumerate([rows, weights]):
            np.savetxt(self.home / f"Player-Data/Input-P{number}-0", values, "%.9f")
        self.do("./compile.py", "-R", 64, PROGRAM, *rows.shape)
        return "-".join(map(str, [PROGRAM, *rows.shape]))

    def run(self, program):
        """What the client's party printed."""
        port = parties.free_addresses(1)[0].rpartition(":")[2]
        words = [f"./{PARTY}", "-h", "localhost", "-pn", port, program, "-p"]
        with tempfile.TemporaryFile("w+") as said:
            started = [
                subprocess.Popen([*words, str(number)], cwd=self.home, stdout=out, stderr=out)
                for number, out in enumerate([said, subprocess.DEVNULL, subprocess.DEVNULL])
            ]
            for role, process in zip(ROLES, started):
                self.wait(role, process)
            said.seek(0)
            return said.read()

    def wait(self, role, process):
        _, status, used = os.wait4(process.pid, 0)
        if status != 0:
            raise RuntimeError(f"{role} ended with status {status}")
        self.used[role] += used.ru_utime + used.ru_stime
        self.peaks[role] = max(self.peaks[role], used.ru_maxrss * 1024)

    def memory(self):
        return self.peaks

    def cpu(self):
        return dict(self.used)

    def stop(self):
        """Nothing runs between requests."""


def client(tree, work, batch):
    """The time is that of the program's own timer: input, computation, opening. Start and connections are not in it."""
    (weights,) = data.graph(work)[1].values()
    program, facts = tree.prepare(data.rows(work, batch), weights), {}

    def first():
        (megabytes,) = GLOBAL.findall(tree.run(program))
        facts["bytes_between"] = int(float(megabytes) * 1e6)

    return lambda: request(tree, program), first, facts


def request(tree, program):
    said = tree.run(program)
    return {"s": float(SECONDS.search(said)[1]), "answer": np.array(ANSWER.findall(said), dtype=float)}


if __name__ == "__main__":
    main()
