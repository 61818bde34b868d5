"""The browser's client: its types, its own tests (golden vectors among them), and that what is served is what its sources build."""

import pathlib
import shutil
import subprocess

import pytest

from support import ROOT

SOURCES = ROOT / "bindings/browser"
pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="SKIPPED: npm is not installed")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy with its packages installed, so that the sources stay as they are."""
    folder = tmp_path_factory.mktemp("browser") / "bindings/browser"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules", "build"))
    golden = "crates/deploy/tests/golden"
    shutil.copytree(ROOT / golden, folder.parents[1] / golden)
    npm(folder, "ci", "--no-audit", "--no-fund")
    return folder


def npm(folder, *arguments):
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def test_its_own_tests_pass(project):
    npm(project, "run", "check")
    said = npm(project, "test")
    assert "# fail 0" in said and "# skipped 0" in said, said[-2000:]
    assert int(said.split("# pass ")[1].split()[0]) > 50, said[-500:]


def test_what_is_served_is_what_the_sources_build(project):
    npm(project, "run", "build")
    for name in ("privet.js", "page.js"):
        built = (project / "dist" / name).read_bytes()
        assert built == (SOURCES / "dist" / name).read_bytes(), f"`npm run build` in bindings/browser makes another {name}"


def test_nothing_is_fetched_or_evaluated():
    for name in ("privet.js", "page.js"):
        text = (SOURCES / "dist" / name).read_text()
        for word in ("eval(", "new Function", "import(", "innerHTML", "document.write", "</script"):
            assert word not in text, (name, word)
    assert pathlib.Path(SOURCES / "package-lock.json").read_text().count("resolved") == 0
