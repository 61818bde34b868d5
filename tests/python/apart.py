"""A deployment whose roles and clients are on machines of their own, in namespaces, and how it is asked there."""

import http.client
import json
import os
import pathlib
import signal
import time

import numpy as np

import judge
from namespaces import Machines
from support import MODELS, Gateway, Role, is_error, ok, privet, until

PORT = 7101
# No wait of a client is longer, and what starting a process takes on a machine that is busy.
DEADLINE, SLACK = 3.0, 1.5
# In which answers come again once what was wrong is over.
SOON = 2.0


class Party:
    """An organisation, its folder, and its role."""

    def __init__(self, host, folder, number, command):
        self.host, self.number, self.command = host, number, command
        self.folder = folder / host.name
        self.folder.mkdir()
        self.line = ok("keygen", "--name", host.name, "--out", self.folder / "machine.key").text.strip()
        self.config, self.role, self.more = self.folder / "role.toml", None, ""

    @property
    def name(self):
        """What clients and peers call it."""
        return "dealer" if self.command == "dealer" else f"party-{self.number}"

    def configure(self, bundle, previous, following):
        file = f"{self.name}.bundle"
        (self.folder / file).write_bytes((bundle / file).read_bytes())
        peers = f'[peers]\nprevious = "{previous.host.address}:{PORT}"\nnext = "{following.host.address}:{PORT}"\n'
        self.lines = (
            f'listen = "{self.host.address}:{PORT}"\nkey = "machine.key"\nbundle = "{file}"\n',
            "" if self.command == "dealer" else peers,
        )

    def serve(self, *before, more="", log=None, env=None):
        """Starts it; `before` are the words of a command that runs it, `more` is what else stands in its configuration."""
        top, peers = self.lines
        self.config.write_text(f"{top}{more}\n{peers}")
        order = ["serve", self.command, "--config", self.config]
        self.role = Role(*order, log=log or self.folder / "log", env=env, within=[*self.host.within, *before])
        self.role.ready()

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def signal(self, what):
        os.kill(self.role.id, what)

    def hang(self):
        """Stops all of its threads, which takes a moment on a machine that is busy."""
        self.signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.role.id}/task")
        until(lambda: all(stat.read_text().rsplit(")", 1)[1].split()[0] == "T" for stat in tasks.glob("*/stat")))

    def kill(self):
        self.role.kill()
        self.role.process.stdout.close()


class World:
    """Three organisations, a client, and another one; `model` as `protocol` serves it."""

    def __init__(self, folder, model="lr-uci", protocol="replicated3", reveal="score", accuracy="1e-4"):
        self.folder, self.model = folder, MODELS / model
        self.machines = Machines(["bank-a", "bank-b", "auditor", "client", "other"])
        self.switch, self.client, self.other = (self.machines.switch, self.machines["client"], self.machines["other"])
        commands = ["dealer" if protocol == "dealer2" else "party", "party", "party"]
        self.parties = [Party(h, folder, n, c) for n, (h, c) in enumerate(zip(self.machines.all[:3], commands))]
        words = [w for p in self.parties for w in ("--party", p.line, "--url", f"https://{p.host.address}:{PORT}")]
        choices = ["--protocol", protocol, "--reveal", reveal, "--accuracy", accuracy, "--rows", self.model / "rows.npz"]
        ok("bundle", self.model / "model.onnx", "--kind", "mpc", *choices, *words, "--out", folder / "bundle")
        self.file = folder / "bundle/deployment.toml"
        for n, party in enumerate(self.parties):
            party.configure(folder / "bundle", self.parties[n - 1], self.parties[(n + 1) % 3])
            party.serve()
        self.rows = {name: x[:8] for name, x in np.load(self.model / "rows.npz").items()}
        np.savez(folder / "rows.npz", **self.rows)
        self.expected = judge.run(self.model / "model.onnx", self.rows)
        self.gateways = {host.name: self.gateway(host) for host in (self.client, self.other)}

    @property
    def bound(self):
        """With room for the type of an output; the deployment is held to its own bound elsewhere."""
        return 1e-3

    def gateway(self, host):
        more = ["--deadline", DEADLINE, "--batch-rows", "1"]
        return Gateway(self.file, self.folder / f"gateway-{host.name}.log", *more, within=host.within)

    def heal(self):
        """As it was at the start."""
        self.switch.clear()
        for party in self.parties:
            if party.role.process.poll() is not None:
                party.serve()
            party.signal(signal.SIGCONT)
        self.until_answered()

    def close(self):
        try:
            for gateway in self.gateways.values():
                assert gateway.end() == 0
            for party in self.parties:
                assert party.role.end() == 0, party.log
                assert "panicked" not in party.log, party.log
        finally:
            self.machines.close()

    def predict(self, host=None):
        """A new client's answer: right, or refused in words within the deadline. Its code, or none."""
        out = self.folder / "out.npz"
        order = ["--to", self.file, self.folder / "rows.npz", "-o", out, "--deadline", DEADLINE]
        done = privet("predict", *order, within=(host or self.client).within)
        assert done.seconds < DEADLINE + SLACK, done
        if done.code == 0:
            judge.compare(self.model.name, dict(np.load(out)), self.expected, self.bound)
            return None
        assert done.code == 4 and is_error(done.err), done
        return done.err

    def ask(self, host=None):
        """The same of a client that has been there for long."""
        host, start = host or self.client, time.monotonic()
        with host.inside():
            connection = http.client.HTTPConnection(self.gateways[host.name].address, timeout=DEADLINE + 5 * SLACK)
            connection.connect()
        inputs = [
            {"name": name, "datatype": "FP32", "shape": x.shape, "data": x.ravel().tolist()} for name, x in self.rows.items()
        ]
        connection.request("POST", f"/v2/models/{self.model.name}/infer", json.dumps({"inputs": inputs}))
        reply = connection.getresponse()
        body = json.loads(reply.read())
        connection.close()
        assert time.monotonic() - start < DEADLINE + SLACK, body
        if reply.status != 200:
            assert reply.status == 503 and is_error(body["error"]), (reply.status, body)
            return body["error"]
        got = {o["name"]: np.reshape(np.array(o["data"]), o["shape"]) for o in body["outputs"]}
        got = {name: got[name].astype(x.dtype) for name, x in self.expected.items()}
        judge.compare(self.model.name, got, self.expected, self.bound)
        return None

    def until_answered(self, within=SOON, since=None):
        """Until both clients of one machine are answered; how long that took since then."""
        since = since or time.monotonic()
        for asked in (self.ask, self.predict):
            while said := asked():
                # What is asked at the last moment has its own deadline.
                assert time.monotonic() - since < within, f"{asked.__name__} after {time.monotonic() - since:.1f} s: {said}"
        return time.monotonic() - since
