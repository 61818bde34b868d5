"""Measures a workload in CrypTen: two parties, of which one is the client and one the model's owner, and a dealer."""

import parties
import peer
from crypten_party import CLIENT, COMPUTING, OWNER

ROLES = ["owner", "client", "dealer"]


def main():
    work = peer.asked()
    crew = parties.Parties("crypten_party.py", ROLES, [work.name, f"tcp://{parties.free_addresses(1)[0]}"])
    peer.measure(work, crew, lambda batch: client(crew, batch))


def client(crew, batch):
    """The times are the client's: it has the answer when its own call ends."""
    crew.tell([("load", batch)] * COMPUTING)
    facts = {}
    return lambda: crew.tell([("run",)] * COMPUTING)[CLIENT], lambda: facts.update(between(crew)), facts


def between(crew):
    """The owner counts what it sends and gets. All goes through it but the seeds that the dealer gives at the start."""
    counted = crew.tell([("count",)] * COMPUTING)[OWNER]
    return {"bytes_between": int(counted["bytes"]), "messages_between": counted["rounds"]}


if __name__ == "__main__":
    main()
