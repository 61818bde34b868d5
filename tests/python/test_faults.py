"""What goes wrong between machines, done to real processes."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from proxy import Proxy
from support import (
    BINARY,
    MODELS,
    Done,
    Role,
    Up,
    alive,
    assert_refused,
    changed,
    children,
    cpu_seconds,
    deployment,
    ok,
    privet,
    refused,
    until,
)

UCI, WIDE = MODELS / "lr-uci", MODELS / "lr528-keras"
ROWS = UCI / "rows.npz"

# An operator learns of a loss within this time.
SOON = 1.0


def answers(running, folder, rows=ROWS):
    out = folder / "answers.npz"
    ok("predict", "--to", running.deployment, rows, "-o", out)
    return dict(np.load(out))


@pytest.mark.parametrize("party", ["party-0", "party-1", "party-2"])
def test_a_party_that_died_is_named_at_once_and_serves_again_when_it_is_back(party, up, tmp_path):
    running = up("mpc", UCI / "model.onnx")
    before = answers(running, tmp_path)
    dead = running.party(party)
    os.kill(dead, signal.SIGKILL)
    until(lambda: not alive(dead))
    done = refused(4, "predict", "--to", running.deployment, ROWS, names=["E304", f"`{party}`", "is not answering"])
    assert done.seconds < SOON
    until(lambda: f"`{party}` ended" in running.log.read_text())
    assert f"privet serve party --config {running.folder / party}.toml" in running.log.read_text()
    again = Role("serve", "party", "--config", running.folder / f"{party}.toml", log=tmp_path / "again.log")
    again.ready()
    after = answers(running, tmp_path)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert again.end() == 0


@pytest.mark.parametrize("party", ["party-0", "party-2"])
def test_a_party_that_dies_during_a_request_ends_it_at_once_and_harms_nobody_else(party, up, tmp_path):
    running = up("mpc", WIDE / "model.onnx")
    np.save(tmp_path / "rows.npy", np.tile(np.load(WIDE / "rows.npz")["features"], (600, 1)))
    victim = running.party(party)
    others = [pid for pid in running.children if pid != victim]
    start = cpu_seconds(victim)
    out = tmp_path / "answers.npz"
    command = [BINARY, "predict", "--to", running.deployment, tmp_path / "rows.npy", "-o", out]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: cpu_seconds(victim) > start + 0.03)
    assert client.poll() is None, "the request was over before the party died; give it more rows"
    os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    written, said = client.communicate(timeout=30)
    took = time.monotonic() - killed
    done = Done(client.returncode, written, said)
    assert_refused(done, 4, ["E304", f"`{party}`"])
    assert took < SOON, f"{took:.2f} s"
    assert written == b"" and not out.exists()
    assert all(map(alive, others)) and children(running.id) != []
    again = Role("serve", "party", "--config", running.folder / f"{party}.toml", log=tmp_path / "again.log")
    again.ready()
    answers(running, tmp_path, WIDE / "rows.npz")
    assert again.end() == 0


def test_a_party_that_dies_while_rows_are_on_their_way_ends_the_request_at_once(up, tmp_path):
    """On a slow link nearly all of the request is still to be sent."""
    running = up("mpc", WIDE / "model.onnx")
    url = deployment(running.deployment)["endpoints"][1]["grpc_url"]
    proxy = Proxy(url, rate=200_000)
    to = changed(running.deployment, tmp_path / "deployment.toml", (url, proxy.url))
    np.save(tmp_path / "rows.npy", np.tile(np.load(WIDE / "rows.npz")["features"], (8, 1)))
    command = [BINARY, "predict", "--to", to, tmp_path / "rows.npy"]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: len(proxy.seen["up"]) > 50_000)
    os.kill(running.party("party-1"), signal.SIGKILL)
    killed = time.monotonic()
    done = Done(client.wait(30), *client.communicate())
    took = time.monotonic() - killed
    proxy.close()
    assert_refused(done, 4, ["E304", "`party-1`", "was lost"])
    assert took < SOON and done.out == b"" and len(proxy.seen["up"]) < 1_000_000, f"{took:.2f} s"


@pytest.mark.parametrize(
    "kind, role", [("mpc", "party-0"), ("mpc", "party-1"), ("mpc", "party-2"), ("plain", "server")]
)
def test_a_role_that_hangs_is_named_at_the_deadline(kind, role, up, tmp_path):
    running = up(kind, UCI / "model.onnx")
    hanging = running.party(role)
    os.kill(hanging, signal.SIGSTOP)
    try:
        done = refused(
            4, "predict", "--to", running.deployment, ROWS, "--deadline", "1", names=["E305", f"`{role}`", "deadline"]
        )
    finally:
        os.kill(hanging, signal.SIGCONT)
    assert 1 <= done.seconds < 1 + SOON
    answers(running, tmp_path)


@pytest.mark.parametrize("party", ["party-0", "party-1", "party-2"])
def test_whoever_hangs_is_named_and_not_those_that_wait_for_it(party, up, tmp_path):
    """All three are late together; of one nothing was heard."""
    running = up("mpc", UCI / "model.onnx", "--reveal", "probability", "--protocol", "replicated3-malicious")
    answers(running, tmp_path)
    hanging = running.party(party)
    os.kill(hanging, signal.SIGSTOP)
    until(lambda: all(stat.read_text().rsplit(")", 1)[1].split()[0] == "T" for stat in tasks(hanging)))
    try:
        refused(4, "predict", "--to", running.deployment, ROWS, "--deadline", "2.5", names=["E305", f"`{party}`"])
    finally:
        os.kill(hanging, signal.SIGCONT)
    until(lambda: privet("predict", "--to", running.deployment, ROWS, "-o", tmp_path / "again.npz").code == 0)


def tasks(pid):
    return pathlib.Path(f"/proc/{pid}/task").glob("*/stat")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["plain", "mpc"])
def test_the_order_to_stop_leaves_no_process_and_no_file(kind, how, up, tmp_path):
    running = up(kind, UCI / "model.onnx")
    answers(running, tmp_path)
    assert len(running.children) == (3 if kind == "mpc" else 1)
    start = time.monotonic()
    running.stop(how)
    assert time.monotonic() - start < 2


def test_the_order_to_stop_reaches_a_terminal_s_whole_group(up):
    """Ctrl-C goes to every process of the terminal at once; it is still an orderly end."""
    running = up("mpc", UCI / "model.onnx")
    os.killpg(running.id, signal.SIGINT)
    assert running.process.wait(5) == 0
    running.assert_gone()


def test_the_order_to_stop_while_starting_leaves_nothing(tmp_path):
    for wait in (0.0, 0.01, 0.03, 0.06, 0.1):
        folder = tmp_path / str(wait)
        folder.mkdir()
        running = Up(folder, "mpc", WIDE / "model.onnx")
        time.sleep(wait)
        running.children = children(running.id)
        # Before it can listen to signals a process ends by them.
        assert running.end() in (0, -signal.SIGTERM)
        running.assert_gone()


def test_a_folder_that_was_there_stays_with_what_was_in_it(tmp_path):
    running = Up(tmp_path, "mpc", UCI / "model.onnx")
    running.ready()
    assert running.end() == 0 and not running.folder.exists()
    running.folder.mkdir()
    (running.folder / "notes.txt").write_text("mine")
    again = Up(tmp_path, "mpc", UCI / "model.onnx").ready()
    assert again.end() == 0
    assert [f.name for f in running.folder.iterdir()] == ["notes.txt"]


def test_without_a_folder_a_temporary_one_is_used_and_removed(tmp_path):
    env = os.environ | {"TMPDIR": str(tmp_path)}
    log = tmp_path.parent / "without-a-folder.log"
    running = Role("up", "plain", UCI / "model.onnx", log=log, env=env)
    file = running.ready()
    assert file.startswith(str(tmp_path)) and file.endswith("/deployment.toml")
    ok("predict", "--to", file, ROWS, "-o", tmp_path.parent / "answers.npz")
    assert running.end() == 0 and not list(tmp_path.iterdir())


def test_two_deployments_at_once_do_not_disturb_each_other(up, tmp_path):
    first, second = up("mpc", UCI / "model.onnx"), up("mpc", UCI / "model.onnx")
    before = answers(first, tmp_path)
    assert not set(urls(first)) & set(urls(second))
    first.stop()
    after = answers(second, tmp_path)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def urls(running):
    return [endpoint["grpc_url"] for endpoint in deployment(running.deployment)["endpoints"]]


def test_many_clients_at_once_get_their_own_answers(up, tmp_path):
    running = up("mpc", UCI / "model.onnx")
    rows = np.load(ROWS)["features"]
    whole = answers(running, tmp_path)["probabilities"]
    clients = []
    for at in range(12):
        np.savez(tmp_path / f"{at}.npz", features=rows[at * 11 : at * 11 + 11])
        command = [
            BINARY,
            "predict",
            "--to",
            running.deployment,
            tmp_path / f"{at}.npz",
            "-o",
            tmp_path / f"{at}-out.npz",
        ]
        clients.append(subprocess.Popen(command))
    for at, client in enumerate(clients):
        assert client.wait(30) == 0
        got = np.load(tmp_path / f"{at}-out.npz")["probabilities"]
        assert np.array_equal(got, whole[at * 11 : at * 11 + 11]), f"client {at} got other answers"


def test_a_wrong_pinned_key_is_refused(up, tmp_path):
    first, second = up("mpc", UCI / "model.onnx"), up("mpc", UCI / "model.onnx")
    ours, theirs = (deployment(running.deployment)["endpoints"][1]["key"] for running in (first, second))
    # The bundle names the key too; only the endpoint's line is changed, so the digest still holds, and nobody is asked.
    to = tmp_path / "deployment.toml"
    to.write_text(first.deployment.read_text().replace(f'key = "{ours}"', f'key = "{theirs}"'))
    done = refused(5, "predict", "--to", to, ROWS)
    assert "E502" in done.err and "`party-1`" in done.err and "Nothing was sent" in done.err, done


def altered(running, folder, what, into, digest=None):
    """A bundle that somebody changed on its way to the client, with or without a digest that fits."""
    text = running.deployment.read_text()
    assert what in text
    text = text.replace(what, into)
    if digest:
        text = text.replace(deployment(running.deployment)["digest"], digest)
    to = folder / "altered.toml"
    to.write_text(text)
    return to


CHANGES = [
    ('"reveal":"score"', '"reveal":"label"'),
    ('"bound":', '"bound":1'),
    ('"format":3', '"format":9'),
    ("{", "("),
]


@pytest.mark.parametrize("what, into", CHANGES)
def test_an_altered_bundle_is_noticed_by_its_digest(what, into, shared, tmp_path):
    running = shared("mpc", UCI / "model.onnx")
    done = refused(5, "predict", "--to", altered(running, tmp_path, what, into), ROWS)
    assert "E501" in done.err and deployment(running.deployment)["digest"] in done.err, done


def test_an_altered_bundle_with_a_digest_that_fits_is_noticed_by_the_parties(shared, tmp_path):
    running = shared("mpc", UCI / "model.onnx")
    change = ('"name":"lr-uci","version"', '"name":"lr-uci", "version"')
    done = refused(5, "predict", "--to", altered(running, tmp_path, *change), ROWS)
    digests = set(re.findall(r"\b[0-9a-f]{64}\b", done.err)) - {deployment(running.deployment)["digest"]}
    assert len(digests) == 1, done
    done = privet("predict", "--to", altered(running, tmp_path, *change, digests.pop()), ROWS)
    assert done.code == 3 and done.out == b"" and "E333" in done.err and "`party-" in done.err, done


def test_a_copy_of_the_deployment_file_is_all_that_a_client_needs(shared, tmp_path):
    """The keys are pinned in it; the certificate files beside it are for other programs."""
    copy = tmp_path / "elsewhere.toml"
    shutil.copy(shared("mpc", UCI / "model.onnx").deployment, copy)
    ok("predict", "--to", copy, ROWS, "-o", tmp_path / "answers.npz")


def test_shares_go_only_to_the_keys_that_the_bundle_names(shared, tmp_path):
    """The endpoints stand outside the bundle's digest, so each is held to the bundle before anything is sent."""
    running = shared("mpc", UCI / "model.onnx")
    other = shared("mpc", MODELS / "lr528-torch/model.onnx")
    keys, others = ([e["key"] for e in deployment(r.deployment)["endpoints"]] for r in (running, other))
    text = running.deployment.read_text()
    pins = [line for line in text.splitlines() if line.startswith("key = ")]
    assert len(pins) == 3
    for name, changed_text in {
        "another machine's key": text.replace(f'key = "{keys[0]}"', f'key = "{others[0]}"'),
        "no key but a certificate": text.replace(pins[1] + "\n", ""),
        "keys in another order": text.replace(pins[0], "PIN").replace(pins[1], pins[0]).replace("PIN", pins[1]),
        "two endpoints": text[: text.rindex("[[endpoints]]")],
    }.items():
        to = tmp_path / "altered.toml"
        to.write_text(changed_text)
        done = refused(5, "predict", "--to", to, ROWS)
        assert "E502" in done.err and "Nothing was sent" in done.err, (name, done)


def test_kill_9_of_up_leaves_no_role_behind(tmp_path):
    """Roles end when the process that started them is gone, however it went."""
    command = [BINARY, "up", "mpc", MODELS / "lr-uci/model.onnx", "--dir", tmp_path / "run"]
    up = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    assert up.stdout.readline().startswith("ready ")
    roles = children(up.pid)
    assert len(roles) == 3
    up.kill()
    up.wait()
    until(lambda: not any(alive(role) for role in roles), 15)
    # What it left behind is the next one's to replace, and to remove.
    Up(tmp_path, "plain", UCI / "model.onnx").ready().end()
    assert not list((tmp_path / "run").iterdir())
