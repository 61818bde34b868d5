"""Strangers follow the README on machines of their own, and nothing else: its commands are read from it and run as they stand, but for names."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from namespaces import Machines, require
from support import BINARY, MODELS, ROOT, until

ORGANISATIONS = {"bank-a": "a.example", "bank-b": "b.example", "auditor": "c.example"}


def blocks(heading):
    """The code below a heading of the README, as pairs of language and text."""
    section = (ROOT / "README.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```(\w+)\n(.*?)```", section, re.S)


def command(block, what):
    """The one command of these blocks that begins so, without its comment."""
    lines = block.replace("\\\n", " ").splitlines()
    [found] = [line.split("  #")[0].strip() for line in lines if line.startswith(what)]
    return " ".join(found.split())


def parts():
    """What the README says to type, and the file that it says to write."""
    three = blocks("On three machines")
    shell = "".join(text for language, text in three if language == "sh")
    own = "".join(text for language, text in blocks("Your own model") if language == "sh")
    [config] = [text for language, text in three if language == "toml" and "[peers]" in text and "key =" in text]
    return {
        "keygen": command(shell, "privet keygen"),
        "bundle": command(shell, "privet bundle"),
        "serve": command(shell, "privet serve party"),
        "doctor": command(shell, "privet doctor --links"),
        "predict": command(own, "privet predict"),
        "config": config,
    }


class Person:
    """Somebody at a machine of their own, in a folder of their own; what they do is counted."""

    typed, written, sent = 0, 0, 0

    def __init__(self, host, folder):
        self.host, self.folder = host, folder / host.name
        self.folder.mkdir()
        self.env = os.environ | {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"}

    def types(self, line):
        Person.typed += 1
        order = [*self.host.within, "bash", "-c", line]
        done = subprocess.run(order, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (self.host.name, line, done.stdout, done.stderr)
        return done.stdout

    def leaves_running(self, line):
        Person.typed += 1
        order = [*self.host.within, "bash", "-c", f"exec {line}"]
        log = open(self.folder / "log", "wb")
        return subprocess.Popen(order, cwd=self.folder, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def writes(self, name, text):
        Person.written += 1
        (self.folder / name).write_text(text)

    def sends(self, name, other):
        Person.sent += 1
        shutil.copy(self.folder / name, other.folder / pathlib.Path(name).name)


@pytest.fixture
def people(tmp_path):
    """The owner of a model, three organisations and a client; each machine knows the others by name."""
    require()
    machines = Machines(["owner", *ORGANISATIONS, "client"])
    addresses = "".join(f"{machines[name].address} {dns}\n" for name, dns in ORGANISATIONS.items())
    places = [pathlib.Path("/etc/netns") / host.netns for host in machines.all]
    for place in places:
        place.mkdir(parents=True)
        (place / "hosts").write_text("127.0.0.1 localhost\n" + addresses)
    yield {host.name: Person(host, tmp_path) for host in machines.all}
    machines.close()
    [shutil.rmtree(place) for place in places]


def test_three_strangers_and_the_readme(people, line):
    start, said = time.monotonic(), parts()
    owner, client = people["owner"], people["client"]
    # What both have before they read anything: a model, and rows.
    shutil.copy(MODELS / "lr-uci/model.onnx", owner.folder / "model.onnx")
    shutil.copy(MODELS / "lr-uci/rows.csv", owner.folder / "sample.csv")
    shutil.copy(MODELS / "lr-uci/rows.csv", client.folder / "rows.csv")

    lines = {}
    for name in ORGANISATIONS:
        lines[name] = people[name].types(said["keygen"].replace("bank-a", name)).strip()
        Person.sent += 1
    bundle = said["bundle"]
    for name, public in lines.items():
        assert f'"privet1 {name} …"' in bundle
        bundle = bundle.replace(f'"privet1 {name} …"', f'"{public}"')
    owner.types(bundle)

    names, running = list(ORGANISATIONS), []
    for number, name in enumerate(names):
        owner.sends(f"bundle/party-{number}.bundle", people[name])
        config = said["config"].replace("bank-a.key", f"{name}.key").replace("party-0.bundle", f"party-{number}.bundle")
        for key, other in (("previous", names[number - 1]), ("next", names[(number + 1) % 3])):
            config = re.sub(rf'{key} = ".*?:(\d+)"', rf'{key} = "{ORGANISATIONS[other]}:\1"', config)
        people[name].writes("party.toml", config)
        running.append(people[name].leaves_running(said["serve"]))
    try:
        for name, process in zip(names, running):
            until(lambda: "ready " in (people[name].folder / "log").read_text())
            assert process.poll() is None
        for name in names:
            assert people[name].types(said["doctor"]).count(" there and back, ") == 2
        owner.sends("bundle/deployment.toml", client)
        client.types(said["predict"].replace("run/deployment.toml", "deployment.toml"))
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(15) for process in running] == [0, 0, 0]
    scores, rows = ((client.folder / name).read_text().splitlines() for name in ("scores.csv", "rows.csv"))
    assert len(scores) == len(rows) > 100
    took = time.monotonic() - start
    line(
        f"three strangers and the README: {Person.typed} commands, {Person.written} files written, {Person.sent} sent, "
        f"by five people; {took / 60:.2f} minutes of the machines"
    )
    # Three keys, a bundle, three parties, three looks at the links, and a question.
    assert (Person.typed, Person.written, Person.sent) == (11, 3, 7) and took < 60
