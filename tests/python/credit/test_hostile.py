"""Tables that are not as they should be: an error that says where, or a counted warning, and never a row of them."""

import gzip
import re

import pandas as pd
import pytest

import oracle
import tables
from compare import compare
from program import REFUSED, USAGE, built, changed, credit, featurise, refused

pytestmark = built

# No applicant, loan or credit has such a number.
NOBODY = 999_999_000
HISTORY = {
    "bureau": "SK_ID_CURR",
    "bureau_balance": "SK_ID_BUREAU",
    "previous_application": "SK_ID_CURR",
    "POS_CASH_balance": "SK_ID_CURR",
    "installments_payments": "SK_ID_CURR",
    "credit_card_balance": "SK_ID_CURR",
}
# The numbers that name a row, which must stay unlike each other where a row is repeated.
UNIQUE = {"bureau": "SK_ID_BUREAU", "previous_application": "SK_ID_PREV"}


@pytest.fixture
def into(tmp_path):
    """Where a refused run would leave something."""
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def inserted(rows, at, new):
    """The table with these rows from data row `at` (counted from 1) on."""
    return pd.concat([rows.iloc[: at - 1], new, rows.iloc[at - 1 :]], ignore_index=True)


def with_cell(rows, at, column, cell):
    """The table with another cell in data row `at` (counted from 1)."""
    rows = rows.astype({column: object})
    rows.loc[rows.index[at - 1], column] = cell
    return rows


def is_row(at):
    """Data row `at`, or the line of the file that it is on."""
    return rf"(row {at}|line {at + 1})"


def assert_features(run, wanted):
    report = compare(run.features, wanted)
    assert report.agrees, str(report)


def assert_warned(run, table, column, count, first_row, level=None):
    """Exactly one such warning, and a line on standard error that says as much."""
    found = [one for one in run.warnings(table, column) if one.get("level") == level]
    assert len(found) == 1, run.facts["warnings"]
    assert (found[0]["count"], found[0]["first_row"]) == (count, first_row), found
    assert found[0]["code"] and found[0]["message"], found
    said = [table, column, str(count), str(first_row), *([level] if level else [])]
    assert any(all(word in line for word in said) for line in run.err.splitlines()), (said, run.err)


# What is not there.


@pytest.mark.parametrize("table", tables.TABLES)
def test_a_missing_table_is_named(table, small, tmp_path, into):
    refused(USAGE, changed(small.folder, tmp_path / "tables", **{table: None}), into, names=[table])


def test_a_missing_folder_is_named(tmp_path, into):
    refused(USAGE, tmp_path / "nowhere", into, names=["nowhere"])


COLUMNS = [("application_train", "TARGET"), ("application_train", "EXT_SOURCE_2"), ("application_test", "SK_ID_CURR")]
COLUMNS += [("bureau", "DAYS_CREDIT"), ("bureau_balance", "STATUS"), ("previous_application", "NAME_YIELD_GROUP")]
COLUMNS += [("POS_CASH_balance", "SK_DPD"), ("installments_payments", "AMT_PAYMENT")]
COLUMNS += [("credit_card_balance", "AMT_RECIVABLE")]


@pytest.mark.parametrize("table, column", COLUMNS)
def test_a_missing_column_is_named(table, column, small, tmp_path, into):
    rows = small.tables[table].drop(columns=column)
    refused(REFUSED, changed(small.folder, tmp_path / "tables", **{table: rows}), into, names=[table, column])


def test_a_missing_column_of_parquet_is_named(small, tmp_path, into):
    read = small.tables | {"bureau": small.tables["bureau"].drop(columns="CREDIT_TYPE")}
    folder = tables.write(read, tmp_path / "tables", "parquet")
    refused(REFUSED, folder, into, names=["bureau", "CREDIT_TYPE"])


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_history_table_may_be_empty(table, form, small, tmp_path):
    read = small.tables | {table: small.tables[table].iloc[:0]}
    run = featurise(tables.write(read, tmp_path / "tables", form), tmp_path / "run")
    assert_features(run, oracle.features(read, run.preparation["fitted_rows"]))
    assert run.facts["tables"][table]["rows"] == 0


def test_an_empty_history_fits_nothing(small, tmp_path):
    cards = small.tables["credit_card_balance"].iloc[:0]
    run = featurise(changed(small.folder, tmp_path / "tables", credit_card_balance=cards), tmp_path / "run")
    fitted = {one["name"]: one for one in run.preparation["features"]}["CC_AMT_BALANCE_MEAN"]
    assert [fitted[key] for key in ("fill", "low", "high", "mean", "scale")] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_empty_application_train_is_refused(form, small, tmp_path, into):
    read = small.tables | {"application_train": small.tables["application_train"].iloc[:0]}
    refused(REFUSED, tables.write(read, tmp_path / "tables", form), into, names=["application_train"])


# What is not what it should be.

CELLS = [("application_train", "AMT_CREDIT"), ("application_train", "SK_ID_CURR"), ("application_train", "TARGET")]
CELLS += [("application_test", "EXT_SOURCE_3"), ("bureau", "DAYS_CREDIT"), ("bureau_balance", "MONTHS_BALANCE")]
CELLS += [
    ("previous_application", "AMT_CREDIT"),
    ("POS_CASH_balance", "SK_DPD"),
    ("credit_card_balance", "AMT_BALANCE"),
]
CELLS += [("installments_payments", "AMT_PAYMENT")]


@pytest.mark.parametrize("table, column", CELLS)
def test_a_cell_of_the_wrong_type_is_found(table, column, small, tmp_path, into):
    rows = with_cell(small.tables[table], 7, column, "many")
    folder = changed(small.folder, tmp_path / "tables", **{table: rows})
    refused(REFUSED, folder, into, names=[table, column, is_row(7)], rows=[rows.iloc[6]])


def test_a_cell_of_the_wrong_type_is_found_far_down(small, tmp_path, into):
    """Further down than any reader looks to guess a type, and behind many batches."""
    balance = small.tables["bureau_balance"]
    rows = with_cell(balance, len(balance), "MONTHS_BALANCE", "1.5.2")
    folder = changed(small.folder, tmp_path / "tables", bureau_balance=rows)
    refused(REFUSED, folder, into, names=["bureau_balance", "MONTHS_BALANCE", is_row(len(rows))])


@pytest.mark.parametrize("form", ["csv.gz", "csv.zst"])
def test_a_cell_of_the_wrong_type_is_found_in_a_packed_file(form, small, tmp_path, into):
    read = small.tables | {"bureau": with_cell(small.tables["bureau"], 7, "AMT_ANNUITY", "many")}
    folder = tables.write(read, tmp_path / "tables", form)
    refused(REFUSED, folder, into, names=["bureau", "AMT_ANNUITY", is_row(7)], rows=[read["bureau"].iloc[6]])


def test_a_column_of_the_wrong_type_of_parquet_is_named(small, tmp_path, into):
    read = small.tables | {"bureau": small.tables["bureau"].assign(AMT_CREDIT_SUM="many")}
    folder = tables.write(read, tmp_path / "tables", "parquet")
    refused(REFUSED, folder, into, names=["bureau", "AMT_CREDIT_SUM"])


def test_a_line_that_is_too_short_is_found(small, tmp_path, into):
    folder = changed(small.folder, tmp_path / "tables", bureau=small.tables["bureau"])
    lines = (folder / "bureau.csv").read_text().splitlines()
    lines[7] = lines[7].rsplit(",", 1)[0]
    (folder / "bureau.csv").write_text("\n".join(lines) + "\n")
    refused(REFUSED, folder, into, names=["bureau", is_row(7)], rows=[small.tables["bureau"].iloc[6]])


def test_a_file_that_was_cut_off_is_refused(small, tmp_path, into):
    folder = changed(small.folder, tmp_path / "tables", bureau=None)
    tables.write_one(small.tables["bureau"], folder, "bureau", "csv.gz")
    whole = (folder / "bureau.csv.gz").read_bytes()
    assert gzip.decompress(whole)
    (folder / "bureau.csv.gz").write_bytes(whole[: len(whole) * 2 // 3])
    refused(REFUSED, folder, into, names=["bureau"])


# What is there twice.

TWICE = [("application_train", "SK_ID_CURR"), ("application_test", "SK_ID_CURR"), *UNIQUE.items()]


@pytest.mark.parametrize("table, column", TWICE)
def test_a_number_that_is_there_twice_is_refused(table, column, small, tmp_path, into):
    rows = small.tables[table]
    rows = inserted(rows, 9, rows.iloc[[2]])
    folder = changed(small.folder, tmp_path / "tables", **{table: rows})
    refused(REFUSED, folder, into, names=[table, column], rows=[rows.iloc[8]])


def test_an_applicant_of_both_files_is_refused(small, tmp_path, into):
    train, test = small.tables["application_train"], small.tables["application_test"]
    test = inserted(test, 4, train.iloc[[5]].drop(columns="TARGET"))
    folder = changed(small.folder, tmp_path / "tables", application_test=test)
    names = ["application_train", "application_test", "SK_ID_CURR"]
    refused(REFUSED, folder, into, names=names, rows=[test.iloc[3], train.iloc[5]])


# What belongs to nobody, and what nobody has seen before.


@pytest.mark.parametrize("table, key", HISTORY.items())
def test_orphans_are_counted_and_change_nothing(table, key, small, tmp_path):
    rows = small.tables[table]
    orphans = rows.iloc[:3].assign(**{key: NOBODY})
    if table in UNIQUE:
        orphans[UNIQUE[table]] = range(NOBODY + 1, NOBODY + 4)
    rows = inserted(rows, 2, orphans)
    run = featurise(changed(small.folder, tmp_path / "tables", **{table: rows}), tmp_path / "run")
    assert_features(run, small.run.features)

    owners = {"bureau_balance": ["bureau"]}.get(table, ["application_train", "application_test"])
    known = pd.concat([small.tables[owner][key] for owner in owners])
    strangers = ~rows[key].isin(known)
    first = int(strangers.to_numpy().argmax()) + 1
    assert_warned(run, table, key, int(strangers.sum()), first)


UNKNOWN = [("application_test", "ORGANIZATION_TYPE"), ("application_test", "NAME_INCOME_TYPE")]
UNKNOWN += [("bureau", "CREDIT_TYPE"), ("previous_application", "NAME_YIELD_GROUP"), ("bureau_balance", "STATUS")]
UNKNOWN += [("POS_CASH_balance", "NAME_CONTRACT_STATUS"), ("credit_card_balance", "NAME_CONTRACT_STATUS")]


@pytest.mark.parametrize("table, column", UNKNOWN)
def test_unknown_levels_are_counted(table, column, small, tmp_path):
    level = "Space agency"
    rows = with_cell(with_cell(small.tables[table], 4, column, level), 6, column, level)
    folder = changed(small.folder, tmp_path / "tables", **{table: rows})
    run = featurise(folder, tmp_path / "run", "--preparation", small.run.preparation_file)
    assert_warned(run, table, column, 2, 4, level)
    fitted = oracle.Fitted.of_json(small.run.preparation)
    assert_features(run, oracle.features(small.tables | {table: rows}, 0, fitted))


def test_applicants_of_unknown_gender_are_left_out(small, tmp_path):
    train = with_cell(with_cell(small.tables["application_train"], 1, "CODE_GENDER", "XNA"), 9, "CODE_GENDER", "XNA")
    run = featurise(changed(small.folder, tmp_path / "tables", application_train=train), tmp_path / "run")
    read = small.tables | {"application_train": train}
    rows = oracle.fitted_count(train, 0.2)
    assert run.preparation["fitted_rows"] == rows and run.facts["train_rows"] == len(train) - 2
    assert_features(run, oracle.features(read, rows))


# What does no harm.


def shuffled(rows):
    """The same with two more columns, and all columns in another order."""
    more = pd.DataFrame({"REMARK": "more, of which", "LUCK": 7}, index=rows.index)
    return pd.concat([rows, more], axis=1).sample(frac=1, axis=1, random_state=7)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_may_stand_in_any_order_with_others_between(form, small, tmp_path):
    read = {table: shuffled(rows) for table, rows in small.tables.items()}
    run = featurise(tables.write(read, tmp_path / "tables", form), tmp_path / "run")
    assert_features(run, small.run.features)


def test_lines_may_end_as_on_windows(small, tmp_path):
    folder = changed(small.folder, tmp_path / "tables", bureau=None)
    text = (small.folder / "bureau.csv").read_bytes()
    (folder / "bureau.csv").write_bytes(text.replace(b"\n", b"\r\n"))
    assert_features(featurise(folder, tmp_path / "run"), small.run.features)


# How it is called.


@pytest.mark.parametrize("wrong", [["--memory", "much"], ["--held-out", "1.5"], ["--held-out", "all"], ["--no-such"]])
def test_wrong_options_are_usage_errors(wrong, small, tmp_path):
    done = credit("features", "--tables", small.folder, "--out", tmp_path / "features.parquet", *wrong)
    assert done.code == USAGE and done.out == b"" and re.search(rf"{wrong[0]}|{wrong[-1]}", done.err), done
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [["--tables", "."], ["--out", "features.parquet"]])
def test_tables_and_out_are_needed(given):
    done = credit("features", *given)
    assert done.code == USAGE and done.out == b"", done
