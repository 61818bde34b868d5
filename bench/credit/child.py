"""A child process, and what it cost: wall time, processor time and peak memory, by `wait4`.

The kernel counts into a child's peak what its parent held when it started it, so whoever measures must stay small:
every step that holds rows is a child of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Child:
    """How a child ended: what it printed, seconds of wall time and of all processors together, and bytes."""

    out: str
    wall_s: float
    cpu_s: float
    peak_bytes: int

    @property
    def said(self):
        """The JSON object in its last line."""
        return json.loads(self.out.strip().splitlines()[-1])

    @property
    def cost(self):
        return {"wall_s": self.wall_s, "cpu_s": self.cpu_s, "peak_bytes": self.peak_bytes}


def run(*words, env=None):
    """Runs a command to its end; it must succeed."""
    words = [str(word) for word in words]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=os.environ | (env or {})
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failed(f"`{' '.join(words)}` ended with {process.returncode}:\n{text(err)[-2000:]}")
        return Child(text(out), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def python(script, *words, interpreter=sys.executable, env=None):
    """The same for a Python script."""
    return run(interpreter, script, *words, env=env)


class Failed(Exception):
    """A child that did not succeed."""


def text(file):
    file.seek(0)
    return file.read()
