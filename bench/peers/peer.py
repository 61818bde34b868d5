"""What the peers' scripts share. Each is called with a workload's name and how often to repeat a request at most."""

import json
import sys
import time

import data
import timing
import workload


def asked():
    return workload.WORKLOADS[sys.argv[1]]


def measure(work, crew, client):
    """Prints an object after each batch, the last with all of them.

    `client(batch)` gives a request, a first request that may also count, and a place for what is known beside times.
    """
    results = []
    for batch in work.batches:
        results.append(result(work, crew, batch, *client(batch)))
        print(json.dumps({"results": results, "memory": crew.memory()}), flush=True)
    crew.stop()


def result(work, crew, batch, request, first, facts):
    samples, cpu = timing.repeated(request, first, int(sys.argv[2]), lambda: cpu_of(crew))
    answers = [one.pop("answer") for one in samples]
    wanted = data.expected(work, batch)
    worst = max(data.largest_error(one, wanted) for one in answers)
    return {"batch": batch, **timing.summary(samples), "cpu_s": cpu, "max_error": worst, **facts}


def cpu_of(crew):
    """This process is the client, or a part of it."""
    counted = crew.cpu()
    return counted | {"client": counted.get("client", 0) + time.process_time()}
