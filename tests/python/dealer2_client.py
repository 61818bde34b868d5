"""A client of two servers that have a dealer, written from the table in `crates/deploy/src/dealer2/wire.rs` and what its neighbours say of
keys and points: a judge of the first. It never talks to the dealer."""

import concurrent.futures
import dataclasses
import functools
import http.client
import json
import secrets
import ssl

import numpy as np
import tritonclient.grpc as triton_grpc
from blake3 import blake3

import binary_form
from binary_form import framed
from ciphertexts import pack, unpack
from support import deployment

SHARE = "privet 2026 replicated3 commitment to a share"
TICKET = "privet 2026 dealer2 point of a ticket"
STATEMENT = "privet 2026 dealer2 statement"
PROTECTS = ["both", "input"]


def rotated(x, by):
    return (x << by | x >> (8 - by)) & 255


def doubled(x):
    return (x << 1 ^ 0x1B * (x >> 7)) & 255


@functools.cache
def substitution():
    """AES' table: p runs over the powers of 3, q over those of its inverse."""
    table, p, q = np.zeros(256, np.int64), 1, 1
    for _ in range(255):
        p ^= doubled(p)
        for by in (1, 2, 4):
            q ^= q << by & 255
        q ^= 0x09 * (q >> 7)
        table[p] = q ^ rotated(q, 1) ^ rotated(q, 2) ^ rotated(q, 3) ^ rotated(q, 4) ^ 0x63
    table[0] = 0x63
    return table


def aes(key, blocks):
    """AES-128 of blocks, a row each."""
    table, words, round_constant = substitution(), np.frombuffer(key, np.uint8).astype(np.int64).reshape(4, 4), 1
    shifted = [4 * ((at // 4 + at % 4) % 4) + at % 4 for at in range(16)]
    state = blocks ^ words.ravel()
    for turn in range(10):
        mixed = table[words[3][[1, 2, 3, 0]]] ^ [round_constant, 0, 0, 0]
        words = np.bitwise_xor.accumulate(np.vstack([words[:1] ^ mixed, words[1:]]), axis=0)
        round_constant = doubled(round_constant)
        state = table[state][:, shifted]
        if turn < 9:
            columns = state.reshape(-1, 4)
            sums = np.bitwise_xor.reduce(columns, axis=1, keepdims=True)
            state = (columns ^ sums ^ doubled(columns ^ np.roll(columns, -1, axis=1))).reshape(-1, 16)
        state = state ^ words.ravel()
    return state


def expanded(seed, count):
    """So many numbers of a seed's stream: counter mode with a 64-bit big-endian counter."""
    blocks = np.zeros((-(-count // 2), 16), np.int64)
    blocks[:, 8:] = np.arange(len(blocks), dtype=">u8").view(np.uint8).reshape(-1, 8)
    stream = aes(seed, blocks).astype(np.uint8).tobytes()
    return np.frombuffer(stream, "<u8")[:count]


def little(number, size):
    return number.to_bytes(size, "little")


@dataclasses.dataclass(frozen=True)
class Ticket:
    """What both servers gave, and the seeds of x0, which P2 gave, and of x1."""

    epoch: bytes
    rows: int
    number: int
    token: bytes
    seeds: tuple

    def statement(self, commitment):
        numbers = little(self.rows, 4) + little(self.number, 8)
        point = blake3(self.epoch + numbers, derive_key_context=TICKET).digest()
        return blake3(point + commitment, derive_key_context=STATEMENT).digest()


@dataclasses.dataclass(frozen=True)
class Compute:
    """Masked rows for one server, part by part."""

    server: int
    ticket: Ticket
    bundle: bytes
    commitment: bytes
    salt: bytes
    masked: bytes
    protect: int = 0

    def head(self):
        ticket = self.ticket
        start = b"PVC1" + bytes([self.server, self.protect, 0, 0]) + little(ticket.rows, 4) + little(ticket.number, 8)
        return start + ticket.epoch + self.bundle + ticket.token + self.commitment + self.salt

    def tensors(self):
        return [("request", self.head())] + ([("share", self.masked)] if self.masked else [])

    def but(self, **changes):
        return dataclasses.replace(self, **changes)


class Role:
    """One role's server, over TLS with the certificate of its folder; without one, whoever is there is believed."""

    def __init__(self, model, address, certificate):
        self.model, self.address, self.certificate = model, address, certificate
        context = ssl.create_default_context(cafile=certificate)
        if certificate is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection(address, context=context, timeout=10)

    def post(self, body, headers):
        return binary_form.post(self.connection, self.model, body, headers)

    def ask(self, tensors):
        """The tensor of the answer, or the code of the refusal."""
        status, reply, start = self.post(*framed(tensors))
        return reply[start:] if status == 200 else refusal(status, reply)

    def ask_grpc(self, tensors):
        with triton_grpc.InferenceServerClient(self.address, ssl=True, root_certificates=self.certificate) as client:
            inputs = [triton_grpc.InferInput(name, [len(data)], "UINT8") for name, data in tensors]
            for given, (_, data) in zip(inputs, tensors):
                given.set_data_from_numpy(np.frombuffer(data, np.uint8))
            try:
                answer = client.infer(self.model, inputs).get_response()
            except triton_grpc.InferenceServerException as error:
                said = error.message()
                assert said[0] == "E" and said[1:4].isdigit() and said.endswith("."), error
                return said[:4]
            return answer.raw_output_contents[0]

    def metrics(self):
        self.connection.request("GET", "/metrics")
        return self.connection.getresponse().read().decode()

    def pool(self, what):
        """By rows: how many are `ready` or `given`, or their `bytes`."""
        lines = [line for line in self.metrics().splitlines() if line.startswith(f"privet_pool_{what}{{")]
        return {int(line.split('rows="')[1].split('"')[0]): int(line.split()[-1]) for line in lines}


def refusal(status, reply):
    """A refusal's code. It is a sentence, and is never called a bug."""
    said = json.loads(reply)
    sentence = said["error"]
    assert status in (400, 503) and sentence.startswith(said["code"]) and sentence.endswith("."), (status, said)
    return said["code"]


class Client:
    """Asks both servers of a deployment at a time."""

    def __init__(self, file):
        said = deployment(file)
        self.name, self.bundle, public = said["name"], bytes.fromhex(said["digest"]), json.loads(said["public"])
        self.mpc = public["mpc"]
        [self.plan] = self.mpc["numbers"].values()
        self.columns, self.scores = len(self.mpc["head"]["columns"]), self.mpc["scores"]
        self.protect = PROTECTS.index(self.mpc["protect"])
        ends = said["endpoints"]
        certificates = [str(file.parent / e["ca"]) if "ca" in e else None for e in ends]
        self.servers = [Role(self.name, e["http_url"].split("//")[1], at) for e, at in zip(ends, certificates)]
        self.threads = concurrent.futures.ThreadPoolExecutor(2)

    def both(self, messages):
        """What each server says to its message."""
        return list(self.threads.map(lambda server, tensors: server.ask(tensors), self.servers, messages))

    def question(self, server, rows, count, nonce):
        numbers = little(rows, 4) + little(count, 4)
        return [("request", b"PVK1" + bytes([server, 0, 0, 0]) + numbers + self.bundle + nonce)]

    def tickets(self, rows, count=1):
        """Up to so many tickets (fewer where they are large), or the codes of both refusals."""
        nonce = secrets.token_bytes(16)
        replies = self.both([self.question(server, rows, count, nonce) for server in (1, 2)])
        if any(isinstance(reply, str) for reply in replies):
            return replies
        one, two = replies
        given = (len(one) - 40) // 48
        assert len(one) == len(two) == 40 + 48 * given and one[:40] == two[:40], "the servers gave different tickets"
        assert 1 <= given <= count, given
        first, tickets = int.from_bytes(one[32:40], "little"), []
        for at in range(given):
            of_one, of_two = (reply[40 + 48 * at : 88 + 48 * at] for reply in replies)
            assert of_one[:32] == of_two[:32], "the servers gave different tokens"
            tickets.append(Ticket(one[:32], rows, first + at, of_one[:32], (of_two[32:], of_one[32:])))
        return tickets

    def encoded(self, rows):
        """Columns that are features as they are, as integers."""
        plain = [{"Value": {"feature": at, "missing": None}} for at in range(rows.shape[1])]
        assert self.mpc["head"]["columns"] == plain, "these columns are made of something"
        exponents = self.plan["input_bits"] - np.array(self.plan["range_exponents"])
        return np.rint(np.ldexp(rows.astype(np.float64), exponents)).astype(np.int64)

    def masked(self, ticket, encoded):
        """A message to each server."""
        mask = sum(expanded(seed, encoded.size) for seed in ticket.seeds)
        masked = pack(encoded.astype(np.uint64).ravel() - mask, self.plan["k"])
        salt = secrets.token_bytes(16)
        commitment = blake3(salt + masked, derive_key_context=SHARE).digest()
        parts = [(salt, masked)] * 2 if self.protect == 0 else [(b"", b""), (salt, masked)]
        one, two = (
            Compute(server, ticket, self.bundle, commitment, *part, self.protect) for server, part in zip((1, 2), parts)
        )
        return one, two

    def opened(self, messages, replies):
        """The scores that two answers add up to."""
        k, total = self.plan["k"], 0
        for message, reply in zip(messages, replies):
            assert isinstance(reply, bytes), replies
            assert reply[:32] == message.ticket.statement(message.commitment), "another request was answered"
            total = total + unpack(reply[32:], message.ticket.rows * self.scores, k)
        signed = (total + (1 << (k - 1))) % (1 << k) - (1 << (k - 1))
        return np.ldexp(signed.astype(np.float64), -(self.plan["input_bits"] + self.plan["weight_bits"]))

    def ask(self, encoded, ticket=None):
        """The scores of so many rows as a ticket is for."""
        if ticket is None:
            [ticket] = self.tickets(len(encoded))
        messages = self.masked(ticket, encoded)
        return self.opened(messages, self.both([message.tensors() for message in messages]))
