"""How often a request is repeated, and what a process held at most. The rule is that of `privet bench`."""

import pathlib
import re
import statistics
import time

WARM_UP = 3
MOST = 20
FEWEST = 5
LONG_ENOUGH_S = 10.0
# A request that takes longer than `LONG_ENOUGH_S` is warmed up once and repeated this often.
FEWEST_OF_LONG = 2


def repeated(request):
    """What each timed call of `request` gave, after calls that do not count."""
    fewest, warm_up = FEWEST, WARM_UP
    while warm_up > 0:
        start, warm_up = time.perf_counter(), warm_up - 1
        request()
        if time.perf_counter() - start > LONG_ENOUGH_S:
            fewest, warm_up = FEWEST_OF_LONG, 0
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
