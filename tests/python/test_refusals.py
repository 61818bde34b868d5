"""Models that must be refused: what is out of reach is named, and what is broken does no harm."""

import json
import resource

import pytest

from support import MODELS, assert_refused, privet, refused

# The part that the refusal must name.
BROKEN = {
    "huge-dims.onnx": ["declares the shape", "sequential_1/score_1/Cast/ReadVariableOp:0"],
    "nan-weights.onnx": ["not a finite number", "sequential_1/score_1/Cast/ReadVariableOp:0"],
    "random-bytes.onnx": ["none of the known model formats"],
    "truncated.onnx": ["damaged or ends early"],
    "truncated.pb": ["TensorFlow"],
    "truncated.tflite": ["TensorFlow Lite"],
    "wrong-shape.onnx": ["sequential_1/score_1/MatMul", "[527, 1]", "528"],
    "zero-byte.onnx": ["empty"],
}

# A file decides nothing about memory: what it merely declares is never allocated.
MEMORY = 4 << 30


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def test_an_operator_out_of_reach_is_named_for_every_kind():
    done = privet("check", MODELS / "unsupported-lstm-torch/model.onnx", "--json")
    assert done.code == 3 and done.err == "", done
    kinds = done.object["kinds"]
    assert set(kinds) == {"plain", "mpc", "tee", "he"}
    for kind in kinds.values():
        assert kind["status"] == "no"
        named = [p for p in kind["problems"] if p["op"] == "LSTM"]
        assert named and named[0]["node"] and named[0]["reason"].endswith("."), kind["problems"]


def test_it_is_named_where_it_is_to_run_too(tmp_path):
    folder = tmp_path / "run"
    refused(3, "up", "plain", MODELS / "unsupported-lstm-torch/model.onnx", "--dir", folder, names=["LSTM"])
    assert not folder.exists()


def test_every_broken_file_is_known():
    assert {f.name for f in (MODELS / "broken").iterdir()} == set(BROKEN)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_file_is_refused_with_what_is_wrong(name):
    done = privet("check", MODELS / "broken" / name, "--json", preexec_fn=limited, timeout=20)
    assert done.code == 3, done
    answer = done.object
    if "error" in answer:
        assert set(answer) == {"error", "code", "exit"} and answer["exit"] == 3
        assert_refused(done, 3, BROKEN[name])
        assert answer["error"] in done.err and answer["code"] in done.err
    else:
        problems = json.dumps([kind["problems"] for kind in answer["kinds"].values()])
        assert all(part in problems for part in BROKEN[name]), problems


@pytest.mark.parametrize("kind", ["plain", "mpc"])
@pytest.mark.parametrize("name", sorted(BROKEN))
def test_nothing_runs_and_nothing_is_left_of_a_broken_file(name, kind, tmp_path):
    folder = tmp_path / "run"
    refused(3, "up", kind, MODELS / "broken" / name, "--dir", folder, names=BROKEN[name], preexec_fn=limited)
    assert not folder.exists()


def test_a_file_that_is_not_there_is_a_usage_error():
    refused(2, "check", "no-such-model.onnx", names=["E141", "`no-such-model.onnx`"])
