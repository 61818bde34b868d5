"""The documentation as data: its pages, links, headings and blocks, and a reader who does what a page says.

What stands behind a block's language says what to do with it; PLACE is an organisation's folder:

    ```sh run PLACE          run it there; it must succeed
    ```sh start PLACE        one command that runs on; wait for its `ready`, and end it when the page ends
    ```sh restart PLACE      end what this very command started there, and start it again
    ```python run PLACE      run it there, with the package `privet`
    ```toml file PLACE/NAME  write it there
    ```text output           each line stands in what the last step said; `…` is anything
    <!-- send FILE PLACE/ --> copy what one organisation sends to another
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from fnmatch import fnmatchcase

from support import BINARY, ROOT, Role

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)
SEND = re.compile(r"^<!-- send (\S+) (\S+) -->$", re.M)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?)\)")
# Hosts of examples, and addresses that a machine listens on: here all of them are this machine, on ports that are free.
ADDRESS = re.compile(r"(?:[a-z][a-z0-9.-]*\.example|0\.0\.0\.0|127\.0\.0\.1|localhost):(\d{4,5})\b")

LINE = re.compile(r"privet1 ([a-z0-9-]+) …")


def prose(text):
    """A page without its blocks and without code in sentences."""
    return re.sub(r"`[^`\n]*`", "``", FENCE.sub("", text))


def links(text):
    return LINK.findall(prose(text))


def anchors(text):
    """What headings are called in links, as mdBook and GitHub make it."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def steps(text):
    """What a page says to do, in order: the words behind a block's fence and its text, or what is sent to whom."""
    found = [(m.start(), m[1].split(), m[2]) for m in FENCE.finditer(text)]
    found += [(m.start(), ["send", m[1], m[2]], "") for m in SEND.finditer(text)]
    return [(words, block) for _, words, block in sorted(found, key=lambda step: step[0])]


class Reader:
    """Does what a page says, each organisation in a folder of its own under `home`, on free ports of this machine."""

    def __init__(self, home, free_port, python=None):
        self.home, self.free_port, self.python = home, free_port, python
        self.ports, self.running, self.said, self.did = {}, {}, "", 0
        tools = home / ".bin"
        tools.mkdir()
        (tools / "privet").symlink_to(BINARY)
        self.env = os.environ | {"PATH": os.pathsep.join([str(tools), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]), "HOME": str(home), "PRIVET_BIN": str(BINARY)}

    def here(self, text):
        def local(match):
            port = match[1]
            if port not in self.ports:
                self.ports[port] = self.free_port()
            return f"127.0.0.1:{self.ports[port]}"

        return LINE.sub(self.line_of, ADDRESS.sub(local, text))

    def line_of(self, match):
        """The public line that a page shortens, as its owner wrote it into a file."""
        found = sorted(self.home.rglob(f"{match[1]}.pub"))
        return found[0].read_text().strip() if found else match[0]

    def place(self, name="."):
        folder = self.home / name
        if not folder.exists():
            folder.mkdir(parents=True)
        if not (folder / "models").exists():
            for name in ("models", "tee-vectors", "examples"):
                (folder / name).symlink_to(ROOT / name)
        return folder

    def read(self, text):
        for words, block in steps(text):
            match words:
                case ["sh", "run", *where]:
                    self.run(block, *where)
                case ["sh", "start" | "restart" as how, *where]:
                    self.start(how, block, *where)
                case ["python", "run", *where]:
                    self.run_python(block, *where)
                case ["toml" | "json" | "python" | "csv", "file", path]:
                    folder = self.place(str(pathlib.PurePath(path).parent))
                    (folder / pathlib.PurePath(path).name).write_text(self.here(block))
                case ["send", what, where]:
                    self.place(where if where.endswith("/") else str(pathlib.PurePath(where).parent))
                    shutil.copy(self.home / what, self.home / where)
                case ["text", "output"]:
                    self.compare(block)
                    continue
                case _:
                    continue
            self.did += 1
        return self

    def run(self, block, where="."):
        command = ["bash", "-euo", "pipefail", "-c", self.here(block)]
        done = subprocess.run(command, cwd=self.place(where), env=self.env, capture_output=True, text=True, timeout=120)
        self.said = done.stdout + done.stderr
        assert done.returncode == 0, f"{block}\nended with {done.returncode}:\n{self.said}"

    def run_python(self, block, where="."):
        env = self.env | {"PYTHONPATH": str(self.python)}
        done = subprocess.run([sys.executable, "-c", self.here(block)], cwd=self.place(where), env=env, capture_output=True, text=True, timeout=120)
        self.said = done.stdout + done.stderr
        assert done.returncode == 0, f"{block}\nended with {done.returncode}:\n{self.said}"

    def start(self, how, block, where="."):
        """What runs until it is told to stop. `restart` ends what the same block started in the same place before."""
        (line,) = [line for line in block.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
        key = (line, where)
        if how == "restart":
            assert self.running.pop(key).end() == 0
        words = subprocess.run(["bash", "-c", f'printf "%s\\0" {self.here(line)}'], cwd=self.place(where), env=self.env, capture_output=True, check=True)
        program, *arguments = words.stdout.decode().rstrip("\0").split("\0")
        assert program == "privet", line
        role = Role(*arguments, log=self.home / f".{len(self.running)}-{where.replace('/', '-')}.log", env=self.env, cwd=self.place(where))
        self.running[key] = role
        self.said = f"ready {role.ready()}"

    def compare(self, block):
        """Each line stands in what the last step said; `…` stands for anything."""
        said = self.said.splitlines()
        for line in filter(None, block.splitlines()):
            pattern = re.sub(r"[\[\]?*]", lambda m: f"[{m[0]}]", line).replace("…", "*")
            assert any(fnmatchcase(each.strip(), pattern.strip()) for each in said), f"`{line}` is not in\n{self.said}"

    def end(self):
        codes = [role.end(signal.SIGTERM) for role in reversed(self.running.values())]
        assert not any(codes), codes
