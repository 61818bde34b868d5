"""Batch scoring: ended at any point and taken up again, with roles that come and go, in parts, in every format, in bounded memory."""

import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import BINARY, MODELS, ROOT, Role, alive, ok, privet, refused, until

UCI = MODELS / "lr-uci"
DATA = ROOT / "data/uci-credit-default/default_of_credit_card_clients.parquet"
LABEL = "default payment next month"
KEEP = ["--keep", "ID", "--keep", LABEL]


@pytest.fixture(scope="module")
def model(shared):
    return shared("mpc", UCI / "model.onnx", "--rows", UCI / "rows.npz")


@pytest.fixture(scope="module")
def columns():
    """The names of the model's columns."""
    index = json.loads((MODELS / "index.json").read_text())
    return next(fixture["columns"] for fixture in index["fixtures"] if fixture["name"] == "lr-uci")


@pytest.fixture(scope="module")
def rows(columns, tmp_path_factory):
    """Rows of the model as CSV, JSON lines and an array, with ids, many times over."""
    folder = tmp_path_factory.mktemp("rows")
    values = np.tile(np.load(UCI / "rows.npz")["features"], (40, 1))
    np.save(folder / "rows.npy", values)
    ids = [f"{at:07}" for at in range(len(values))]
    with open(folder / "rows.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", *columns])
        out.writerows([name, *map(repr, map(float, row))] for name, row in zip(ids, values))
    with open(folder / "rows.jsonl", "w") as file:
        for name, row in zip(ids, values):
            file.write(json.dumps({**dict(zip(columns, map(float, row))), "id": name}) + "\n")
    return folder


def score(running, rows, out, *args, **more):
    return ok("score", "--to", running.deployment, "--in", rows, "--out", out, *args, **more)


def predicted(running, rows, folder):
    """Answers of `predict`, which reads all rows at once."""
    ok("predict", "--to", running.deployment, rows, "-o", folder / "predicted.npz")
    return dict(np.load(folder / "predicted.npz"))


def table(path):
    """Columns of a file of answers, as text from CSV and values from JSON lines."""
    if path.suffix == ".jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return {name: [line[name] for line in lines] for name in lines[0]}
    with open(path, newline="") as file:
        lines = list(csv.reader(file))
    return dict(zip(lines[0], zip(*lines[1:])))


def assert_same(answers, expected):
    assert np.array_equal(np.array(answers["label"], dtype=np.int64), expected["label"].ravel())
    for at in (0, 1):
        name = next(name for name in answers if name.startswith("probabilities[") and name.endswith(f"{at}]"))
        assert np.array_equal(np.array(answers[name], dtype=np.float32), expected["probabilities"][:, at])


def assert_clean(folder):
    assert not [name for name in os.listdir(folder) if ".part" in name]


@pytest.mark.parametrize("into", ["csv", "jsonl"])
@pytest.mark.parametrize("of", ["csv", "jsonl", "npy"])
def test_every_format_gives_predict_s_own_answers(of, into, model, rows, tmp_path):
    out = tmp_path / f"out.{into}"
    keep = ["--keep", "id"] if of != "npy" else []
    facts = score(model, rows / f"rows.{of}", out, *keep, "--chunk-rows", 700, "--json").object
    answers = table(out)
    assert_same(answers, predicted(model, rows / "rows.npy", tmp_path))
    assert facts["rows"] == len(answers["label"]) and facts["refused"] == facts["resumed_rows"] == facts["retries"] == 0
    assert not keep or list(answers)[0] == "id" and answers["id"][7] == "0000007" and len(set(answers["id"])) == facts["rows"]
    assert_clean(tmp_path)


@pytest.fixture(scope="module")
def whole(shared, tmp_path_factory):
    """The whole data set, the model planned for it, and `predict`'s answers."""
    folder = tmp_path_factory.mktemp("whole")
    data = pq.read_table(DATA)
    values = [data[name].to_numpy() for name in data.column_names if name not in ("ID", LABEL)]
    np.save(folder / "rows.npy", np.stack(values, axis=1).astype(np.float32))
    running = shared("mpc", UCI / "model.onnx", "--rows", folder / "rows.npy")
    return running, data, predicted(running, folder / "rows.npy", folder)


def test_parquet_in_and_out_with_ids_of_their_own_type(whole, tmp_path):
    running, data, expected = whole
    out = tmp_path / "out.parquet"
    score(running, DATA, out, *KEEP, "--chunk-rows", 1777)
    answers = pq.read_table(out)
    assert answers.column_names[:2] == ["ID", LABEL] and "refused" not in answers.column_names
    assert answers["ID"].equals(data["ID"].cast(answers["ID"].type)) and answers["ID"].type == data["ID"].type
    assert answers[LABEL].to_pylist() == data[LABEL].to_pylist()
    assert_same(answers.select(answers.column_names[2:]).to_pydict(), expected)
    assert pq.ParquetFile(out).num_row_groups == 1
    assert_clean(tmp_path)


def test_parts_of_parquet_are_the_whole_for_any_reader(whole, tmp_path):
    running, data, expected = whole
    for part in range(1, 9):
        score(running, DATA, tmp_path / f"scores-{part}.parquet", *KEEP, "--part", f"{part}/8")
    query = f"select * from '{tmp_path}/scores-*.parquet' order by \"ID\""
    answers = duckdb.sql(query).to_arrow_table()
    assert answers["ID"].to_pylist() == data["ID"].to_pylist()
    assert_same(answers.select(answers.column_names[2:]).to_pydict(), expected)


def test_gaps_of_kept_columns_stay_gaps(model, columns, tmp_path):
    values = np.load(UCI / "rows.npz")["features"]
    ids = pa.array([None if at % 3 else at for at in range(len(values))], pa.int64())
    names = pa.array([None if at % 5 == 0 else f"n{at}" for at in range(len(values))])
    features = {name: values[:, at] for at, name in enumerate(columns)}
    pq.write_table(pa.table({"id": ids, "name": names, **features}), tmp_path / "in.parquet", row_group_size=50)
    score(model, tmp_path / "in.parquet", tmp_path / "out.parquet", "--keep", "id", "--keep", "name", "--chunk-rows", 33)
    answers = pq.read_table(tmp_path / "out.parquet")
    assert answers["id"].to_pylist() == ids.to_pylist() and answers["name"].to_pylist() == names.to_pylist()


class Killed:
    """Starts the command again and again, ends it at random times, and counts how it went."""

    def __init__(self, command, seed):
        self.command, self.random = list(map(str, command)), random.Random(seed)
        self.kills = 0

    def until_done(self, longest):
        while True:
            process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                out, err = process.communicate(timeout=self.random.uniform(0.01, longest))
                assert process.returncode == 0, (process.returncode, err.decode())
                return json.loads(out)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                self.kills += 1
            longest *= 1.05


@pytest.mark.parametrize("seed", range(3))
def test_kill_9_at_any_time_neither_loses_nor_doubles_a_row(seed, model, rows, tmp_path):
    out = tmp_path / "out.csv"
    command = [BINARY, "score", "--to", model.deployment, "--in", rows / "rows.csv", "--out", out, "--keep", "id"]
    killed = Killed([*command, "--chunk-rows", "64", "--json"], seed)
    facts = killed.until_done(0.25)
    answers = table(out)
    assert list(answers["id"]) == [f"{at:07}" for at in range(facts["rows"])]
    assert_same(answers, predicted(model, rows / "rows.npy", tmp_path))
    assert killed.kills >= 2 and facts["resumed_rows"] > 0, (killed.kills, facts)
    whole = tmp_path / "whole.csv"
    score(model, rows / "rows.csv", whole, "--keep", "id")
    assert out.read_bytes() == whole.read_bytes()
    assert_clean(tmp_path)


def test_a_party_that_comes_back_is_waited_for(up, rows, tmp_path):
    running = up("mpc", UCI / "model.onnx")
    out = tmp_path / "out.csv"
    command = [BINARY, "score", "--to", running.deployment, "--in", rows / "rows.npy", "--out", out, "--chunk-rows", 8, "--json"]
    scoring = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    part = pathlib.Path(f"{out}.part")
    until(lambda: part.exists() and part.stat().st_size > 20_000)
    dead = running.party("party-1")
    os.kill(dead, signal.SIGKILL)
    until(lambda: not alive(dead))
    time.sleep(0.5)
    assert scoring.poll() is None, scoring.communicate()
    size = part.stat().st_size
    time.sleep(0.5)
    assert part.stat().st_size == size, "answers came from two parties"
    again = Role("serve", "party", "--config", running.folder / "party-1.toml", log=tmp_path / "again.log")
    again.ready()
    written, said = scoring.communicate(timeout=60)
    said = said.decode()
    assert scoring.returncode == 0 and said.count("E304") == 1 and "`party-1`" in said and "it goes on" in said, said
    assert json.loads(written)["retries"] > 0
    assert_same(table(out), predicted(running, rows / "rows.npy", tmp_path))
    assert again.end() == 0


def test_patience_ends_and_what_was_answered_is_kept(up, rows, tmp_path):
    running = up("mpc", UCI / "model.onnx")
    out = tmp_path / "out.csv"
    words = ["score", "--to", running.deployment, "--in", rows / "rows.npy", "--out", out, "--chunk-rows", 8]
    scoring = subprocess.Popen(list(map(str, [BINARY, *words, "--patience", 1])), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    part = pathlib.Path(f"{out}.part")
    until(lambda: part.exists() and part.stat().st_size > 20_000)
    os.kill(running.party("party-2"), signal.SIGKILL)
    _, said = scoring.communicate(timeout=60)
    assert scoring.returncode == 4 and b"E304" in said and b"`party-2`" in said and b"are answered and kept in" in said, said
    assert part.exists() and not out.exists()
    again = Role("serve", "party", "--config", running.folder / "party-2.toml", log=tmp_path / "again.log")
    again.ready()
    facts = ok(*words, "--json").object
    assert 0 < facts["resumed_rows"] < facts["rows"]
    assert_same(table(out), predicted(running, rows / "rows.npy", tmp_path))
    assert again.end() == 0


@pytest.mark.parametrize("of", ["csv", "jsonl", "npy"])
def test_parts_below_each_other_are_the_whole(of, model, rows, tmp_path):
    whole = tmp_path / "whole.jsonl"
    keep = ["--keep", "id"] if of != "npy" else []
    score(model, rows / f"rows.{of}", whole, *keep)
    outs = [tmp_path / f"{part}.jsonl" for part in range(1, 4)]
    command = [BINARY, "score", "--to", model.deployment, "--in", rows / f"rows.{of}", *keep, "--chunk-rows", 300]
    parts = [[*command, "--out", out, "--part", f"{at + 1}/3"] for at, out in enumerate(outs)]
    started = [subprocess.Popen(list(map(str, part))) for part in parts]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert b"".join(out.read_bytes() for out in outs) == whole.read_bytes()


def lines_with(rows, folder, changes):
    """The CSV rows, some of which have another age."""
    lines = (rows / "rows.csv").read_text().splitlines()
    at = lines[0].split(",").index("AGE")
    for row, age in changes.items():
        cells = lines[row].split(",")
        cells[at] = age
        lines[row] = ",".join(cells)
    path = folder / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_refused_row_is_named_and_the_night_is_not_lost(model, rows, tmp_path):
    bad = lines_with(rows, tmp_path, {1234: "1e30", 2001: "old", 3001: "", 4000: "-1e30"})
    out = tmp_path / "out.csv"
    words = ["score", "--to", model.deployment, "--in", bad, "--out", out, "--keep", "id", "--chunk-rows", 500]
    refused(3, *words, names=["E105", "Row 1234,", "`features[4]`", "1000 of 5280 rows are answered and kept"])
    facts = ok(*words, "--refused", "skip", "--json").object
    answers, whole = table(out), tmp_path / "whole.csv"
    bad_rows = [at + 1 for at, why in enumerate(answers["refused"]) if why]
    assert bad_rows[:2] == [1234, 2001] and 4000 in bad_rows and facts["refused"] == len(bad_rows) == 3
    assert facts["resumed_rows"] == 1000
    assert answers["refused"][1233].startswith("E105 Row 1234, feature `features[4]`") and "E114" in answers["refused"][2000]
    assert all(answers["label"][row - 1] == "" for row in bad_rows)
    score(model, rows / "rows.csv", whole, "--keep", "id")
    expected = table(whole)
    for name in expected:
        same = [answers[name][at] == expected[name][at] for at in range(facts["rows"]) if at + 1 not in [*bad_rows, 3001]]
        assert all(same), name
    assert list(answers["id"]) == list(expected["id"])
    # From JSON's own null.
    score(model, bad, tmp_path / "out.jsonl", "--keep", "id", "--refused", "skip", "--part", "1/4")
    assert table(tmp_path / "out.jsonl")["label"][1233] is None


def test_plain_names_rows_as_parties_do(shared, rows, tmp_path):
    """Its server numbers rows within what it was asked."""
    running = shared("plain", UCI / "model.onnx")
    bad = lines_with(rows, tmp_path, {1234: "inf", 4000: "inf"})
    out = tmp_path / "out.csv"
    words = ["score", "--to", running.deployment, "--in", bad, "--out", out, "--keep", "id", "--chunk-rows", 500]
    refused(3, *words, names=["E104", "Row 1234,", "`features[4]`"])
    ok(*words, "--refused", "skip")
    answers = table(out)
    assert [at + 1 for at, why in enumerate(answers["refused"]) if why] == [1234, 4000]


def interrupted(running, rows, out, *args):
    """A work file of some answers."""
    command = [BINARY, "score", "--to", running.deployment, "--in", rows, "--out", out, "--chunk-rows", 8, *args]
    scoring = subprocess.Popen(list(map(str, command)))
    part = pathlib.Path(f"{out}.part")
    until(lambda: part.exists() and part.stat().st_size > 10_000)
    scoring.kill()
    scoring.wait()
    return part


def test_other_rows_or_another_deployment_are_refused_by_name(model, shared, rows, tmp_path):
    out, mine = tmp_path / "out.csv", tmp_path / "rows.csv"
    lines = (rows / "rows.csv").read_text().splitlines()
    text = "\n".join([f"{lines[0]},tag", *(f"{line},x" for line in lines[1:])]) + "\n"
    mine.write_text(text)
    when = mine.stat()
    keep, other_order = ["--keep", "id", "--keep", "tag"], ["--keep", "tag", "--keep", "id"]
    part = interrupted(model, mine, out, *keep)
    words = ["score", "--to", model.deployment, "--in", mine, "--out", out]
    mine.write_text(text[:-2] + "y\n")
    os.utime(mine, ns=(when.st_atime_ns, when.st_mtime_ns))
    refused(2, *words, *keep, names=["E117", str(part), "file of rows has changed", "--restart"])
    mine.write_text(text)
    other = shared("plain", UCI / "model.onnx")
    refused(2, "score", "--to", other.deployment, *words[3:], *keep, names=["E117", "another deployment"])
    refused(2, *words, *keep, "--part", "1/2", names=["E117", "another part"])
    refused(2, *words, *other_order, names=["E117", "other columns"])
    before = part.read_bytes()
    assert ok(*words, *keep, "--json").object["resumed_rows"] > 0
    part.write_bytes(before)
    assert ok(*words, *other_order, "--restart", "--json").object["resumed_rows"] == 0


def test_rows_that_change_meanwhile_are_noticed(model, rows, tmp_path):
    out, mine = tmp_path / "out.csv", tmp_path / "rows.csv"
    mine.write_bytes((rows / "rows.csv").read_bytes())
    command = [BINARY, "score", "--to", model.deployment, "--in", mine, "--out", out, "--keep", "id", "--chunk-rows", 4]
    scoring = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE)
    part = pathlib.Path(f"{out}.part")
    until(lambda: part.exists() and part.stat().st_size > 20_000)
    os.utime(mine)
    _, said = scoring.communicate(timeout=60)
    assert scoring.returncode == 2 and b"has changed while" in said and not out.exists(), said


def test_two_processes_do_not_write_the_same_answers(model, rows, tmp_path):
    out = tmp_path / "out.csv"
    command = [BINARY, "score", "--to", model.deployment, "--in", rows / "rows.csv", "--out", out, "--keep", "id"]
    command += ["--chunk-rows", 4]
    first = subprocess.Popen(list(map(str, command)))
    until(lambda: pathlib.Path(f"{out}.part").exists())
    refused(2, *command[1:], names=["E118", "another `privet score`"])
    assert first.wait(60) == 0
    assert_same(table(out), predicted(model, rows / "rows.npy", tmp_path))


def test_what_cannot_be_scored_is_said_at_once(model, rows, tmp_path):
    to = ["score", "--to", model.deployment]
    out = ["--out", tmp_path / "out.csv"]
    refused(2, *to, "--in", "-", *out, names=["E111", "standard input"])
    refused(2, *to, "--in", UCI / "rows.npz", *out, names=["E111", "`.npy`"])
    refused(2, *to, "--in", rows / "rows.csv", "--out", tmp_path / "out.npz", names=["E111", "`.jsonl`"])
    refused(2, *to, "--in", rows / "rows.csv", *out, "--keep", "name", names=["E112", "`name`"])
    refused(2, *to, "--in", rows / "rows.npy", *out, "--keep", "id", names=["E112", "--keep"])
    refused(2, *to, "--in", rows / "rows.csv", "--keep", "id", "--out", tmp_path / "none/out.csv", names=["E116"])
    refused(2, *to, "--in", rows / "rows.csv", "--out", rows / "rows.csv", names=["E116", "file of the rows"])
    (tmp_path / "out.csv.part").write_text("my own notes")
    refused(2, *to, "--in", rows / "rows.csv", "--keep", "id", *out, "--restart", names=["E119", "out.csv.part"])
    assert (tmp_path / "out.csv.part").read_text() == "my own notes"


def test_no_rows_are_no_answers(model, rows, tmp_path):
    (tmp_path / "rows.csv").write_text((rows / "rows.csv").read_text().splitlines()[0] + "\n")
    score(model, tmp_path / "rows.csv", tmp_path / "out.csv", "--keep", "id")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1
    score(model, tmp_path / "rows.csv", tmp_path / "out.parquet", "--keep", "id")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def peak(running, rows, out):
    """Most memory of a run, in MB. What the kernel says of an ended process begins with that of the process that started it."""
    command = [BINARY, "score", "--to", running.deployment, "--in", rows, "--out", out]
    process, most = subprocess.Popen(list(map(str, command))), 0
    while process.poll() is None:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        most = max([most, *(int(line.split()[1]) / 1024 for line in lines)])
        time.sleep(0.002)
    assert process.returncode == 0 and most > 1
    return most


def test_memory_does_not_grow_with_the_rows(model, tmp_path):
    values = np.load(UCI / "rows.npz")["features"]
    np.save(tmp_path / "few.npy", np.tile(values, (400, 1)))
    np.save(tmp_path / "many.npy", np.tile(values, (4000, 1)))
    few, many = (peak(model, tmp_path / f"{name}.npy", tmp_path / f"{name}.parquet") for name in ("few", "many"))
    assert many < few + 60 and many < 400, (few, many)
