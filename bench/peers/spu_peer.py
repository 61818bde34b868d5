"""Measures a workload in SecretFlow SPU: three parties that run ABY3, and this process as the client and the owner."""

import re
import time

import data
import parties
import peer
import spu
import spu_network
import spu_party
from spu import libspu
from spu.utils import frontend

ROLES = ["party-0", "party-1", "party-2"]
SECRET = libspu.Visibility.VIS_SECRET
TOLD = re.compile(r"Link details: total send bytes (\d+), .*?send actions (\d+)")


def main():
    work = peer.asked()
    nodes, weights = data.graph(work)
    weights = spu_network.shared(nodes, weights)
    crew = parties.Parties("spu_party.py", ROLES, parties.free_addresses(len(ROLES)))
    io = spu.Io(len(ROLES), spu_party.config())
    owned = {name: io.make_shares(value, SECRET) for name, value in weights.items()}
    crew.tell([("keep", {name: shares[number] for name, shares in owned.items()}) for number in range(len(ROLES))])
    function = spu_network.function(nodes)
    peer.measure(work, crew, lambda batch: client(crew, io, function, weights, data.rows(work, batch)))


def client(crew, io, function, weights, rows):
    rows = spu_network.channels_last(rows)
    start = time.perf_counter()
    executable = compiled(function, rows, weights)
    facts = {"compile_s": time.perf_counter() - start}
    crew.tell([("load", executable)] * len(ROLES))
    return lambda: request(crew, io, rows), lambda: facts.update(between(crew, io, rows)), facts


def compiled(function, rows, weights):
    names, secret = ["x", *sorted(weights)], [SECRET] * (1 + len(weights))
    found, _ = frontend.compile(
        frontend.Kind.JAX, function, (rows, weights), {}, names, secret, lambda outputs: ["y"] * len(outputs)
    )
    return found.SerializeToString()


def request(crew, io, rows):
    """What a client waits for; the parties' own time is that of the slowest."""
    start = time.perf_counter()
    shares = io.make_shares(rows, SECRET)
    shared = time.perf_counter()
    took, given = zip(*crew.tell([("run", share) for share in shares]))
    back = time.perf_counter()
    answer = io.reconstruct(list(given))
    end = time.perf_counter()
    parts = {"sharing_s": shared - start, "protocol_s": max(took), "revealing_s": end - back}
    return {"s": end - start, **parts, "answer": answer}


def between(crew, io, rows):
    """Bytes and messages of one request, as the parties' own logs tell them: contents, without the headers of HTTP."""
    crew.tell([("profile", share) for share in io.make_shares(rows, SECRET)])
    said = [TOLD.findall(crew.log(number).read_text(errors="replace"))[-1] for number in range(len(ROLES))]
    return {"bytes_between": sum(int(one) for one, _ in said), "messages_between": sum(int(one) for _, one in said)}


if __name__ == "__main__":
    main()
