"""Messages that nobody honest sends, to two servers and their dealer: each is refused by a code, and the next honest one is answered."""

import dataclasses
import json
import random
import secrets
import time
import tomllib

import numpy as np
import pytest

from binary_form import LENGTH
from dealer2_client import Client, Role, little, refusal
from dealer2_support import DEALT, TREE, WIDE, Three, expected, rows_of

# On a machine that does other things too.
SOON = 5.0


class Asking:
    """A client of a deployment, its dealer's address, and two rows with what they score."""

    def __init__(self, running):
        self.client = Client(running.deployment)
        config = tomllib.loads((running.folder / "dealer.toml").read_text())
        self.dealer = Role(self.client.name, config["listen"], str(running.folder / "dealer.pem"))
        rows = rows_of(WIDE, 2)
        self.encoded = self.client.encoded(*rows.values())
        [probabilities] = expected(WIDE, rows).values()
        self.scores = np.log(probabilities) - np.log1p(-probabilities.astype(float))

    def honest(self, count=1):
        """Messages to both servers under fresh tickets."""
        return [self.client.masked(ticket, self.encoded) for ticket in self.client.tickets(2, count)]

    def still_answers(self):
        assert np.abs(self.client.ask(self.encoded) - self.scores.ravel()).max() < 1e-3
        # A dealer that is there refuses what it is asked without a seal.
        assert self.dealer.ask(order()) == "E346"


@pytest.fixture
def asking(shared):
    return Asking(shared("mpc", WIDE / "model.onnx", *DEALT))


def order(server=1, rows=1, count=1, first=0, bundle=bytes(32), seal=bytes(32)):
    head = b"PVD1" + bytes([server, 0, 0, 0]) + little(rows, 4) + little(count, 4) + little(first, 8)
    return [("request", head + bundle + secrets.token_bytes(32) + seal)]


def of(message, **changes):
    """The same message with another ticket."""
    return message.but(ticket=dataclasses.replace(message.ticket, **changes))


CHANGES = {
    "a token of nobody": ("E348", lambda m: of(m, token=secrets.token_bytes(32))),
    "a number that was not given": ("E348", lambda m: of(m, number=m.ticket.number + 1)),
    "the last number there is": ("E348", lambda m: of(m, number=2**64 - 1)),
    "another size": ("E348", lambda m: of(m, rows=4)),
    "all rows there are": ("E348", lambda m: of(m, rows=2**32 - 1)),
    "no rows": ("E348", lambda m: of(m, rows=0)),
    "another epoch": ("E348", lambda m: of(m, epoch=secrets.token_bytes(32))),
    "another bundle": ("E333", lambda m: m.but(bundle=secrets.token_bytes(32))),
    "the other server's": ("E331", lambda m: m.but(server=3 - m.server)),
    "the dealer's": ("E331", lambda m: m.but(server=0)),
    "truncated": ("E332", lambda m: m.but(masked=m.masked[:-1])),
    "too long": ("E332", lambda m: m.but(masked=m.masked + b"\0")),
    "a megabyte too long": ("E332", lambda m: m.but(masked=m.masked + bytes(1 << 20))),
    "changed": ("E332", lambda m: m.but(masked=bytes([m.masked[0] ^ 1]) + m.masked[1:])),
    "another commitment": ("E332", lambda m: m.but(commitment=secrets.token_bytes(32))),
    "another salt": ("E332", lambda m: m.but(salt=secrets.token_bytes(16))),
    "not hidden": ("E332", lambda m: m.but(protect=1)),
    "hidden in another way": ("E330", lambda m: m.but(protect=2)),
    "no rows at all": ("E330", lambda m: m.but(masked=b"")),
    "no salt": ("E330", lambda m: m.but(salt=b"")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_rows_are_refused_by_both_servers(what, asking):
    code, change = CHANGES[what]
    [messages] = asking.honest()
    assert asking.client.both([change(message).tensors() for message in messages]) == [code, code]
    for server, message in zip(asking.client.servers, messages):
        # A ticket is burnt before anything is computed with it; what names another one burns none.
        got = server.ask_grpc(message.tensors())
        assert isinstance(got, bytes) if code in ("E330", "E331", "E333", "E348") else got == "E361", (what, got)
    asking.still_answers()


def test_a_ticket_is_answered_once(asking):
    [messages] = asking.honest()
    tensors = [message.tensors() for message in messages]
    first = asking.client.both(tensors)
    assert np.abs(asking.client.opened(messages, first) - asking.scores.ravel()).max() < 1e-3
    assert asking.client.both(tensors) == ["E361", "E361"]
    [servers, other] = asking.client.servers, asking.client.masked(messages[0].ticket, asking.encoded + 1)
    for server, message in zip(servers, other):
        assert server.ask_grpc(message.tensors()) == server.ask(message.tensors()) == "E361"
    asking.still_answers()


def test_oversized_questions_for_tickets_are_refused(asking):
    for rows, count in [(0, 1), (3, 1), (1, 0), (1, 65), (256, 1), (2**31, 1), (2**32 - 1, 2**32 - 1), (1, 2**32 - 1)]:
        assert asking.client.tickets(rows, count) == ["E332", "E332"], (rows, count)
    assert [len(asking.client.tickets(*most)) for most in [(1, 64), (128, 2)]] == [64, 2]
    asking.still_answers()


def test_the_dealer_takes_orders_of_its_servers_only(asking):
    client, dealer = asking.client, asking.dealer
    numbers = [{}, {"count": 0}, {"rows": 2**32 - 1, "count": 2**32 - 1}, {"first": 2**64 - 1}, {"server": 2}, {"server": 0}]
    for given in [*numbers, {"server": 255}, {"bundle": client.bundle}, {"seal": secrets.token_bytes(32)}]:
        tensors = order(**given)
        assert dealer.ask(tensors) == dealer.ask_grpc(tensors) == "E346", given
    [(_, whole)] = order()
    for bad in (b"", whole[:-1], whole + b"\0", b"PVK1" + whole[4:], whole[:5] + b"\1" + whole[6:]):
        assert dealer.ask([("request", bad)]) == "E330", bad[:12]
    # It knows nothing of tickets and of rows.
    [(one, _)] = asking.honest()
    for tensors in (one.tensors(), client.question(1, 1, 1, bytes(16)), [("share", whole)], []):
        assert dealer.ask(tensors) == "E330"
    for server in client.servers:
        assert server.ask(order()) == server.ask_grpc(order()) in ("E330", "E331")
    asking.still_answers()


def test_messages_without_their_parts_are_refused(asking):
    [(one, _)] = asking.honest()
    head, share = one.tensors()
    server = asking.client.servers[0]
    for tensors in ([], [share], [("x", head[1]), share], [("request", b""), share], [("request", b"PVC1"), share]):
        assert server.ask(tensors) == "E330", [name for name, _ in tensors]
    question = asking.client.question(1, 2, 1, bytes(16))
    for tensors in ([*question, share], [("request", question[0][1] + b"\0")], [("request", question[0][1][:-1])]):
        assert server.ask(tensors) == "E330"
    asking.still_answers()


def mutated(rng, tensors):
    """Honest tensors after one to three accidents."""
    tensors = list(tensors)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(tensors)) if tensors else 0
        name, data = tensors.pop(at) if tensors else ("request", b"")
        place = rng.choice([0, rng.randrange(0, 160), rng.randrange(len(data) + 1)])
        bit = bytes([1 << rng.randrange(8)])
        tensors[at:at] = rng.choice(
            [
                [(name, data[:place] + bytes(a ^ b for a, b in zip(data[place : place + 1], bit)) + data[place + 1 :])],
                [(name, data[:place])],
                [(name, data + rng.randbytes(rng.choice([1, 8, 1000])))],
                [(name, rng.randbytes(rng.choice([0, 1, 108, 164, 1000, len(data)])))],
                [(name, data[:place] + b"\xff" * 8 + data[place + 8 :])],
                [(rng.choice(["request", "share", "tickets", "", "x" * 1000]), data)],
                [(name, data)] * 2,
                [],
            ]
        )
    return tensors


def test_mutated_messages_are_answered_or_refused_in_time(asking):
    seen = set()
    for first in range(0, 320, 64):
        for seed, messages in enumerate(asking.honest(64), first):
            rng = random.Random(seed)
            targets = [*zip(asking.client.servers, messages)]
            # Questions are left out: what one server alone is asked waits for the other one.
            targets.append((asking.dealer, rng.choice(messages)))
            for server, message in targets:
                ask = rng.choice([server.ask, server.ask, server.ask, server.ask_grpc])
                start = time.monotonic()
                try:
                    got = ask(mutated(rng, message.tensors()))
                    assert isinstance(got, bytes) or got.startswith(("E15", "E33", "E34", "E36")), got
                    assert time.monotonic() - start < SOON
                except Exception as problem:
                    raise AssertionError(f"seed {seed}: {problem!r}") from problem
                seen.add("answered" if isinstance(got, bytes) else got)
    assert {"answered", "E330", "E332", "E348"} <= seen, seen
    asking.still_answers()


def test_a_question_with_any_bit_changed_is_answered_or_refused_alike(asking):
    seen = set()
    for place in range(8 * 4, 8 * 48):
        nonce, messages = secrets.token_bytes(16), []
        for server in (1, 2):
            [(name, data)] = asking.client.question(server, 1, 1, nonce)
            changed = bytearray(data)
            changed[place // 8] ^= 1 << place % 8
            messages.append([(name, bytes(changed))])
        codes = {"given" if isinstance(reply, bytes) else reply for reply in asking.client.both(messages)}
        assert len(codes) == 1, (place, codes)
        seen |= codes
    assert seen == {"given", "E330", "E331", "E332", "E333"}, seen
    asking.still_answers()


def test_bodies_that_are_no_messages_are_refused_in_time(asking):
    """Random bytes of all sizes, with and without a place at which tensors are said to begin."""
    for seed in range(100):
        rng = random.Random(seed)
        body = rng.randbytes(int(2 ** rng.uniform(0, 20)) - 1)
        head = rng.choice([None, 0, 1, len(body) // 2, len(body), len(body) + 1, -1, 2**64, "x"])
        start = time.monotonic()
        for server in (*asking.client.servers, asking.dealer):
            try:
                status, reply, _ = server.post(body, {} if head is None else {LENGTH: str(head)})
                assert refusal(status, reply).startswith("E15") and time.monotonic() - start < SOON
            except Exception as problem:
                raise AssertionError(f"seed {seed}: {problem!r}") from problem
    asking.still_answers()


def test_json_without_raw_tensors_is_the_same_message(asking):
    [messages] = asking.honest()
    replies = []
    for server, message in zip(asking.client.servers, messages):
        inputs = [
            {"name": name, "datatype": "UINT8", "shape": [len(data)], "data": list(data)} for name, data in message.tensors()
        ]
        status, reply, _ = server.post(json.dumps({"inputs": inputs}), {})
        assert status == 200, reply
        replies.append(bytes(json.loads(reply)["outputs"][0]["data"]))
    assert np.abs(asking.client.opened(messages, replies) - asking.scores.ravel()).max() < 1e-3


def test_what_one_server_alone_is_asked_ends_by_itself(tmp_path):
    """Servers wait for each other so many seconds and no longer."""
    served = Three(tmp_path, model=TREE, limits="peers_seconds = 1\n").serve()
    try:
        client = Client(served.file)
        for at, server in enumerate(client.servers):
            start = time.monotonic()
            assert server.ask(client.question(at + 1, 1, 1, secrets.token_bytes(16))) in ("E320", "E347")
            assert time.monotonic() - start < 3
            assert len(client.tickets(1, 3)) == 3
    finally:
        served.end()
