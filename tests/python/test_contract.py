"""What scripts rely on: exit codes, standard output and standard error, and the keys of every JSON object."""

import json
import os
import pty
import re
import shutil
import ssl
import subprocess
import urllib.request

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

import judge
from support import BINARY, MODELS, Role, children, deployment, is_error, ok, privet, refused

UCI = MODELS / "lr-uci"
WIDE = MODELS / "lr528-keras"
COMMANDS = ["demo", "check", "bundle", "keygen", "serve", "serve plain", "serve party", "up", "predict", "bench"]


@pytest.fixture(scope="module")
def uci(shared):
    return shared("mpc", UCI / "model.onnx").deployment


@pytest.fixture(scope="module")
def wide(shared):
    return shared("mpc", WIDE / "model.onnx").deployment


def saved(path, array):
    np.savez(path, features=array)
    return path


def roles(keys):
    return [word for key in keys for word in ("--party", key, "--url", "https://127.0.0.1:1")]


# Exit codes.


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_an_unknown_option_is_a_usage_error(command):
    done = privet(*command.split(), "--no-such-option")
    assert done.code == 2 and done.out == b"" and "--no-such-option" in done.err, done


@pytest.mark.parametrize("name", ["rows.txt", "rows"])
def test_an_unknown_suffix_is_a_usage_error(name, uci, tmp_path):
    shutil.copy(UCI / "rows.csv", tmp_path / name)
    refused(2, "predict", "--to", uci, tmp_path / name, names=["E111", "`.csv`", "`.npz`"])


@pytest.mark.parametrize("name", ["rows.npz", "rows.npy", "rows.parquet", "rows.jsonl"])
def test_the_wrong_form_is_a_usage_error(name, uci, tmp_path):
    (tmp_path / name).write_bytes(b"this is nothing of the kind\n")
    refused(2, "predict", "--to", uci, tmp_path / name, names=[name])


def test_an_array_of_the_wrong_width_is_a_usage_error(uci, tmp_path):
    rows = saved(tmp_path / "rows.npz", np.zeros((4, 22), np.float32))
    refused(2, "predict", "--to", uci, rows, names=["E115", "`features`", "[rows, 23]", "[4, 22]"])


def test_missing_columns_are_named(uci, tmp_path):
    lines = (UCI / "rows.csv").read_text().splitlines()
    (tmp_path / "rows.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in lines))
    refused(2, "predict", "--to", uci, tmp_path / "rows.csv")


def test_a_word_where_a_number_belongs_is_a_refused_row(uci, tmp_path):
    lines = (UCI / "rows.csv").read_text().splitlines()
    lines[3] = "much," + lines[3].split(",", 1)[1]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    done = refused(3, "predict", "--to", uci, tmp_path / "rows.csv", names=["E114", "Row 3"])
    assert "features[0]" in done.err or lines[0].split(",")[0] in done.err, done
    assert "much" not in done.err, "an applicant's value was printed"


@pytest.mark.parametrize("kind", ["plain", "mpc"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_infinity_and_missing_values_are_refused_by_row_and_feature(kind, value, shared, tmp_path):
    rows = np.load(WIDE / "rows.npz")["features"]
    rows[5, 7] = value
    to = shared(kind, WIDE / "model.onnx").deployment
    refused(3, "predict", "--to", to, saved(tmp_path / "rows.npz", rows), names=["Row 6", "features[7]"])


@pytest.mark.parametrize("value", [1e12, -1e12])
def test_a_value_out_of_range_is_refused_by_row_and_feature(value, wide, tmp_path):
    rows = np.load(WIDE / "rows.npz")["features"]
    rows[-1, 527] = value
    names = ["E105", f"Row {len(rows)}", "features[527]", "--rows"]
    refused(3, "predict", "--to", wide, saved(tmp_path / "rows.npz", rows), names=names)


def test_a_bad_row_at_the_end_of_many_means_that_nothing_was_sent(wide, tmp_path):
    rows = np.tile(np.load(WIDE / "rows.npz")["features"], (80, 1))
    rows[-1, 0] = 1e12
    np.save(tmp_path / "rows.npy", rows)
    refused(3, "predict", "--to", wide, tmp_path / "rows.npy", names=["E105", f"Row {len(rows)}"])


def test_a_missing_value_is_taken_where_the_model_imputes(uci, tmp_path):
    rows = np.load(UCI / "rows.npz")["features"][:3]
    rows[0] = np.nan
    rows = saved(tmp_path / "rows.npz", rows)
    done = ok("predict", "--to", uci, rows, "-o", tmp_path / "answers.npz", "--json")
    expected = judge.run(UCI / "model.onnx", np.load(rows))
    judge.compare("lr-uci", dict(np.load(tmp_path / "answers.npz")), expected, done.facts["bound"])


@pytest.mark.parametrize("accuracy", ["0", "-1", "nan", "inf", "1e-30"])
def test_an_accuracy_that_cannot_be_reached_is_refused(accuracy, tmp_path):
    done = privet("up", "mpc", UCI / "model.onnx", f"--accuracy={accuracy}", "--dir", tmp_path / "run")
    assert done.code in (2, 3) and done.out == b"" and done.err.count(".") > 0, done
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["plain", "mpc"])
def test_a_deployment_that_nobody_serves_is_unreachable(kind, up, tmp_path):
    running = up(kind, UCI / "model.onnx")
    copy = tmp_path / "deployment.toml"
    shutil.copy(running.deployment, copy)
    running.stop()
    name = "party-0" if kind == "mpc" else "server"
    done = refused(4, "predict", "--to", copy, UCI / "rows.npz", names=["E304", f"`{name}`", "is not answering"])
    assert done.seconds < 1


@pytest.mark.parametrize("options", [["--repeats", "0"], ["--batch-sizes", "0"], ["--batch-sizes", "16,0"]])
def test_a_benchmark_of_nothing_is_a_usage_error(options):
    done = privet("bench", UCI / "model.onnx", *options)
    assert done.code == 2 and done.out == b"" and options[0] in done.err and "'0'" in done.err, done


@pytest.mark.parametrize("words", [["check", "m", "--no-such-option"], ["predict"], ["bench", "--repeats=0", "m"], []])
def test_a_wrong_command_line_comes_as_an_object_too_where_json_is_asked_for(words):
    done = privet(*words, "--json")
    assert done.code == 2 and set(done.object) == {"error", "code", "exit"}, done
    assert (done.object["code"], done.object["exit"]) == ("E149", 2) and done.object["error"].endswith("."), done
    assert ("--no-such-option" in done.object["error"]) == ("--no-such-option" in words) and done.err != ""
    assert ok("check", "--json", "--help").text.startswith("Says what a model needs")


def test_errors_come_as_objects_too_where_json_is_asked_for(uci, tmp_path):
    done = privet("predict", "--to", tmp_path / "none.toml", UCI / "rows.npz", "--json")
    assert done.code == 2 and set(done.object) == {"error", "code", "exit"}, done
    assert done.err.strip() == f"{done.object['code']} {done.object['error']}" and done.object["exit"] == 2
    rows = saved(tmp_path / "rows.npz", np.full((1, 23), 1e12, np.float32))
    done = privet("predict", "--to", uci, rows, "--json")
    assert (done.code, done.object["code"], done.object["exit"]) == (3, "E105", 3), done


# Files of somebody else.


def files(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_model_that_is_bundled_where_it_lies_stays(keys, tmp_path):
    shutil.copy(UCI / "model.onnx", tmp_path)
    order = ["--kind", "plain", *roles(keys[:1]), "--out", "."]
    ok("bundle", "model.onnx", *order, cwd=tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == (UCI / "model.onnx").read_bytes()
    assert set(files(tmp_path)) == {"model.onnx", "deployment.toml"}


@pytest.mark.parametrize(
    "kind, name",
    [("plain", "model.onnx"), ("plain", "deployment.toml"), ("mpc", "deployment.toml"), ("mpc", "party-2.bundle")],
)
def test_a_bundle_overwrites_no_file(kind, name, keys, tmp_path):
    (tmp_path / name).write_text("mine")
    order = ["--kind", kind, *roles(keys[: 1 if kind == "plain" else 3]), "--out", tmp_path]
    refused(2, "bundle", UCI / "model.onnx", *order, names=["E144", name])
    assert files(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize("kind, name", [("plain", "server.key"), ("plain", "deployment.toml"), ("mpc", "party-1.bundle")])
def test_up_overwrites_and_removes_no_file_of_somebody_else(kind, name, tmp_path):
    (tmp_path / name).write_text("mine")
    refused(2, "up", kind, UCI / "model.onnx", "--dir", tmp_path, names=["E148", name])
    assert files(tmp_path) == {name: b"mine"}


# JSON objects.


def test_keygen_json(tmp_path):
    said = ok("keygen", "--name", "bank-a", "--out", tmp_path / "a.key", "--json").object
    assert set(said) == {"name", "public", "file"}
    assert said["name"] == "bank-a" and said["file"] == str(tmp_path / "a.key")
    assert said["public"].startswith("privet1 bank-a ") and said["public"] in (tmp_path / "a.key").read_text()


@pytest.mark.parametrize("kind", ["plain", "mpc"])
def test_bundle_json(kind, keys, tmp_path):
    order = ["--kind", kind, *roles(keys[: 1 if kind == "plain" else 3]), "--out", tmp_path]
    said = ok("bundle", UCI / "model.onnx", *order, "--json").object
    assert set(said) == {"digest", "kind", "files"} and said["kind"] == kind
    assert said["digest"] in (tmp_path / "deployment.toml").read_text() and len(said["digest"]) == 64
    assert set(said["files"]) == {str(tmp_path / name) for name in files(tmp_path)}


def test_up_json(tmp_path):
    folder = tmp_path / "x" / "y" / "z"
    running = Role("up", "mpc", UCI / "model.onnx", "--dir", folder, "--json", log=tmp_path / "log")
    said = json.loads(running.process.stdout.readline())
    assert set(said) == {"ready", "processes"} and said["ready"] == str(folder / "deployment.toml")
    assert set(said["processes"]) == {"party-0", "party-1", "party-2"}
    assert set(said["processes"].values()) == set(children(running.id))
    assert running.end() == 0 and not (tmp_path / "x").exists()


def test_predict_json_goes_where_the_answers_do_not(uci, tmp_path):
    ask = ["predict", "--to", uci, UCI / "rows.csv", "--json"]
    done = ok(*ask, "-o", tmp_path / "answers.csv")
    assert done.err == "" and done.object["rows"] == len((UCI / "rows.csv").read_text().splitlines()) - 1
    for output in ([], ["-o", "-"]):
        printed = ok(*ask, *output)
        assert printed.out == (tmp_path / "answers.csv").read_bytes() and set(json.loads(printed.err)) == set(done.object)


def test_check_json():
    report = ok("check", UCI / "model.onnx", "--rows", UCI / "rows.npz", "--json").object
    assert report["model"] == "lr-uci"
    assert [port["name"] for port in report["inputs"]] == ["features"]
    assert [port["name"] for port in report["outputs"]] == ["label", "probabilities"]
    assert set(report["kinds"]) == {"plain", "mpc", "tee", "he"}
    for kind in report["kinds"].values():
        assert kind["status"] in ("ready", "no") and (kind["status"] == "ready") == (kind["problems"] == [])
        for problem in kind["problems"]:
            assert {"node", "op", "reason", "hint"} <= set(problem)
        for cost in kind["protocols"].values():
            assert {"bound", "k", "rounds", "bytes_up", "bytes_between"} <= set(cost)
    cost = report["kinds"]["mpc"]["protocols"]["replicated3"]
    assert 0 < cost["bound"] <= 1e-4 and 2 <= cost["k"] <= 64 and (cost["rounds"], cost["bytes_between"]) == (1, 0)
    assert 0 <= report["rows"]["worst_error"] <= cost["bound"] and report["rows"]["label_changes"] == 0


def test_check_tells_the_bytes_that_are_sent(uci):
    cost = ok("check", UCI / "model.onnx", "--json").object["kinds"]["mpc"]["protocols"]["replicated3"]
    row = (UCI / "rows.csv").read_text().splitlines()[:2]
    facts = ok("predict", "--to", uci, "-", "--json", stdin="\n".join(row).encode()).facts
    # Three TLS handshakes and HTTP/2 headers come on top of the messages themselves.
    assert cost["bytes_up"] <= facts["bytes_up"] <= cost["bytes_up"] + 3 * 2500, (cost, facts)


def test_bench_json(tmp_path):
    record = tmp_path / "record.json"
    sizes = ["--batch-sizes", "1,16", "--repeats", "5"]
    done = ok("bench", UCI / "model.onnx", "--rows", UCI / "rows.npz", *sizes, "--json", record)
    results = json.loads(record.read_text())["results"]
    keys = (
        "kind protocol reveal accuracy k batch median_s p95_s rows_per_s bytes_up bytes_between rounds max_error bound"
    )
    for result in results:
        assert {*keys.split(), "assurance", "ratio_to_plain"} <= set(result)
        assert 0 < result["median_s"] <= result["p95_s"] and result["bytes_up"] > 0 and result["rounds"] == 1
    assert {(r["kind"], r["batch"]) for r in results} == {(k, b) for k in ("plain", "mpc", "tee", "he") for b in (1, 16)}
    for result in results:
        if result["kind"] in ("mpc", "he"):
            assert 0 < result["max_error"] <= result["bound"] <= result["accuracy"]
        else:
            assert result["max_error"] == 0 and (result["kind"] == "tee" or result["ratio_to_plain"] == 1)
        assert (result["assurance"] == "simulated") == (result["kind"] == "tee")
    assert "to plain" in done.text and "simulated" in done.text
    starts = {start["kind"]: start for start in json.loads(record.read_text())["starts"]}
    assert starts["tee"]["evidence_s"] > 0 and starts["tee"]["verification_s"] > 0
    assert starts["plain"]["evidence_s"] is None


def test_demo_json(tmp_path):
    done = ok("demo", "--json", env=os.environ | {"TMPDIR": str(tmp_path)})
    results = done.object["results"]
    assert {(r["model"], r["kind"]) for r in results} >= {
        (model, kind) for model in ("lr-uci", "lr528-keras") for kind in ("plain", "mpc", "tee", "he")
    }
    for result in results:
        if result["kind"] in ("mpc", "he"):
            assert 0 < result["largest_difference_from_plain"] <= result["bound"] and result["bytes_between"] == 0
    plain, *private = ([r["auc"] for r in results if r["kind"] == kind and r["auc"]] for kind in ("plain", "mpc", "he"))
    assert plain and all(plain == pytest.approx(auc, abs=1e-4) for auc in private)
    assert not list(tmp_path.iterdir()), "files are left"
    for size in done.object["by_batch"]:
        kinds = {k["kind"]: k for k in size["kinds"]}
        assert list(kinds) == ["plain", "mpc", "tee", "he"] and kinds["tee"]["assurance"] == "simulated"
        assert kinds["tee"]["largest_difference_from_plain"] == 0
    assert {size["batch"] for size in done.object["by_batch"]} >= {1, 10, 100, 1000}


def test_demo_for_people():
    done = ok("demo")
    assert "plain" in done.text and "mpc" in done.text and "proven bound" in done.text and done.err == ""
    assert "tee (SIMULATED)" in done.text and "nothing was proven" in done.text


@pytest.mark.parametrize("kind", ["plain", "mpc", "tee", "he"])
def test_metadata_gives_the_trust_card(kind, shared):
    file = shared(kind, UCI / "model.onnx").deployment
    first = deployment(file)["endpoints"][0]
    context = ssl.create_default_context(cafile=file.parent / first["ca"])
    url = f"{first['http_url']}/v2/models/lr-uci"
    card = json.loads(urllib.request.urlopen(url, context=context, timeout=10).read())["parameters"]["trust"]
    expected = ok("check", UCI / "model.onnx", "--json").object["kinds"][kind]["trust"]
    assert card.splitlines()[0] == expected["title"]
    for line, (who, what) in zip(card.splitlines()[1:], expected["lines"], strict=True):
        assert line.startswith(f"  {who}") and line.endswith(what)


# Rows in and answers out.


def rows_as(suffix, folder):
    path = folder / f"rows.{suffix}"
    if suffix in ("csv", "npz"):
        return UCI / f"rows.{suffix}"
    table = pyarrow.csv.read_csv(UCI / "rows.csv")
    if suffix == "parquet":
        pyarrow.parquet.write_table(table, path)
    elif suffix == "npy":
        np.save(path, np.load(UCI / "rows.npz")["features"])
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


@pytest.mark.parametrize("suffix", ["csv", "npz", "npy", "jsonl", "parquet"])
def test_rows_come_from_files_and_from_standard_input_alike(suffix, uci, tmp_path):
    rows = rows_as(suffix, tmp_path)
    answers = ok("predict", "--to", uci, rows, "-o", tmp_path / "file.npz")
    assert answers.out == b""
    ok("predict", "--to", uci, "-", "-o", tmp_path / "stdin.npz", stdin=rows.read_bytes())
    ok("predict", "--to", uci, UCI / "rows.npz", "-o", tmp_path / "expected.npz")
    expected = np.load(tmp_path / "expected.npz")
    for name in ("file.npz", "stdin.npz"):
        got = np.load(tmp_path / name)
        for output in ("label", "probabilities"):
            assert np.array_equal(got[output], expected[output]), f"{name}, {output}"


@pytest.mark.parametrize("suffix", ["csv", "npz", "npy", "jsonl", "parquet"])
def test_standard_output_holds_the_answers_and_nothing_else(suffix, uci, tmp_path):
    out = ok("predict", "--to", uci, "-", stdin=rows_as(suffix, tmp_path).read_bytes()).out
    path = tmp_path / "out"
    path.write_bytes(out)
    ok("predict", "--to", uci, UCI / "rows.npz", "-o", tmp_path / "expected.npz")
    expected = dict(np.load(tmp_path / "expected.npz"))
    if suffix in ("npz", "npy"):
        assert all(np.array_equal(np.load(path)[name], array) for name, array in expected.items())
    elif suffix == "parquet":
        table = pyarrow.parquet.read_table(path)
        judge.same_table(suffix, table.column_names, [column.to_pylist() for column in table.columns], expected)
    else:
        read = judge.read_csv if suffix == "csv" else judge.read_json_lines
        judge.same_table(suffix, *read(out.decode()), expected)


def test_a_reader_that_goes_away_is_no_error(wide, tmp_path):
    lines = "\n".join([",".join(map(str, np.load(WIDE / "rows.npz")["features"][0]))] * 20000)
    (tmp_path / "rows.csv").write_text(",".join(f"features[{i}]" for i in range(528)) + "\n" + lines)
    command = '"$0" predict --to "$1" "$2" | head -1; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", command, BINARY, wide, tmp_path / "rows.csv"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["Identity:0", "0"], done
    assert "panicked" not in done.stderr and not any(map(is_error, done.stderr.splitlines())), done.stderr


def test_answers_replace_a_file_only_as_a_whole(uci, tmp_path):
    out = tmp_path / "answers.csv"
    out.write_text("before")
    rows = saved(tmp_path / "rows.npz", np.full((1, 23), 1e12, np.float32))
    refused(3, "predict", "--to", uci, rows, "-o", out)
    assert out.read_text() == "before" and sorted(f.name for f in tmp_path.iterdir()) == ["answers.csv", "rows.npz"]


# Terminals and help.


def on_a_terminal(*args, **env):
    """What a person would see on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BINARY, *map(str, args)], stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"} | env
    )
    os.close(theirs)
    seen = b""
    while chunk := read_chunk(ours):
        seen += chunk
    os.close(ours)
    process.wait(60)
    return seen


def read_chunk(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


def test_no_color_is_respected():
    assert COLOUR.search(on_a_terminal("--help")), "the test sees no colours where there are some"
    for args in (["--help"], ["--no-such-option"], ["check", UCI / "model.onnx"], ["check", "none"], ["demo"]):
        seen = on_a_terminal(*args, NO_COLOR="1")
        assert seen and not COLOUR.search(seen), (args, seen)


def test_nothing_is_coloured_or_animated_when_piped():
    for args in (["--help"], ["check", UCI / "model.onnx"], ["demo"], ["--no-such-option"]):
        done = privet(*args)
        assert b"\x1b" not in done.out and "\x1b" not in done.err and b"\r" not in done.out, args


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_that_the_program_knows(command):
    text = ok(*command.split(), "--help").text
    assert re.search(r"^Examples?:$", text, re.M), text
    examples = re.findall(rf"\bprivet ({command}\b[^|\n]*)", text.split("Example")[-1])
    assert examples, text


def test_the_version_is_one_line():
    assert re.fullmatch(r"privet \d+\.\d+\.\d+\n", ok("--version").text)
