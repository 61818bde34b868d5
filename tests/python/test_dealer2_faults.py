"""What goes wrong between two servers and their dealer, done to real processes: no answer is ever wrong, and no mask is met again."""

import os
import signal
import threading
import time

import numpy as np
import pytest
import tritonclient.utils as triton

import judge
from dealer2_client import Client
from dealer2_support import DEALT, TREE, UCI, WIDE, expected, predicted, rows_of, through
from support import Role, alive, assert_refused, privet, until

# No dealer, no ticket; or a role that is not there.
TYPED = {"E304", "E320", "E347"}
ROLES = ["dealer", "party-1", "party-2"]

# In which answers come again once a role is back.
SOON = 5.0


class Roles:
    """The roles of a deployment: each ends as a power cut would end it, and starts again from the same files, as from a backup."""

    def __init__(self, running):
        self.running, self.again = running, {}

    def kill(self, role):
        if again := self.again.pop(role, None):
            again.kill()
            return
        victim = self.running.party(role)
        os.kill(victim, signal.SIGKILL)
        until(lambda: f"`{role}` ended" in self.running.log.read_text() and not alive(victim))

    def start(self, role):
        command, folder = "dealer" if role == "dealer" else "party", self.running.folder
        order = ["serve", command, "--config", folder / f"{role}.toml"]
        self.again[role] = Role(*order, log=folder.parent / f"{role}.log")
        self.again[role].ready()

    def restart(self, role):
        self.kill(role)
        self.start(role)


@pytest.fixture
def roles():
    """For a deployment that runs; what was started again ends with the test."""
    started = []

    def of(running):
        started.append(Roles(running))
        return started[-1]

    yield of
    for one in started:
        assert [again.end() for again in one.again.values()] == [0] * len(one.again)


class Asked:
    """The same rows through a gateway, again and again: each answer is right, each refusal typed and in time."""

    def __init__(self, gateway, model, count=1):
        self.gateway, self.model, self.rows = gateway, model, rows_of(model, count)
        self.expected, self.answers, self.said = expected(model, self.rows), 0, []

    @property
    def refusals(self):
        """Their codes, in order."""
        return [said[:4] for said in self.said]

    def once(self):
        """Whether an answer came, or why not."""
        start = time.monotonic()
        try:
            got = through(self.gateway, self.model, self.rows)
        except triton.InferenceServerException as error:
            assert error.status() in ("400", "503") and error.message()[0] == "E", error
            self.said.append(error.message())
            return False
        finally:
            assert time.monotonic() - start < SOON, self.said
        judge.compare(self.model.name, got, self.expected, 1e-4)
        self.answers += 1
        return True


def full(client, size=1):
    """Until both pools have all tapes of this size."""
    for server in client.servers:
        until(lambda: server.pool("ready").get(size, 0) == 64)


@pytest.mark.parametrize("model", [UCI, TREE], ids=["linear", "tree"])
def test_without_a_dealer_rows_are_answered_as_long_as_tapes_last(model, up, gateway, roles, tmp_path):
    running = up("mpc", model / "model.onnx", *DEALT, "--rows", model / "rows.npz")
    client, asked = Client(running.deployment), Asked(gateway(running), model)
    full(client)
    all_roles = roles(running)
    all_roles.kill("dealer")
    while asked.once():
        pass
    ready = [server.pool("ready")[1] for server in client.servers]
    assert asked.answers == 64 and ready == [0, 0] and asked.refusals[0] in TYPED, (asked.answers, ready, asked.refusals)
    np.savez(tmp_path / "rows.npz", **rows_of(model, 1))
    done = privet("predict", "--to", running.deployment, tmp_path / "rows.npz")
    assert_refused(done, 4)
    assert done.err[:4] in TYPED and done.seconds < SOON and done.out == b"", done
    all_roles.start("dealer")
    until(asked.once, SOON)
    predicted(running.deployment, model, 3, tmp_path)
    assert set(asked.refusals) <= TYPED, asked.said


@pytest.mark.parametrize("model", [UCI, TREE], ids=["linear", "tree"])
@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_restored_from_a_backup_serves_again(role, model, up, gateway, roles, tmp_path):
    running = up("mpc", model / "model.onnx", *DEALT, "--rows", model / "rows.npz")
    all_roles, asked = roles(running), Asked(gateway(running), model)
    for _ in range(3):
        # The gateway keeps tickets ahead, which the restart makes worthless.
        assert all(asked.once() for _ in range(30)), asked.said
        all_roles.kill(role)
        if role != "dealer":
            assert not asked.once() and set(asked.refusals) <= TYPED, asked.said
        all_roles.start(role)
        until(asked.once, SOON)
        predicted(running.deployment, model, 64, tmp_path)
    assert set(asked.refusals) <= TYPED, asked.said


@pytest.mark.parametrize("role", ["party-1", "party-2"])
def test_a_request_of_many_tickets_is_answered_after_a_restart(role, up, gateway, roles):
    """The tickets that a gateway had are all of an old epoch."""
    running = up("mpc", WIDE / "model.onnx", *DEALT)
    all_roles, asked = roles(running), Asked(gateway(running), WIDE, count=5000)
    for _ in range(3):
        assert asked.once() and asked.once() and asked.once(), asked.said
        all_roles.restart(role)
        until(Asked(asked.gateway, WIDE).once, SOON)


def test_a_dealer_that_came_back_is_ordered_from_at_once(up, roles):
    """More is asked for than the servers have."""
    running = up("mpc", WIDE / "model.onnx", *DEALT)
    client, all_roles = Client(running.deployment), roles(running)
    for count in (3, 64, 64, 64):
        start = time.monotonic()
        assert len(tickets(client, count)) == count and time.monotonic() - start < SOON
        all_roles.restart("dealer")


def test_whatever_ends_and_comes_back_no_answer_is_wrong(up, gateway, roles):
    running = up("mpc", UCI / "model.onnx", *DEALT)
    all_roles, serving, over, problems = roles(running), gateway(running), threading.Event(), []
    everyone = [Asked(serving, UCI, count) for count in (1, 7, 132)]

    def ask(one):
        while not over.is_set():
            try:
                one.once()
            except AssertionError as problem:
                problems.append(problem)

    threads = [threading.Thread(target=ask, args=(one,)) for one in everyone]
    [thread.start() for thread in threads]
    try:
        for role in ROLES * 2:
            all_roles.restart(role)
            before = [one.answers for one in everyone]
            until(lambda: all(one.answers > at + 5 for one, at in zip(everyone, before)), SOON)
    finally:
        over.set()
        [thread.join(30) for thread in threads]
    assert not problems, problems[:3]
    # A ticket may end between a client's two tries.
    assert set().union(*(one.refusals for one in everyone)) <= TYPED | {"E361"}


# Masks.


def asking(running):
    """A client, and two rows of its model as integers."""
    client = Client(running.deployment)
    (rows,) = rows_of(WIDE, 2).values()
    return client, client.encoded(rows)


def tickets(client, count):
    """Tickets for two rows, which nobody else asks for."""
    got = []
    until(lambda: got.append(client.tickets(2, count)) or not isinstance(got[-1][0], str), SOON)
    return got[-1]


def test_no_start_of_any_role_meets_a_mask_again(up, roles):
    """Every role is started from the very same files; the first ticket of each epoch has the same number."""
    running = up("mpc", WIDE / "model.onnx", *DEALT)
    all_roles, epochs, seeds, firsts = roles(running), set(), set(), set()
    for role in [None, *ROLES, *ROLES]:
        if role:
            all_roles.restart(role)
        client = asking(running)[0]
        given = tickets(client, 3)
        while given[0].epoch in epochs:
            # Servers go on with what they have, and hear of a dealer's start when they next order.
            time.sleep(0.3)
            given = tickets(client, 3)
        new = [seed for ticket in given for seed in ticket.seeds]
        assert len(set(new)) == 6 and not seeds & set(new), "a seed was given twice"
        if role != "dealer":
            assert given[0].number == 0
            firsts |= set(given[0].seeds)
        seeds |= set(new)
        epochs.add(given[0].epoch)
    assert len(epochs) == 7 and len(firsts) == 2 * 5


@pytest.mark.parametrize("role", ["party-1", "party-2"])
def test_tickets_end_with_their_epoch(role, up, roles):
    running = up("mpc", WIDE / "model.onnx", *DEALT)
    client, encoded = asking(running)
    old = tickets(client, 2)
    roles(running).restart(role)
    client = asking(running)[0]
    # The one that was restored knows nothing of it; the other one burns it.
    messages = [message.tensors() for message in client.masked(old[0], encoded)]
    assert client.both(messages)[ROLES.index(role) - 1] == "E361"
    [new] = tickets(client, 1)
    assert new.epoch != old[0].epoch and len({*new.seeds, *old[0].seeds, *old[1].seeds}) == 6
    assert client.both([message.tensors() for message in client.masked(old[1], encoded)]) == ["E361", "E361"]
    assert np.abs(client.ask(encoded, new)).max() < 1e3
