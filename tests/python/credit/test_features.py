"""All 528 columns of every run equal the oracle's, whatever the tables come in and however little memory there is."""

import numpy as np
import pytest

import oracle
import tables
from compare import TOLERANCE, compare, compare_preparations
from program import HOME_CREDIT, built, featurise, synthesise

pytestmark = built
LINKED = HOME_CREDIT / "linked-10k"
real = pytest.mark.skipif(
    not LINKED.is_dir(), reason=f"`{LINKED.name}` is not in `{HOME_CREDIT}`; PRIVET_HOME_CREDIT names where it is"
)


def assert_equal(run, wanted):
    report = compare(run.features, wanted)
    assert report.agrees, str(report)
    return report


def assert_right(run, from_tables, held_out=0.2):
    """The features and everything that was fitted are the oracle's."""
    rows = oracle.fitted_count(from_tables["application_train"], held_out)
    wanted = oracle.features(from_tables, rows)
    found = assert_equal(run, wanted)
    assert run.preparation["format"] == 1 and run.preparation["fitted_rows"] == rows
    report = compare_preparations(run.preparation, oracle.preparation(wanted, rows))
    assert report.agrees, str(report)
    people = oracle.applicants(from_tables["application_train"], from_tables["application_test"])
    assert_fitted(run.preparation, oracle.fit(people.iloc[:rows]))
    return found


def assert_fitted(preparation, wanted):
    incomes = {name: income for name, income in preparation["income_by_organization"].items() if income is not None}
    assert incomes == pytest.approx(wanted.income_by_organization.to_dict(), rel=1e-12)
    assert preparation["scores_std_mean"] == pytest.approx(wanted.scores_std_mean, rel=1e-9)


@real
def test_real_tables(tmp_path, worst):
    report = assert_right(featurise(LINKED, tmp_path), tables.read(LINKED))
    assert report.columns["worst"].max() <= TOLERANCE
    worst(f"real tables: {report}")


@real
def test_real_tables_in_little_memory(tmp_path, worst):
    run = featurise(LINKED, tmp_path, "--memory", "96MiB", "--held-out", "0.5")
    report = assert_right(run, tables.read(LINKED), held_out=0.5)
    worst(f"real tables in little memory: {report}")


def test_generated_tables(generated, worst):
    worst(f"generated tables: {assert_right(generated.run, generated.tables)}")


def with_gaps(rows, luck):
    """The same, but a sixth of all cells are missing and a tenth of the amounts are 0, so that ratios are infinite.

    Keys, TARGET and the flags, of which statistics are taken across a row, stay as they are.
    """
    columns = [column for column in rows if column != "TARGET" and not column.startswith(("SK_ID_", "FLAG_"))]
    rows = rows.astype({column: "Int64" for column in columns if rows[column].dtype == "int64"})
    for column in columns:
        if column.startswith("AMT_"):
            rows[column] = rows[column].mask(luck.random(len(rows)) < 0.1, 0)
        rows[column] = rows[column].mask(luck.random(len(rows)) < 1 / 6)
    return rows


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_gaps_and_zeros_everywhere(form, small, tmp_path, worst):
    luck = np.random.default_rng(7)
    read = {table: with_gaps(rows, luck) for table, rows in small.tables.items()}
    run = featurise(tables.write(read, tmp_path / "tables", form), tmp_path / "run")
    worst(f"tables with gaps, {form}: {assert_right(run, read)}")


@pytest.mark.parametrize("held_out", ["0", "0.5"])
def test_another_part_held_out(held_out, generated, tmp_path):
    run = featurise(generated.folder, tmp_path, "--held-out", held_out)
    assert_right(run, generated.tables, held_out=float(held_out))


def test_generated_csv_holds_the_same_as_generated_parquet(generated, tmp_path):
    run = featurise(synthesise(tmp_path / "tables", 3000, "csv"), tmp_path / "run")
    assert_equal(run, generated.run.features)


@pytest.mark.parametrize("form", tables.FORMS)
def test_every_form_of_the_tables_gives_the_same(form, generated, tmp_path):
    run = featurise(tables.write(generated.tables, tmp_path / "tables", form), tmp_path / "run")
    assert_equal(run, generated.run.features)


def test_each_table_may_have_a_form_of_its_own(generated, tmp_path):
    forms = {table: tables.FORMS[at % len(tables.FORMS)] for at, table in enumerate(tables.TABLES)}
    run = featurise(tables.write(generated.tables, tmp_path / "tables", forms), tmp_path / "run")
    assert_equal(run, generated.run.features)


def test_little_memory_gives_the_same(generated, tmp_path):
    run = featurise(generated.folder, tmp_path, "--memory", "64MiB")
    assert_equal(run, generated.run.features)


def test_the_run_says_what_it_did(generated):
    facts, read = generated.run.facts, generated.tables
    rows = len(generated.run.features)
    train = int((read["application_train"]["CODE_GENDER"] != "XNA").sum())
    assert (facts["rows"], facts["train_rows"], facts["test_rows"]) == (rows, train, len(read["application_test"]))
    assert facts["features"] == 528 and facts["seconds"] > 0
    assert {table: said["rows"] for table, said in facts["tables"].items()} == {t: len(read[t]) for t in tables.TABLES}
    assert all(said["bytes"] > 0 for said in facts["tables"].values())
