"""Roles as their operators run them: a folder each, a key of their own, configurations written by hand."""

import json
import signal
import socket
import ssl
import urllib.error
import urllib.request

from support import Role, ok


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Machine:
    """One operator's machine."""

    def __init__(self, folder, name, port):
        self.folder, self.name, self.port = folder / name, name, port
        self.folder.mkdir()
        self.url = f"https://127.0.0.1:{port}"
        self.line = ok("keygen", "--name", name, "--out", self.folder / "machine.key").text.strip()
        self.config, self.role = self.folder / "role.toml", None

    def write(self, text):
        """The configuration: where it listens and its key, and what else it says."""
        self.config.write_text(f'listen = "127.0.0.1:{self.port}"\nkey = "machine.key"\n{text}')

    def serve(self, command, env=None):
        self.role = Role("serve", command, "--config", self.config, log=self.folder / "log", env=env)
        assert self.role.ready() == self.url
        return self

    def reload(self):
        """Asks it to read its configuration again, and says what it says."""
        before = self.log()
        self.role.process.send_signal(signal.SIGHUP)
        return before

    def log(self):
        return (self.folder / "log").read_text()

    def end(self):
        if self.role:
            assert self.role.end() == 0


def trio(folder):
    return [Machine(folder, name, port) for name, port in zip(["bank-a", "bank-b", "auditor"], free_ports(3))]


def bundle_of(machines, model, out, *order):
    who = [word for m in machines for word in ("--party", m.line, "--url", m.url)]
    ok("bundle", model, "--kind", "mpc", *who, *order, "--out", out)
    return out


def peers_of(machines, party):
    previous, following = machines[party - 1], machines[(party + 1) % 3]
    return f'[peers]\nprevious = "127.0.0.1:{previous.port}"\nnext = "127.0.0.1:{following.port}"\n'


def http(url, data=None, headers=None, method=None):
    """Status, headers and body of a call over TLS, to whoever it is."""
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20, context=anyone) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def infer(url, model, rows, headers=None, name="features", datatype="FP32", version=None):
    """Status, headers and object of an infer call in JSON."""
    tensor = {"name": name, "shape": list(rows.shape), "datatype": datatype, "data": rows.flatten().tolist()}
    where = f"/v2/models/{model}" + (f"/versions/{version}" if version else "") + "/infer"
    body = json.dumps({"inputs": [tensor]}).encode()
    status, headers, text = http(url + where, body, {"Content-Type": "application/json", **(headers or {})})
    return status, headers, json.loads(text)
