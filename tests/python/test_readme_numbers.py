"""The README's numbers are those of the committed record. `UPDATE=1 pytest tests/python/test_readme_numbers.py` writes them."""

import json
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs/bench/lr528-keras.json"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"


def seconds(s):
    return f"{s * 1e6:.0f} µs" if s < 1e-3 else f"{s * 1e3:.1f} ms" if s < 1 else f"{s:.2f} s"


def table(record):
    plain = {r["batch"]: r for r in record["results"] if r["kind"] == "plain"}
    lines = [
        "| rows per request | plain | three parties | ratio | rows/s, three parties | bytes up, of which per value | "
        "over the limit | worst error | proven bound |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in (r for r in record["results"] if r["kind"] == "mpc"):
        per_value = r["bytes_up"] / (528 * r["batch"])
        lines.append(
            f"| {r['batch']} | {seconds(plain[r['batch']]['median_s'])} | {seconds(r['median_s'])} "
            f"| {r['ratio_to_plain']:.1f} | {r['rows_per_s']:,.0f} | {r['bytes_up']:,}, {per_value:.1f} "
            f"| {r['over_limit']:.1f} | {r['max_error']:.1e} | {r['bound']:.1e} |"
        )
    machine = record["machine"]
    lines.append("")
    lines.append(
        f"Medians; {machine['processor']}, {machine['cores']} cores, load {machine['load']} at the start; "
        f"{record['network']}. The limit is the larger of bytes over the measured loopback rate and operations over the "
        "measured rates of both cores."
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
