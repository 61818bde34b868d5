"""`privet-credit train` and `prepare` on made-up features: the same probabilities everywhere, scikit-learn's optimum, the
same model from the same seed even after a power cut, and refusals."""

import json
import pathlib
import signal
import subprocess
import time
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from support import ok as privet_ok

import program
from oracle import NAMES
from program import REFUSED, USAGE, credit, ok

pytestmark = program.built
LABELLED, TEST, FITTED = 4000, 500, 3200
PLAIN = 1e-6
AMOUNT, CONSTANT, UNKNOWN, RATIO = "AMT_CREDIT", "FLAG_DOCUMENT_18", "OWN_CAR_AGE", "NEW_CREDIT_TO_INCOME_RATIO"


@dataclass(frozen=True)
class Model:
    """What a training left in a folder, and what it said."""

    folder: pathlib.Path
    facts: dict
    err: str

    @property
    def file(self):
        return self.folder / "model.onnx"

    @property
    def scores(self):
        return pq.read_table(self.folder / "scores.parquet").to_pandas()

    @property
    def preparation(self):
        return json.loads((self.folder / "model.preparation.json").read_text())

    @property
    def weights(self):
        """In the order of the features, the bias last (0 where there is none)."""
        constants = {c.name: onnx.numpy_helper.to_array(c) for c in onnx.load(self.file).graph.initializer}
        return np.append(constants["weights"].ravel(), constants.get("bias", np.zeros(1, np.float32)))

    def rows(self, which="all"):
        """The rows that `prepare` makes: their keys, and what the model is given."""
        out = self.folder / f"{which}.parquet"
        ok("prepare", "--features", self.folder.parent / "features.parquet", "--out", out, "--rows", which,
           "--preparation", self.folder / "model.preparation.json")  # fmt: skip
        table = pq.read_table(out)
        names = table.column_names[2:]
        return table.select(["SK_ID_CURR", "TARGET"]).to_pandas(), np.stack([table[n].to_numpy() for n in names], 1)

    def answers(self, rows):
        """ONNX Runtime's."""
        session = onnxruntime.InferenceSession(self.file)
        return session.run(["probability"], {"features": rows})[0].ravel()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Correlated columns on scales from 1e-2 to 1e8, with gaps and infinities; one that is always the same, one that is
    never known."""
    folder = tmp_path_factory.mktemp("train")
    dice = np.random.default_rng(7)
    rows = LABELLED + TEST
    hidden = dice.standard_normal((rows, 12))
    columns, features, logit = {}, [], np.full(rows, -1.7)
    for number, name in enumerate(NAMES):
        z = hidden @ dice.standard_normal(12) / 4 + 0.5 * dice.standard_normal(rows)
        logit += dice.normal(0, 0.06) * z
        values, missing = shaped(name, number, z, dice)
        columns[name] = pa.array(values, mask=missing)
        features.append(fitted(name, values[:FITTED], missing[:FITTED]))
    target = (dice.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    keys = {"SK_ID_CURR": 100001 + dice.permutation(rows), "TARGET": pa.array(target, mask=np.arange(rows) >= LABELLED)}
    pq.write_table(pa.table(keys | columns), folder / "features.parquet", row_group_size=1500)
    preparation = {"levels": {"application": {"CODE_GENDER": ["F", "M"]}}, "income_by_organization": {"Bank": 0.1}}
    preparation |= {"format": 1, "fitted_rows": FITTED, "scores_std_mean": 0.15, "features": features}
    (folder / "preparation.json").write_text(json.dumps(preparation))
    return folder


def shaped(name, number, z, dice):
    values = [z > 1, np.exp(z).round(), 1 + 0.01 * z, 1 / (1 + np.exp(-z)), -4000 + 2500 * z][number % 5]
    values = values.astype(float)
    if "AMT" in name:
        values = np.exp(13 + 1.5 * z).round(1)
    missing = dice.random(len(z)) < [0, 0.02, 0.3, 0.6][number % 4]
    if name == RATIO:
        values[dice.random(len(z)) < 0.02] = np.inf
    if name in (CONSTANT, UNKNOWN):
        values[:], missing[:] = 0.1, name == UNKNOWN
    return values, missing


def fitted(name, values, missing):
    """The rule of `preparation.json`, by numpy."""
    known = values[~missing & np.isfinite(values)]
    if len(known) == 0:
        return {"name": name, "fill": 0.0, "low": 0.0, "high": 0.0, "mean": 0.0, "scale": 1.0}
    fill, low, high = np.median(known), *np.quantile(known, [0.005, 0.995])
    all_rows = np.where(missing | ~np.isfinite(values), fill, values).clip(low, high)
    scale = 1.0 if low == high else all_rows.std()
    found = {"fill": fill, "low": low, "high": high, "mean": all_rows.mean(), "scale": scale}
    return {"name": name} | {key: float(value) for key, value in found.items()}


def command(folder, into, *options):
    given = ["--features", folder / "features.parquet", "--out", into / "model.onnx", "--scores", into / "scores.parquet"]
    return ["train", *given, "--json", *options]


def train(folder, name, *options):
    into = folder / name
    into.mkdir()
    done = ok(*command(folder, into, *options))
    return Model(into, done.object, done.err)


@pytest.fixture(scope="module")
def model(folder):
    return train(folder, "default")


@pytest.fixture(scope="module")
def inside(folder):
    return train(folder, "inside", "--preparation", "inside")


@pytest.fixture(scope="module")
def of_2019(folder):
    """Without a bias, from 0 to 1, at a constant rate."""
    return train(folder, "2019", "--no-bias", "--scaling", "min-max", "--schedule", "constant")


@pytest.mark.parametrize("name", ["model", "inside", "of_2019"])
def test_onnx_runtime_gives_the_trainers_probabilities(name, request, line):
    model = request.getfixturevalue(name)
    keys, rows = model.rows()
    assert rows.dtype == np.float32 and rows.shape == (LABELLED + TEST, len(NAMES))
    known = keys["TARGET"].notna().to_numpy()
    scores = model.scores
    assert scores["SK_ID_CURR"].tolist() == keys["SK_ID_CURR"][known].tolist()
    assert scores["part"].value_counts().to_dict() == {"training": 2560, "validation": 640, "held-out": 800}
    worst = np.abs(model.answers(rows)[known] - scores["probability"]).max()
    assert worst <= PLAIN
    line(f"train {name}: ONNX Runtime and the trainer differ by {worst:.1e} at most")


@pytest.mark.parametrize("kind", ["plain", "mpc"])
@pytest.mark.parametrize("name", ["model", "inside"])
def test_every_kind_gives_the_trainers_probabilities(name, kind, request, shared, line):
    model = request.getfixturevalue(name)
    keys, rows = model.rows("held-out")
    given = model.folder / "rows.npz"
    np.savez(given, features=rows)
    running = shared(kind, model.file, "--rows", given)
    done = privet_ok("predict", "--to", running.deployment, given, "-o", model.folder / f"{kind}.npz", "--json")
    found = np.load(model.folder / f"{kind}.npz")["probability"].ravel()
    scores = model.scores
    scores = scores[scores["part"] == "held-out"]
    assert scores["SK_ID_CURR"].tolist() == keys["SK_ID_CURR"].tolist()
    bound = done.facts["bound"] or 0.0
    worst = np.abs(found - scores["probability"]).max()
    assert (kind == "mpc") == (bound > 0) and worst <= bound + PLAIN
    line(f"train {name}, {kind}: {worst:.1e} of {bound + PLAIN:.1e}")


def test_the_file_says_what_it_is(model, inside, of_2019):
    for one in (model, inside, of_2019):
        file = onnx.load(one.file)
        onnx.checker.check_model(file, full_check=True)
        facts = {fact.key: fact.value for fact in file.metadata_props}
        assert file.producer_name == "privet-credit" and json.loads(facts["feature_names"]) == NAMES
        assert all(node.name for node in file.graph.node)
        assert [feature["name"] for feature in one.preparation["features"]] == NAMES
        assert one.preparation["levels"] == {"application": {"CODE_GENDER": ["F", "M"]}}
    assert [node.op_type for node in onnx.load(model.file).graph.node] == ["Sub", "Div", "Gemm", "Sigmoid"]
    assert onnx.load(inside.file).graph.node[0].op_type == "Imputer" and inside.preparation["inside"] is True
    assert "inside" not in model.preparation


def test_rows_are_filled_and_clipped(folder, model):
    given = pq.read_table(folder / "features.parquet")
    rules = json.loads((folder / "preparation.json").read_text())["features"]
    keys, rows = model.rows()
    assert keys["SK_ID_CURR"].tolist() == given["SK_ID_CURR"].to_pylist()
    for column, rule in zip(rows.T, rules, strict=True):
        raw = given[rule["name"]].to_numpy()
        known = np.where(np.isfinite(raw), raw, rule["fill"]).clip(rule["low"], rule["high"])
        assert np.array_equal(column, known.astype(np.float32)), rule["name"]


def test_a_model_that_fills_gaps_is_given_them(folder, inside):
    given = pq.read_table(folder / "features.parquet", columns=NAMES).to_pandas()
    given = given.replace([np.inf, -np.inf], np.nan).to_numpy().astype(np.float32)
    assert np.array_equal(inside.rows()[1], given, equal_nan=True)


@pytest.mark.parametrize("which, count", [("training", 3200), ("held-out", 800), ("test", 500)])
def test_which_rows(which, count, folder, model):
    keys, _ = model.rows(which)
    everybody = pq.read_table(folder / "features.parquet", columns=["SK_ID_CURR"])["SK_ID_CURR"].to_pylist()
    first = {"training": 0, "held-out": 3200, "test": 4000}[which]
    assert keys["SK_ID_CURR"].tolist() == everybody[first : first + count]
    assert keys["TARGET"].isna().all() if which == "test" else keys["TARGET"].notna().all()


@pytest.mark.parametrize("options", [[], ["--no-bias"], ["--columns", "application"], ["--scaling", "min-max"]], ids=str)
def test_log_loss_is_that_of_scikit_learn(options, folder, tmp_path, line):
    l2 = 0.01
    model = train_in(folder, tmp_path, "--l2", l2, "--epochs", 400, "--learning-rate", 0.01, "--validation", 0, *options)
    keys, rows = model.rows("training")
    names = [feature["name"] for feature in model.preparation["features"]]
    assert len(names) == (129 if "application" in options else 528)
    of = {key: np.array([f[key] for f in model.preparation["features"]]) for key in ("mean", "scale")}
    rows, target = (rows - of["mean"]) / of["scale"], keys["TARGET"].to_numpy().astype(bool)
    judge = LogisticRegression(C=1 / (l2 * len(rows)), fit_intercept="--no-bias" not in options, tol=1e-8, max_iter=10000)
    judge.fit(rows, target)
    best = objective(np.append(judge.coef_, judge.intercept_), rows, target, l2)
    ours = objective(model.weights.astype(float), rows, target, l2)
    assert best - 1e-6 <= ours <= best + 1e-3
    loss = log_loss(judge.decision_function(rows), target)
    assert model.facts["parts"]["training"]["log_loss"] == pytest.approx(loss, abs=1e-3)
    line(f"train {' '.join(options)}: penalised log loss {ours - best:.1e} above scikit-learn's")


def train_in(folder, tmp_path, *options):
    """A training that leaves nothing in the shared folder but what `rows` needs."""
    (tmp_path / "features.parquet").symlink_to(folder / "features.parquet")
    (tmp_path / "preparation.json").symlink_to(folder / "preparation.json")
    return train(tmp_path, "model", *options)


def objective(weights, rows, target, l2):
    return log_loss(rows @ weights[:-1] + weights[-1], target) + l2 / 2 * (weights[:-1] ** 2).sum()


def log_loss(logits, target):
    return np.logaddexp(0, np.where(target, -logits, logits)).mean()


def everything(folder):
    """What must not change; reports hold no times."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(("model.", "scores."))}


def test_the_seed_decides_and_threads_do_not(folder, model, tmp_path):
    before = everything(model.folder)
    for threads in (1, 3):
        again = train_in(folder, tmp_path / mkdir(tmp_path, str(threads)), "--threads", threads)
        assert everything(again.folder) == before
    other = train_in(folder, tmp_path / mkdir(tmp_path, "seed"), "--seed", 1)
    assert (other.weights != model.weights).any()


def mkdir(folder, name):
    (folder / name).mkdir()
    return name


def test_killed_and_resumed_it_comes_to_the_same_end(folder, tmp_path):
    options = ["--epochs", 300, "--checkpoint", tmp_path / "checkpoint"]
    whole = train_in(folder, tmp_path / mkdir(tmp_path, "whole"), *options[:2])
    into = tmp_path / mkdir(tmp_path, "killed")
    kill_in_the_middle(command(folder, into, *options), tmp_path / "checkpoint")
    gone = len(json.loads((tmp_path / "checkpoint").read_text())["state"]["history"])
    assert 2 <= gone < 300 and not list(into.iterdir())
    ok(*command(folder, into, *options, "--resume"))
    assert everything(into) == everything(whole.folder)
    done = credit(*command(folder, into, *options, "--resume", "--batch", 128))
    assert_says(done, REFUSED, "`--batch` was 256, and is 128")


def kill_in_the_middle(words, checkpoint):
    words = [program.BINARY, *map(str, words)]
    running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not checkpoint.exists() or len(json.loads(checkpoint.read_text())["state"]["history"]) < 2:
        assert running.poll() is None and time.monotonic() < end, "no checkpoint came"
    running.send_signal(signal.SIGKILL)
    running.wait()


def test_patience_stops_and_takes_the_best(folder, tmp_path):
    model = train_in(folder, tmp_path, "--epochs", 200, "--learning-rate", 0.05, "--patience", 3, "--schedule", "constant")
    report = json.loads((model.folder / "model.report.json").read_text())
    losses = [epoch["validation_loss"] for epoch in report["history"]]
    assert 4 <= len(losses) < 200 and int(np.argmin(losses)) == len(losses) - 4
    assert model.facts["parts"]["validation"]["log_loss"] == pytest.approx(min(losses), abs=1e-6)


def test_without_a_bias_and_from_0_to_1(of_2019):
    assert of_2019.weights[-1] == 0 and len(onnx.load(of_2019.file).graph.node[2].input) == 2
    _, rows = of_2019.rows("training")
    rules = {key: np.array([f[key] for f in of_2019.preparation["features"]]) for key in ("mean", "scale", "low")}
    scaled = (rows - rules["mean"]) / rules["scale"]
    assert scaled.min() >= -1e-5 and scaled.max() <= 1 + 1e-5
    assert np.array_equal(rules["mean"].astype(np.float32), rules["low"].astype(np.float32))


def test_dropping_tells_what_it_costs(folder, model, tmp_path):
    dropped = train_in(folder, tmp_path, "--drop", "CODE_GENDER,DAYS_BIRTH")
    names = [feature["name"] for feature in dropped.preparation["features"]]
    assert names == [name for name in NAMES if name not in ("CODE_GENDER", "DAYS_BIRTH")]
    cost = dropped.facts["dropped"]
    assert cost["names"] == ["CODE_GENDER", "DAYS_BIRTH"]
    assert cost["auc_with"] == model.facts["parts"]["held-out"]["auc"]
    assert cost["auc_without"] == dropped.facts["parts"]["held-out"]["auc"] != cost["auc_with"]
    assert "`DAYS_BIRTH` is dropped" in dropped.err and "NEW_EMPLOY_TO_BIRTH_RATIO" in dropped.err
    keys, rows = dropped.rows()
    known = keys["TARGET"].notna().to_numpy()
    assert np.abs(dropped.answers(rows)[known] - dropped.scores["probability"]).max() <= PLAIN
    assert "cost" in (dropped.folder / "model.report.html").read_text()


def test_what_cannot_be_is_refused(folder, model, tmp_path):
    def says(exit_code, *texts, options=(), features=folder / "features.parquet"):
        done = credit("train", "--features", features, "--out", tmp_path / "model.onnx", "--json", *options)
        assert_says(done, exit_code, *texts)

    says(USAGE, "names no feature", "CODE_GENDER", options=["--drop", "code_gender"])
    says(USAGE, "`--patience`", "--validation", options=["--patience", 2, "--validation", 0])
    says(USAGE, "cannot be read", features=tmp_path / "nothing.parquet")
    says(REFUSED, "is no preparation", options=["--preparation-file", model.file])
    assert not list(tmp_path.iterdir())

    table = pq.read_table(folder / "features.parquet")
    pq.write_table(table.drop_columns(["TARGET"]), tmp_path / "one.parquet")
    own = ["--preparation-file", folder / "preparation.json"]
    says(REFUSED, "`TARGET`", "Int64", features=tmp_path / "one.parquet", options=own)
    pq.write_table(table.slice(0, 3000), tmp_path / "two.parquet")
    says(REFUSED, "3200 rows", "has 3000", features=tmp_path / "two.parquet", options=own)
    target = table.column_names.index("TARGET")
    twos = table.set_column(target, "TARGET", pa.array([2] * len(table)))
    pq.write_table(twos, tmp_path / "three.parquet")
    says(REFUSED, "Row 0", "TARGET 2", features=tmp_path / "three.parquet", options=own)
    pq.write_table(table.drop_columns([AMOUNT]), tmp_path / "four.parquet")
    done = credit("prepare", "--features", tmp_path / "four.parquet", "--out", tmp_path / "rows.parquet", "--preparation",
                  model.folder / "model.preparation.json", "--json")  # fmt: skip
    assert_says(done, REFUSED, f"`{AMOUNT}`")
    assert not (tmp_path / "rows.parquet").exists()


def assert_says(done, exit_code, *texts):
    assert done.code == exit_code, done
    first = done.err.splitlines()[0]
    assert first.startswith("C4") or first.startswith("C101"), done
    assert done.object["error"] in first and all(text in first for text in texts), done
