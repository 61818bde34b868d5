"""Deployments for the tests, and the lines that a run ends with."""

import os
import pathlib
import subprocess
import sys

import pytest

from machines import trio
from support import BINARY, ROOT, Gateway, Up, deployment, ok

# Its client would do things of its own in a process that is about to become another program.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

LINES = []


def pytest_sessionstart(session):
    if not BINARY.is_file():
        pytest.exit(f"`{BINARY}` is not there. Build it with `cargo build --release`, or set PRIVET_BIN.", 2)


def pytest_terminal_summary(terminalreporter):
    if LINES:
        terminalreporter.section("worst error of each model, and the bound that it was held to")
        for line in LINES:
            terminalreporter.write_line(line)


@pytest.fixture
def line():
    """Adds a line to the end of the report."""
    return LINES.append


@pytest.fixture
def up(tmp_path):
    """Starts deployments; at the end each is told to stop, and nothing of it may be left."""
    started = []

    def start(kind, model, *args):
        folder = tmp_path / f"up-{len(started)}"
        folder.mkdir()
        running = Up(folder, kind, model, *args)
        started.append(running)
        return running.ready()

    yield start
    stop_all(started)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The same for a whole file of tests that do no harm to their deployment; asking twice gives the same one."""
    started = {}

    def start(kind, model, *args):
        key = (kind, str(model), *map(str, args))
        if key not in started:
            started[key] = Up(tmp_path_factory.mktemp("up"), *key).ready()
        return started[key]

    yield start
    stop_all(started.values())


@pytest.fixture
def parties(tmp_path):
    """Three operators' machines; what they serve is ended."""
    machines = trio(tmp_path)
    yield machines
    for machine in machines:
        machine.end()


@pytest.fixture
def gateway(tmp_path):
    """Starts gateways; at the end each is told to stop."""
    started = []

    def start(running, *args):
        simulated = ["--dangerous-accept-simulated"] if deployment(running.deployment)["kind"] == "tee" else []
        started.append(Gateway(running.deployment, tmp_path / f"gateway-{len(started)}.log", *simulated, *args))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            assert one.end() == 0, one.log.read_text()


@pytest.fixture(scope="session")
def wheel():
    """The wheel: built here, or the one that `PRIVET_WHEEL` names."""
    if given := os.environ.get("PRIVET_WHEEL"):
        return pathlib.Path(given)
    build = [sys.executable, ROOT / "bindings/python/wheel.py", BINARY]
    done = subprocess.run(build, capture_output=True, text=True, timeout=1800, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return pathlib.Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def privet(wheel, tmp_path_factory):
    """The package, imported from where the wheel was unpacked."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", folder]
    subprocess.run([*install, wheel], check=True)
    sys.path.insert(0, str(folder))
    import privet

    assert pathlib.Path(privet.__file__).is_relative_to(folder)
    yield privet
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The public lines of three machines."""
    folder = tmp_path_factory.mktemp("keys")
    return [ok("keygen", "--name", name, "--out", folder / name).text.strip() for name in ("a", "b", "c")]


def stop_all(started):
    problems = []
    for running in started:
        if running.process.poll() is not None:
            continue
        try:
            running.stop()
        except AssertionError as problem:
            running.kill()
            problems.append(str(problem))
    assert not problems, problems
