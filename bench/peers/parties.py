"""Processes that are parties of one computation, and the pipes through which a client talks with them.

A party is a script that calls `obey`; it has no module of the client in its memory.
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import timing

HERE = pathlib.Path(__file__).resolve().parent


class Parties:
    """One process for each role."""

    def __init__(self, script, roles, arguments):
        self.roles, self.folder = roles, tempfile.TemporaryDirectory()
        started = [self.start(script, number, arguments) for number in range(len(roles))]
        self.processes, self.pipes = zip(*started)
        for number in range(len(roles)):
            self.heard(number)

    def start(self, script, number, arguments):
        ours, theirs = Pipe()
        words = [sys.executable, HERE / script, theirs.fileno(), number, *arguments]
        with open(self.log(number), "wb") as log, theirs:
            end = [theirs.fileno()]
            return subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, pass_fds=end), ours

    def log(self, number):
        return pathlib.Path(self.folder.name) / f"{number}.log"

    def tell(self, commands):
        """Each party its own command, a name and what goes with it; gives what they answer."""
        for pipe, command in zip(self.pipes, commands):
            pipe.send(command)
        return [self.heard(number) for number in range(len(commands))]

    def heard(self, number):
        try:
            return self.pipes[number].recv()
        except (EOFError, ConnectionError):
            self.processes[number].wait()
            said = self.log(number).read_text(errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"{self.roles[number]} ended: {' '.join(said)}") from None

    def memory(self):
        return {role: timing.peak_bytes(one.pid) for role, one in zip(self.roles, self.processes)}

    def cpu(self):
        return {role: timing.cpu_seconds(one.pid) for role, one in zip(self.roles, self.processes)}

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.folder.cleanup()


def obey(make):
    """The party's side: `make(number, arguments)` gives the object whose methods the commands name."""
    end, number, *arguments = sys.argv[1:]
    with Connection(int(end)) as pipe:
        party = make(int(number), arguments)
        pipe.send("made")
        while True:
            try:
                command, *given = pipe.recv()
            except EOFError:
                return
            pipe.send(getattr(party, command)(*given))


def free_addresses(count):
    """Addresses on loopback that nobody uses at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses
