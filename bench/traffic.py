"""What `soak.py` and `load.py` share: deployments with rows and right answers, as the programs in `crates/bench/examples` read them."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/python"))

import numpy as np  # noqa: E402


def options(parser, out):
    """The options that both have."""
    parser.add_argument("--privet", type=pathlib.Path, default=ROOT / "target/release/privet")
    parser.add_argument("--examples", type=pathlib.Path, default=ROOT / "target/release/examples")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / out)
    parser.add_argument("--table", type=pathlib.Path, metavar="RECORD")
    return parser


def source(name, running, model, batches):
    """A deployment, and what it must answer: ONNX Runtime's outputs, for those rows whose label no error that is allowed
    could change."""
    import judge

    rows = dict(np.load(model / "rows.npz"))
    [(_, x)] = rows.items()
    expected = judge.run(model / "model.onnx", rows)
    bound = bound_of(running.deployment)
    clear = ~judge.near_boundary(model.name, expected, bound + 1e-5)
    # JSON has no number that is missing.
    clear &= np.isfinite(x).all(axis=1)
    outputs = [y.reshape(len(x), -1)[clear].astype(float).tolist() for y in expected.values()]
    return {
        "name": name,
        "deployment": str(running.deployment),
        "rows": x[clear].tolist(),
        "expected": outputs,
        "tolerance": [bound + judge.ABSOLUTE, judge.RELATIVE],
        "batches": batches,
    }


def bound_of(deployment):
    """What the plan proved; nothing where the model is computed as it stands."""
    from support import deployment as read

    public = json.loads(read(deployment)["public"])
    return max(found(public, "bound"), default=0.0)


def found(value, key):
    """Numbers under a name, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get(key), int | float):
            yield float(value[key])
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from found(one, key)


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"cpu": cpu, "cores": os.cpu_count(), "load": os.getloadavg()[0], "commit": commit()}
