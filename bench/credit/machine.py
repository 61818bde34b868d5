"""Where and of what a measurement was made: no more of the machine than numbers need."""

import importlib.metadata
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["duckdb", "numpy", "pandas", "pyarrow", "scikit-learn"]


def facts(program):
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": re.match(r"\d+(\.\d+)*", os.uname().release).group(),
        **now(),
        "version": said(program, "--version").split()[-1],
        "commit": commit(),
        "packages": {"python": os.sys.version.split()[0]} | {p: importlib.metadata.version(p) for p in PACKAGES},
    }


def now():
    """The time, and how busy the machine is with other things."""
    began = int(time.time())
    return {"began": began, "date": time.strftime("%Y-%m-%d", time.gmtime(began)), "load": f"{os.getloadavg()[0]:.2f}"}


def processor():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*:\s*(.*)$", info, re.MULTILINE)
    return found.group(1) if found else "unknown"


def commit():
    """Of the sources; `+` where they had been changed since."""
    changed = said("git", "-C", ROOT, "status", "--porcelain", "--", "crates", "Cargo.lock")
    return said("git", "-C", ROOT, "rev-parse", "--short", "HEAD") + ("+" if changed else "")


def said(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    return done.stdout.strip()
