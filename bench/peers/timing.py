"""How often a request is repeated, and what processes needed for it. The rules are those of `privet bench`."""

import pathlib
import re
import time

WARM_UP = 2
MOST = 20
FEWEST = 5
LONG_ENOUGH_S = 60.0
# Requests that take longer than the first number of seconds are warmed up once, and repeated so often as the second
# says at least.
FEWER = [(60.0, 1), (10.0, 2)]


def repeated(request, first, most, cpu):
    """What each timed call of `request` gave, and the processor seconds of one, as `cpu` counts them by role.

    Before them come `first`, which is a request too, and others that do not count.
    """
    fewest = fewest_after(first)
    for _ in range(WARM_UP if fewest == FEWEST else 0):
        request()
    before, found, begin = cpu(), [], time.perf_counter()
    while len(found) < most and (len(found) < fewest or time.perf_counter() - begin < LONG_ENOUGH_S):
        found.append(request())
    return found, {role: (after - before[role]) / len(found) for role, after in cpu().items()}


def fewest_after(first):
    start = time.perf_counter()
    first()
    took = time.perf_counter() - start
    return next((fewer for limit, fewer in FEWER if took > limit), FEWEST)


def summary(samples):
    """Medians, and the samples themselves, of a list of objects that hold seconds by name."""
    columns = {name: [one[name] for one in samples] for name in samples[0]}
    medians = {f"median_{name}": percentile(values, 0.5) for name, values in columns.items()}
    highest = {f"p{p}_s": percentile(columns["s"], p / 100) for p in (95, 99)}
    return medians | highest | {f"samples_{name}": values for name, values in columns.items()}


def percentile(values, p):
    return sorted(values)[int(p * (len(values) - 1) + 0.5)]


def peak_bytes(process):
    """The most memory that a running process held at once."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE).group(1)) * 1024


def cpu_seconds(process):
    """The processor time of all threads of a running process, from the clock that Linux has for it."""
    return time.clock_gettime(~process << 3 | 2)
