"""Measures one model in CrypTen: two parties, of which one is the client and one the model's owner, and a dealer.

    python crypten_peer.py MODEL         prints an object after each batch, the last with all of them
"""

import json
import sys

import parties
import timing
import workload
from crypten_party import CLIENT, COMPUTING, OWNER

ROLES = ["owner", "client", "dealer"]


def main():
    work = workload.WORKLOADS[sys.argv[1]]
    crew = parties.Parties("crypten_party.py", ROLES, [work.model, f"tcp://{parties.free_addresses(1)[0]}"])
    results = []
    for batch in work.batches:
        results.append(measured(crew, work, batch))
        print(json.dumps({"results": results, "memory": crew.memory()}), flush=True)
    crew.stop()


def measured(crew, work, batch):
    """The times are the client's: it has the answer when its own call ends."""
    crew.tell([("load", batch)] * COMPUTING)
    counted = {}
    samples = timing.repeated(
        lambda: crew.tell([("run",)] * COMPUTING)[CLIENT],
        first=lambda: counted.update(crew.tell([("count",)] * COMPUTING)[OWNER]),
    )
    answers = [one.pop("answer") for one in samples]
    wanted = workload.expected(work, batch)
    return {
        "batch": batch,
        **timing.summary(samples),
        "max_error": max(workload.largest_error(one, wanted) for one in answers),
        # The owner counts what it sends and gets. All goes through it but the seeds that the dealer gives at the start.
        "bytes_between": int(counted["bytes"]),
        "messages_between": counted["rounds"],
    }


if __name__ == "__main__":
    main()
