"""What is handed out: what it is made of, what was audited, and the artefacts themselves."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from support import MODELS, ROOT
from test_container import static

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
TARGET = "x86_64-unknown-linux-gnu"


def tool(name, *args, env=None):
    command = [ROOT / "tools" / name, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | (env or {}), cwd="/", check=False)


def test_the_audit_passes_and_says_what_it_did_not_check():
    done = tool("audit")
    assert done.returncode == 0, done.stderr
    assert "advisories: NOT CHECKED" in done.stdout and done.stdout.splitlines()[-1].startswith("0 problems in ")


ADVISORY = '```toml\n[advisory]\nid = "{ident}"\npackage = "{package}"\ndate = "2030-01-01"\n{more}\n[versions]\npatched = [{patched}]\n```\n\n# {title}\n'


def advisory(folder, ident, package, patched, title, more=""):
    file = folder / "crates" / package / f"{ident}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(ADVISORY.format(ident=ident, package=package, patched=patched, title=title, more=more))


def locked(package):
    return next(p["version"] for p in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"] if p["name"] == package)


def test_advisories_are_matched_by_version(tmp_path):
    assert tool("audit", "--advisories", tmp_path).returncode == 1, "a folder that is no database is no clean bill"
    rustls = locked("rustls")
    advisory(tmp_path, "RUSTSEC-2030-0001", "rustls", '">= 999"', "It answers everyone")
    advisory(tmp_path, "RUSTSEC-2030-0002", "rustls", f'">= {rustls}"', "Repaired in what is locked")
    advisory(tmp_path, "RUSTSEC-2030-0003", "rustls", '">= 999"', "Taken back", more='withdrawn = "2030-02-02"')
    advisory(tmp_path, "RUSTSEC-2030-0004", "not-of-ours", "", "Somebody else's")
    done = tool("audit", "--advisories", tmp_path)
    assert done.returncode == 1 and done.stderr.splitlines() == [
        f"advisory: RUSTSEC-2030-0001 concerns `rustls` {rustls}: It answers everyone"
    ], done
    assert "NOT CHECKED" not in done.stdout


REQUIREMENTS = [
    (">= 1.2", "1.2.0", True),
    (">= 1.2", "1.10.0", True),
    (">= 1.2.0", "1.2.0-rc.1", False),
    ("> 1.2.3, < 1.4", "1.3.9", True),
    ("> 1.2.3, < 1.4", "1.4.0", False),
    ("^1.2", "1.9.9", True),
    ("^1.2", "2.0.0", False),
    ("^0.3.1", "0.4.0", False),
    ("^0.0.3", "0.0.4", False),
    ("0.0", "0.0.5", True),
    ("~1.2", "1.3.0", False),
    ("~1", "1.9.0", True),
    ("= 1.2", "1.2.7", True),
    ("< 0.7.0-alpha.2", "0.7.0-alpha.1", True),
    ("*", "0.0.1", True),
]


@pytest.mark.parametrize(("requirement", "version", "fits"), REQUIREMENTS)
def test_requirements_are_read_as_cargo_reads_them(monkeypatch, requirement, version, fits):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import advisories

    assert advisories.matches(requirement, version) == fits


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("(GPL-3.0-only OR MIT) AND ISC", True),
        ("MIT AND GPL-3.0-only OR ISC", True),
        ("Apache-2.0 WITH LLVM-exception", False),
    ],
)
def test_licence_expressions_are_read(monkeypatch, expression, fits):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import spdx

    assert spdx.allowed(expression, ["MIT", "ISC", "Apache-2.0"]) == fits


def test_a_licence_that_is_not_allowed_is_found(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/lib.rs").write_text("")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "taken"\nversion = "1.0.0"\nedition = "2024"\nlicense = "GPL-3.0-only"\n')
    (tmp_path / "Cargo.lock").write_text('version = 4\n\n[[package]]\nname = "taken"\nversion = "1.0.0"\n')
    done = tool("audit", "--manifest-path", tmp_path / "Cargo.toml")
    assert done.returncode == 1 and "`taken` 1.0.0 is under `GPL-3.0-only`" in done.stderr, done


def test_the_bill_of_materials_is_valid_the_same_and_complete(tmp_path):
    assert tool("sbom", tmp_path / "one.json", env={"SOURCE_DATE_EPOCH": "0"}).returncode == 0
    assert tool("sbom", tmp_path / "two.json", env={"SOURCE_DATE_EPOCH": "0"}).returncode == 0
    text = (tmp_path / "one.json").read_text()
    assert text == (tmp_path / "two.json").read_text() and str(ROOT) not in text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    required = {(c["name"], c.get("version")) for c in bom["components"] if c["scope"] == "required"}
    assert required >= {("@noble/hashes", "2.4.0")} and {"glibc", "rust-std"} <= {name for name, _ in required}
    # Cargo's own list of what runs in the program.
    tree = ["cargo", "tree", "--locked", "-p", "privet-cli", "-e", "normal,no-proc-macro", "--target", TARGET, "--prefix", "none", "-f", "{p}"]
    told = subprocess.run(tree, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    runs = {(name, version) for name, version in re.findall(r"^(\S+) v(\S+)", told, re.MULTILINE)}
    assert len(runs) > 100 and runs <= required, runs - required


def test_every_version_is_the_same():
    kustomization = yaml.safe_load((ROOT / "deploy/kubernetes/base/kustomization.yaml").read_text())
    assert [image["newTag"] for image in kustomization["images"]] == [VERSION]
    for runtime in (ROOT / "deploy/kubernetes/kserve").glob("*/servingruntime.yaml"):
        [container] = yaml.safe_load(runtime.read_text())["spec"]["containers"]
        assert container["image"].endswith(f":{VERSION}"), runtime
    assert json.loads((ROOT / "bindings/browser/package.json").read_text())["version"] == VERSION


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """The artefacts, made twice of the same program, and signed with a key of this test."""
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release@privet", "-f", folder / "key"], check=True)
    without = ["--without", "wheel"] + ([] if (ROOT / "bindings/browser/node_modules").is_dir() else ["--without", "notices"])
    for out in ("one", "two"):
        done = tool("release", "--dirty", "--program", static(), "--sign", folder / "key", "--out", folder / out, *without)
        assert done.returncode == 0, done.stderr
        assert "SKIPPED: wheel" in done.stderr
    return folder


def test_artefacts_are_the_same_twice_and_their_digests_are_signed(signed):
    sums = (signed / "one/SHA256SUMS").read_text()
    assert sums == (signed / "two/SHA256SUMS").read_text() and len(sums.splitlines()) == 3
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=signed / "one", check=True)
    (signed / "allowed").write_text("release@privet " + (signed / "key.pub").read_text())
    verify = ["ssh-keygen", "-Y", "verify", "-f", signed / "allowed", "-I", "release@privet", "-n", "privet-release"]
    verify += ["-s", signed / "one/SHA256SUMS.sig"]
    assert subprocess.run(verify, input=sums, text=True, capture_output=True, check=False).returncode == 0
    assert subprocess.run(verify, input=sums.replace("0", "1"), text=True, capture_output=True, check=False).returncode != 0


def test_the_archive_holds_the_program_and_what_it_needs(signed, tmp_path):
    [archive] = (signed / "one").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    assert folder.name == f"privet-{VERSION}-{TARGET}" and (folder / "deploy/systemd/privet-party@.service").is_file()
    assert (folder / "privet").read_bytes() == static().read_bytes()
    done = subprocess.run([folder / "privet", "check", MODELS / "lr-uci/model.onnx"], capture_output=True, check=False)
    assert done.returncode == 0, done


def test_a_wheel_keeps_the_released_program_as_it_is():
    """It is stripped only where it has symbols, as stripping writes any file anew."""
    # Not by its name, which a package has too.
    spec = importlib.util.spec_from_file_location("wheel_of_privet", ROOT / "bindings/python/wheel.py")
    wheel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wheel)
    assert not wheel.has_symbols(static().read_bytes())
    elf = next(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).glob("release/privet"), None)
    assert elf is None or wheel.has_symbols(elf.read_bytes())


def pythons():
    """Those that are here and that the wheel is for."""
    found = {}
    places = [*filter(None, (shutil.which(f"python3.{minor}") for minor in range(10, 16)))]
    places += [str(path) for path in sorted((pathlib.Path.home() / ".pyenv/versions").glob("3.*/bin/python3"))]
    for python in [sys.executable, *places]:
        done = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True)
        version = done.stdout.strip()
        if done.returncode == 0 and tuple(map(int, version.split("."))) >= (3, 10):
            found.setdefault(version, python)
    return found


FIRST = """
import privet, numpy
rows = numpy.load({rows!r})["features"]
with privet.up("mpc", {model!r}, rows) as model:
    print(model.predict_proba(rows).shape)
"""


def test_the_wheel_works_on_every_python_that_is_here(wheel, tmp_path, line):
    tried, env = [], {name: value for name, value in os.environ.items() if name != "PRIVET_BIN"}
    for version, python in pythons().items():
        home = tmp_path / version
        subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
        pip = [sys.executable, "-m", "pip", "--python", home / "bin/python", "install", "-q", "--disable-pip-version-check", wheel]
        subprocess.run(pip, check=True)
        script = FIRST.format(rows=str(MODELS / "lr-uci/rows.npz"), model=str(MODELS / "lr-uci/model.onnx"))
        done = subprocess.run([home / "bin/python", "-c", script], capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
        assert done.returncode == 0 and done.stdout.startswith("("), f"{version}: {done}"
        tried.append(version)
    line(f"wheel: {wheel.name} works on Python {', '.join(tried)}")
    assert tried
