"""Runs what train.py exported in its own framework and in every kind that privet deploys, and compares with Keras."""

import argparse
import json
import pathlib
import sys
from dataclasses import asdict, dataclass

import numpy as np

from deployment import PROGRAM, Privet, Refused
from frameworks import FORMATS

# What 2019 printed for a row of its own: Keras, TF Encrypted between three servers, and an enclave.
IN_2019 = {"keras": 0.044, "mpc": 0.418, "tee": 0.406}
# How far two frameworks may be apart.
FRAMEWORK = 1e-5
# How far two programs may be apart only because they round float32 in another order, beside what a kind has proven.
ABSOLUTE, RELATIVE = 1e-6, 1e-5


@dataclass
class Line:
    """One way to run the model. `status`: `agrees`, `differs`, `failed`, or `absent` where there is no such way yet.
    All numbers are probabilities; `allowed` is that of the row with the largest difference."""

    name: str
    kind: str | None = None
    status: str = "absent"
    reason: str | None = None
    probability: float | None = None
    difference: float | None = None
    largest: float | None = None
    bound: float | None = None
    allowed: float | None = None


def main():
    args = arguments()
    keras = np.load(args.run / "keras.npy")
    compare = Comparison(args.run, keras, args.row, Privet(args.privet))
    lines = [compare.framework(form) for form in FORMATS]
    for form in FORMATS:
        lines += compare.kinds(form)
    show(lines, keras, args.row)
    if args.json:
        args.json.write_text(json.dumps(facts(lines, keras, args.row), indent=1))
    sys.exit(any(line.status in ("differs", "failed") for line in lines))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, required=True, help="the folder that train.py wrote")
    parser.add_argument("--row", type=int, default=0, help="which held-out row to print, from 0")
    parser.add_argument("--privet", default=PROGRAM, help="the program; default: PRIVET_BIN, or target/release/privet")
    parser.add_argument("--json", type=pathlib.Path, help="a file for all numbers")
    return parser.parse_args()


@dataclass(frozen=True)
class Comparison:
    """What is compared: a run's models on its held-out rows, with what Keras answered, float32 [rows]."""

    run: pathlib.Path
    keras: np.ndarray
    row: int
    privet: Privet

    def framework(self, form):
        """A file in its own framework."""
        answers = form.run(str(self.run / form.file), np.load(self.run / "rows.npy"))
        return self.compared(Line(f"{form.name} in {form.program}"), answers, FRAMEWORK)

    def kinds(self, form):
        """A file in every kind that there is."""
        file = self.run / form.file
        try:
            kinds = self.privet.kinds(file)
        except Refused as refused:
            return [Line(f"{form.name} in privet", reason=str(refused))]
        ready_first = sorted(kinds.items(), key=lambda item: item[1] is not None)
        return [self.kind(kind, reason, form) for kind, reason in ready_first]

    def kind(self, kind, reason, form):
        line = Line(f"{form.name} in privet, {kind}", kind, reason=reason)
        if reason:
            return line
        try:
            answers, line.bound = self.deployed(kind, form)
        except Refused as refused:
            line.status, line.reason = "failed", str(refused)
            return line
        return self.compared(line, answers, line.bound + ABSOLUTE + RELATIVE * self.keras)

    def deployed(self, kind, form):
        return self.privet.answers(kind, self.run / form.file, self.run / "ranges.npy", self.run / "rows.npy")

    def compared(self, line, answers, allowed):
        """Judges every row, and fills in the numbers. (Not a number is no agreement.)"""
        differences = np.abs(answers.ravel().astype(float) - self.keras)
        line.status = "agrees" if (differences <= allowed).all() else "differs"
        line.probability, line.difference = float(answers.ravel()[self.row]), float(differences[self.row])
        worst = int(differences.argmax())
        line.largest = float(differences[worst])
        line.allowed = float(np.broadcast_to(allowed, differences.shape)[worst])
        return line


def facts(lines, keras, row):
    """All numbers, for programs."""
    of = {"row": row, "rows": len(keras), "keras": float(keras[row]), "in_2019": IN_2019}
    return of | {"lines": [asdict(line) for line in lines]}


def show(lines, keras, row):
    """The table."""
    width = max(len(line.name) for line in lines)
    print(f"Held-out row {row}, and the largest difference from Keras on all {len(keras)} rows\n")
    print(f"{'':{width}}  {'this row':>9}  {'from Keras':>10}  {'in 2019':>7}  {'largest':>8}  {'allowed':>8}")
    print(f"{'Keras':{width}}  {keras[row]:9.6f}  {'':10}  {in_2019('keras'):>7}")
    for line in lines:
        print(f"{line.name:{width}}  {numbers(line)}".rstrip())
    if any(line.kind == "tee" and line.probability is not None for line in lines):
        print("\nThe enclave (tee) is SIMULATED: an ordinary process, whose owner can read what it is sent.")


def numbers(line):
    old = f"{in_2019(line.kind):>7}"
    if line.probability is None:
        return f"{'':9}  {'':10}  {old}  {line.status}: {line.reason}"
    exact = f"{line.largest:8.1e}  {line.allowed:8.1e}  {line.status}"
    return f"{line.probability:9.6f}  {line.difference:10.1e}  {old}  {exact}"


def in_2019(kind):
    return IN_2019.get(kind, "")


if __name__ == "__main__":
    main()
