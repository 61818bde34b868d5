"""`privet bench`: the record, its resuming, its report and its comparison."""

import copy
import json
import re

import pytest

from support import MODELS, ok, privet, refused

UCI = MODELS / "lr-uci"
ORDER = ["bench", UCI / "model.onnx", "--rows", UCI / "rows.npz", "--repeats", "5"]


def measured(path, *options):
    ok(*ORDER, "--json", path, *options)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Two reveal modes (ciphertexts have only the score), two networks, two batch sizes, one and three requests in flight, in every kind."""
    path = tmp_path_factory.mktemp("bench") / "record.json"
    options = ["--reveal", "score,label", "--networks", "loopback,4ms/200", "--batch-sizes", "1,16", "--concurrency", "1,3"]
    measured(path, *options)
    return path


def test_every_place_is_measured_in_every_kind(record):
    results = json.loads(record.read_text())["results"]
    places = {(r["kind"], r["reveal"], r["network"], r["batch"], r["concurrency"]) for r in results}
    assert len(results) == len(places) == 3 * 2 * 2 * 2 * 2 + 2 * 2 * 2
    for r in results:
        assert 0 < min(r["samples_s"]) <= r["median_s"] <= r["p95_s"] <= r["p99_s"] <= max(r["samples_s"]), r
        assert len(r["samples_s"]) == 5 and r["rows_per_s"] > 0 and r["ratio_to_plain"] > 0
        assert r["bound"] is None or r["max_error"] <= r["bound"]


def test_every_role_is_counted(record):
    everything = json.loads(record.read_text())
    roles = {"plain": {"server"}, "mpc": {"party-0", "party-1", "party-2"}, "tee": {"enclave", "enclave, inside", "keys"}, "he": {"server"}}
    for r in everything["results"]:
        assert set(r["cpu_s"]) == {"client", *roles[r["kind"]]}, r["cpu_s"]
        assert r["cpu_s"]["client"] > 0 and r["cost_per_million"] > 0
    held = {kind: {m["role"] for m in everything["memory"] if m["kind"] == kind} for kind in roles}
    assert held == roles and all(m["peak_bytes"] > 1 << 20 for m in everything["memory"])
    assert {t["kind"] for t in everything["trust"]} == set(roles)


def test_a_network_takes_its_time(record):
    everything = json.loads(record.read_text())
    (own, slow) = everything["networks"]
    assert (own["name"], own["bits_per_s"]) == ("loopback", None) and slow["round_trip_s"] == 0.004
    assert "relays" in slow["how"] and "relays" not in own["how"]
    for r in everything["results"]:
        if r["network"] != "loopback":
            # The client's round trip; then each wait of a party for another takes half of one.
            assert min(r["samples_s"]) >= 0.004 * (1 + (r["rounds"] - 1) / 2), r


def test_limits_belong_to_this_machines_own_network(record):
    for r in json.loads(record.read_text())["results"]:
        has_limit = r["network"] == "loopback" and r["concurrency"] == 1 and not (r["kind"] == "mpc" and r["reveal"] == "label")
        assert (r["limit_s"] is not None) == has_limit
        assert not has_limit or r["over_limit"] == pytest.approx(r["median_s"] / r["limit_s"])


def test_a_record_is_gone_on_with(tmp_path):
    path = tmp_path / "record.json"
    first = measured(path, "--batch-sizes", "1", "--kinds", "plain,mpc")
    more = measured(path, "--batch-sizes", "1,4", "--kinds", "plain,mpc", "--resume")
    assert [r["samples_s"] for r in more["results"][:2]] == [r["samples_s"] for r in first["results"]]
    assert [r["batch"] for r in more["results"]] == [1, 1, 4, 4] and len(more["resumed"]) == 1
    nothing = measured(path, "--batch-sizes", "1,4", "--kinds", "plain,mpc", "--resume")
    assert nothing["results"] == more["results"]
    anew = measured(path, "--batch-sizes", "1", "--kinds", "plain")
    assert len(anew["results"]) == 1 and anew["resumed"] == []


def test_a_record_of_something_else_is_not_gone_on_with(tmp_path):
    path = tmp_path / "record.json"
    measured(path, "--batch-sizes", "1", "--kinds", "plain")
    other = ["bench", MODELS / "lr528-keras/model.onnx", "--kinds", "plain", "--batch-sizes", "1", "--json", path, "--resume"]
    refused(2, *other, names=["E162", "another model"])
    path.write_text("{}")
    refused(2, *ORDER, "--json", path, "--resume", names=["E161", "format 2"])


@pytest.mark.parametrize("network", ["moon", "10", "11s", "10ms/0"])
def test_a_network_that_is_none_is_a_usage_error(network):
    done = privet(*ORDER, "--networks", network)
    assert done.code == 2 and network in done.err and "10ms/100" in done.err, done


def test_what_has_no_plan_is_left_out_and_named(tmp_path):
    path = tmp_path / "record.json"
    model = MODELS / "lr528-keras"
    ok("bench", model / "model.onnx", "--rows", model / "rows.npz", "--accuracy", "1e-15", "--batch-sizes", "1", "--repeats", "5", "--json", path)
    everything = json.loads(path.read_text())
    assert {r["kind"] for r in everything["results"]} == {"plain", "tee"}
    assert [("mpc" in a["model"], "he" in a["model"].split(", ")) for a in everything["absent"]] == [(True, False), (False, True)]
    assert all(a["reason"] for a in everything["absent"])


def test_the_report_is_one_page_that_needs_nothing_else(record, tmp_path):
    page, plots = tmp_path / "report.html", tmp_path / "plots"
    ok("bench", "report", record, "-o", page, "--plots", plots)
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "<script" not in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text) and "SIMULATED" in text
    assert "no two parties collude" in text and "lr-uci" in text
    assert any(plots.glob("*.svg")) and all(f.read_text().startswith("<svg") for f in plots.glob("*.svg"))


def test_a_record_does_not_differ_from_itself(record, tmp_path):
    same = ok("bench", "compare", record, record, "--json").object
    assert {r["verdict"] for r in same["results"]} == {"within_noise"} and len(same["results"]) == 56
    slower = copy.deepcopy(json.loads(record.read_text()))
    for r in slower["results"]:
        r["median_s"] *= 3
        r["samples_s"] = [3 * s for s in r["samples_s"]]
    after = tmp_path / "after.json"
    after.write_text(json.dumps(slower))
    assert "slower" in ok("bench", "compare", record, after).text
