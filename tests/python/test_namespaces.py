"""Faults of machines and of the networks between them, done to real roles in namespaces of their own.

While a fault lasts, whoever asks gets the right answer or a typed error that says whom it concerns, within the deadline. Once it is over, new
and old clients are answered again within two seconds. Whom the fault does not concern is answered throughout.
"""

import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import numpy as np
import pytest

from apart import DEADLINE, PORT, SOON, World
from namespaces import require
from support import MODELS, ROOT, privet

WORLDS = {
    "linear": {},
    "program": {"model": "mlp-sklearn", "accuracy": "1e-3"},
    "dealer": {"model": "decision-tree-classifier", "protocol": "dealer2"},
    "malicious": {"protocol": "replicated3-malicious", "reveal": "probability"},
}
TALKING = ["program", "malicious"]


@pytest.fixture(scope="module", params=WORLDS)
def lasting(request, tmp_path_factory):
    """Serves for all tests of this file that ask for it."""
    require()
    world = World(tmp_path_factory.mktemp(request.param), **WORLDS[request.param])
    world.kind = request.param
    yield world
    world.close()


@pytest.fixture
def world(lasting):
    yield lasting
    lasting.heal()


@pytest.fixture
def fresh(tmp_path):
    """Starts a world for one test alone."""
    require()
    started = []

    def start(kind):
        started.append(World(tmp_path, **WORLDS[kind]))
        return started[-1]

    yield start
    [one.close() for one in started]


def concerns(said, *parties):
    """Whether an error is a refusal of a call that says which of these parties it is about."""
    names = [word for p in parties for word in (p.name, f"party {p.number}", p.host.name, p.host.address)]
    return re.match(r"E3\d\d ", said) and any(name in said for name in names)


def is_typed(said):
    return re.match(r"E3\d\d ", said)


@contextlib.contextmanager
def answered_throughout(world):
    """The other machine's client is answered rightly all the time."""
    over, said, count = threading.Event(), [], [0]

    def ask():
        while not over.is_set():
            try:
                said.append(world.ask(world.other))
            except Exception as problem:
                said.append(problem)
            count[0] += 1
            over.wait(0.05)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    problems = [one for one in said if one is not None]
    assert not problems and count[0] > 3, (problems[:3], count)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_party_that_was_killed(number, world, line):
    victim = world.parties[number]
    assert world.ask() is None
    victim.kill()
    if victim.command == "dealer":
        # What it dealt ahead lasts for a while.
        assert all(said is None or is_typed(said) for said in (world.ask(), world.predict()))
    else:
        for said in (world.ask(), world.predict()):
            assert said and concerns(said, victim), said
    victim.serve()
    line(f"{world.kind}: answers {world.until_answered():.2f} s after {victim.name} was back from a kill")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_party_that_hangs(number, world, line):
    victim = world.parties[number]
    assert world.ask() is None
    victim.hang()
    for said in (world.ask(), world.predict()):
        assert said is None and victim.command == "dealer" or said and is_typed(said), said
        assert victim.command == "dealer" or concerns(said, *world.parties), said
    victim.signal(signal.SIGCONT)
    line(f"{world.kind}: answers {world.until_answered():.2f} s after {victim.name} went on")


@pytest.mark.parametrize("direction", ["to it", "from it"])
def test_a_way_between_a_client_and_a_party_is_cut_in_one_direction(direction, world, line):
    victim = world.parties[1]
    ends = (world.client, victim.host) if direction == "to it" else (victim.host, world.client)
    assert world.ask() is None
    with answered_throughout(world):
        world.switch.set(*ends, cut=True)
        for said in (world.ask(), world.predict()):
            assert said and concerns(said, victim), said
        world.switch.clear()
        line(f"{world.kind}: answers {world.until_answered():.2f} s after the way {direction} was whole")


@pytest.mark.parametrize("ends", [(0, 1), (1, 0), (2, 1)])
def test_a_way_between_parties_is_cut_in_one_direction(ends, world, line):
    source, target = (world.parties[n] for n in ends)
    assert world.ask() is None
    world.switch.set(source.host, target.host, cut=True)
    if world.kind in TALKING:
        # Until it is noticed that a party says nothing any more, whoever waits for it is named, or the one that waits.
        start = time.monotonic()
        while not ((said := world.ask()) and concerns(said, source, target)):
            assert said is None or is_typed(said), said
            assert time.monotonic() - start < 3 * DEADLINE, said
        assert is_typed(world.predict())
    else:
        # A linear model's parties have nothing to say to each other; a dealer's tapes last for a while.
        assert all(said is None or is_typed(said) for said in (world.ask(), world.predict()))
    world.switch.clear()
    line(f"{world.kind}: answers {world.until_answered():.2f} s after the way from {source.name} to {target.name} was whole")


def everywhere(world, **way):
    """The same way between all machines but the other client's."""
    hosts = [*(p.host for p in world.parties), world.client]
    for one in hosts:
        for other in hosts:
            if one is not other:
                world.switch.set(one, other, **way)


def asked(world, times):
    """How often an answer came; all others were refused in words."""
    said = [one for _ in range(times) for one in (world.ask(), world.predict())]
    assert all(one is None or is_typed(one) for one in said), said
    return said.count(None)


def test_far_away(world):
    everywhere(world, delay=0.02)
    assert asked(world, 5) == 10


def test_a_thin_line(world):
    everywhere(world, delay=0.005, rate=500_000)
    assert asked(world, 5) >= 9


def test_packets_are_lost(world):
    everywhere(world, delay=0.002, loss=0.03)
    assert asked(world, 10) >= 15


def test_packets_overtake_each_other(world):
    everywhere(world, delay=0.002, jitter=0.02)
    assert asked(world, 5) == 10


def test_one_party_is_slow_and_nobody_is_held_up_by_those_that_wait_for_it(world):
    """A client with a bad line to one party does not hold up another one."""
    with answered_throughout(world):
        world.switch.between(world.client, world.parties[2].host, delay=0.4)
        assert asked(world, 2) >= 2


def test_nothing_that_crosses_can_be_read(world):
    """Of all packets: no number of a row, no name of an output, and nothing but TLS."""
    world.switch.seen, world.switch.keeping = bytearray(), True
    try:
        assert world.ask() is None and world.predict() is None
    finally:
        world.switch.keeping = False
    seen = bytes(world.switch.seen)
    assert len(seen) > 5000
    numbers = {np.float32(x).tobytes() for rows in world.rows.values() for x in rows.ravel() if abs(x) > 1000}
    words = {name.encode() for name in (*world.expected, *world.rows)} | {b"inference", b"POST", b"HTTP", b"bundle", b"bank-a"}
    assert len(numbers) > 10 or world.kind == "dealer"
    assert not [what for what in numbers | words if what in seen]


# Clocks.


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """Builds what shifts a process' clock; gives the environment for it and the file that holds the shift."""
    folder = tmp_path_factory.mktemp("clock")
    library = folder / "clock_shift.so"
    source = ROOT / "tests/python/clock_shift.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl", "-lm"], check=True)
    file = folder / "shift"
    file.write_bytes(struct.pack("d", 0.0))
    return os.environ | {"LD_PRELOAD": str(library), "SHIFT_FILE": str(file)}, file


YEARS = 365 * 86400.0


def test_the_clock_of_a_party_is_wrong_and_jumps(world, clock):
    env, file = clock
    shifted = subprocess.run(["date", "+%s"], env=env, capture_output=True, check=True)
    victim = world.parties[1]
    victim.role.end()
    for start in (-10 * YEARS, 10 * YEARS):
        set_shift(file, start)
        victim.serve(env=env)
        world.until_answered()
        for jump in (start + 3600, start - 3600, start - 86400, 0.0):
            set_shift(file, jump)
            assert world.ask() is None and world.predict() is None, jump
        assert victim.role.end() == 0
    set_shift(file, 0.0)
    victim.serve()
    assert abs(int(shifted.stdout) - time.time()) < 60


def test_a_client_whose_clock_is_wrong_believes_no_evidence_of_another_time(up, clock, tmp_path):
    """An enclave's evidence says when it was made; the policy of `privet up tee` takes five minutes, and nothing of the future."""
    env, file = clock
    running = up("tee", MODELS / "lr-uci/model.onnx")
    order = ["--to", running.deployment, MODELS / "lr-uci/rows.npz", "-o", tmp_path / "out.npz", "--dangerous-accept-simulated"]
    for shift, right in [(0, True), (200, True), (-200, False), (900, False), (-900, False), (10 * YEARS, False), (-10 * YEARS, False)]:
        set_shift(file, shift)
        done = privet("predict", *order, env=env)
        assert (done.code == 0) == right, (shift, done)
        assert right or done.code == 3 and "E362" in done.err and "nothing was sent" in done.err, (shift, done)


def set_shift(file, seconds):
    # In place: the process has it mapped.
    with open(file, "r+b") as out:
        out.write(struct.pack("d", seconds))


# Room on the disk, and open files.


@contextlib.contextmanager
def disk(folder):
    """A disk of a megabyte."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"NO SMALL DISK: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def small_disk(tmp_path):
    with disk(tmp_path / "small") as folder:
        yield folder


@pytest.fixture
def small_disks(tmp_path):
    """One for each server: a pool takes what room there is, and would leave none to another one's."""
    with disk(tmp_path / "first") as first, disk(tmp_path / "second") as second:
        yield [first, second]


def test_no_room_for_a_pool_is_said_and_answers_go_on(fresh, small_disks):
    world = fresh("dealer")
    for party, folder in zip(world.parties[1:], small_disks):
        party.role.end()
        party.serve(more=f'pool_folder = "{folder}"')
    fillings = [folder / "filling" for folder in small_disks]
    for filling in fillings:
        with contextlib.suppress(OSError), open(filling, "wb", buffering=0) as out:
            while True:
                out.write(bytes(4096))
    said = [one for _ in range(10) for one in (world.ask(), world.predict())]
    assert all(one is None or is_typed(one) for one in said), said
    for filling in fillings:
        filling.unlink()
    # What is asked at the last moment has its own deadline.
    world.until_answered(within=DEADLINE + SOON)


def test_no_room_for_answers_is_said(fresh, small_disk):
    world = fresh("linear")
    (small_disk / "filling").write_bytes(bytes((1 << 20) - 8192))
    many = {name: np.tile(x, (20_000, 1)) for name, x in world.rows.items()}
    np.savez(world.folder / "many.npz", **many)
    out = small_disk / "out.npz"
    done = privet("predict", "--to", world.file, world.folder / "many.npz", "-o", out, within=world.client.within)
    assert done.code in (1, 2) and re.match(r"E\d\d\d ", done.err) and "No space left" in done.err, done
    assert not out.exists(), "half of the answers were left"
    assert world.predict() is None


def test_no_room_for_a_log_stops_nobody(fresh):
    world = fresh("program")
    for party in world.parties:
        party.role.end()
    for party in world.parties:
        party.serve(log="/dev/full")
    world.until_answered()
    world.parties[1].kill()
    assert is_typed(world.ask())
    world.parties[1].serve(log="/dev/full")
    world.until_answered()


def test_a_party_without_open_files_answers_who_is_there_and_others_later(world, line):
    victim = world.parties[1]
    assert world.ask() is None
    # Some are kept for what it opens by itself.
    now = len(os.listdir(f"/proc/{victim.role.id}/fd"))
    before = resource.prlimit(victim.role.id, resource.RLIMIT_NOFILE, (now + 5, 20_000))
    flood = []
    try:
        with world.other.inside():
            for _ in range(60):
                one = socket.socket()
                one.settimeout(1)
                flood.append(one)
                with contextlib.suppress(OSError):
                    one.connect((victim.host.address, PORT))
        for _ in range(5):
            assert world.ask() is None
        said = world.predict()
        assert said is None or concerns(said, victim), said
    finally:
        [one.close() for one in flood]
    line(f"{world.kind}: answers {world.until_answered():.2f} s after open files were free")
    resource.prlimit(victim.role.id, resource.RLIMIT_NOFILE, before)
