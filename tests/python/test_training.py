"""Private training between machines comes to what numpy comes to on all rows in one place, whatever the schedule and the
arrangement."""

import dataclasses
import math
import zlib

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import training_support
from support import ROOT, ok
from trainers import Trainers
from training_support import Preparation, area, matched, plain, read_rows, sigmoid, weights_of

DATA = ROOT / "data/uci-credit-default/default_of_credit_card_clients.parquet"
LABEL = "default payment next month"
QUICK = ["--epochs", 3, "--rate", 0.02]
# What fixed point may do to a weight, and to a measure of the model.
NEAR, MEASURES = 0.01, 0.002


@pytest.fixture(scope="module")
def table():
    """Three thousand rows, of which a few values are missing, and a label for linear regression."""
    table = pq.read_table(DATA).slice(0, 3000)
    some = pa.array([None if at % 97 == 5 else one for at, one in enumerate(table["BILL_AMT3"].to_pylist())])
    table = table.set_column(table.column_names.index("BILL_AMT3"), "BILL_AMT3", some)
    return table.append_column("decades", pa.array(np.array(table["AGE"]) / 10))


@pytest.fixture(scope="module")
def files(table, tmp_path_factory):
    """Two owners' rows: one as CSV, one as Parquet."""
    folder = tmp_path_factory.mktemp("rows")
    pa.csv.write_csv(table.slice(0, 1700), folder / "bank.csv")
    pq.write_table(table.slice(1700), folder / "bureau.parquet")
    return folder / "bank.csv", folder / "bureau.parquet"


@pytest.fixture
def trainers(tmp_path):
    trainers = Trainers(tmp_path)
    yield trainers
    trainers.end()


@dataclasses.dataclass
class Trained:
    """What came of a training of different rows, and what numpy makes of the same."""

    trainers: Trainers
    report: dict
    expected: training_support.Result
    preparation: Preparation
    raw: np.ndarray
    labels: np.ndarray

    @property
    def out(self):
        return self.trainers.folder / "model.onnx"

    @property
    def prepared(self):
        return self.preparation(self.raw)


def horizontal(trainers, files, *recipe, label=LABEL):
    """Agrees, serves, and trains with both owners at the same time."""
    prepared, out = trainers.folder / "preparation.json", trainers.folder / "model.onnx"
    leave = f"ID,{'decades' if label == LABEL else 'AGE'}"
    trainers.agree("--rows", files[0], "--label", label, "--leave-out", leave, "--preparation", prepared, *recipe)
    trainers.serve()
    bank, bureau = (["--rows", file, "--preparation", prepared] for file in files)
    report = trainers.together(bank=[*bank, "--out", out], bureau=bureau).object
    return Trained(trainers, report, *by_numpy(trainers.agreement, files, prepared))


def by_numpy(agreement, files, prepared):
    columns = agreement["columns"]
    preparation = Preparation(prepared, columns)
    raw = np.concatenate([read_rows(file, columns) for file in files])
    labels = np.concatenate([read_rows(file, [agreement["label"]]) for file in files]).ravel()
    return plain(agreement, preparation(raw), labels), preparation, raw, labels


def assert_near(out, expected, near=NEAR):
    weights, constant = weights_of(out)
    off = np.abs(weights - expected.weights).max()
    assert off < near, f"a weight is off by {off:.4f}"
    assert abs(constant - expected.intercept) < near, (constant, expected.intercept)
    assert np.abs(expected.weights).max() > 5 * near, "weights that hardly moved show nothing"


def assert_judged_alike(report, expected):
    """What the lead was told, at each judgement."""
    losses = sorted(one.loss for one in expected.judgements)
    assert losses[1] - losses[0] > 1e-3, "too close for fixed point to tell; take another seed"
    assert report["result_step"] == expected.step
    assert [one["step"] for one in report["judgements"]] == [one.step for one in expected.judgements]
    for told, known in zip(report["judgements"], expected.judgements):
        assert abs(told["loss"] - known.loss) < MEASURES, (told, known)
        assert known.auc is None or known.told[0] <= told["auc"] <= known.told[1] < known.told[0] + 0.05, (told, known)


def assert_judges_alike(trained):
    """The model that came out, on rows that judge."""
    weights, constant = weights_of(trained.out)
    expected = trained.expected
    rows, labels = trained.prepared[expected.judging], trained.labels[expected.judging]
    scores = rows @ weights + constant
    assert abs(np.mean(np.logaddexp(0, scores) - labels * scores) - expected.best.loss) < MEASURES
    assert abs(area(scores, labels) - expected.best.auc) < MEASURES and expected.best.auc > 0.65


RECIPES = {
    "adam": (LABEL, [*QUICK, "--l2", 0.001, "--batch", 100]),
    "descent": (LABEL, ["--optimiser", "sgd", "--rate", 0.5, "--epochs", 3, "--no-intercept"]),
    "linear": ("decades", ["--loss", "squares", "--optimiser", "sgd", "--rate", 0.1, "--epochs", 3, "--l2", 0.01]),
    "linear-adam": ("decades", ["--loss", "squares", "--rate", 0.05, "--epochs", 3, "--batch", 64]),
    "malicious": (LABEL, [*QUICK, "--protocol", "replicated3-malicious"]),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_owners_and_three_parties_come_to_what_numpy_comes_to(recipe, trainers, files):
    label, words = RECIPES[recipe]
    trained = horizontal(trainers, files, *words, "--seed", 11, label=label)
    assert_near(trained.out, trained.expected)
    assert_judged_alike(trained.report["training"], trained.expected)
    assert trained.report["rows"] == 1700 and trained.report["training"]["steps"] == trained.expected.steps
    if label == LABEL:
        assert_judges_alike(trained)


def test_the_file_scales_rows_itself_wherever_it_runs(trainers, files, up, tmp_path):
    trained = horizontal(trainers, files, *QUICK)
    rows = trained.preparation.clipped(trained.raw).astype(np.float32)
    weights, constant = weights_of(trained.out)
    expected = sigmoid(trained.prepared @ weights + constant)
    session = onnxruntime.InferenceSession(str(trained.out), providers=["CPUExecutionProvider"])
    assert np.abs(session.run(["probability"], {"features": rows})[0].ravel() - expected).max() < 1e-5
    np.save(tmp_path / "rows.npy", rows)
    running = up("plain", trained.out)
    ok("predict", "--to", running.deployment, tmp_path / "rows.npy", "-o", tmp_path / "answers.npz")
    assert np.abs(np.load(tmp_path / "answers.npz")["probability"].ravel() - expected).max() < 1e-5


def test_rows_of_the_same_people_are_matched_by_tags(trainers, table, tmp_path):
    """Other columns, another order, and only some people in common; the label is at one owner."""
    mixed = np.random.default_rng(5).permutation
    own = {"bank": mixed(2000), "bureau": 700 + mixed(2000)}
    halves = {"bank": ["LIMIT_BAL", "SEX", "AGE", "PAY_0"], "bureau": ["PAY_2", "BILL_AMT3", "PAY_AMT1", LABEL]}
    for name, rows in own.items():
        pa.csv.write_csv(table.take(rows).select(["ID", *halves[name]]), tmp_path / f"{name}.csv")
    key, files = tmp_path / "alignment.key", [tmp_path / f"{name}.csv" for name in own]
    rows = [word for file in files for word in ("--rows", file)]
    arranged = ["--leave-out", "ID", "--arrangement", "vertical-by-tags", "--alignment-key", key]
    trainers.agree(*rows, "--label", LABEL, *arranged, *QUICK)
    trainers.serve()
    shared = ["--alignment-key", key, "--id", "ID"]
    words = {name: fitted(tmp_path, name, *shared) for name in own}
    report = trainers.together(bank=[*words["bank"], "--out", tmp_path / "model.onnx"], bureau=words["bureau"]).object
    ids = [table["ID"].take(rows).to_pylist() for rows in own.values()]
    places = matched(trainers.agreement["id"], key, ids)
    assert len(places[0]) == 1300
    expected = by_numpy_of_columns(trainers.agreement, tmp_path, places)
    assert_near(tmp_path / "model.onnx", expected)
    assert_judged_alike(report["training"], expected)
    assert_nothing_is_kept_in_the_clear(trainers, ids, key)


def fitted(folder, name, *more):
    """How an owner of columns gives its rows."""
    return ["--rows", folder / f"{name}.csv", "--preparation", folder / f"{name}.json", "--fit", *more]


def by_numpy_of_columns(agreement, folder, places):
    parts, labels = [], None
    for owner, own in zip(agreement["owners"], places):
        file = folder / f"{owner['name']}.csv"
        parts.append(Preparation(folder / f"{owner['name']}.json", owner["columns"])(read_rows(file, owner["columns"]))[own])
        labels = read_rows(file, [owner["label"]]).ravel()[own] if "label" in owner else labels
    return plain(agreement, np.hstack(parts), labels)


def assert_nothing_is_kept_in_the_clear(trainers, ids, key):
    """No identifier, nothing that shows a value, and no key; rows are bytes that cannot be made smaller."""
    secret = bytes.fromhex(key.read_text().splitlines()[-1])
    values = [np.float64(10000.0).tobytes(), np.float32(10000.0).tobytes(), b"10000"]
    longest = sorted({str(one).encode() for own in ids for one in own if one >= 1000})
    sizes = []
    for party in range(3):
        files = {file.name: file.read_bytes() for file in trainers.state(party).iterdir()}
        everything = b"\n".join(files.values())
        assert secret not in everything and key.read_text().split()[1].encode() not in everything
        assert not any(value in everything for value in values)
        # Names of states are digests, in which four digits may stand by chance.
        told = b"".join(files[name] for name in files if name.startswith(("rows", "offer", "tags")))
        # By chance a number of four digits is somewhere in so many random bytes, once in 2^32 for each place.
        by_chance = len(told) * len(longest) / 2**32
        found = sum(told.count(one) for one in longest)
        assert found <= by_chance + 5, f"{found} identifiers stand in what party {party} keeps"
        rows = [files[name] for name in files if name.startswith("rows")]
        sizes += [len(one) for one in rows]
        assert all(len(zlib.compress(one, 9)) > 0.999 * len(one) for one in rows)
    assert sizes == [2000 * 4 * 8] * 4, "two of three parties keep a component that no seed gives"


def test_columns_in_the_same_order_need_no_tags(trainers, table, tmp_path):
    halves = {"bank": [LABEL, "PAY_0", "LIMIT_BAL"], "bureau": ["PAY_2", "AGE"]}
    for name, columns in halves.items():
        pa.csv.write_csv(table.slice(0, 1000).select(columns), tmp_path / f"{name}.csv")
    rows = [word for name in halves for word in ("--rows", tmp_path / f"{name}.csv")]
    trainers.agree(*rows, "--label", LABEL, "--arrangement", "vertical-in-order", *QUICK, "--open-to", "bureau")
    trainers.serve()
    out = tmp_path / "model.onnx"
    report = trainers.together(bank=fitted(tmp_path, "bank"), bureau=fitted(tmp_path, "bureau", "--out", out))
    expected = by_numpy_of_columns(trainers.agreement, tmp_path, [np.arange(1000)] * 2)
    assert_near(out, expected)
    assert_judged_alike(report.object["training"], expected)
    assert "model" not in report.object, "it is opened to the other owner"


def test_the_best_state_is_the_result_where_it_gets_worse(trainers, files):
    """So high a rate that the loss rises: it ends early, with an earlier state."""
    words = ["--optimiser", "sgd", "--rate", 3.0, "--epochs", 20, "--judge-every", 4, "--patience", 2, "--batch", 64]
    trained = horizontal(trainers, files, *words)
    report, expected = trained.report["training"], trained.expected
    assert expected.step < expected.steps < 20 * (2700 // 64), expected.judgements
    assert report["steps"] == expected.steps and report["result_step"] == expected.step
    last = expected.after[expected.steps]
    assert np.abs(last[:-1] - expected.weights).max() > 0.1, "the last state is another one"
    assert_near(trained.out, expected)


def test_noise_has_the_deviation_that_is_told(trainers, files, tmp_path):
    rate, batch, epochs, norm = 0.02, 100, 2, 5.0
    words = ["--optimiser", "sgd", "--rate", rate, "--batch", batch, "--epochs", epochs, "--noise", 1.0, "--norm", norm]
    runs = []
    for at in ("first", "second"):
        given = [*rows_of(files), "--label", LABEL, "--leave-out", "ID,decades"]
        done = ok("train", "--here", tmp_path / at, *given, *words, "--json")
        steps = done.object["training"]["steps"]
        weights, constant = weights_of(tmp_path / at / "model.onnx")
        runs.append(np.array([*weights, constant]))
    # Each of three parties adds half of the variance that two of them are to have together.
    a_step = rate * norm * (1 + 2**-12) * math.sqrt(3 / 2) / batch
    difference = np.sqrt(np.mean((runs[0] - runs[1]) ** 2))
    expected = a_step * math.sqrt(2 * steps)
    assert expected / 1.5 < difference < expected * 1.5, (difference, expected)
    agreement = tmp_path / "first/training.toml"
    told = ok("check", "--train", agreement, "--json").object
    rho = epochs / 2
    assert told["epsilon"] == pytest.approx(rho + 2 * math.sqrt(rho * math.log(1e5)))
    assert f"ε = {told['epsilon']:.2f}" in ok("check", "--train", agreement).text


def rows_of(files):
    return [word for file in files for word in ("--rows", file)]


@pytest.mark.parametrize("words", [[], ["--protocol", "replicated3-malicious"], ["--optimiser", "sgd", "--loss", "squares"]])
def test_what_a_step_costs_is_told_before(words, files, tmp_path):
    more = ["--label", LABEL, "--leave-out", "ID,decades", "--epochs", 3, "--batch", 64, *words]
    report = ok("train", "--here", tmp_path / "run", *rows_of(files), *more, "--json").object["training"]
    told = ok("check", "--train", tmp_path / "run/training.toml", "--count", 3000, "--json").object
    assert told["steps"] == report["steps"] == 3 * (2700 // 64) and told["judging"] == 300
    assert report["rounds"] / report["steps"] == pytest.approx(told["rounds_per_step"], rel=0.1)
    assert report["bytes_between"] / report["steps"] == pytest.approx(told["bytes_per_step"], rel=0.1)
