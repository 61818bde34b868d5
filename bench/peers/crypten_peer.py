"""Measures one model in CrypTen: two parties, of which one is the client and one the model's owner, and a dealer.

    python crypten_peer.py MODEL         prints an object as its last line
"""

import json
import sys

import parties
import timing
import workload
from crypten_party import CLIENT, COMPUTING

ROLES = ["owner", "client", "dealer"]


def main():
    work = workload.WORKLOADS[sys.argv[1]]
    crew = parties.Parties("crypten_party.py", ROLES, [work.model, f"tcp://{parties.free_addresses(1)[0]}"])
    results = [measured(crew, work, batch) for batch in work.batches]
    print(json.dumps({"results": results, "memory": crew.memory()}))
    crew.stop()


def measured(crew, work, batch):
    """The times are the client's: it has the answer when its own call ends."""
    crew.tell([("load", batch)] * COMPUTING)
    samples = timing.repeated(lambda: crew.tell([("run",)] * COMPUTING)[CLIENT])
    answers = [one.pop("answer") for one in samples]
    counted = crew.tell([("count",)] * COMPUTING)
    wanted = workload.expected(work, batch)
    return {
        "batch": batch,
        **timing.summary(samples),
        "max_error": max(workload.largest_error(one, wanted) for one in answers),
        # CrypTen counts what a party sends and what it gets, so both counters together count everything twice.
        "bytes_between": sum(one["bytes"] for one in counted) // 2,
        "rounds": counted[CLIENT]["rounds"],
    }


if __name__ == "__main__":
    main()
