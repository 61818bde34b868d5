"""RustSec's advisory database: a folder of Markdown files that begin with TOML, and whether one concerns a version."""

import dataclasses
import re
import tomllib
from collections import defaultdict


@dataclasses.dataclass
class Advisory:
    ident: str
    title: str
    patched: list
    unaffected: list

    def concerns(self, version):
        return not any(matches(requirement, version) for requirement in self.patched + self.unaffected)


def read(folder):
    """All advisories about packages by package, without those withdrawn."""
    by_package = defaultdict(list)
    files = sorted((folder / "crates").glob("*/*.md"))
    if not files:
        raise SystemExit(f"`{folder}` is no clone of the advisory database: it has no `crates/NAME/RUSTSEC-….md`.")
    for file in files:
        package, advisory = _parsed(file.read_text())
        if advisory:
            by_package[package].append(advisory)
    return by_package


def _parsed(text):
    front, rest = re.match(r"```toml\n(.*?)\n```\n(.*)", text, re.DOTALL).groups()
    data = tomllib.loads(front)
    about, versions = data["advisory"], data.get("versions", {})
    if "withdrawn" in about:
        return about["package"], None
    title = next((line.lstrip("# ") for line in rest.splitlines() if line.strip()), "")
    kind = f" ({about['informational']})" if "informational" in about else ""
    return about["package"], Advisory(about["id"], title + kind, versions.get("patched", []), versions.get("unaffected", []))


def matches(requirement, version):
    """Whether a version satisfies all comparisons of a requirement, as `>= 1.2.3, < 2`."""
    return all(_compares(part.strip(), _key(version)) for part in requirement.split(","))


def _compares(part, version):
    operator, written = re.match(r"(>=|<=|>|<|=|\^|~)?\s*(.+)", part).groups()
    if written == "*":
        return True
    low = _key(written)
    given = written.split("-")[0].split("+")[0].count(".") + 1
    if operator in (">=", ">", "<=", "<"):
        return {">=": version >= low, ">": version > low, "<=": version <= low, "<": version < low}[operator]
    if operator == "=":
        return version == low if given == 3 else version[0][:given] == low[0][:given]
    return low <= version and version[0] < _ceiling(low[0], given, operator == "~")


def _ceiling(numbers, given, tilde):
    """The first version that is not compatible any more: by default, one with another leftmost number that is not zero."""
    first = next((n for n, number in enumerate(numbers[:given]) if number), given - 1)
    at = min(1, given - 1) if tilde else first
    return (*numbers[:at], numbers[at] + 1, *([0] * (2 - at)))


def _key(version):
    """Sorts as versions do: numbers, and what is before a release comes before it."""
    numbers, _, before = version.split("+")[0].partition("-")
    numbers = tuple(int(n) for n in [*numbers.split("."), 0, 0][:3])
    words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in before.split(".")] if before else []
    return numbers, not before, words
