"""Clients that mean harm: slow ones, floods, bombs, and thousands of requests that are none. Meanwhile honest clients are answered, in time, and
the server's memory stays what it was."""

import contextlib
import gzip
import http.client
import itertools
import json
import os
import random
import socket
import ssl
import struct
import threading
import time

import numpy as np
import pytest

import judge
import raw_http2 as h2
from raw_http2 import frame
from support import MODELS, Gateway, ok
from test_three_machines import Party, bundle, free_ports

UCI = MODELS / "lr-uci"
PATIENCE, CONNECTIONS = 2, 64
# An honest client waits no longer, however busy the machine is with those that mean harm.
IN_TIME = 8.0
MORE_MEMORY = 96 << 20
SEED = int(os.environ.get("FUZZ_SEED", time.time_ns()))


class Target:
    """Three parties with short patience, of which one is attacked, and an honest client."""

    def __init__(self, folder):
        self.machines = [Party(folder, name, port) for name, port in zip("abc", free_ports(3))]
        out = bundle(self.machines, folder / "bundle")
        self.folder, self.file, self.roles = folder, out / "deployment.toml", []
        for number, machine in enumerate(self.machines):
            machine.take(out, number)
            with open(machine.config, "a") as config:
                # A request has both together: the second one is for peers, which these parties do not wait for.
                config.write(f"patience_seconds = {PATIENCE}\npeers_seconds = {PATIENCE}\n")
            self.roles.append(machine.serve("party").role)
        self.address, self.attacked = f"127.0.0.1:{self.machines[1].port}", self.roles[1].id
        self.gateway = Gateway(self.file, folder / "gateway.log", "--deadline", IN_TIME)
        self.rows = dict(np.load(UCI / "rows.npz"))
        self.expected = judge.run(UCI / "model.onnx", self.rows)
        [(_, self.x)] = self.rows.items()

    def close(self):
        assert self.gateway.end() == 0
        for machine, role in zip(self.machines, self.roles):
            assert role.end() == 0 and "panicked" not in (machine.folder / "log").read_text()

    def memory(self):
        return 4096 * int(open(f"/proc/{self.attacked}/statm").read().split()[1])

    def ask(self):
        """A client that was there before. How long its answer took."""
        start, at = time.monotonic(), random.randrange(len(self.x) - 3)
        rows = self.x[at : at + 3]
        body = {"inputs": [{"name": "features", "datatype": "FP32", "shape": rows.shape, "data": rows.ravel().tolist()}]}
        connection = http.client.HTTPConnection(self.gateway.address, timeout=3 * IN_TIME)
        connection.request("POST", "/v2/models/lr-uci/infer", json.dumps(body))
        reply = connection.getresponse()
        said = json.loads(reply.read())
        connection.close()
        assert reply.status == 200, said
        for output in said["outputs"]:
            want = self.expected[output["name"]][at : at + 3].ravel()
            assert np.allclose(np.array(output["data"], dtype=np.float64), want.astype(np.float64), atol=1e-3), output["name"]
        return time.monotonic() - start

    def newcomer(self):
        """A client that comes now. How long its answer took."""
        out = self.folder / "out.npz"
        done = ok("predict", "--to", self.file, UCI / "rows.npz", "-o", out, "--deadline", IN_TIME)
        judge.compare("lr-uci", dict(np.load(out)), self.expected, 1e-3)
        return done.seconds


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    made = Target(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@contextlib.contextmanager
def unharmed(target, line, what, newcomers=True):
    """Honest clients are answered in time while this lasts, and the server needs hardly any more memory."""
    target.ask(), target.newcomer()
    over, took, problems, before = threading.Event(), [], [], target.memory()
    most = [before]

    def keep(asked):
        while not over.is_set():
            try:
                took.append(asked())
            except BaseException as problem:
                problems.append(problem)
            most[0] = max(most[0], target.memory())
            over.wait(0.02)

    threads = [threading.Thread(target=keep, args=(asked,)) for asked in ([target.ask, target.newcomer] if newcomers else [target.ask])]
    [thread.start() for thread in threads]
    try:
        yield
    finally:
        over.set()
        [thread.join() for thread in threads]
    assert not problems, problems[:3]
    assert took and max(took) < IN_TIME, max(took)
    more = most[0] - before
    line(f"{what}: {len(took)} honest answers meanwhile, the slowest took {max(took):.2f} s; {more / 2**20:.0f} MiB more memory")
    assert more < MORE_MEMORY, f"{more >> 20} MiB more"
    assert target.newcomer() < IN_TIME


def ended(connection, within):
    """Whether the server ends a connection within so many seconds."""
    connection.settimeout(within)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def drip(connections, data, seconds):
    """A byte of `data` to each connection now and then; how many have been ended by the server."""
    gone, end = set(), time.monotonic() + seconds
    for byte in itertools.cycle(data):
        for at, connection in enumerate(connections):
            if at in gone:
                continue
            try:
                connection.sendall(bytes([byte]))
                connection.settimeout(0.0)
                if connection.recv(65536) == b"":
                    gone.add(at)
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except OSError:
                gone.add(at)
        if time.monotonic() > end or len(gone) == len(connections):
            return len(gone)
        time.sleep(0.2)


def host_port(target):
    host, port = target.address.rsplit(":", 1)
    return host, int(port)


def closing(connections):
    for one in connections:
        with contextlib.suppress(OSError):
            one.close()


# Slow ones: the server waits for each as long as its patience, and no longer.


def test_slow_handshakes(target, line):
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(200)
    with unharmed(target, line, "slow handshakes"):
        connections = [socket.create_connection(host_port(target), 5) for _ in range(CONNECTIONS // 2)]
        assert drip(connections, hello, 3 * PATIENCE + 2) == len(connections)
        closing(connections)


@pytest.mark.parametrize("alpn, data", [("http/1.1", b"GET /v2 HTTP/1.1\r\nhost: localhost\r\nx-slow: " + b"a" * 500), ("h2", h2.PREFACE)])
def test_slow_headers(alpn, data, target, line):
    with unharmed(target, line, f"slow headers, {alpn}"):
        connections = [h2.tls(target.address, alpn) for _ in range(CONNECTIONS // 2)]
        assert drip(connections, data, 3 * PATIENCE + 2) == len(connections)
        closing(connections)


def test_slow_bodies(target, line):
    head = b"POST /v2/models/lr-uci/infer HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
    with unharmed(target, line, "slow bodies"):
        connections = [h2.tls(target.address, "http/1.1") for _ in range(CONNECTIONS // 2)]
        [one.sendall(head) for one in connections]
        assert drip(connections, b"{" + b" " * 500, 4 * PATIENCE + 4) == len(connections)
        closing(connections)


def test_slow_grpc_bodies(target, line):
    """A stream that never ends is reset, whatever else its connection is good for."""
    with unharmed(target, line, "slow gRPC bodies"):
        connections = [h2.tls(target.address) for _ in range(CONNECTIONS // 2)]
        block = h2.hpack(h2.grpc_headers())
        for one in connections:
            one.sendall(h2.start() + frame(h2.HEADERS, h2.END_HEADERS, 1, block) + frame(h2.DATA, 0, 1, b"\0\0\x0f\x42\x40"))
        time.sleep(2 * PATIENCE + 2)
        got = [h2.said(one, 0.5) for one in connections]
        assert all(h2.HEADERS in kinds(g) for g in got), [kinds(g) for g in got][:3]
        closing(connections)


def kinds(said):
    """The kinds of the frames that came: an answer, whatever it says, begins with headers."""
    found, at = [], 0
    while at + 9 <= len(said):
        found.append(said[at + 3])
        at += 9 + int.from_bytes(said[at : at + 3], "big")
    return found


def test_answers_that_nobody_reads(target, line):
    """Requests whose answers are never taken: the window stays shut."""
    with unharmed(target, line, "answers that nobody reads"):
        shut = h2.PREFACE + frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 4, 0))
        connections = [h2.tls(target.address) for _ in range(CONNECTIONS // 4)]
        for one in connections:
            calls = b"".join(h2.call(1 + 2 * n, b"\0\0\0\0\0", h2.grpc_headers("/inference.GRPCInferenceService/ServerMetadata")) for n in range(100))
            one.sendall(shut + calls)
        time.sleep(PATIENCE + 1)
        closing(connections)


# Floods.


def test_a_flood_of_connections(target, line):
    """More than the server takes at a time; newcomers wait until those are gone that say nothing."""
    with unharmed(target, line, "a flood of connections"):
        connections = []
        for _ in range(4 * CONNECTIONS):
            one = socket.socket()
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(host_port(target))
            connections.append(one)
        time.sleep(PATIENCE)
        closing(connections)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_connections_that_are_held_and_not_used(alpn, target, line):
    """Each asks once, and from then on only says that it is still there: newcomers get their places."""
    live = "/inference.GRPCInferenceService/ServerLive"
    asked = {
        "http/1.1": b"GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "h2": h2.start() + h2.call(1, b"\0\0\0\0\0", h2.grpc_headers(live)),
    }[alpn]
    with unharmed(target, line, f"connections that are held, {alpn}"):
        held, end = [], time.monotonic() + 4 * PATIENCE
        while time.monotonic() < end:
            if len(held) < 2 * CONNECTIONS:
                with contextlib.suppress(OSError):
                    held.append(h2.tls(target.address, alpn, timeout=1.0))
                    held[-1].sendall(asked)
            else:
                time.sleep(0.1)
            if alpn == "h2":
                [answer_pings(one) for one in held]
        closing(held)


def answer_pings(connection):
    try:
        connection.settimeout(0.0)
        got = connection.recv(65536)
        connection.settimeout(1.0)
        while len(got) >= 9:
            length = int.from_bytes(got[:3], "big")
            if got[3] == h2.PING and not got[4] & h2.ACK:
                connection.sendall(frame(h2.PING, h2.ACK, 0, got[9 : 9 + length]))
            got = got[9 + length :]
    except OSError:
        pass


def test_connections_that_come_and_go(target, line):
    with unharmed(target, line, "3,000 connections that come and go"):
        for _ in range(3000):
            with contextlib.suppress(OSError), socket.create_connection(host_port(target), 5) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


FLOODS = {
    "rapid reset": lambda n: frame(h2.HEADERS, h2.END_HEADERS, n, h2.hpack(h2.grpc_headers())) + frame(h2.RST_STREAM, 0, n, bytes([0, 0, 0, 8])),
    "pings": lambda n: frame(h2.PING, 0, 0, struct.pack("!Q", n)),
    "settings": lambda n: frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 3, n & 0xFF)),
    "empty data": lambda n: (frame(h2.HEADERS, h2.END_HEADERS, 1, h2.hpack(h2.grpc_headers())) if n == 1 else b"") + frame(h2.DATA, 0, 1),
    "continuations": lambda n: frame(h2.HEADERS if n == 1 else h2.CONTINUATION, 0, 1, h2.hpack([(f"x-{n}", "y" * 100)])),
    "window updates": lambda n: frame(h2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1)),
    "unknown frames": lambda n: frame(0xAB, 0xFF, n, bytes(100)),
    "open streams": lambda n: frame(h2.HEADERS, h2.END_HEADERS, n, h2.hpack(h2.grpc_headers())),
    "calls": lambda n: h2.call(n, b"\0\0\0\0\0"),
}


@pytest.mark.parametrize("what", FLOODS)
def test_floods_of_http2(what, target, line):
    """20,000 frames on each of eight connections, whose answers nobody reads until the end."""

    def flood():
        with contextlib.suppress(OSError), h2.tls(target.address) as one:
            one.sendall(h2.start())
            for at in range(0, 20_000, 500):
                one.sendall(b"".join(FLOODS[what](1 + 2 * n) for n in range(at, at + 500)))
            h2.said(one, 0.5)

    with unharmed(target, line, f"floods of {what}"):
        threads = [threading.Thread(target=flood) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]


# Bombs.

GIGABYTE = 1 << 30


@pytest.fixture(scope="module")
def bomb():
    """A gigabyte of spaces, in a megabyte."""
    packed = gzip.compress(b" " * (GIGABYTE // 16), 9) * 16
    assert len(packed) < 2 << 20
    return packed


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_compressed_rest_requests_are_refused_or_stay_small(encoding, bomb, target, line):
    with unharmed(target, line, f"content-encoding {encoding}"):
        head = f"POST /v2/models/lr-uci/infer HTTP/1.1\r\nhost: localhost\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(bomb)}\r\n\r\n"
        with h2.tls(target.address, "http/1.1") as one:
            with contextlib.suppress(OSError):
                one.sendall(head.encode() + bomb)
            got = h2.said(one, 1.0)
        # Who was refused before it had sent all of it may find the connection ended.
        assert got == b"" or got.startswith(b"HTTP/1.1 4") and len(got) < 10_000, got[:200]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "identity"])
def test_compressed_grpc_requests_are_refused(encoding, bomb, target, line):
    with unharmed(target, line, f"grpc-encoding {encoding}"):
        with h2.tls(target.address) as one:
            message = b"\x01" + struct.pack("!I", len(bomb)) + bomb
            one.sendall(h2.start() + frame(h2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 24)))
            with contextlib.suppress(OSError):
                one.sendall(h2.call(1, message, h2.grpc_headers(grpc_encoding=encoding)))
            assert len(h2.said(one, 1.0)) < 10_000


def test_headers_that_grow(target, line):
    """One long header in the table, meant again and again by a byte each: 64 kB that stand for many megabytes."""
    entry = b"\x40" + bytes([5]) + b"x-big" + b"\x7f\xa1\x1e" + b"z" * 4000
    with unharmed(target, line, "headers that grow"):
        for _ in range(20):
            with contextlib.suppress(OSError), h2.tls(target.address) as one:
                one.sendall(h2.start() + frame(h2.HEADERS, h2.END_HEADERS, 1, h2.hpack(h2.grpc_headers()) + entry))
                for stream in range(3, 60, 2):
                    one.sendall(frame(h2.HEADERS, h2.END_HEADERS, stream, h2.hpack(h2.grpc_headers()) + b"\xbe" * 16_000))
                h2.said(one, 0.1)


# Anything at all.


def test_requests_that_are_none(target, line):
    """What a client says, with bits flipped, pieces cut out, doubled, and made longer: over HTTP/1.1 and HTTP/2."""
    print(f"FUZZ_SEED={SEED}")
    chosen = random.Random(SEED)
    rows = json.dumps({"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 23], "data": [0.5] * 23}]})
    rest = f"POST /v2/models/lr-uci/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(rows)}\r\n\r\n{rows}".encode()
    grpc = h2.start() + h2.call(1, grpc_message(target)) + h2.call(3, grpc_message(target)) + frame(h2.PING, 0, 0, bytes(8))
    with unharmed(target, line, "3,000 requests that are none"):
        for _ in range(3000):
            alpn, original = chosen.choice([("http/1.1", rest), ("h2", grpc)])
            try:
                with h2.tls(target.address, alpn) as one:
                    one.sendall(mutated(chosen, original))
                    h2.said(one, chosen.choice([0.0, 0.001, 0.01]))
            except (TimeoutError, ConnectionRefusedError) as problem:
                raise AssertionError(f"FUZZ_SEED={SEED}: {problem!r}") from None
            except OSError:
                pass


def grpc_message(target):
    """A request as a real client's, but for its numbers."""
    import tritonclient.grpc.service_pb2 as messages

    request = messages.ModelInferRequest(model_name="lr-uci", raw_input_contents=[bytes(23 * 8)] * 2)
    for name in ("share", "next"):
        tensor = request.inputs.add(name=name, datatype="UINT64", shape=[1, 23])
        tensor.parameters["k"].int64_param = 64
    body = request.SerializeToString()
    return b"\0" + struct.pack("!I", len(body)) + body


def mutated(chosen, original):
    body = bytearray(original)
    # Behind the preface, or most of them say nothing.
    low = len(h2.PREFACE) if original.startswith(h2.PREFACE) and chosen.random() < 0.95 else 0
    for _ in range(chosen.randrange(1, 6)):
        at = chosen.randrange(low, len(body))
        match chosen.randrange(5):
            case 0:
                body[at] ^= 1 << chosen.randrange(8)
            case 1:
                del body[at : at + chosen.randrange(1, 9)]
            case 2:
                body[at:at] = body[at : at + chosen.randrange(1, 200)]
            case 3:
                body[at : at + 4] = chosen.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"])
            case 4:
                body[at:at] = chosen.randbytes(chosen.randrange(1, 2000))
        if len(body) <= low + 1:
            break
    return bytes(body)
