"""Every file that an exporter left is served as it is: SavedModel folders, frozen graphs, TensorFlow Lite, weights beside the model."""

import shutil

import numpy as np
import onnx
import pytest

from support import MODELS, ok, privet, refused

WIDE = MODELS / "lr528-keras"
FILES = {
    "saved_model": "a TensorFlow SavedModel",
    "frozen.pb": "a TensorFlow graph (GraphDef)",
    "model.tflite": "a TensorFlow Lite model",
    "model.onnx": "ONNX",
}


@pytest.mark.parametrize("file", FILES)
def test_check_reads_it_and_says_what_it_is(file):
    report = ok("check", WIDE / file, "--json").object
    assert report["format"] == FILES[file] and report["model"] == "lr528-keras"
    assert [port["width"] for port in report["inputs"]] == [528]
    assert all(report["kinds"][kind]["status"] == "ready" for kind in ("plain", "mpc", "tee", "he"))


@pytest.mark.parametrize("kind", ["plain", "mpc", "tee", "he"])
@pytest.mark.parametrize("file", ["saved_model", "frozen.pb", "model.tflite"])
def test_it_answers_as_the_onnx_file_does(kind, file, up, tmp_path):
    running = up(kind, WIDE / file, "--rows", WIDE / "rows.npz")
    (rows,) = np.load(WIDE / "rows.npz").values()
    np.save(tmp_path / "rows.npy", rows)
    out = tmp_path / "out.npz"
    words = ["predict", "--to", running.deployment, tmp_path / "rows.npy", "-o", out, "--dangerous-accept-simulated"]
    done = privet(*words)
    assert done.code == 0, done
    (got,), (expected,) = np.load(out).values(), np.load(WIDE / "expected.npz").values()
    assert np.abs(got.ravel() - expected.ravel()).max() <= (1e-4 if kind in ("mpc", "he") else 2e-6)


def with_weights_beside(folder):
    """The model with its weights in a file of their own."""
    model = onnx.load(MODELS / "digits-a-torch/model.onnx")
    path = folder / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (folder / "weights.bin").stat().st_size > path.stat().st_size
    return path


def test_weights_beside_the_model_are_read(tmp_path):
    path = with_weights_beside(tmp_path)
    assert ok("check", path, "--accuracy", "1e-2", "--json").object["kinds"]["plain"]["status"] == "ready"
    (tmp_path / "weights.bin").unlink()
    refused(3, "check", path, names=["weights.bin"])


def test_a_link_to_somewhere_else_is_not_followed(tmp_path):
    path = with_weights_beside(tmp_path)
    shutil.move(tmp_path / "weights.bin", tmp_path / "elsewhere")
    (tmp_path / "weights.bin").symlink_to(tmp_path / "elsewhere")
    refused(3, "check", path, names=["weights.bin", "symbolic link"])


def test_a_bundle_holds_all_files_of_a_model(keys, tmp_path):
    role = ["--kind", "plain", "--party", keys[0], "--url", "https://127.0.0.1:1"]
    (tmp_path / "exported").mkdir()
    ok("bundle", with_weights_beside(tmp_path / "exported"), *role, "--out", tmp_path / "beside")
    ok("check", tmp_path / "beside/model.onnx", "--accuracy", "1e-2")
    ok("bundle", WIDE / "saved_model", *role, "--out", tmp_path / "saved")
    assert ok("check", tmp_path / "saved/saved_model", "--json").object["format"] == FILES["saved_model"]


def test_a_folder_that_is_no_model_is_named(tmp_path):
    refused(2, "check", tmp_path, names=["E141", "saved_model.pb"])
