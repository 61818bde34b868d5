"""Puts the static program into an OCI image, without an engine: `image.py PRIVET OUT.tar`.

The same program gives the same bytes: entries are sorted, owned by root and of one time (SOURCE_DATE_EPOCH, or 1970), and the layer is
not compressed, as compressors differ. `skopeo copy oci-archive:OUT.tar docker://REGISTRY/privet:VERSION` publishes it.
"""

import argparse
import datetime
import hashlib
import io
import json
import os
import pathlib
import platform
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
USER = "65532:65532"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
TITLES = {
    "org.opencontainers.image.title": "privet",
    "org.opencontainers.image.licenses": "Apache-2.0",
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--tag", default="privet:latest", help="the name that engines give it when they load it")
    arguments.add_argument("--machine", default=platform.machine(), choices=MACHINES)
    given = arguments.parse_args()
    program = given.program.read_bytes()
    if is_dynamic(program):
        raise SystemExit(f"`{given.program}` needs a dynamic loader, which the image does not have: build it with `tools/build-static`.")
    archive = image(layer(program), MACHINES[given.machine], given.tag)
    given.out.write_bytes(archive)
    print(f"sha256:{hashlib.sha256(archive).hexdigest()}  {given.out}")


def is_dynamic(program):
    """Whether an ELF file names an interpreter (a program header of type 3)."""
    if program[:5] != b"\x7fELF\x02":
        raise SystemExit("The program is no 64-bit ELF file.")
    start, size, count = (int.from_bytes(program[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
    return any(int.from_bytes(program[at : at + 4], "little") == 3 for at in range(start, start + size * count, size))


def layer(program):
    """The root file system."""
    etc = {f"etc/{file.name}": file.read_bytes() for file in (HERE / "etc").iterdir()}
    return tar({"etc": None, **etc, "privet": program}, {"privet": 0o755})


def image(content, architecture, tag):
    """The image's layout: blobs by their digests, and an index that leads to them."""
    blobs = {}

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    layers = [blob(content, "layer.v1.tar")]
    config = blob(encoded(configuration(architecture, layers[0]["digest"])), "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config}
    entry = blob(encoded(manifest | {"layers": layers, "annotations": TITLES}), "manifest.v1+json")
    entry |= {
        "platform": {"architecture": architecture, "os": "linux"},
        "annotations": {"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": tag},
    }
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}
    files = {"oci-layout": encoded({"imageLayoutVersion": "1.0.0"}), "index.json": encoded(index)}
    return tar({"blobs": None, "blobs/sha256": None, **blobs, **files}, {})


def configuration(architecture, layer_digest):
    created = datetime.datetime.fromtimestamp(EPOCH, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {"User": USER, "Entrypoint": ["/privet"], "Cmd": ["help"], "WorkingDir": "/", "Labels": TITLES},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        "history": [{"created": created, "created_by": "deploy/container/image.py"}],
    }


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def tar(files, modes):
    """A tar archive of files, and of folders where there is no content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mtime = (tarfile.DIRTYPE if data is None else tarfile.REGTYPE), EPOCH
            entry.mode = modes.get(name, 0o755 if data is None else 0o644)
            entry.size = len(data or b"")
            archive.addfile(entry, io.BytesIO(data or b""))
    return out.getvalue()


if __name__ == "__main__":
    main()
