"""Deployments of two servers and a dealer, as the tests of them start and ask them."""

import numpy as np
import tritonclient.http as triton_http

import judge
from dealer2_client import Role as Server
from support import MODELS, Role, ok
from machines import Machine, free_ports

UCI, WIDE, TREE = (MODELS / name for name in ("lr-uci", "lr528-keras", "decision-tree-classifier"))
DEALT = ["--protocol", "dealer2"]
NAMES = ["supplier", "bank-a", "bank-b"]
FILES = ["dealer.bundle", "party-1.bundle", "party-2.bundle"]


def rows_of(model, count):
    """So many rows of a model's sample, over and over."""
    return {name: np.resize(x, (count, *x.shape[1:])) for name, x in np.load(model / "rows.npz").items()}


def expected(model, rows):
    return judge.run(model / "model.onnx", rows)


def predicted(file, model, count, folder):
    """The program's answers for so many rows are ONNX Runtime's; what it says of their cost."""
    rows = rows_of(model, count)
    np.savez(folder / "rows.npz", **rows)
    done = ok("predict", "--to", file, folder / "rows.npz", "-o", folder / "out.npz", "--json", "--deadline", "10")
    judge.compare(model.name, dict(np.load(folder / "out.npz")), expected(model, rows), done.facts["bound"])
    return done.facts


def through(gateway, model, rows):
    """What a gateway answers."""
    with triton_http.InferenceServerClient(gateway.address, network_timeout=60) as client:
        inputs = [triton_http.InferInput(name, list(x.shape), "FP32") for name, x in rows.items()]
        for given, x in zip(inputs, rows.values()):
            given.set_data_from_numpy(x)
        answer = client.infer(model.name, inputs)
        return {output["name"]: answer.as_numpy(output["name"]) for output in answer.get_response()["outputs"]}


class Organisation(Machine):
    """One operator's folder; the dealer is the first of three."""

    def configure(self, bundle, at, all_three, limits):
        (self.folder / FILES[at]).write_bytes((bundle / FILES[at]).read_bytes())
        self.command, self.config = "party" if at else "dealer", self.folder / "role.toml"
        previous, following = all_three[at - 1].port, all_three[(at + 1) % 3].port
        # The dealer calls nobody.
        peers = f'[peers]\nprevious = "127.0.0.1:{previous}"\nnext = "127.0.0.1:{following}"\n' if at else ""
        text = f'listen = "127.0.0.1:{self.port}"\nkey = "machine.key"\nbundle = "{FILES[at]}"\n'
        self.config.write_text(f"{text}\n{peers}\n[limits]\n{limits}")

    def serve(self):
        role = Role("serve", self.command, "--config", self.config, log=self.folder / "log")
        assert role.ready() == self.url
        return role

    def server(self, model):
        return Server(model.name, self.url.split("//")[1], None)


class Three:
    """Three organisations, and what the owner handed out."""

    def __init__(self, folder, model=UCI, limits=""):
        self.roles, self.model = [], model
        self.all = [Organisation(folder, name, port) for name, port in zip(NAMES, free_ports(3))]
        self.words = [word for m in self.all for word in ("--party", m.line, "--url", m.url)]
        order = ["bundle", model / "model.onnx", "--kind", "mpc", *DEALT, *self.words, "--out", folder / "bundle"]
        assert "each of the two servers" in ok(*order).err
        self.file = folder / "bundle/deployment.toml"
        for at, one in enumerate(self.all):
            one.configure(folder / "bundle", at, self.all, limits)

    def serve(self, order=(0, 1, 2)):
        self.roles += [self.all[at].serve() for at in order]
        return self

    def servers(self):
        return [machine.server(self.model) for machine in self.all[1:]]

    def end(self):
        assert [role.end() for role in self.roles] == [0] * len(self.roles)
