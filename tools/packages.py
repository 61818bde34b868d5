"""The packages that things are made of, from `cargo metadata` and the lock files: what `sbom`, `audit` and `notices` share."""

import json
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
# What is handed out: the program, the native half of the wheel, and the measured program inside both.
SHIPPED = ["privet-cli", "privet-python", "privet-enclave"]


class Graph:
    """All packages by their ids, and who uses whom."""

    def __init__(self, platform=None, manifest=None):
        only = ["--filter-platform", platform] if platform else []
        manifest = pathlib.Path(manifest) if manifest else ROOT / "Cargo.toml"
        command = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", manifest, *only]
        said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        self.packages = {package["id"]: package for package in said["packages"]}
        self.members = set(said["workspace_members"])
        self.nodes = {node["id"]: node["deps"] for node in said["resolve"]["nodes"]}
        lock = tomllib.loads((manifest.parent / "Cargo.lock").read_text())["package"]
        self.checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock}

    def named(self, names):
        return [ident for ident in self.members if self.packages[ident]["name"] in names]

    def used(self, ident, kinds):
        """What a package uses itself; `kinds` are those of cargo, where None is what runs."""
        deps = (d for d in self.nodes[ident] if any(k["kind"] in kinds for k in d["dep_kinds"]))
        return sorted({d["pkg"] for d in deps})

    def reached(self, roots, kinds, through=lambda package: True):
        """Everything that the roots stand on, without what only packages that are not gone `through` use."""
        found, left = set(), list(roots)
        while left:
            ident = left.pop()
            if ident not in found and through(self.packages[ident]):
                found.add(ident)
                left += self.used(ident, kinds)
        return found

    def checksum(self, package):
        return self.checksums.get((package["name"], package["version"]))


def runs(package):
    """Whether its code is in the program, and did not only write code for it."""
    return not any("proc-macro" in target["kind"] for target in package["targets"])


def licence(package):
    """Its SPDX expression; the slash is what stood for OR once."""
    return (package["license"] or "").replace("/", " OR ") or None


def bundled_npm():
    """What is bundled into the pages, from the lock file: name, version, licence, and its digest."""
    lock = json.loads((ROOT / "bindings/browser/package-lock.json").read_text())
    for path, package in sorted(lock["packages"].items()):
        if path and not package.get("dev"):
            yield path.rsplit("node_modules/", 1)[1], package["version"], package.get("license"), package["integrity"]


def python_requirements():
    """What the wheel wants to be installed beside it."""
    return tomllib.loads((ROOT / "bindings/python/pyproject.toml").read_text())["project"]["dependencies"]


def version():
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
