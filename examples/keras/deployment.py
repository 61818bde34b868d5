"""`privet` as the comparison uses it: what it can do with a model, and a deployment's answers."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

PROGRAM = os.environ.get("PRIVET_BIN", pathlib.Path(__file__).resolve().parents[2] / "target/release/privet")


class Refused(Exception):
    """privet's own sentence."""


class Privet:
    """The program."""

    def __init__(self, program):
        self.program = shutil.which(program)
        if self.program is None:
            sys.exit(f"`{program}` is not there. Build it with `cargo build --release`, or name it by `--privet`.")

    def kinds(self, model):
        """For each kind, why this model cannot be served in it; None where it can. Raises where privet cannot read it."""
        said = json.loads(self.run("check", model, "--json").stdout)
        if "kinds" not in said:
            raise Refused(f"{said['code']} {said['error']}")
        return {kind: missing(report) for kind, report in said["kinds"].items()}

    def answers(self, kind, model, ranges, rows):
        """Deploys on this machine, asks about the rows, and ends it. Gives the answers and how wrong they may be: the
        reply says so, or says nothing where the kind computes as the model is defined."""
        with tempfile.TemporaryDirectory() as folder, self.up(kind, model, ranges, folder) as deployment:
            out = pathlib.Path(folder) / "answers.npz"
            # An enclave on this machine is a simulated one, and `privet` sends it nothing before that is accepted in so many words.
            accepted = ["--dangerous-accept-simulated"] * (kind == "tee")
            done = self.run("predict", "--to", deployment, rows, "-o", out, "--json", *accepted)
            if done.returncode != 0:
                raise Refused(sentence(done.stderr))
            (answers,) = np.load(out).values()
            return answers, json.loads(done.stdout)["bound"] or 0.0

    @contextlib.contextmanager
    def up(self, kind, model, ranges, folder):
        """All roles of a deployment, running; gives the file that clients use."""
        words = [self.program, "up", kind, model, "--rows", ranges, "--dir", os.path.join(folder, "run")]
        log = pathlib.Path(folder) / "log"
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True}
        with log.open("w") as errors, subprocess.Popen(words, stderr=errors, **pipes) as running:
            try:
                line = running.stdout.readline()
                if not line.startswith("ready "):
                    raise Refused(sentence(log.read_text()))
                yield line.removeprefix("ready ").strip()
            finally:
                running.terminate()

    def run(self, *words):
        return subprocess.run([self.program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def missing(report):
    """Why a kind is not ready: the first problem."""
    if report["status"] == "ready":
        return None
    problem = report["problems"][0]
    return " ".join([f"`{problem['node']}`:"] * bool(problem["node"]) + [problem["reason"], problem["hint"]]).strip()


def sentence(log):
    """The last line that a program wrote before it gave up."""
    return (log.strip().splitlines() or ["It ended without a word."])[-1]
