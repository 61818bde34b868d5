"""Generated tables, made once for all tests, and what the program makes of them."""

from dataclasses import dataclass

import pandas as pd
import pytest

import tables
from program import Run, featurise, synthesise

WORST = []


def pytest_terminal_summary(terminalreporter):
    if WORST:
        terminalreporter.section("features against the oracle: the column that is furthest off, relatively")
        for line in WORST:
            terminalreporter.write_line(line)


@pytest.fixture
def worst():
    """Adds a line to the end of the report."""
    return WORST.append


@dataclass(frozen=True)
class Generated:
    """Generated tables, where they lie, and the features that the program made of them."""

    folder: object
    tables: dict[str, pd.DataFrame]
    run: Run


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """3,000 applicants in Parquet."""
    return make(tmp_path_factory.mktemp("generated"), 3000, "parquet")


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """300 applicants in CSV, for what needs many runs. All genders are known."""
    here = tmp_path_factory.mktemp("small")
    found = tables.read(synthesise(here / "made", 300, "csv"))
    train = found["application_train"]
    train["CODE_GENDER"] = train["CODE_GENDER"].replace("XNA", "F")
    folder = tables.write(found, here / "tables", "csv")
    return Generated(folder, found, featurise(folder, here / "run"))


def make(here, applicants, form):
    folder = synthesise(here / "tables", applicants, form)
    return Generated(folder, tables.read(folder), featurise(folder, here / "run"))
