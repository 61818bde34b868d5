"""Every attribute that changes what an operator means: tiny models, drawn from a seed, evaluated here and by ONNX Runtime. A model may
be refused, where that is expected; no answer may differ."""

import collections
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import onnx_cases_columns
import onnx_cases_layers
import onnx_cases_ml
import onnx_cases_parts
import onnx_cases_values
from onnx_cases import Draw

PROGRAM = Path(os.environ["PRIVET_BIN"]).parent / "examples" / "onnx_operators"
SEED = int(os.environ.get("PRIVET_SEED", "20261129"))
ROUNDS = int(os.environ.get("PRIVET_ROUNDS", "1"))
FAMILIES = [
    *onnx_cases_values.FAMILIES, *onnx_cases_parts.FAMILIES, *onnx_cases_layers.FAMILIES, *onnx_cases_columns.FAMILIES,
    onnx_cases_ml.tree_regressors, onnx_cases_ml.tree_classifiers, onnx_cases_ml.linear_models, onnx_cases_ml.support_vectors,
]


def runtime(case):
    """ONNX Runtime's answers, or none where it does not take the model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=["CPUExecutionProvider"])
        inputs = {k: v.astype(object) if v.dtype.kind == "U" else v for k, v in case.inputs.items()}
        return session.run(None, inputs)
    except Exception as error:  # the runtime has many kinds
        if os.environ.get("PRIVET_SHOW"):
            print("runtime:", case, str(error).replace("\n", " ")[:300])
        return None


def ask(program, case, path):
    path.write_bytes(case.model().SerializeToString())
    inputs = {k: carried(v) for k, v in case.inputs.items()}
    program.stdin.write(json.dumps({"model": str(path), "whole": not case.rows, "inputs": inputs}) + "\n")
    program.stdin.flush()
    return json.loads(program.stdout.readline())


def carried(value):
    if value.dtype.kind == "U":
        return value.ravel().tolist()
    return np.ascontiguousarray(value).astype(np.float64).view(np.uint64).ravel().tolist()


def wrong(case, expected, answer):
    for i, want in enumerate(expected):
        got = answer["outputs"].get(f"y{i}")
        want = np.asarray(want)
        rows = [answer["rows"]] if case.rows else []
        if got is None or list(want.shape) != rows + got["dims"]:
            return f"output {i} has the shape {got and rows + got['dims']}, expected {want.shape}"
        if want.dtype.kind in "OU":
            if got["text"] != want.ravel().tolist():
                return f"output {i} is {got['text']}, expected {want.ravel().tolist()}"
            continue
        values = np.array(got["bits"], dtype=np.uint64).view(np.float64)
        want = want.astype(np.float64).ravel()
        rtol, atol = (0, 0) if np.asarray(expected[i]).dtype.kind in "iub" else (2e-4, 2e-5)
        if case.attributes.get("post_transform") == "PROBIT":
            # The runtime has a short formula for it.
            rtol, atol = 1e-2, 1e-2
        if not np.allclose(values, want, rtol=rtol, atol=atol, equal_nan=True):
            return f"output {i} is {values[:8].tolist()}, expected {want[:8].tolist()}"
    return None


def judged(program, case, path):
    expected = runtime(case)
    if expected is None:
        return "not judged", "the runtime does not take it"
    answer = ask(program, case, path)
    if "error" in answer:
        return "refused", answer["error"]
    problem = wrong(case, expected, answer)
    return ("wrong", problem) if problem else ("right", None)


def test_no_answer_differs_from_the_runtime(tmp_path, capsys):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built: `cargo build --release -p privet-deploy --examples`")
    program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counts, refused, wrongs = collections.Counter(), collections.Counter(), []
    for seed in range(SEED, SEED + ROUNDS):
        for family in FAMILIES:
            for case in family(Draw(f"{seed} {family.__name__}")):
                result, why = judged(program, case, tmp_path / "model.onnx")
                counts[result] += 1
                if result == "refused":
                    refused[f"{case.op}: {re.sub(r'[-0-9.]+', 'N', why)[:110]}"] += 1
                if result == "wrong":
                    wrongs.append(f"{case}: {why}")
    program.stdin.close()
    program.wait(timeout=10)
    with capsys.disabled():
        print(f"\nattributes, seed {SEED}: {dict(counts)}")
        for why, count in sorted(refused.items()):
            print(f"  refused {count}: {why}")
    assert not wrongs, f"{len(wrongs)} differ; the first:\n" + "\n".join(wrongs[:20])
    assert counts["right"] > 1500
