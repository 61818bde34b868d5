"""Runs inside the booted systemd: operators' steps with the units, and what must hold. Writes `passed` only if all of it does."""

import os
import pathlib
import subprocess
import time

PRIVET = "/usr/local/bin/privet"
CONFIGS = pathlib.Path("/etc/privet")
LINEAR, PROGRAM = pathlib.Path("/trial/lr-uci"), pathlib.Path("/trial/mlp-sklearn")
LAST = [""]
NAMES = ["bank-a", "bank-b", "auditor"]


def run(*words, fails=False):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode != 0) == fails, f"{words}: {done.returncode} {done.stdout}{done.stderr}\n{journal()}"
    return done.stdout.strip()


def journal():
    said = [["systemctl", "status", "--no-pager", "--lines", "10", "privet-*"], ["journalctl", "--no-pager", "-n", "60"]]
    return "\n".join(subprocess.run(words, capture_output=True, text=True).stdout for words in said) + LAST[-1]


def show(unit, key):
    return run("systemctl", "show", "--value", "--property", key, unit)


def until(what):
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, journal()
        time.sleep(0.05)


def machine(name):
    folder = CONFIGS / name
    folder.mkdir(parents=True)
    return run(PRIVET, "keygen", "--name", name, "--out", folder / "machine.key")


def handed_over(name):
    """As the handbook says: root's, and readable by the group of roles."""
    run("chgrp", "-R", "privet", CONFIGS / name)
    run("chmod", "-R", "u=rwX,g=rX,o=", CONFIGS / name)


def parties():
    """Three parties on this machine, each an instance of the unit, for a program that makes them talk."""
    lines = [machine(name) for name in NAMES]
    roles = [word for n, line in enumerate(lines) for word in ("--party", line, "--url", f"https://127.0.0.1:{7101 + n}")]
    run(PRIVET, "bundle", PROGRAM / "model.onnx", "--kind", "mpc", "--rows", PROGRAM / "rows.npz", "--accuracy", "1e-2", *roles, "--out", "/trial/out")
    for n, name in enumerate(NAMES):
        previous, following = 7101 + (n - 1) % 3, 7101 + (n + 1) % 3
        (CONFIGS / name / "party.toml").write_text(
            f'listen = "127.0.0.1:{7101 + n}"\nkey = "machine.key"\nbundle = "party.bundle"\n\n'
            f'[peers]\nprevious = "localhost:{previous}"\nnext = "localhost:{following}"\n'
        )
        run("cp", f"/trial/out/party-{n}.bundle", CONFIGS / name / "party.bundle")
        handed_over(name)
        run("systemctl", "start", f"privet-party@{name}")


def answered(deployment, rows, *more):
    words = [PRIVET, "predict", "--to", deployment, rows, "-o", "/trial/answers.csv", *more]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    LAST.append(done.stderr)
    return done.returncode == 0


def program():
    return answered("/trial/out/deployment.toml", PROGRAM / "rows.npz")


def restarts():
    """A killed party comes back by itself, and a configuration that is wrong does not start again and again."""
    unit = "privet-party@bank-b"
    before = int(show(unit, "MainPID"))
    os.kill(before, 9)
    until(lambda: show(unit, "ActiveState") == "active" and int(show(unit, "MainPID")) not in (0, before))
    until(program)
    wrong = CONFIGS / "wrong"
    wrong.mkdir()
    (wrong / "party.toml").write_text("nothing = 1\n")
    handed_over("wrong")
    run("systemctl", "start", "--no-block", "privet-party@wrong")
    until(lambda: show("privet-party@wrong", "ActiveState") == "failed")
    assert show("privet-party@wrong", "ExecMainStatus") == "2" and show("privet-party@wrong", "NRestarts") == "0"


def shut_in():
    """What the role can see: its own configuration and no other, no other process, and nothing that it could write."""
    pid = show("privet-party@bank-a", "MainPID")
    root = pathlib.Path(f"/proc/{pid}/root")
    assert [entry.name for entry in (root / "etc/privet").iterdir()] == ["bank-a"]
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    assert int(status["Uid"].split()[0]) >= 61184, "not a dynamic user"
    assert int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert int(next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3]) > 10_000, limits


def stops():
    for name in NAMES:
        run("systemctl", "stop", f"privet-party@{name}")
        assert show(f"privet-party@{name}", "Result") == "success", name
        assert show(f"privet-party@{name}", "ExecMainStatus") == "0", "SIGTERM is an orderly end"


def plain():
    line = machine("server")
    model = CONFIGS / "server/model.onnx"
    run("cp", LINEAR / "model.onnx", model)
    (CONFIGS / "server/plain.toml").write_text('listen = "127.0.0.1:7200"\nkey = "machine.key"\nmodel = "model.onnx"\nname = "credit"\n')
    handed_over("server")
    run(PRIVET, "bundle", model, "--kind", "plain", "--name", "credit", "--party", line, "--url", "https://127.0.0.1:7200", "--out", "/trial/plain")
    run("systemctl", "start", "privet-plain@server")
    until(lambda: answered("/trial/plain/deployment.toml", LINEAR / "rows.npz"))


def policy():
    """What accepts the simulator of this very program: `up` writes it. Without `[channel]`, which names the keys of that run."""
    up = subprocess.Popen([PRIVET, "up", "tee", LINEAR / "model.onnx", "--dir", "/trial/up"], stdout=subprocess.PIPE, text=True)
    assert up.stdout.readline().startswith("ready ")
    text = pathlib.Path("/trial/up/policy.toml").read_text()
    up.terminate()
    assert up.wait(20) == 0
    before, after = text.split("[channel]")
    return before + "[simulator]" + after.split("[simulator]")[1]


def enclave():
    """The key service with its state, and the host, which runs the measured program (SIMULATED) under its own unit's rules."""
    accepted = policy()
    pathlib.Path("/trial/policy.toml").write_text(accepted)
    owner, cloud = machine("owner"), machine("cloud")
    words = ["--dangerous-simulated", "--client-policy", "/trial/policy.toml", "--party", cloud, "--url", "https://127.0.0.1:7300"]
    run(PRIVET, "bundle", LINEAR / "model.onnx", "--kind", "tee", *words, "--out", "/trial/tee")
    run("cp", "/trial/tee/model.secret", "/trial/policy.toml", CONFIGS / "owner")
    run("cp", "/trial/tee/public.json", "/trial/tee/model.sealed", CONFIGS / "cloud")
    (CONFIGS / "owner/keys.toml").write_text(
        'listen = "127.0.0.1:7301"\nkey = "machine.key"\nsecrets = ["model.secret"]\npolicy = "policy.toml"\n'
        'state = "/var/lib/privet-keys/owner"\n'
    )
    (CONFIGS / "cloud/enclave.toml").write_text(
        'listen = "127.0.0.1:7300"\nkey = "machine.key"\nbundle = "public.json"\nmodel = "model.sealed"\nattester = "simulated"\n'
        f'\n[keys]\nurl = "https://127.0.0.1:7301"\nkey = "{owner}"\n'
    )
    for name, role in [("owner", "keys"), ("cloud", "enclave")]:
        handed_over(name)
        run("systemctl", "start", f"privet-{role}@{name}")
    until(lambda: answered("/trial/tee/deployment.toml", LINEAR / "rows.npz", "--dangerous-accept-simulated"))
    assert pathlib.Path("/var/lib/private/privet-keys/owner/releases.jsonl").stat().st_size > 0


def main():
    run("systemd-sysusers", "/etc/sysusers.d/privet.conf")
    parties()
    until(program)
    restarts()
    shut_in()
    stops()
    plain()
    enclave()
    pathlib.Path("/found/passed").write_text("yes\n")


main()
