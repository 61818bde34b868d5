"""What is fitted knows nothing of the rows that a model is judged on, and is applied as it was fitted."""

import json

import numpy as np
import pandas as pd
import pytest

import oracle
import tables
from compare import compare, compare_preparations
from program import REFUSED, USAGE, built, featurise, refused

pytestmark = built
NEW_LEVELS = {"ORGANIZATION_TYPE": "Space agency", "CREDIT_TYPE": "Moon credit", "NAME_PORTFOLIO": "Moons"}


def extreme(read, ids):
    """The same tables; whatever belongs to these applicants became extreme, and speaks of levels that nobody has."""
    credits = read["bureau"].loc[read["bureau"]["SK_ID_CURR"].isin(ids), "SK_ID_BUREAU"]
    return {
        table: exaggerated(rows, rows["SK_ID_CURR"].isin(ids))
        if "SK_ID_CURR" in rows
        else exaggerated(rows, rows["SK_ID_BUREAU"].isin(credits))
        for table, rows in read.items()
    }


def exaggerated(rows, theirs):
    rows = rows.copy()
    for column in rows.columns:
        if column.startswith(("AMT_", "CNT_")):
            rows.loc[theirs, column] = rows.loc[theirs, column] * 1000 + 7
        elif column.startswith(("DAYS_", "MONTHS_")):
            rows.loc[theirs, column] = rows.loc[theirs, column] * 3 - 1
        elif column.startswith("EXT_SOURCE"):
            rows.loc[theirs, column] = 0.999
        elif column == "TARGET":
            rows.loc[theirs, column] = 1 - rows.loc[theirs, column]
        elif column in NEW_LEVELS:
            rows.loc[theirs, column] = NEW_LEVELS[column]
        elif column == "STATUS":
            rows.loc[theirs, column] = "5"
    return rows


def assert_same_preparation(one, other):
    """The same to the last digits, which the order of a sum may change."""
    report = compare_preparations(one, pd.DataFrame(other["features"]).set_index("name"))
    assert report.agrees, str(report)
    assert one["income_by_organization"] == other["income_by_organization"]
    assert one["scores_std_mean"] == pytest.approx(other["scores_std_mean"], rel=1e-12)
    same = set(other) - {"features", "scores_std_mean", "income_by_organization"}
    assert {key: one.get(key) for key in same} == {key: other[key] for key in same}
    assert not any(level in json.dumps(one["levels"]) for level in NEW_LEVELS.values())


def split(read):
    """The ids of the fitted, the held-out and the test applicants."""
    train = read["application_train"]
    train = train.loc[train["CODE_GENDER"] != "XNA", "SK_ID_CURR"]
    rows = oracle.fitted_count(read["application_train"], 0.2)
    return train.iloc[:rows], train.iloc[rows:], read["application_test"]["SK_ID_CURR"]


@pytest.mark.parametrize("which", [1, 2], ids=["held-out", "test"])
def test_rows_that_are_not_fitted_on_change_nothing_that_is_fitted(which, generated, tmp_path):
    ids = split(generated.tables)[which]
    read = extreme(generated.tables, ids)
    run = featurise(tables.write(read, tmp_path / "tables", "parquet"), tmp_path / "run")
    assert_same_preparation(run.preparation, generated.run.preparation)

    before, after = generated.run.features, run.features
    theirs = before["SK_ID_CURR"].isin(ids)
    report = compare(after[~theirs].reset_index(drop=True), before[~theirs].reset_index(drop=True))
    assert report.agrees, str(report)
    moved = (after[theirs] != before[theirs]) & ~(after[theirs].isna() & before[theirs].isna())
    assert moved[oracle.NAMES].any().sum() > 250, "the change was no test: it hardly reached the features"


def test_without_test_applicants_the_same_is_fitted(generated, tmp_path):
    read = generated.tables | {"application_test": generated.tables["application_test"].iloc[:0]}
    run = featurise(tables.write(read, tmp_path / "tables", "parquet"), tmp_path / "run")
    assert_same_preparation(run.preparation, generated.run.preparation)
    assert run.facts["test_rows"] == 0 and len(run.features) == run.facts["train_rows"]


@pytest.mark.parametrize("which", [0, 2], ids=["fitted", "test"])
def test_a_preparation_is_applied_as_it_was_fitted(which, generated, tmp_path):
    read = extreme(generated.tables, split(generated.tables)[which])
    folder = tables.write(read, tmp_path / "tables", "parquet")
    run = featurise(folder, tmp_path / "run", "--preparation", generated.run.preparation_file)

    fitted = oracle.Fitted.of_json(generated.run.preparation)
    report = compare(run.features, oracle.features(read, 0, fitted))
    assert report.agrees, str(report)
    assert run.preparation in (None, generated.run.preparation), "it was fitted again"


def test_incomes_of_an_organisation_that_was_never_fitted_are_missing(generated, tmp_path):
    read = extreme(generated.tables, generated.tables["application_test"]["SK_ID_CURR"])
    folder = tables.write(read, tmp_path / "tables", "parquet")
    run = featurise(folder, tmp_path / "run", "--preparation", generated.run.preparation_file)
    of_test = run.features["TARGET"].isna()
    assert np.isnan(run.features.loc[of_test, "NEW_INC_BY_ORG"]).all()
    assert run.features.loc[of_test, "NEW_SCORES_STD"].notna().all()


def test_a_preparation_must_be_there_and_be_one(generated, tmp_path):
    missing, wrong = tmp_path / "missing.json", tmp_path / "wrong.json"
    refused(USAGE, generated.folder, tmp_path, "--preparation", missing, names=["missing.json"])
    wrong.write_text('{"format": 1}')
    refused(REFUSED, generated.folder, tmp_path, "--preparation", wrong, names=["wrong.json"])
