"""Each attack of SECURITY.md's list is a test of that number, or a line that says why not."""

import re

from support import ROOT

PLACES = [*ROOT.glob("crates/*/tests/**/*.rs"), *ROOT.glob("crates/*/src/**/*.rs"), *ROOT.glob("tests/python/*.py")]
ALL = set(range(1, 87))


def tested():
    found = set()
    for path in PLACES:
        for name in re.findall(r"(?:fn|def) (?:test_)?((?:n[0-9]{2}_)+)", path.read_text()):
            found |= {int(n) for n in re.findall(r"[0-9]{2}", name)}
    return found


def listed():
    """Numbers that the list calls tests, and those that it explains."""
    table = (ROOT / "SECURITY.md").read_text().split("### The attack list")[1].split("\n## ")[0]
    tests, explained = set(), set()
    for row in re.findall(r"^\| (N[^|]*) \|[^|]*\| ([^|]*) \|$", table, re.M):
        numbers = set()
        for first, last in re.findall(r"N([0-9]+)(?:–N([0-9]+))?", row[0]):
            numbers |= set(range(int(first), int(last or first) + 1))
        (tests if row[1] == "tests" else explained).update(numbers)
    return tests, explained


def test_every_attack_is_a_test_or_a_line():
    tests, explained = listed()
    assert tests | explained == ALL and not tests & explained
    assert tests <= tested(), f"called tests, but there are none: {sorted(tests - tested())}"
