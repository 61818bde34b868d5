"""The same SQL on a real cluster on this machine: a scheduler and two workers, each a process of its own."""

import contextlib
import socket
import subprocess
import time

import pytest
from compare import compare

from program import BINARY, built, credit, featurise

pytestmark = built
START = 60.0


def free_port(pair=False):
    """A port that nobody has; with `pair`, the one after it is free as well."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                if pair:
                    other.bind(("127.0.0.1", port + 1))
                return port


def wait_for(port, process):
    """Until somebody listens."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        assert process.poll() is None, f"exit {process.returncode}: {process.stderr.read().decode()}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port} after {START} s")


@contextlib.contextmanager
def running(*args):
    with subprocess.Popen([BINARY, "cluster", *map(str, args)], stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The scheduler's address, and the two workers."""
    port = free_port()
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(running("scheduler", "--listen", f"127.0.0.1:{port}"))
        wait_for(port, scheduler)
        workers = []
        for number in (1, 2):
            listen, scratch = free_port(pair=True), tmp_path_factory.mktemp(f"worker-{number}")
            words = ["--scheduler", f"127.0.0.1:{port}", "--listen", f"127.0.0.1:{listen}", "--scratch", scratch]
            worker = stack.enter_context(running("worker", *words, "--threads", 1))
            wait_for(listen, worker)
            workers.append((worker, scratch))
        yield f"127.0.0.1:{port}", workers


def test_a_cluster_gives_the_same_features_row_for_row(cluster, generated, tmp_path):
    address, workers = cluster
    found = featurise(generated.folder, tmp_path, "--engine", f"ballista://{address}")
    report = compare(found.features, generated.run.features)
    assert report.agrees, report
    assert found.preparation["levels"] == generated.run.preparation["levels"]
    assert found.facts["warnings"] == generated.run.facts["warnings"]
    # Each worker kept intermediate results, so each had a part in it.
    for worker, scratch in workers:
        assert worker.poll() is None
        assert any(scratch.rglob("*.arrow")), f"a worker did nothing: {list(scratch.rglob('*'))[:5]}"


def test_a_scheduler_that_is_not_there_is_told_at_once(generated, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    words = ["--tables", generated.folder, "--out", tmp_path / "f.parquet", "--engine", f"ballista://{address}"]
    done = credit("features", *words)
    assert done.code == 4 and address in done.err and "scheduler" in done.err, done
    assert not (tmp_path / "f.parquet").exists()
