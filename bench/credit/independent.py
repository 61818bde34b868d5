"""The independent computation and the comparison that the tests use, for the benchmark too."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/python/credit"))

import oracle  # noqa: E402
from compare import TOLERANCE, array, difference  # noqa: E402

NAMES = oracle.NAMES

__all__ = ["NAMES", "TOLERANCE", "array", "difference", "oracle"]
