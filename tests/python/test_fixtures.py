"""Every linear model, by real processes over real TLS, against ONNX Runtime on the same file and rows."""

import numpy as np
import pytest

import judge
from support import ok, privet, refused

# Models whose plan at 1e-5, with ranges from the model alone, is too narrow for some of the fixture's own hard rows:
# they need `--rows`.
NEED_ROWS = {"linear-regression", "lr528-sklearn", "lr528-sklearn-zipmap"}

NAMES = judge.names()
PRIVATE = [name for name in NAMES if name.split("/")[1] not in judge.NOT_PRIVATE | judge.PROGRAMS]


def predicted(deployment, rows, folder):
    """All outputs for these rows, and what it cost."""
    out = folder / "answers.npz"
    done = ok("predict", "--to", deployment, rows, "-o", out, "--json")
    assert done.err == ""
    return dict(np.load(out)), done.facts


@pytest.mark.parametrize("name", NAMES)
def test_plain(name, up, tmp_path, line):
    fixture = judge.fixture(name)
    running = up("plain", fixture.model)
    rows = fixture.folder / "rows.npz"
    got, facts = predicted(running.deployment, rows, tmp_path)
    assert facts["rows"] == fixture.count and facts["bound"] is None
    report(f"plain {name}", fixture, got, 0.0, line)
    formats_agree(running.deployment, rows, got, tmp_path)
    table = fixture.folder / "rows.csv"
    if table.exists():
        from_table, _ = predicted(running.deployment, table, tmp_path)
        for output, array in got.items():
            assert np.array_equal(from_table[output], array), f"{name}: rows.csv gives another {output}"


def formats_agree(deployment, rows, got, folder):
    as_csv, as_json = folder / "answers.csv", folder / "answers.jsonl"
    ok("predict", "--to", deployment, rows, "-o", as_csv)
    ok("predict", "--to", deployment, rows, "-o", as_json)
    judge.same_table("CSV", *judge.read_csv(as_csv.read_text()), got)
    judge.same_table("JSON lines", *judge.read_json_lines(as_json.read_text()), got)


@pytest.mark.parametrize("name", PRIVATE)
def test_by_parties(name, up, tmp_path, line):
    fixture = judge.fixture(name)
    running = up("mpc", fixture.model)
    held(f"mpc {name}", fixture, running, 1e-4, tmp_path, line)


def held(what, fixture, running, accuracy, folder, line):
    """The answers are within the bound that the client was told, and that is within what was asked for."""
    rows = fixture.folder / "rows.npz"
    got, facts = predicted(running.deployment, rows, folder)
    bound = facts["bound"]
    assert 0 < bound <= accuracy and facts["bytes_between"] == 0 and facts["rounds"] == 1, facts
    report(what, fixture, got, bound, line)
    formats_agree(running.deployment, rows, got, folder)


def report(what, fixture, got, bound, line):
    judge.compare(fixture.name, got, fixture.stored, bound)
    worst, part, left_out = judge.compare(fixture.name, got, fixture.expected, bound)
    proven = f"bound {bound:.1e}, " if bound else ""
    labels = f", {left_out} labels at the boundary left out" if left_out else ""
    line(f"{what}: worst error {worst:.1e}, {proven}{part:.0%} of what is allowed{labels}")


@pytest.mark.parametrize("protect", ["both", "input", "model"])
@pytest.mark.parametrize("accuracy", ["1e-3", "1e-4", "1e-5"])
@pytest.mark.parametrize("name", ["models/lr528-keras", "models/lr-uci"])
def test_accuracy_and_protection(name, accuracy, protect, up, tmp_path, line):
    fixture = judge.fixture(name)
    options = ["--accuracy", accuracy, "--protect", protect]
    running = up("mpc", fixture.model, *options, *rows_if_needed(fixture, accuracy))
    held(f"mpc {name} --protect {protect} --accuracy {accuracy}", fixture, running, float(accuracy), tmp_path, line)


def rows_if_needed(fixture, accuracy):
    return ["--rows", fixture.folder / "rows.npz"] if accuracy == "1e-5" and fixture.name in NEED_ROWS else []


@pytest.mark.parametrize("name", PRIVATE)
def test_finest_accuracy(name, up, tmp_path, line):
    """A plan from the model alone takes the rows or refuses them by name; one from the rows always takes them."""
    fixture = judge.fixture(name)
    options = ["--accuracy", "1e-5"]
    running = up("mpc", fixture.model, *options)
    done = privet("predict", "--to", running.deployment, fixture.folder / "rows.npz", "-o", tmp_path / "first.npz")
    needed = done.code == 3
    assert needed == (fixture.name in NEED_ROWS), done
    if needed:
        assert done.err.startswith("E105 Row "), done
        running.stop()
        options += rows_if_needed(fixture, "1e-5")
        running = up("mpc", fixture.model, *options)
    held(f"mpc {name} {' '.join(map(str, options[:3]))}", fixture, running, 1e-5, tmp_path, line)


@pytest.mark.parametrize("name", [name for name in NAMES if name.split("/")[1] in judge.NOT_PRIVATE])
def test_what_no_private_kind_can_run(name, tmp_path):
    fixture = judge.fixture(name)
    folder = tmp_path / "run"
    refused(3, "up", "mpc", fixture.model, "--dir", folder, names=["E212", "Normalizer"])
    assert not folder.exists()
