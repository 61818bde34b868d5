"""Three parties of which one may cheat, as processes: right answers, and what they say of themselves."""

import pytest

from dealer2_support import TREE, UCI, predicted
from support import MODELS, refused

CHECKED = ["--protocol", "replicated3-malicious"]
PROBABILITY = ["--reveal", "probability"]


@pytest.mark.parametrize("model, options", [(UCI, []), (UCI, PROBABILITY), (MODELS / "mlp-keras", []), (TREE, [])])
def test_answers_are_those_of_onnx_runtime(model, options, up, tmp_path):
    running = up("mpc", model / "model.onnx", *CHECKED, *options, "--rows", model / "rows.npz")
    talks = model != UCI or bool(options)
    for count in (1, 3, 64):
        facts = predicted(running.deployment, model, count, tmp_path)
        assert facts["rows"] == count and facts["assurance"] == "no two parties collude; cheats are found out"
        assert (facts["rounds"] > 1, facts["bytes_between"] > 0) == (talks, talks), facts


@pytest.mark.parametrize("protect", ["input", "model"])
def test_what_it_does_not_hide_is_refused(protect, tmp_path):
    what = ["up", "mpc", "--dir", tmp_path / "run", UCI / "model.onnx", *CHECKED, "--protect", protect]
    refused(3, *what, names=["E235", "`replicated3-malicious`", "`both`", "`replicated3`"])
    assert not (tmp_path / "run").exists()
