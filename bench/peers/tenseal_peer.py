"""Measures a linear model in TenSEAL: this process encrypts and decrypts, a server multiplies by its weights."""

import time

import data
import numpy as np
import parties
import peer
import tenseal as ts
from tenseal_party import DEGREE, MODULI, SCALE_BITS, SLOTS

# From so many rows on a ciphertext holds one feature of many rows, as in TenSEAL's batched tensors, instead of one row:
# 528 ciphertexts for up to 2048 rows, which take about as long as so many single rows.
PACKED_FROM = 128


def main():
    work, context = peer.asked(), secret_context()
    crew = parties.Parties("tenseal_party.py", ["server"], [work.name])
    public = public_part(context)
    crew.tell([("trust", public)])
    keys = {"keys_bytes": len(public)}
    peer.measure(work, crew, lambda batch: client(crew, context, data.rows(work, batch).astype(float), keys))


def secret_context():
    context = ts.context(ts.SCHEME_TYPE.CKKS, DEGREE, coeff_mod_bit_sizes=MODULI)
    context.global_scale = 2**SCALE_BITS
    context.auto_rescale = False
    context.generate_galois_keys()
    return context


def public_part(context):
    public = context.copy()
    public.make_context_public()
    return public.serialize()


def client(crew, context, rows, keys):
    """The sizes are those of the first request; each ciphertext is compressed, and so of a length of its own."""
    sizes = {}
    facts = keys | {"bytes_between": 0, "rounds": 1}

    def first():
        request(crew, context, rows, sizes)
        facts.update(sizes)

    return lambda: request(crew, context, rows, {}), first, facts


def request(crew, context, rows, sizes):
    """What a client waits for; parts are added up over the ciphertexts or groups of them."""
    start, parts, answers = time.perf_counter(), {"encrypting_s": 0, "protocol_s": 0, "decrypting_s": 0}, []
    for some in np.split(rows, range(SLOTS, len(rows), SLOTS)) if len(rows) >= PACKED_FROM else rows:
        answers.append(exchange(crew, context, some, parts, sizes))
    return {"s": time.perf_counter() - start, **parts, "answer": np.concatenate(answers)}


def exchange(crew, context, some, parts, sizes):
    begin = time.perf_counter()
    command, given = encrypted(context, some)
    encrypted_at = time.perf_counter()
    ((took, back),) = crew.tell([(command, given)])
    answered = time.perf_counter()
    answer = decrypted(context, command, back)
    spent = [encrypted_at - begin, took, time.perf_counter() - answered]
    for name, value in zip(parts, spent):
        parts[name] += value
    for name, value in (("bytes_up", given), ("bytes_down", back)):
        sizes[name] = sizes.get(name, 0) + len(value)
    return answer


def encrypted(context, some):
    if some.ndim == 1:
        return "row", ts.ckks_vector(context, some).serialize()
    return "rows", ts.ckks_tensor(context, ts.plain_tensor(some[:, None, :]), batch=True).serialize()


def decrypted(context, command, answer):
    if command == "row":
        return np.array(ts.ckks_vector_from(context, answer).decrypt())
    return np.array(ts.ckks_tensor_from(context, answer).decrypt().tolist()).ravel()


if __name__ == "__main__":
    main()
