"""The container image: the same bytes every time, read by other tools, and run by a real runtime as nobody in particular."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import numpy as np
import pytest

import judge
from containers import Container, Names, etc, owned, unpacked
from support import MODELS, ROOT, ok
from machines import free_ports

IMAGE = ROOT / "deploy/container/image.py"
STATIC = pathlib.Path(os.environ.get("PRIVET_STATIC", ROOT / "target/x86_64-unknown-linux-gnu/dist/privet"))
NAMES = ["bank-a", "bank-b", "auditor"]
LINEAR, PROGRAM = MODELS / "lr-uci", MODELS / "mlp-sklearn"


def need(*commands):
    missing = [command for command in commands if not shutil.which(command)]
    if missing:
        pytest.skip(f"SKIPPED: install {', '.join(missing)} (Debian has them by these names)")


def static():
    if not STATIC.is_file():
        pytest.skip("SKIPPED: build the static program with `tools/build-static`, or name it by PRIVET_STATIC")
    return STATIC


def made(out):
    done = subprocess.run([sys.executable, IMAGE, static(), out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return made(tmp_path_factory.mktemp("image") / "privet.tar")


@pytest.fixture(scope="module")
def bundle(image, tmp_path_factory):
    """Unpacked, for the runtime."""
    need("crun", "skopeo", "umoci")
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: only root can run containers here")
    return unpacked(image, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="module")
def names():
    server = Names()
    yield server
    server.close()


@pytest.fixture
def run(bundle, tmp_path):
    started = []

    def start(name, args, mounts):
        started.append(Container(bundle, name, tmp_path / f"container-{name}", args, mounts))
        return started[-1]

    yield start
    for container in started:
        container.kill()


def test_the_image_is_the_same_every_time_and_holds_one_program(image, tmp_path):
    assert made(tmp_path / "again.tar").read_bytes() == image.read_bytes()
    with tarfile.open(image) as tar:
        manifest = json.load(tar.extractfile(blob(json.load(tar.extractfile("index.json"))["manifests"][0])))
        [layer] = manifest["layers"]
        with tarfile.open(fileobj=tar.extractfile(blob(layer))) as files:
            entries = {entry.name: entry for entry in files}
            program = files.extractfile("privet").read()
    assert set(entries) == {"etc", "etc/group", "etc/nsswitch.conf", "etc/passwd", "privet"} and entries["privet"].mode == 0o755
    assert program == STATIC.read_bytes()


def blob(descriptor):
    return "blobs/" + descriptor["digest"].replace(":", "/")


def test_a_program_that_needs_a_loader_is_refused(tmp_path):
    done = subprocess.run([sys.executable, IMAGE, sys.executable, tmp_path / "no.tar"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "dynamic loader" in done.stderr and not (tmp_path / "no.tar").exists()


def test_other_tools_read_it(image):
    need("skopeo")
    done = subprocess.run(["skopeo", "inspect", "--config", f"oci-archive:{image}"], capture_output=True, text=True, check=True)
    config = json.loads(done.stdout)
    assert config["config"]["User"] == "65532:65532" and config["config"]["Entrypoint"] == ["/privet"]
    # Read as a whole, with every digest compared.
    subprocess.run(["skopeo", "copy", "--quiet", f"oci-archive:{image}", f"dir:{image.parent}/dir"], check=True)


def test_the_containerfile_gives_the_same_files(bundle, tmp_path):
    need("buildah")
    context = tmp_path / "context"
    shutil.copytree(ROOT / "deploy/container", context)
    shutil.copy(static(), context / "privet")
    (context / "privet").chmod(0o755)
    buildah = ["buildah", "--root", tmp_path / "root", "--runroot", tmp_path / "runroot", "--storage-driver", "vfs"]
    archive = tmp_path / "built.tar"
    subprocess.run([*buildah, "build", "--isolation", "chroot", "--quiet", "--tag", "privet:latest", context], check=True, capture_output=True)
    subprocess.run([*buildah, "push", "--quiet", "privet:latest", f"oci-archive:{archive}:privet:latest"], check=True, capture_output=True)
    other = unpacked(archive, tmp_path / "other")
    assert content(other / "rootfs") == content(bundle / "rootfs")
    ours, theirs = (json.loads((b / "config.json").read_text())["process"] for b in (bundle, other))
    assert ours["args"] == theirs["args"] and ours["user"] == theirs["user"] and ours["cwd"] == theirs["cwd"]


def content(root):
    # An engine's own folders for mounts are empty, and are none of the image's.
    return {str(f.relative_to(root)): hashlib.sha256(f.read_bytes()).hexdigest() for f in root.rglob("*") if f.is_file()}


def test_three_parties_and_a_client_in_containers_by_names(run, names, tmp_path):
    """Another user, no capability, a read-only root, and names that only the name server knows."""
    ports = free_ports(3)
    lines = [ok("keygen", "--name", name, "--out", tmp_path / f"{name}.key").text.strip() for name in NAMES]
    roles = [w for name, line, port in zip(NAMES, lines, ports) for w in ("--party", line, "--url", f"https://{name}.test:{port}")]
    out = tmp_path / "bundle"
    ok("bundle", PROGRAM / "model.onnx", "--kind", "mpc", "--rows", PROGRAM / "rows.npz", "--accuracy", "1e-2", *roles, "--out", out)
    common, parties = etc(tmp_path / "etc", names), []
    for n, name in enumerate(NAMES):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "party.toml").write_text(as_deployed(name, dict(zip(NAMES, ports))))
        shutil.copy(tmp_path / f"{name}.key", folder / "machine.key")
        shutil.copy(out / f"party-{n}.bundle", folder / "party.bundle")
        mounts = common | {"/etc/privet": (owned(folder), "ro")}
        parties.append(run(name, ["serve", "party", "--config", "/etc/privet/party.toml"], mounts))
    for party in parties:
        party.ready()
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(out / "deployment.toml", work)
    shutil.copy(PROGRAM / "rows.npz", work)
    words = ["predict", "--to", "/work/deployment.toml", "/work/rows.npz", "-o", "/work/answers.npz", "--json"]
    client = run("client", words, common | {"/work": (owned(work), "rw")})
    assert client.wait() == 0, client.text() + "".join(party.text() for party in parties)
    facts = json.loads(next(said for said in client.text().splitlines() if said.startswith("{")))
    fixture = judge.fixture("models/mlp-sklearn")
    judge.compare(fixture.name, dict(np.load(work / "answers.npz")), fixture.expected, facts["bound"])
    assert {f"{name}.test" for name in NAMES} <= names.asked
    assert [party.stop() for party in parties] == [0, 0, 0], "SIGTERM to the first process is an orderly end"


def as_deployed(name, ports):
    """The configuration of the Kubernetes overlay, with this machine's ports and names."""
    text = (ROOT / f"deploy/kubernetes/overlays/{name}/party.toml").read_text()
    text = text.replace('listen = "0.0.0.0:7101"', f'listen = "127.0.0.1:{ports[name]}"')
    for other, port in ports.items():
        text = text.replace(f"{other}.example:7101", f"{other}.test:{port}")
    assert ".example" not in text
    return text


def test_the_enclaves_program_starts_from_the_image(run, names, tmp_path):
    """It is embedded, put into sealed memory and run from there (SIMULATED), with nothing to write to but one folder."""
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(LINEAR / "model.onnx", work)
    mounts = etc(tmp_path / "etc", names) | {"/work": (owned(work), "rw")}
    up = run("up", ["up", "tee", "/work/model.onnx", "--dir", "/work/run"], mounts).ready()
    answers = tmp_path / "answers.npz"
    ok("predict", "--to", work / "run/deployment.toml", LINEAR / "rows.npz", "-o", answers, "--dangerous-accept-simulated")
    fixture = judge.fixture("models/lr-uci")
    judge.compare(fixture.name, dict(np.load(answers)), fixture.expected)
    assert up.stop() == 0, up.text()


def test_the_static_program_is_of_this_version():
    version = subprocess.run([static(), "--version"], capture_output=True, text=True, check=True).stdout
    assert version == ok("--version").text
