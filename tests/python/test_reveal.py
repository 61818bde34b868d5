"""What a client is shown, in every kind: `score`, `probability`, or the class at the owner's private threshold."""

import json

import numpy as np
import pytest

from support import MODELS, ok, privet, refused

UCI = MODELS / "lr-uci"
WIDE = MODELS / "lr528-keras"
KINDS = ["plain", "mpc", "tee"]
ACCEPT = "--dangerous-accept-simulated"
# In units of a score, which is what decides; the default accuracy, with room for float32.
BORDER = 1e-4 + 1e-5


def answers(deployment, rows, folder):
    out = folder / "out.npz"
    done = privet("predict", "--to", deployment, rows, "-o", out, ACCEPT)
    assert done.code == 0, done
    return dict(np.load(out))


def logit(p):
    return np.log(p) - np.log1p(-p)


@pytest.mark.parametrize("reveal", ["label", "probability"])
def test_what_ciphertexts_do_not_reveal_is_refused_by_the_node_that_would(reveal, tmp_path):
    for model in ("lr-uci", "lr528-keras", "softmax-iris", "linear-svc"):
        said = ok("check", MODELS / model / "model.onnx", "--reveal", reveal, "--json").object["kinds"]["he"]
        assert said["status"] == "no" and all(p["node"] and "--reveal score" in p["hint"] for p in said["problems"])
        first = said["problems"][0]["node"]
        refused(3, "up", "he", MODELS / model / "model.onnx", "--reveal", reveal, "--dir", tmp_path / "run", names=[first])


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_is_all_that_a_client_gets(kind, up, tmp_path):
    """With 8 % defaults, one half says `repays` to nearly everyone: the owner's threshold decides, and stays the owner's."""
    threshold = 0.0823
    running = up(kind, UCI / "model.onnx", "--reveal", "label", "--threshold", threshold, "--rows", UCI / "rows.npz")
    got, expected = answers(running.deployment, UCI / "rows.npz", tmp_path), np.load(UCI / "expected.npz")
    assert list(got) == ["label"]
    second = expected["probabilities"][:, 1].astype(float)
    near = np.abs(logit(second) - logit(threshold)) <= BORDER
    assert near.sum() < len(near) / 4
    wanted = (second > threshold).astype(int)
    assert (got["label"] == wanted)[~near].all() and 0 < wanted.sum() < len(wanted)
    told = running.deployment.read_text()
    assert json.loads(ok("check", UCI / "model.onnx", "--json").text)["kinds"][kind]["reveals"]
    assert "0823" not in told and str(logit(threshold))[:8] not in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_labels_gives_whether_its_probability_is_above_the_threshold(kind, up, tmp_path):
    running = up(kind, WIDE / "model.onnx", "--reveal", "label", "--threshold", "0.08", "--rows", WIDE / "rows.npz")
    got = answers(running.deployment, WIDE / "rows.npz", tmp_path)
    (expected,) = np.load(WIDE / "expected.npz").values()
    p = expected.ravel().astype(float)
    near = np.abs(logit(p) - logit(0.08)) <= BORDER
    assert list(got) == ["label"] and got["label"].shape == p.shape
    assert (got["label"] == (p > 0.08))[~near].all() and 0 < (p > 0.08).sum() < len(p)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_without_their_scores(kind, up, tmp_path):
    running = up(kind, UCI / "model.onnx", "--reveal", "probability", "--rows", UCI / "rows.npz")
    got, expected = answers(running.deployment, UCI / "rows.npz", tmp_path), np.load(UCI / "expected.npz")
    assert np.abs(got["probabilities"] - expected["probabilities"]).max() <= 1e-4 + 1e-6
    near = np.abs(expected["probabilities"][:, 1] - 0.5) <= 1e-4
    assert (got["label"] == expected["label"])[~near].all()


@pytest.mark.parametrize("reveal", ["score", "probability"])
def test_a_threshold_decides_labels_only(reveal, tmp_path):
    words = ["--reveal", reveal, "--threshold", "0.2"]
    refused(3, "up", "mpc", UCI / "model.onnx", *words, "--dir", tmp_path / "run", names=["--threshold", "label"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "model, words, names",
    [
        ("lr-uci", ["--threshold", "1"], ["between 0 and 1"]),
        ("lr-uci", ["--threshold", "nan"], ["finite"]),
        ("linear-regression", [], ["--threshold", "no probability"]),
        ("softmax-iris", ["--threshold", "0.5"], ["two classes", "3"]),
    ],
)
def test_what_decides_no_label_is_refused(model, words, names, tmp_path):
    model = MODELS / model / "model.onnx"
    refused(3, "up", "plain", model, "--reveal", "label", *words, "--dir", tmp_path / "run", names=names)


def test_check_says_in_words_what_each_mode_reveals():
    said = {}
    for reveal in ("score", "probability", "label"):
        report = ok("check", UCI / "model.onnx", "--reveal", reveal, "--json").object
        assert all(report["kinds"][kind]["status"] == "ready" for kind in KINDS), report
        said[reveal] = {kind: report["kinds"][kind]["reveals"] for kind in KINDS}
    assert "exact score" in said["score"]["mpc"] and "own outputs" in said["score"]["plain"]
    assert "probability" in said["probability"]["mpc"]
    assert {*said["label"].values()} == {"the client learns the class and nothing else"}


def test_check_says_how_many_rows_get_which_label():
    words = ["--reveal", "label", "--threshold", "0.08", "--rows", WIDE / "rows.npz"]
    (expected,) = np.load(WIDE / "expected.npz").values()
    above = int((expected > 0.08).sum())
    report = ok("check", WIDE / "model.onnx", *words, "--json").object
    assert report["rows"]["labels"] == {"0": expected.size - above, "1": above}
    assert f"{above} get `1`" in ok("check", WIDE / "model.onnx", *words).text


def test_a_plain_server_is_told_the_threshold_and_its_bundle_is_not(keys, tmp_path):
    folder = tmp_path / "bundle"
    words = ["--kind", "plain", "--party", keys[0], "--url", "https://127.0.0.1:1", "--reveal", "label", "--threshold", "0.3"]
    done = privet("bundle", UCI / "model.onnx", *words, "--out", folder)
    assert done.code == 0 and "threshold = 0.3" in done.err, done
    assert "0.3" not in (folder / "deployment.toml").read_text()
