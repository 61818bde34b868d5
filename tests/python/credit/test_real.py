"""Real applicants, on machines that have them: five folds of the application table, against scikit-learn and against
what was measured before this program existed. PRIVET_HOME_CREDIT names the folder; no row is kept."""

import sys

import pytest
from support import ROOT

import program

sys.path.append(str(ROOT / "bench/credit"))

import real  # noqa: E402

pytestmark = program.built


@pytest.fixture(scope="module")
def found(tmp_path_factory, pytestconfig):
    if not real.there(program.HOME_CREDIT):
        leave_out("no real applicants here; PRIVET_HOME_CREDIT names the folder that has them", pytestconfig)
    return real.measured(program.BINARY, program.HOME_CREDIT, tmp_path_factory.mktemp("real"))


def leave_out(reason, pytestconfig):
    with pytestconfig.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print(f"\nSKIPPED {reason}")
    pytest.skip(reason)


def test_the_ranking_is_as_good_as_measured_before(found):
    assert found["rows"] == 48_950 and found["columns"] == 129 and len(found["folds"]) == 5
    assert found["mean"]["ours"]["auc"] == pytest.approx(real.ANCHOR_AUC, abs=0.01)


def test_every_fold_is_within_0_002_of_scikit_learn(found):
    for fold in found["folds"]:
        assert fold["ours"]["auc"] == pytest.approx(fold["scikit_learn"]["auc"], abs=0.002)
        assert fold["ours"]["log_loss"] == pytest.approx(fold["scikit_learn"]["log_loss"], abs=1e-3)


def test_the_set_up_of_2019_gives_its_numbers(found):
    """Within what another fifth and another random start make of them (0.71 to 0.74 in AUC); ours starts at 0."""
    ours, then = found["mean"]["of_2019"], real.ANCHOR_2019
    assert ours["auc"] == pytest.approx(then["auc"], abs=0.02)
    assert ours["log_loss"] == pytest.approx(then["log_loss"], abs=0.005)
    assert ours["accuracy"] == pytest.approx(then["accuracy"], abs=0.005)


def test_accuracy_is_that_of_always_repays(found):
    """As it was in 2019: a figure that says nothing, and that the report therefore never shows alone."""
    for fold in found["folds"]:
        for name, one in fold.items():
            assert one["accuracy"] == pytest.approx(one["always_repays"], abs=1e-3), name
