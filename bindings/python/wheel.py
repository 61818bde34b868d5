"""Builds the package's wheel, with the program `privet` in it, into `target/wheels`, and prints its path.

    cargo build --release && python bindings/python/wheel.py [PRIVET]

Needs cargo, and `maturin` and `wheel` from PyPI.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main():
    program = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/privet")
    out = ROOT / "target/wheels"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run("maturin", "build", "--release", "--locked", "--strip", "--manifest-path", HERE / "Cargo.toml", "--out", folder)
        [bare] = pathlib.Path(folder).glob("*.whl")
        run("wheel", "unpack", bare, "--dest", folder)
        [content] = (path for path in pathlib.Path(folder).iterdir() if path.is_dir())
        scripts = content / f"{content.name}.data/scripts"
        scripts.mkdir(parents=True)
        shutil.copy(program, scripts / "privet")
        # What has none already stays the very file: of a release, everyone gets the same.
        if has_symbols(program.read_bytes()):
            subprocess.run(["strip", scripts / "privet"], check=True)
        run("wheel", "pack", content, "--dest-dir", out)
    print(out / bare.name)


def has_symbols(elf):
    """Whether an ELF file of 64 bits has a table of symbols (a section of type 2)."""
    start, size, count = (int.from_bytes(elf[a:b], "little") for a, b in ((40, 48), (58, 60), (60, 62)))
    return any(int.from_bytes(elf[at + 4 : at + 8], "little") == 2 for at in range(start, start + size * count, size))


def run(tool, *arguments):
    done = subprocess.run([sys.executable, "-m", tool, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{tool}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
