"""The whole story, as the first command tells it."""

import json

import pytest
from support import BINARY as PRIVET

from program import built, credit, ok, synthesise

pytestmark = built


def assert_told(folder, story):
    """Every deployment gave the trainer's own answers, within what it proved; the page is there."""
    kinds = {kind["kind"]: kind for kind in story["kinds"]}
    assert set(kinds) == {"plain", "mpc"}
    rows = story["train"]["parts"]["held-out"]["rows"]
    assert rows > 0 and all(kind["rows"] == rows for kind in kinds.values())
    assert kinds["plain"]["largest_difference"] < 1e-6
    assert 0 < kinds["mpc"]["largest_difference"] <= kinds["mpc"]["bound"] <= 1e-4
    assert kinds["mpc"]["auc"] == pytest.approx(story["train"]["parts"]["held-out"]["auc"], abs=1e-4)
    assert (folder / "model.report.html").read_text().lower().startswith("<!doctype html>")
    assert json.loads((folder / "demo.json").read_text()) == story


def test_the_demo_tells_the_whole_story(tmp_path):
    folder = tmp_path / "story"
    done = ok("demo", "--applicants", 4000, "--dir", folder, "--json")
    assert_told(folder, done.object)
    assert "generator" in done.object["source"]
    said = ok("demo", "--applicants", 4000, "--dir", folder)
    assert "$ privet-credit train" in said.err and "$ privet up mpc" in said.err, said
    assert "proven bound" in said.text and "generator" in said.text, said


def test_the_demo_on_ones_own_tables(tmp_path):
    tables = synthesise(tmp_path / "mine", 3000, "csv")
    done = ok("demo", "--tables", tables, "--dir", tmp_path / "story", "--json")
    assert_told(tmp_path / "story", done.object)
    assert done.object["synth"] is None and str(tables) in done.object["source"]


def test_a_demo_without_privet_says_how_to_build_it(tmp_path, monkeypatch):
    assert PRIVET.is_file()
    monkeypatch.setenv("PRIVET_BIN", str(tmp_path / "nowhere"))
    done = credit("demo", "--dir", tmp_path / "story")
    assert done.code == 2 and "cargo build --release" in done.err, done
