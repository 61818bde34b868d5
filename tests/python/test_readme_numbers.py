"""The README's numbers are those of the committed record. `UPDATE=1 pytest tests/python/test_readme_numbers.py` writes them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support import ok

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs/bench/lr528-keras.json"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"


def seconds(s):
    return f"{s * 1e6:.0f} µs" if s < 1e-3 else f"{s * 1e3:.1f} ms" if s < 1 else f"{s:.2f} s"


# The place that the README shows: one request at a time, on this machine's own network.
PLACE = {"reveal": "score", "accuracy": 1e-4, "network": "loopback", "concurrency": 1}


def table(record):
    shown = [r for r in record["results"] if PLACE.items() <= r.items() and r["batch"] <= 65536]
    of = {kind: {r["batch"]: r for r in shown if r["kind"] == kind} for kind in ("plain", "tee", "mpc", "he")}
    assert all(r["assurance"] == "simulated" for r in of["tee"].values())
    lines = [
        "| rows per request | plain | enclave, SIMULATED | ratio | three parties | ratio | rows/s, three parties | bytes up, of which per value | "
        "over the limit | worst error | proven bound | on ciphertexts | ratio | rows/s, on ciphertexts | bytes up per row |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for batch, r in of["mpc"].items():
        per_value, tee, he = r["bytes_up"] / (528 * batch), of["tee"][batch], of["he"][batch]
        lines.append(
            f"| {batch} | {seconds(of['plain'][batch]['median_s'])} | {seconds(tee['median_s'])} | {tee['ratio_to_plain']:.2f} "
            f"| {seconds(r['median_s'])} | {r['ratio_to_plain']:.1f} | {r['rows_per_s']:,.0f} | {r['bytes_up']:,}, {per_value:.1f} "
            f"| {r['over_limit']:.1f} | {r['max_error']:.1e} | {r['bound']:.1e} | {seconds(he['median_s'])} | {he['ratio_to_plain']:.0f} "
            f"| {he['rows_per_s']:,.0f} | {he['bytes_up'] / batch / 1e3:.1f} kB |"
        )
    machine, start = record["machine"], next(s for s in record["starts"] if s["kind"] == "tee")
    lines.append("")
    lines.append(
        f"Medians; {machine['processor']}, {machine['cores']} cores, load {machine['load']} at the start; "
        f"loopback, {record['networks'][0]['how']}. The limit is a round trip of the same TLS on bare sockets, and then the processor time of "
        "its bytes and operations at the rates of this machine's own probes, over both cores; limit, error and bound are of three parties. A first question on ciphertexts brings a key as large as a ciphertext. The enclave is a process and answers plain's own bits; what a "
        f"hardware's costs was not measured. Its cold start takes {seconds(start['cold_start_s'])} (keys, sealing, three processes, the release of the "
        f"model's key), evidence {seconds(start['evidence_s'])} with the connection, its verification {seconds(start['verification_s'])}, a first "
        f"request {seconds(start['first_request_s'])}."
    )
    return "\n".join(lines) + "\n"


def test_the_readme_has_the_numbers_of_the_record():
    readme = (ROOT / "README.md").read_text()
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    wanted = before + BEGIN + table(json.loads(RECORD.read_text())) + END + after
    if os.environ.get("UPDATE"):
        (ROOT / "README.md").write_text(wanted)
    assert (ROOT / "README.md").read_text() == wanted


def test_the_record_tells_no_more_of_the_machine_than_it_must():
    assert re.fullmatch(r"\d+(\.\d+)*", json.loads(RECORD.read_text())["machine"]["kernel"])


def test_the_benchmarks_page_is_that_of_its_records(tmp_path):
    """`privet bench report` makes the same page and plots of the committed records, byte for byte."""
    records = ["docs/bench/lr528-keras.json", "docs/bench/peers.json"]
    for record in records:
        (tmp_path / record).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / record, tmp_path / record)
    ok("bench", "report", *records, "--markdown", "BENCHMARKS.md", "--plots", "docs/bench/plots", cwd=tmp_path)
    made = ["BENCHMARKS.md", *sorted(str(f.relative_to(tmp_path)) for f in tmp_path.glob("docs/bench/plots/*.svg"))]
    if os.environ.get("UPDATE"):
        shutil.rmtree(ROOT / "docs/bench/plots", ignore_errors=True)
        (ROOT / "docs/bench/plots").mkdir()
        for name in made:
            shutil.copy(tmp_path / name, ROOT / name)
    assert made[1:] == sorted(str(f.relative_to(ROOT)) for f in ROOT.glob("docs/bench/plots/*.svg"))
    for name in made:
        assert (ROOT / name).read_bytes() == (tmp_path / name).read_bytes(), name


@pytest.mark.parametrize("name, program", [("fixtures", "bench/fixtures.py"), ("peers", "bench/peers/run.py"), ("he", "bench/peers/run.py"), ("protocols", "bench/protocols.py")])
def test_a_table_is_that_of_its_record(name, program):
    record, page = ROOT / f"docs/bench/{name}.json", ROOT / f"docs/bench/{name}.md"
    words = [sys.executable, ROOT / program, "--table", record]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    head, begins, _ = page.read_text().partition("\n| model |")
    if os.environ.get("UPDATE"):
        page.write_text(f"{head}\n{printed}")
    assert begins and page.read_text() == f"{head}\n{printed}"


def test_speeds_of_shared_functions_are_those_of_their_record():
    record, page = json.loads((ROOT / "docs/bench/fss.json").read_text()), ROOT / "docs/bench/fss.md"
    of = lambda r: f"{r['per_s'] / 1e3:.0f}k | {r['limit_per_s'] / 1e3:.0f}k | {r['limit_per_s'] / r['per_s']:.2f}"
    rows = [f"| {r['function']} | {r['bits']} | {of(r['deal'])} | {of(r['evaluate'])} |" for r in record["results"]]
    names = "| function | bits | dealt/s | if AES were all | times | evaluated/s | if AES were all | times |"
    made = "\n".join([names, "|---|---:|---:|---:|---:|---:|---:|---:|", *rows]) + "\n"
    head, begins, _ = page.read_text().partition("\n| function |")
    if os.environ.get("UPDATE"):
        page.write_text(f"{head}\n{made}")
    assert begins and page.read_text() == f"{head}\n{made}"


def test_what_a_gateway_adds_is_what_its_record_says():
    page = ROOT / "docs/clients.md"
    run = [sys.executable, ROOT / "bench/gateway.py", "--table", ROOT / "docs/bench/gateway.json"]
    made = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    before, rest = page.read_text().split("<!-- gateway -->\n")
    _, after = rest.split("<!-- /gateway -->")
    wanted = f"{before}<!-- gateway -->\n{made}<!-- /gateway -->{after}"
    if os.environ.get("UPDATE"):
        page.write_text(wanted)
    assert page.read_text() == wanted
