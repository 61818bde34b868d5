"""A private training between machines, as people run it: a key for each owner, a folder for each party, one agreement."""

import shutil
import subprocess

from machines import Machine, free_ports
from support import BINARY, Done, deployment, ok

NAMES = ["party-a", "party-b", "party-c"]


class Trainers:
    """Three parties, and owners of rows; the first one leads."""

    def __init__(self, folder, owners=("bank", "bureau")):
        self.folder, self.owners = folder, owners
        self.parties = [Machine(folder, name, port) for name, port in zip(NAMES, free_ports(3))]
        self.lines = {name: self.key(name) for name in owners}
        self.file, self.running = folder / "training.toml", []

    def key(self, name):
        return ok("keygen", "--name", name, "--out", self.folder / f"{name}.key").text.strip()

    def agree(self, *words, out=None):
        """Writes the agreement; `words` are the files of rows and the recipe."""
        owners = [word for line in self.lines.values() for word in ("--owner", line)]
        parties = [word for m in self.parties for word in ("--party", m.line, "--url", m.url)]
        return ok("agree", *owners, *parties, *words, "--out", out or self.file)

    @property
    def agreement(self):
        return deployment(self.file)

    def serve(self, more=""):
        """Each party with its own copy of the agreement."""
        for party in self.parties:
            shutil.copy(self.file, party.folder / "training.toml")
            party.write(f'training = "training.toml"\nstate = "state"\naudit = "audit.jsonl"\n{more}')
            party.serve("trainer")
        return self

    def state(self, party):
        return self.parties[party].folder / "state"

    def kill(self, party):
        self.parties[party].role.kill()

    def start(self, owner, *words):
        """An owner's `privet train`, running."""
        given = ["train", "--to", self.file, "--key", self.folder / f"{owner}.key", "--json", *words]
        self.running.append(Command(*given))
        return self.running[-1]

    def together(self, **words):
        """All owners at the same time, to their ends; the lead's report."""
        started = [self.start(owner, *words[owner]) for owner in self.owners]
        done = [one.end() for one in started]
        assert all(one.code == 0 for one in done), done
        return done[0]

    def end(self):
        for command in self.running:
            command.kill()
        for party in self.parties:
            party.end()


class Here:
    """The folder of a training on one machine."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "model.onnx"

    @property
    def agreement(self):
        return deployment(self.folder / "training.toml")


class Command:
    """The program, running; what it says is kept."""

    def __init__(self, *words):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [BINARY, *map(str, words)], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
        )
        self.said = ""

    def until(self, text):
        """Waits until it says this on standard error."""
        for line in self.process.stderr:
            self.said += line.decode()
            if text in self.said:
                return self
        raise AssertionError(f"it never said {text!r}: {self.said}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def end(self, seconds=120):
        out, err = self.process.communicate(timeout=seconds)
        done = Done(self.process.returncode, out, self.said.encode() + err)
        assert "panicked" not in done.err, done
        return done
