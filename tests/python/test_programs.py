"""Networks and trees between three real processes over real TLS, against ONNX Runtime on the same file and rows."""

import numpy as np
import pytest

from support import MODELS, privet

# The largest error that is asked for; a float32 answer is off by a little more.
PROGRAMS = {
    "digits-a-torch": 1e-3,
    "digits-b-torch": 1e-3,
    "digits-d-torch": 1e-2,
    "mlp-keras": 1e-3,
    "mlp-sklearn": 1e-3,
    "decision-tree-classifier": 1e-3,
    "gradient-boosting-classifier": 1e-3,
    "lightgbm-regressor": 1e-3,
    "random-forest-classifier": 1e-3,
    "xgboost-classifier": 1e-3,
    "xgboost-regressor": 1e-3,
    # Three functions at the same time, of columns that begin above zero.
    "../models-extra/ratios": 1e-2,
}


# Other modes are the same code, and are run on two models.
CASES = [(name, "both") for name in PROGRAMS] + [
    (name, protect) for name in ("mlp-sklearn", "xgboost-classifier") for protect in ("input", "model")
]


@pytest.mark.parametrize("name, protect", CASES)
def test_a_program_answers_within_its_accuracy(name, protect, up, tmp_path):
    accuracy, folder = PROGRAMS[name], MODELS / name
    running = up("mpc", folder / "model.onnx", "--accuracy", accuracy, "--protect", protect, "--rows", folder / "rows.npz")
    out = tmp_path / "out.npz"
    done = privet("predict", "--to", running.deployment, folder / "rows.npz", "-o", out)
    assert done.code == 0, done
    got, expected = np.load(out), np.load(folder / "expected.npz")
    assert set(got.files) == set(expected.files)
    for output in expected.files:
        a, b = got[output], expected[output]
        assert a.shape == b.shape and a.dtype == b.dtype
        if b.dtype.kind == "f":
            assert np.abs(a - b).max() <= accuracy + 2e-6 * max(1, np.abs(b).max()), output
