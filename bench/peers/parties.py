"""Processes that are parties of one computation, and the pipes through which a client talks with them.

A party is a script that calls `obey`; it has no module of the client in its memory.
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import Client, Listener

import timing

HERE = pathlib.Path(__file__).resolve().parent


class Parties:
    """One process for each role, started and connected."""

    def __init__(self, script, roles, arguments):
        self.roles, self.folder = roles, tempfile.TemporaryDirectory()
        listener = Listener(f"{self.folder.name}/pipe", family="AF_UNIX", backlog=len(roles))
        self.processes = [self.start(script, listener.address, number, arguments) for number in range(len(roles))]
        pipes = [listener.accept() for _ in roles]
        self.pipes = [pipe for _, pipe in sorted((pipe.recv(), pipe) for pipe in pipes)]
        listener.close()

    def start(self, script, address, number, arguments):
        words = [sys.executable, HERE / script, address, number, *arguments]
        with open(self.log(number), "wb") as log:
            return subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def log(self, number):
        return pathlib.Path(self.folder.name) / f"{number}.log"

    def tell(self, commands):
        """Each party its own command, a name and what goes with it; gives what they answer."""
        for pipe, command in zip(self.pipes, commands):
            pipe.send(command)
        return [pipe.recv() for pipe, _ in zip(self.pipes, commands)]

    def memory(self):
        return {role: timing.peak_bytes(one.pid) for role, one in zip(self.roles, self.processes)}

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.folder.cleanup()


def obey(make):
    """The party's side: `make(number, arguments)` gives the object whose methods the commands name."""
    address, number, *arguments = sys.argv[1:]
    with Client(address, family="AF_UNIX") as pipe:
        pipe.send(int(number))
        party = make(int(number), arguments)
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
