"""How often a request is repeated, and what a process held at most. The rule is that of `privet bench`."""

import pathlib
import re
import statistics
import time

WARM_UP = 2
MOST = 20
FEWEST = 5
LONG_ENOUGH_S = 10.0
# Requests that take longer than the first number of seconds are warmed up once, and repeated so often as the second
# says at least.
FEWER = [(60.0, 1), (LONG_ENOUGH_S, 2)]


def repeated(request, first):
    """What each timed call of `request` gave, after `first`, which is a request too, and others that do not count."""
    start = time.perf_counter()
    first()
    took = time.perf_counter() - start
    fewest = next((fewer for limit, fewer in FEWER if took > limit), FEWEST)
    for _ in range(WARM_UP if fewest == FEWEST else 0):
        request()
    found, begin = [], time.perf_counter()
    while len(found) < MOST and (len(found) < fewest or time.perf_counter() - begin < LONG_ENOUGH_S):
        found.append(request())
    return found


def summary(samples):
    """Medians, and the samples themselves, of a list of objects that hold seconds by name."""
    columns = {name: [one[name] for one in samples] for name in samples[0]}
    medians = {f"median_{name}": statistics.median(values) for name, values in columns.items()}
    return medians | {f"samples_{name}": values for name, values in columns.items()}


def peak_bytes(process):
    """The most memory that a running process held at once."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE).group(1)) * 1024
