"""A real measured boot, whose registers are predicted from what is booted, appraised by the program.

    python run.py                    needs qemu-system-x86_64, OVMF, swtpm, a Linux kernel, and cargo
    python run.py --kernel FILE      this kernel instead of the newest in /boot (or of PRIVET_KERNEL)

A machine in SOFTWARE EMULATION boots firmware, kernel and an initial file system; a software TPM measures them. The first process
asks the TPM for a quote. Nothing here isolates anything, and no vendor vouches for this TPM: what is tested is that the registers are
what the artefacts say, and that the verifier sees the difference. Where a piece is missing it says SKIPPED and what to install.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OVMF = pathlib.Path("/usr/share/OVMF")
CODE, VARS = OVMF / "OVMF_CODE_4M.fd", OVMF / "OVMF_VARS_4M.fd"
# Idle, a boot takes about 12 s; under load several times as long.
LONGEST_BOOT = 240
TARGET = "x86_64-unknown-linux-gnu"


def missing(kernel):
    """What is not here, with the package that brings it."""
    pieces = [(f"`{name}`", shutil.which(name), package) for name, package in TOOLS.items()]
    pieces.append((f"`{CODE}`", CODE.is_file() and VARS.is_file(), "ovmf"))
    pieces.append(("a kernel", kernel and kernel.is_file(), "linux-image-amd64, or give one with --kernel or PRIVET_KERNEL"))
    return [f"{what} ({package})" for what, there, package in pieces if not there]


TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "swtpm": "swtpm", "cargo": "rustup"}


def find_kernel(given):
    if given or os.environ.get("PRIVET_KERNEL"):
        return pathlib.Path(given or os.environ["PRIVET_KERNEL"])
    return max(pathlib.Path("/boot").glob("vmlinuz-*"), default=None, key=lambda path: path.stat().st_mtime)


def build_guest(target):
    """The first process: static, so that the initial file system holds nothing else."""
    flags = os.environ | {"RUSTFLAGS": "-C target-feature=+crt-static"}
    command = ["cargo", "build", "--release", "--locked", "--target", TARGET, "--target-dir", target]
    subprocess.run([*command, "--manifest-path", HERE / "guest/Cargo.toml"], check=True, env=flags)
    return (target / TARGET / "release/measured-boot-guest").read_bytes()


def initial_file_system(init):
    """A cpio archive of the "newc" format: two devices and the first process."""
    number = iter(range(1, 100))

    def entry(name, mode, data=b"", device=(0, 0)):
        fields = (next(number), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        return padded(head, 4) + padded(data, 4)

    files = [
        entry("dev", 0o40755),
        entry("dev/console", 0o20600, device=(5, 1)),
        entry("dev/tpm0", 0o20600, device=(10, 224)),
        entry("init", 0o100755, init),
        entry("TRAILER!!!", 0),
    ]
    return padded(b"".join(files), 512)


def padded(data, size):
    return data + b"\0" * (-len(data) % size)


def predicted(command_line, initrd):
    """Register 9 from the artefacts alone: the kernel's stub measures its options, as UTF-16 with an end, then the initial
    file system. The loader adds the name of that file to the options."""
    options = (command_line + " initrd=initrd\0").encode("utf-16-le")
    register = bytes(32)
    for measured in (options, initrd):
        register = hashlib.sha256(register + hashlib.sha256(measured).digest()).digest()
    return register.hex()


class Machine:
    """One TPM, and a machine that can be booted with it again and again."""

    def __init__(self, folder, kernel, initrd):
        self.folder, self.kernel = folder, kernel
        self.initrd = folder / "initrd"
        self.initrd.write_bytes(initrd)
        (folder / "tpm").mkdir()
        shutil.copy(VARS, folder / "vars.fd")

    def boot(self, report_data):
        """Boots; gives the evidence, and the command line that was booted."""
        command_line = f"console=ttyS0 panic=-1 quiet -- {report_data.hex()}"
        socket, console = self.folder / "tpm.sock", self.folder / "console"
        tpm = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}/tpm", "--ctrl", f"type=unixio,path={socket}"]
        )
        try:
            wait_for(socket)
            start = time.monotonic()
            subprocess.run(self.command(command_line, socket, console), check=True, timeout=LONGEST_BOOT)
            print(f"booted in {time.monotonic() - start:.1f} s, in software emulation")
        finally:
            tpm.terminate()
            tpm.wait(10)
        said = re.search(r"EVIDENCE (\{.*?\}) END", console.read_text(errors="replace"), re.S)
        assert said, f"the machine gave no evidence: {console.read_text(errors='replace')[-2000:]}"
        return json.loads(re.sub(r"[\r\n]", "", said[1])), command_line

    def command(self, command_line, socket, console):
        flash = "if=pflash,format=raw,unit={},{}file={}".format
        return [
            *("qemu-system-x86_64", "-machine", "q35,accel=tcg", "-m", "512", "-display", "none", "-nic", "none", "-no-reboot"),
            *("-drive", flash(0, "readonly=on,", CODE), "-drive", flash(1, "", self.folder / "vars.fd")),
            *("-chardev", f"socket,id=tpm,path={socket}", "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"),
            *("-kernel", self.kernel, "-initrd", self.initrd, "-append", command_line),
            *("-serial", f"file:{console}", "-monitor", "none"),
        ]


def wait_for(path):
    end = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < end, f"`{path}` did not appear"
        time.sleep(0.05)


def part(evidence, name):
    return base64.b64decode(next(a["data"] for a in evidence["auxiliary"] if a["name"] == name))


def appraise(program, folder, evidence, register, key):
    """What the program says about it under a policy with this register 9 and this attestation key."""
    (folder / "evidence.json").write_text(json.dumps(evidence))
    (folder / "policy.toml").write_text(
        f'version = 1\n[[accept]]\nkind = "tpm2"\nattestation_key = ["sha256:{key}"]\npcr = {{ 9 = ["{register}"] }}\n'
    )
    command = [program, "attest", "verify", folder / "evidence.json", "--policy", folder / "policy.toml", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    verdict = json.loads(done.stdout)
    assert (done.returncode == 0) == (verdict["verdict"] == "accepted") and done.returncode in (0, 3), done
    return verdict, {check["code"] for check in verdict["checks"] if not check["ok"]}


def flipped(evidence):
    body = bytearray(base64.b64decode(evidence["body"]))
    body[len(body) // 2] ^= 1
    return evidence | {"body": base64.b64encode(body).decode()}


def run(folder, kernel, program, target):
    initrd = initial_file_system(build_guest(target))
    machine = Machine(folder, kernel, initrd)
    # The first boot tells the TPM's key: in this version its owner vouches for it.
    first, first_line = machine.boot(secrets.token_bytes(64))
    key = hashlib.sha256(part(first, "attestation-key")).hexdigest()
    asked = secrets.token_bytes(64)
    evidence, line = machine.boot(asked)
    register = predicted(line, initrd)
    verdict, reasons = appraise(program, folder, evidence, register, key)
    assert verdict["verdict"] == "accepted" and verdict["assurance"] == "measured-boot", verdict
    assert hashlib.sha256(asked).digest() in base64.b64decode(evidence["body"]), "the quote is over other data"
    print(f"accepted: register 9 is {register}, as predicted from kernel options and initial file system")
    refusals = {
        "another initial file system": (evidence, predicted(line, initrd + b"\0"), key, "measurement-unknown"),
        "another command line": (evidence, predicted(line + " debug", initrd), key, "measurement-unknown"),
        "the boot before": (evidence, predicted(first_line, initrd), key, "measurement-unknown"),
        "another TPM": (evidence, register, hashlib.sha256(b"another").hexdigest(), "platform-not-pinned"),
        "a flipped bit": (flipped(evidence), register, key, "signature-invalid"),
    }
    for what, (shown, expected, pinned, reason) in refusals.items():
        verdict, reasons = appraise(program, folder, shown, expected, pinned)
        assert verdict["verdict"] == "refused" and reason in reasons, (what, verdict)
        print(f"refused: {what} ({', '.join(sorted(reasons))})")
    print("PASSED. This was software emulation: a measured boot, and no isolation from the machine's owner.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel")
    parser.add_argument("--program", default=os.environ.get("PRIVET_BIN", ROOT / "target/release/privet"))
    parser.add_argument("--target-dir", type=pathlib.Path, default=ROOT / "target/measured-boot")
    options = parser.parse_args()
    kernel = find_kernel(options.kernel)
    if lacking := missing(kernel):
        print("SKIPPED: the measured boot was not tested, for want of " + ", ".join(lacking))
        return 0
    with tempfile.TemporaryDirectory(prefix="privet-boot-") as folder:
        run(pathlib.Path(folder), kernel, options.program, options.target_dir.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
