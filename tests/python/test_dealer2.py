"""Two servers and a dealer: right answers, the way of three organisations, what they tell, and a client that was written anew."""

import concurrent.futures
import json
import time

import numpy as np
import pytest

import judge
from dealer2_client import Client, aes
from dealer2_support import DEALT, FILES, NAMES, TREE, UCI, WIDE, Three, expected, predicted, rows_of, through
from support import MODELS, deployment, ok, refused, until
from machines import Machine, free_ports

NETWORK = MODELS / "mlp-keras"
BOTH, INPUT = ["--protect", "both"], ["--protect", "input"]
CASES = [
    (UCI, BOTH),
    (UCI, [*BOTH, "--reveal", "probability"]),
    (UCI, INPUT),
    (NETWORK, BOTH),
    (NETWORK, INPUT),
    (TREE, BOTH),
]


@pytest.fixture
def three(tmp_path):
    started = []

    def start(**given):
        started.append(Three(tmp_path, **given))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.mark.parametrize("model, options", CASES, ids=lambda case: " ".join(case) if isinstance(case, list) else case.name)
def test_answers_are_those_of_onnx_runtime(model, options, up, tmp_path):
    running = up("mpc", model / "model.onnx", *DEALT, *options, "--rows", model / "rows.npz")
    assert [e["name"] for e in deployment(running.deployment)["endpoints"]] == ["party-1", "party-2"]
    assert {f"{name}.bundle" for name in ("dealer", "party-1", "party-2")} < {f.name for f in running.folder.iterdir()}
    talks = model != UCI or "--reveal" in options
    for count in (1, 3, 64, 200):
        facts = predicted(running.deployment, model, count, tmp_path)
        assert facts["rows"] == count and facts["assurance"] == "no two parties collude"
        assert (facts["rounds"] > 1, facts["bytes_between"] > 0) == (talks, talks), facts


def test_a_request_that_takes_many_tickets_is_answered(up, tmp_path):
    """More bytes of tapes than come in a few of the dealer's replies."""
    for model in (NETWORK, TREE):
        running = up("mpc", model / "model.onnx", *DEALT, "--rows", model / "rows.npz")
        predicted(running.deployment, model, 2000, tmp_path)


def test_tapes_that_are_large_come_in_time(up, tmp_path):
    boosted = MODELS / "xgboost-classifier"
    running = up("mpc", boosted / "model.onnx", *DEALT)
    assert predicted(running.deployment, boosted, 64, tmp_path)["seconds"] < 10


def test_an_input_that_is_not_hidden_is_refused(tmp_path):
    machines = [Machine(tmp_path, name, port) for name, port in zip(NAMES, free_ports(3))]
    words = [word for m in machines for word in ("--party", m.line, "--url", m.url)]
    for order in (["up", "mpc", "--dir"], ["bundle", "--kind", "mpc", *words, "--out"]):
        what = [*order, tmp_path / "run", UCI / "model.onnx", *DEALT, "--protect", "model"]
        refused(3, *what, names=["E235", "`dealer2`", "`both`", "`replicated3`"])
    assert not (tmp_path / "run").exists()


# Three organisations.


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_three_organisations_serve_in_whatever_order_they_start(order, three, tmp_path):
    served = three().serve(order)
    assert sorted(f.name for f in (tmp_path / "bundle").iterdir()) == sorted(["deployment.toml", *FILES])
    assert [(e["name"], e["http_url"]) for e in deployment(served.file)["endpoints"]] == [
        (m.name, m.url) for m in served.all[1:]
    ]
    for count in (1, 132):
        predicted(served.file, UCI, count, tmp_path)


def test_a_half_is_served_by_its_own_command_only(three):
    dealer, *servers = three().all
    refused(2, "serve", "party", "--config", dealer.config, names=["E168", "the dealer's half", "privet serve dealer"])
    for one in servers:
        refused(2, "serve", "dealer", "--config", one.config, names=["E168", "a party's half", "privet serve party"])
    servers[0].config.write_text(servers[0].config.read_text().replace("[peers]", "[limits]").split("[limits]")[0])
    refused(2, "serve", "party", "--config", servers[0].config, names=["E323", "[peers]"])


# What is told.


def test_check_tells_of_all_protocols():
    for model in (UCI, TREE):
        mpc = ok("check", model / "model.onnx", "--json").object["kinds"]["mpc"]
        of_three, of_two = (mpc["protocols"][name] for name in ("replicated3", "dealer2"))
        assert set(mpc["protocols"]) == {"replicated3", "dealer2", "replicated3-malicious"}
        for cost in (of_three, of_two):
            assert cost["bound"] <= 1e-4 and 0 < cost["lan_s"] < cost["wan_s"] and cost["trust"]["lines"], cost
            assert (cost["bytes_between"] > 0) == (cost["rounds"] > 1) == (model == TREE), cost
        assert of_three["bytes_dealt"] == 0 < of_two["bytes_dealt"] and of_two["rounds"] <= of_three["rounds"]
        assert of_two["bytes_up"] < of_three["bytes_up"] and of_two["bytes_between"] <= of_three["bytes_between"]
        assert "dealer" in json.dumps(of_two["trust"]) and "dealer" not in json.dumps(of_three["trust"])


def test_a_benchmark_has_both_protocols(tmp_path):
    kinds = ["--kinds", "plain,mpc", "--protocols", "replicated3,dealer2"]
    order = ["bench", TREE / "model.onnx", *kinds, "--batch-sizes", "1", "--repeats", "5"]
    ok(*order, "--json", tmp_path / "record.json")
    record = json.loads((tmp_path / "record.json").read_text())
    of = {result["protocol"]: result for result in record["results"]}
    assert list(of) == [None, "replicated3", "dealer2"] and len(record["results"]) == 3
    assert of["dealer2"]["bytes_dealt"] > 10_000 and "bytes_dealt" not in of["replicated3"]
    assert set(of["dealer2"]["cpu_s"]) == {"client", "dealer", "party-1", "party-2"}
    assert all(r["bound"] is None or r["max_error"] <= r["bound"] for r in of.values())
    assert [t["protocol"] for t in record["trust"] if t["kind"] == "mpc"] == ["replicated3", "dealer2"]


def test_a_pool_is_filled_ahead_and_again(shared):
    running = shared("mpc", UCI / "model.onnx", *DEALT)
    client = Client(running.deployment)
    tickets = client.tickets(8, count=3)
    for server in client.servers:
        until(lambda: server.pool("ready") == {1: 64, 8: 64})
        assert server.pool("given")[8] == 3 and min(server.pool("bytes").values()) > 0
    assert [t.number for t in tickets] == [0, 1, 2]


def test_a_pool_keeps_to_its_bytes_and_rows_are_answered_nevertheless(three, tmp_path):
    """A tape of this model is 32 kB a row, so that 64 tapes of any size are more than the limit."""
    limit, tape = 1_000_000, 16 * 35_000
    served = three(model=TREE, limits=f"pool_bytes = {limit}\n").serve()
    servers, seen = served.servers(), []
    for count in (1, 1, 3, 8, 15, 1, 15, 3):
        predicted(served.file, TREE, count, tmp_path)
        time.sleep(0.1)
        seen += [sum(server.pool("bytes").values()) for server in servers]
    # What made it full may go beyond.
    assert limit / 4 < max(seen) <= limit + tape, seen


def test_a_tape_that_is_larger_than_the_pool_is_computed_with_nevertheless(three, tmp_path):
    served = three(model=TREE, limits="pool_bytes = 1_000_000\n").serve()
    predicted(served.file, TREE, 64, tmp_path)


def test_what_is_asked_for_keeps_a_pool_within_its_bytes_too(three):
    """Whoever asks, and whether servers answer or not: a reply of the dealer may be beyond."""
    served = three(model=TREE, limits="pool_bytes = 1_000_000\npeers_seconds = 1\n").serve()
    Client(served.file).tickets(64, 16)
    held = [sum(server.pool("bytes").values()) for server in served.servers()]
    assert max(held) < 1_000_000 + (8 << 20), held


def test_tickets_are_what_rows_per_minute_counts(three, tmp_path):
    served = three(limits="rows_per_minute = 100\n").serve()
    predicted(served.file, UCI, 64, tmp_path)
    np.savez(tmp_path / "rows.npz", **rows_of(UCI, 64))
    order = ["predict", "--to", served.file, tmp_path / "rows.npz"]
    refused(4, *order, names=["E325", "100 rows in a minute", "Ask again in"])
    predicted(served.file, UCI, 32, tmp_path)


def test_many_callers_of_a_gateway_all_get_answers(up, gateway, tmp_path):
    """Each request takes several tickets, and they wait for them side by side."""
    running = up("mpc", WIDE / "model.onnx", *DEALT)
    serving, rows = gateway(running), rows_of(WIDE, 1000)
    wanted = expected(WIDE, rows)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for got in pool.map(lambda _: through(serving, WIDE, rows), range(48)):
            judge.compare(WIDE.name, got, wanted, 1e-4)


# A client that was written anew.


def test_a_block_is_encrypted_as_the_standard_says():
    """FIPS 197, appendix C.1."""
    key, block = bytes(range(16)), np.array([[0x11 * n for n in range(16)]])
    assert bytes(aes(key, block)[0].tolist()).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize("protect", ["both", "input"])
def test_another_client_gets_what_the_program_gets(protect, shared, tmp_path):
    running = shared("mpc", WIDE / "model.onnx", *DEALT, "--protect", protect)
    client, (rows,) = Client(running.deployment), rows_of(WIDE, 64).values()
    predicted(running.deployment, WIDE, 64, tmp_path)
    [theirs], [wanted] = np.load(tmp_path / "out.npz").values(), expected(WIDE, {"features": rows}).values()
    for size in (1, 4, 64):
        ours = 1 / (1 + np.exp(-client.ask(client.encoded(rows[:size]))))
        assert np.abs(ours - theirs[:size].ravel()).max() < 1e-6, "the program's answers are others"
        assert np.abs(ours - wanted[:size].ravel()).max() <= client.plan["bound"] + 1e-6


def test_servers_that_are_told_different_rows_give_noise(shared):
    """So nobody learns a difference of two answers."""
    client, (rows,) = Client(shared("mpc", WIDE / "model.onnx", *DEALT).deployment), rows_of(WIDE, 2).values()
    encoded = client.encoded(rows)
    [ticket] = client.tickets(1)
    (one, _), (_, two) = client.masked(ticket, encoded[:1]), client.masked(ticket, encoded[1:])
    replies = client.both([one.tensors(), two.tensors()])
    [noise] = client.opened([one, two], replies)
    assert abs(noise) > 1e3, noise
    assert abs(client.ask(encoded[:1])[0]) < 1e3
