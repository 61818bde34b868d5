"""Messages on ciphertexts that nobody honest sends, to a running server: each is refused by a code, and the next honest one is answered."""

import concurrent.futures
import random
import secrets
import threading
import time

import numpy as np
import pytest

from binary_form import LENGTH
from ciphertext_client import ANSWERS_PER_KEY, Server, asking, refusal, rows_of
from ciphertexts import Key, key_id

IRIS = "softmax-iris"

# What a server remembers.
KEYS = 128

# On a machine that does other things too.
SOON = 5.0


def honest(client):
    """Three rows, with the key."""
    return client.question(client.encoded(rows_of(IRIS)[:3]))


def under_a_new_key(client):
    client.key = Key(client.ring, client.server.bundle)
    return client


def still_answers(client, weights, bias):
    encoded = client.encoded(rows_of(IRIS)[:3])
    assert np.array_equal(client.ask(encoded)[0], encoded.dot(weights.T) + bias)


def no_residue(polynomial):
    """All ones are no residue of any prime."""
    return polynomial[:-8] + b"\xff" * 8


def with_its_digest(question, key):
    return question.but(key=key, id=key_id(question.bundle, question.seed, key))


def of_another_bundle(question):
    other = secrets.token_bytes(32)
    return question.but(id=key_id(other, question.seed, question.key))


CHANGES = {
    "truncated": ("E340", lambda q: q.but(ciphertexts=q.ciphertexts[:-1])),
    "too long": ("E340", lambda q: q.but(ciphertexts=q.ciphertexts + b"\0")),
    "two where one should be": ("E340", lambda q: q.but(ciphertexts=q.ciphertexts * 2)),
    "nothing": ("E340", lambda q: q.but(ciphertexts=b"")),
    "more rows than ciphertexts": ("E340", lambda q: q.but(rows=200)),
    "no residue": ("E345", lambda q: q.but(ciphertexts=no_residue(q.ciphertexts))),
    "no rows": ("E341", lambda q: q.but(rows=0)),
    "all rows there are": ("E341", lambda q: q.but(rows=2**32 - 1)),
    "rows whose answers overflow 32 bits": ("E341", lambda q: q.but(rows=2**31 + 1)),
    "one row more than a key has answers": ("E341", lambda q: q.but(rows=ANSWERS_PER_KEY // 2 + 1)),
    "another bundle": ("E333", lambda q: q.but(bundle=secrets.token_bytes(32))),
    "another bundle's key": ("E344", of_another_bundle),
    "an unknown key": ("E361", lambda q: q.but(key=None)),
    "a key that its digest does not name": ("E344", lambda q: q.but(id=secrets.token_bytes(32))),
    "another seed": ("E344", lambda q: q.but(seed=secrets.token_bytes(32))),
    "a changed key": ("E344", lambda q: q.but(key=q.key[:-1] + bytes([q.key[-1] ^ 1]))),
    "a short key": ("E345", lambda q: with_its_digest(q, q.key[:-1])),
    "a long key": ("E345", lambda q: with_its_digest(q, q.key + b"\0")),
    "no key at all": ("E345", lambda q: with_its_digest(q, b"")),
    "a key that is no residue": ("E345", lambda q: with_its_digest(q, no_residue(q.key))),
    "number 0": ("E341", lambda q: q.but(first=0)),
    "a number past the end": ("E341", lambda q: q.but(first=ANSWERS_PER_KEY + 1)),
    "the last number there is": ("E341", lambda q: q.but(first=2**32 - 1)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_message_is_refused(what, shared):
    client, weights, bias = asking(shared, IRIS)
    code, change = CHANGES[what]
    start = time.monotonic()
    assert client.server.ask(change(honest(client)).tensors()) == code
    assert time.monotonic() - start < SOON
    still_answers(client, weights, bias)


def ending(polynomial, residue, bits):
    """With another last residue."""
    below = 8 * len(polynomial) - bits
    number = int.from_bytes(polynomial, "little") & ((1 << below) - 1) | residue << below
    return number.to_bytes(len(polynomial), "little")


def test_a_residue_is_below_its_prime(shared):
    client, *_ = asking(shared, IRIS)
    prime = client.ring.primes[-1]
    bits = prime.bit_length()
    for residue in (prime - 1, prime, 2**bits - 1):
        question = honest(client)
        ciphertext = question.but(ciphertexts=ending(question.ciphertexts, residue, bits))
        for changed in (ciphertext, with_its_digest(question, ending(question.key, residue, bits))):
            got = client.server.ask(changed.tensors())
            assert isinstance(got, bytes) if residue < prime else got == "E345", residue


def test_missing_tensors_and_other_marks_are_refused(shared):
    client, weights, bias = asking(shared, IRIS)
    head, key, ciphertexts = honest(client).tensors()
    (_, good) = head
    heads = [b"", b"PVH", b"PVH1", b"PVH2" + good[4:], b"pvh1" + good[4:], good[:-1], good + b"\0"]
    without = [[], [key], [key, ciphertexts], [head, key], [("x", good), key, ciphertexts]]
    for tensors in [*without, *([("request", bad), key, ciphertexts] for bad in heads)]:
        assert client.server.ask(tensors) == "E340", [(name, len(data)) for name, data in tensors]
    still_answers(client, weights, bias)


def test_a_number_is_answered_once(shared):
    client, *_ = asking(shared, IRIS)
    question = honest(client)
    assert isinstance(client.server.ask(question.tensors()), bytes)
    assert client.server.ask(question.tensors()) == "E342"
    assert client.server.ask(question.but(key=None).tensors()) == "E342"
    # Two ciphertexts, of which the second has the number of one before: then the first counts as not asked.
    two = question.but(first=7, rows=100, ciphertexts=question.ciphertexts * 2)
    assert isinstance(client.server.ask(two.but(first=8).tensors()), bytes)
    assert client.server.ask(two.tensors()) == "E342"
    assert isinstance(client.server.ask(question.but(first=7).tensors()), bytes)


def test_of_many_at_once_one_is_answered(shared):
    """All bring the same new key and the same number."""
    client, weights, bias = asking(shared, IRIS)
    tensors = honest(client).tensors()
    together = threading.Barrier(16)

    def ask(_):
        server = Server(client.server.file)
        together.wait(20)
        return server.ask(tensors)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(ask, range(16)))
    assert sum(isinstance(one, bytes) for one in got) == 1 and got.count("E342") == 15
    still_answers(client, weights, bias)


def test_a_key_that_was_forgotten_is_asked_for_again(shared):
    """A server remembers so many keys; who asks under others pushes it out, and gets no more from it than its answers."""
    client, weights, bias = asking(shared, IRIS)
    encoded, others = client.encoded(rows_of(IRIS)[:3]), honest(client)
    question = client.question(encoded)
    before = client.server.ask(question.tensors())
    assert isinstance(client.server.ask(client.question(encoded, with_key=False).tensors()), bytes)
    for _ in range(KEYS):
        other = with_its_digest(others.but(seed=secrets.token_bytes(32)), others.key)
        assert isinstance(client.server.ask(other.tensors()), bytes)
    assert client.server.ask(client.question(encoded, with_key=False).tensors()) == "E361"
    # What was asked under it is forgotten too; the same message is hidden anew.
    after = client.server.ask(question.tensors())
    one, other = (client.decrypted(client.phases(question, answer))[0] for answer in (before, after))
    equal = np.mean(np.frombuffer(before, np.uint8) == np.frombuffer(after, np.uint8))
    assert np.array_equal(one, other) and equal < 0.01, f"{equal:.1%} of the bytes are the same"
    assert np.array_equal(client.ask(encoded)[0], encoded.dot(weights.T) + bias)


def test_a_key_has_so_many_answers_and_no_more(shared):
    client, weights, bias = asking(shared, IRIS)
    question = honest(client)
    rows = ANSWERS_PER_KEY // client.scores - 1
    zeros = bytes(-(-rows // client.packing(rows)[1]) * client.ring.size())
    assert isinstance(client.server.ask(question.but(rows=rows, ciphertexts=zeros).tensors()), bytes)
    assert client.server.ask(question.but(first=ANSWERS_PER_KEY).tensors()) == "E343"
    last = question.but(first=ANSWERS_PER_KEY, rows=1)
    assert isinstance(client.server.ask(last.tensors()), bytes)
    assert client.server.ask(last.but(first=ANSWERS_PER_KEY - 1).tensors()) == "E343"
    still_answers(under_a_new_key(client), weights, bias)


def mutated(rng, tensors):
    """Honest tensors after one to three accidents."""
    tensors = list(tensors)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(tensors)) if tensors else 0
        name, data = tensors.pop(at) if tensors else ("request", b"")
        place = rng.choice([0, rng.randrange(0, 128), rng.randrange(len(data) + 1)])
        bit = bytes([1 << rng.randrange(8)])
        tensors[at:at] = rng.choice(
            [
                [(name, data[:place] + bytes(a ^ b for a, b in zip(data[place : place + 1], bit)) + data[place + 1 :])],
                [(name, data[:place])],
                [(name, data + rng.randbytes(rng.choice([1, 8, 1000])))],
                [(name, rng.randbytes(rng.choice([0, 1, 108, 1000, len(data)])))],
                [(name, data[:place] + b"\xff" * 8 + data[place + 8 :])],
                [(rng.choice(["request", "key", "ciphertexts", "", "x" * 1000]), data)],
                [(name, data)] * 2,
                [],
            ]
        )
    return tensors


def test_mutated_messages_are_answered_or_refused_in_time(shared):
    client, weights, bias = asking(shared, IRIS)
    question, seen = honest(client), set()
    for seed in range(300):
        tensors = mutated(random.Random(seed), question.but(first=seed + 1).tensors())
        start = time.monotonic()
        try:
            got = client.server.ask(tensors)
            assert isinstance(got, bytes) or got.startswith(("E15", "E33", "E34", "E36")), got
            assert time.monotonic() - start < SOON
        except Exception as problem:
            raise AssertionError(f"seed {seed}: {problem!r}") from problem
        seen.add("answered" if isinstance(got, bytes) else got)
    assert {"answered", "E333", "E340", "E344", "E345"} <= seen, seen
    still_answers(under_a_new_key(client), weights, bias)


def test_bodies_that_are_no_messages_are_refused_in_time(shared):
    """Random bytes of all sizes, with and without a place at which tensors are said to begin."""
    client, weights, bias = asking(shared, IRIS)
    for seed in range(100):
        rng = random.Random(seed)
        body = rng.randbytes(int(2 ** rng.uniform(0, 20)) - 1)
        head = rng.choice([None, 0, 1, len(body) // 2, len(body), len(body) + 1, -1, 2**64, "x"])
        start = time.monotonic()
        try:
            status, reply, _ = client.server.post(body, {} if head is None else {LENGTH: str(head)})
            assert refusal(status, reply).startswith("E15") and time.monotonic() - start < SOON
        except Exception as problem:
            raise AssertionError(f"seed {seed}: {problem!r}") from problem
    still_answers(client, weights, bias)
