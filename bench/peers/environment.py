"""Makes virtual environments of peers, each from its own `requirements-NAME.txt`.

    python bench/peers/environment.py all                              in target/peers
    python bench/peers/environment.py spu tenseal --folder /tmp/peers
    python bench/peers/environment.py tf-encrypted --python /opt/python3.10/bin/python3

One that is there and of the same requirements is left as it is. What cannot be made is said on standard error, and
kept for the record of run.py, which says it again.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

from systems import SYSTEMS
from workload import ROOT

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = ROOT / "target/peers"
VERSIONS = """
import importlib.metadata, json, sys
found = {name: importlib.metadata.version(name) for name in sys.argv[1:]}
print(json.dumps({"python": sys.version.split()[0]} | found))
"""


def main():
    args = arguments()
    made = [attempt(name, args.folder, args.python) for name in (SYSTEMS if "all" in args.names else args.names)]
    sys.exit(0 if all(made) else 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=["all", *SYSTEMS], metavar="NAME")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--python", help="the interpreter to make them with, of a version that the peer has wheels for")
    return parser.parse_args()


def attempt(name, folder, python):
    """Whether it is there in the end."""
    failure = folder / f"{name}.failed"
    if is_made(name, folder):
        print(f"{name}: is there")
        return True
    folder.mkdir(parents=True, exist_ok=True)
    try:
        make(name, folder / name, python)
    except (RuntimeError, OSError) as error:
        failure.write_text(str(error))
        print(f"{name}: CANNOT BE HAD. {error}", file=sys.stderr)
        return False
    failure.unlink(missing_ok=True)
    print(f"{name}: made")
    return True


def make(name, folder, python):
    python = python or interpreter(SYSTEMS[name].pythons)
    shutil.rmtree(folder, ignore_errors=True)
    run(python, "-m", "venv", folder)
    for file in requirements(name):
        options = ["--no-deps"] if file.stem.endswith("no-deps") else []
        run(folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *options, "-r", file)
    marker(name, folder).write_text(wanted(name))


def interpreter(versions):
    """The first that runs: a command may be there and name a Python that is not."""
    for version in versions:
        if shutil.which(f"python{version}") and succeeds(f"python{version}", "-c", "import venv"):
            return f"python{version}"
    raise RuntimeError(f"needs Python {' or '.join(versions)}, and found none (`--python` names one)")


def succeeds(*words):
    return subprocess.run(words, capture_output=True).returncode == 0


def run(*words):
    """What a command printed; the last line of what a failed one said is why."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(" ".join((done.stderr or done.stdout).strip().splitlines()[-1:]))
    return done.stdout


def requirements(name):
    """What is installed with all that it needs, and what without."""
    files = [HERE / f"requirements-{name}.txt", HERE / f"requirements-{name}-no-deps.txt"]
    return [file for file in files if file.exists()]


def wanted(name):
    return "".join(file.read_text() for file in requirements(name))


def marker(name, folder):
    """It holds the requirements that were installed."""
    return folder / f"{name}.installed"


def is_made(name, folder):
    file = marker(name, folder / name)
    return file.exists() and file.read_text() == wanted(name)


def python_of(name, folder):
    """The interpreter of an environment; an error says why there is none."""
    failure = folder / f"{name}.failed"
    if is_made(name, folder):
        return folder / name / "bin/python"
    if failure.exists():
        raise RuntimeError(f"its environment could not be made: {failure.read_text()}")
    raise RuntimeError(f"has no environment, or an old one: `python bench/peers/environment.py {name}` makes it")


def versions(name, python):
    return json.loads(run(python, "-c", VERSIONS, *SYSTEMS[name].packages))


if __name__ == "__main__":
    main()
