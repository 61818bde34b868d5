"""What the tests share: the program, deployments that it runs, and the models in `models/` and `models-extra/`."""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("PRIVET_BIN", ROOT / "target/release/privet")).resolve()
MODELS = ROOT / "models"

# Absolute and relative tolerance of plain float32 against ONNX Runtime, from models/README.md.
ABSOLUTE, RELATIVE = 1e-6, 1e-5

# What a healthy machine needs well under a second for.
START = 30.0
STOP = 15.0


class Done:
    """How a command ended."""

    def __init__(self, code, out, err, seconds=0.0):
        self.code, self.out, self.err, self.seconds = code, out, err.decode(errors="replace"), seconds

    @property
    def text(self):
        return self.out.decode()

    @property
    def object(self):
        """The one JSON object on standard output."""
        return json.loads(self.text)

    @property
    def facts(self):
        """What `predict --json` says about its cost: on standard error where the answers are on standard output."""
        said = (line for line in reversed(self.err.splitlines()) if line.startswith("{"))
        return json.loads(next(said, None) or self.text)

    def __repr__(self):
        return f"exit {self.code}\n--- standard output\n{self.out[:2000]!r}\n--- standard error\n{self.err[:4000]}"


def privet(*args, stdin=None, timeout=120, within=(), **more):
    """Runs the program to its end; `within` are the words of a command that runs another one elsewhere."""
    start = time.monotonic()
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    done = subprocess.run([*within, BINARY, *map(str, args)], capture_output=True, timeout=timeout, **given, **more)
    done = Done(done.returncode, done.stdout, done.stderr, time.monotonic() - start)
    assert "panicked" not in done.err and "Traceback" not in done.err, done
    return done


def ok(*args, **more):
    """The same; it must succeed."""
    done = privet(*args, **more)
    assert done.code == 0, done
    return done


def refused(exit_code, *args, names=(), **more):
    """The same; it must fail with this exit code, no answer, and a sentence with a code that names all of `names`."""
    done = privet(*args, **more)
    assert_refused(done, exit_code, names)
    assert done.out == b"" or "--json" in args, done
    return done


def assert_refused(done, exit_code, names=()):
    assert done.code == exit_code, done
    line = next((line for line in done.err.splitlines() if is_error(line)), None)
    assert line is not None, f"no error code: {done!r}"
    assert done.err.rstrip().endswith((".", "`")), f"not a sentence: {done!r}"
    for name in names:
        assert name in done.err, f"`{name}` is not named: {done!r}"


def is_error(line):
    return len(line) > 5 and line[0] == "E" and line[1:4].isdigit() and line[4] == " "


class Role:
    """`privet serve` or `privet up`, running."""

    def __init__(self, *args, log, env=None, cwd=None, within=()):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as err:
            self.process = subprocess.Popen(
                [*within, BINARY, *map(str, args)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def id(self):
        return self.process.pid

    def ready(self):
        """What stands behind `ready` on the first line."""
        started, _, _ = select.select([self.process.stdout], [], [], START)
        line = self.process.stdout.readline().decode() if started else ""
        assert line.startswith("ready "), f"{line!r}, not ready; {self.log.read_text()}"
        return line.removeprefix("ready ").strip()

    def end(self, how=signal.SIGTERM):
        """Ends it by a signal, and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{how!r} did not end the process; {self.log.read_text()}") from None
        finally:
            self.process.stdout.close()

    def kill(self):
        """Ends it and all of its children, whatever they do."""
        for child in children(self.id):
            signal_to(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait(STOP)


class Gateway(Role):
    """`privet gateway`, on a free port of this machine."""

    def __init__(self, deployment, log, *args, within=()):
        listen = [] if "--listen" in args else ["--listen", "127.0.0.1:0"]
        super().__init__("gateway", "--to", deployment, *listen, *args, log=log, within=within)
        self.url = self.ready()
        self.address = self.url.split("://")[1]


class Up(Role):
    """`privet up`, running in a folder of its own."""

    def __init__(self, folder, kind, model, *args):
        self.folder, self.temporary = pathlib.Path(folder) / "run", pathlib.Path(folder) / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        env = os.environ | {"TMPDIR": str(self.temporary)}
        super().__init__("up", kind, model, *args, "--dir", self.folder, log=pathlib.Path(folder) / "up.log", env=env)
        self.deployment = self.folder / "deployment.toml"

    def ready(self):
        assert super().ready() == str(self.deployment)
        self.children = children(self.id)
        assert self.children, "its roles are not its children"
        return self

    def party(self, name):
        """The process id of a role."""
        return next(pid for pid in children(self.id) if f"{name}.toml" in command_line(pid))

    def stop(self, how=signal.SIGTERM):
        """Ends it; nothing may be left."""
        assert self.end(how) == 0, self.log.read_text()
        self.assert_gone()

    def assert_gone(self):
        left = [pid for pid in self.children if alive(pid)]
        assert not left, f"processes are left: {left}"
        assert not self.folder.exists(), f"files are left: {list(self.folder.iterdir())}"
        assert not list(self.temporary.iterdir()), f"files are left: {list(self.temporary.iterdir())}"


def children(pid):
    """All direct children; the kernel lists them by the thread that started them."""
    found = []
    for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def command_line(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode()


def alive(pid):
    """Whether a process runs; one that ended and was not collected yet does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def signal_to(pid, what):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def until(what, seconds=10.0):
    """Waits until `what()` is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def deployment(path):
    return tomllib.loads(pathlib.Path(path).read_text())


def changed(path, into, *replacements):
    """A copy of `deployment.toml` in which each text is replaced by another. `ca` files stay where they were."""
    text = pathlib.Path(path).read_text()
    for old, new in replacements:
        assert old in text, f"{old!r} is not in {path}"
        text = text.replace(old, new)
    into = pathlib.Path(into)
    into.write_text(text)
    return into
