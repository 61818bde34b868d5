"""Runs images by a real OCI runtime, without an engine, and a name server for them."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import threading

from support import STOP, until

# The runtime knows one kind of control groups at a time; it is shown none, as none are needed.
CRUN = ["unshare", "--mount", "sh", "-c", 'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec crun --cgroup-manager=disabled "$@"', "-"]


def unpacked(archive, folder):
    """An image's root file system and its configuration, by umoci."""
    layout, bundle = folder / "layout", folder / "bundle"
    with tarfile.open(archive) as tar:
        tar.extractall(layout, filter="data")
    name = json.loads((layout / "index.json").read_text())["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
    # umoci splits at the last colon, so the image is named anew.
    subprocess.run(["skopeo", "copy", "--quiet", f"oci:{layout}:{name}", f"oci:{folder}/named:one"], check=True)
    subprocess.run(["umoci", "unpack", "--image", f"{folder}/named:one", bundle], check=True, capture_output=True)
    return bundle


class Container:
    """One container of an unpacked image: read-only, no capability, this machine's loopback, and what is mounted."""

    def __init__(self, bundle, name, folder, args, mounts):
        self.name, self.folder = f"privet-{os.getpid()}-{name}", folder
        folder.mkdir(parents=True, exist_ok=True)
        spec = json.loads((bundle / "config.json").read_text())
        spec["root"] = {"path": str(bundle / "rootfs"), "readonly": True}
        spec["process"] |= {"terminal": False, "args": [*spec["process"]["args"][:1], *map(str, args)], "noNewPrivileges": True}
        spec["process"]["capabilities"] = {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")}
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
        spec["linux"].pop("resources", None)
        for there, (here, how) in mounts.items():
            spec["mounts"].append({"destination": there, "type": "bind", "source": str(here), "options": ["rbind", how]})
        (folder / "config.json").write_text(json.dumps(spec))
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [*CRUN, "run", "--config", folder / "config.json", "--bundle", bundle, self.name],
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )

    def ready(self):
        until(lambda: "ready " in self.text() or self.process.poll() is not None, 30)
        assert self.process.poll() is None, self.text()
        return self

    def text(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=60):
        return self.process.wait(seconds)

    def stop(self):
        """As an engine stops it: SIGTERM to its first process, which has no shell around it."""
        if self.process.poll() is None:
            subprocess.run([*CRUN, "kill", self.name, "TERM"], check=True)
        return self.process.wait(STOP)

    def kill(self):
        if self.process.poll() is None:
            subprocess.run([*CRUN, "delete", "--force", self.name], check=False, capture_output=True)
            self.process.wait(STOP)


class Names:
    """A name server for `.test` on this machine's loopback: every such name is 127.0.0.1, no other is known."""

    def __init__(self, address="127.0.0.99"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.address, self.asked = address, set()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                question, whom = self.socket.recvfrom(512)
            except OSError:
                return
            self.socket.sendto(self.answer(question), whom)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        end = at + 5
        self.asked.add(".".join(labels))
        known, wants_a = labels[-1] == "test", question[at + 1 : at + 3] == b"\0\1"
        found = known and wants_a
        head = question[:2] + (b"\x81\x80" if known else b"\x81\x83") + b"\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if found else b""
        return head + question[12:end] + record

    def close(self):
        self.socket.close()


def etc(folder, names):
    """What an engine mounts into every container, so that names are resolved."""
    folder.mkdir(exist_ok=True)
    (folder / "hosts").write_text("127.0.0.1 localhost\n")
    (folder / "resolv.conf").write_text(f"nameserver {names.address}\noptions timeout:1 attempts:2\n")
    return {f"/etc/{name}": (folder / name, "ro") for name in ("hosts", "resolv.conf")}


def owned(folder: pathlib.Path, user=65532):
    """Files as a volume of that user's group has them."""
    for path in [folder, *folder.rglob("*")]:
        shutil.chown(path, user, user)
    return folder
