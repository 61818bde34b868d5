"""The same SQL files on DuckDB, as a second engine: for comparison of values and of time.

    python duck.py TABLES OUT.parquet PREPARATION.json [--memory 2GiB] [--threads 2] [--spill FOLDER]

Everything that differs is here: how files are read, and how the results are joined to the applicants.
"""

import argparse
import json
import pathlib
import time

import duckdb

SQL = pathlib.Path(__file__).resolve().parents[2] / "crates/credit/src/sql"
TABLES = (
    "application_train application_test bureau bureau_balance previous_application POS_CASH_balance "
    "installments_payments credit_card_balance"
).split()
STAGES = TABLES[:1] + [table for table in TABLES[2:] if table != "bureau_balance"]


def source(folder, table):
    """How DuckDB reads a table, whatever its file is."""
    path = next(p for p in sorted(folder.glob(f"{table}.*")) if p.name.split(".", 1)[0] == table)
    if path.suffix == ".parquet":
        return f"read_parquet('{path}')"
    # As in the program, numbers are float64; types come from the whole file, so that a late fraction is no error.
    return f"read_csv('{path}', header = true, sample_size = -1)"


def prepare(connection, folder, preparation):
    """Tables and views under the names that the SQL expects."""
    for table in TABLES:
        columns = connection.sql(f"DESCRIBE SELECT * FROM {source(folder, table)}").fetchall()
        typed = ", ".join(cast(name, kind) for name, kind, *_ in columns)
        connection.sql(f'CREATE VIEW "{table}" AS SELECT {typed} FROM {source(folder, table)}')
    common = [name for name, *_ in connection.sql("DESCRIBE application_test").fetchall()]
    columns = ", ".join(f'"{name}"' for name in common)
    connection.sql(
        f"""CREATE VIEW applications AS SELECT {columns} FROM application_train
        WHERE "CODE_GENDER" IS DISTINCT FROM 'XNA' UNION ALL SELECT {columns} FROM application_test"""
    )
    connection.sql(f"CREATE VIEW bureau_months AS {(SQL / 'bureau_balance.sql').read_text()}")
    incomes = list(preparation["income_by_organization"].items())
    connection.sql('CREATE TABLE income_by_organization (organization VARCHAR, income DOUBLE)')
    connection.executemany("INSERT INTO income_by_organization VALUES (?, ?)", incomes)
    connection.sql("CREATE TABLE scores (scores_std_mean DOUBLE)")
    connection.execute("INSERT INTO scores VALUES (?)", [preparation["scores_std_mean"]])


def cast(name, kind):
    """Numbers as float64, keys as whole numbers, the rest as text."""
    if name.startswith("SK_ID") or name == "TARGET":
        return f'CAST("{name}" AS BIGINT) AS "{name}"'
    return f'CAST("{name}" AS DOUBLE) AS "{name}"' if kind not in ("VARCHAR", "BOOLEAN") else f'"{name}"'


def run(folder, out, preparation, memory="2GiB", threads=2, spill=None):
    """All features in one query, in the order of the applicants; returns seconds."""
    start = time.perf_counter()
    connection = duckdb.connect()
    connection.sql(f"SET memory_limit = '{memory}'; SET threads = {threads}")
    if spill:
        connection.sql(f"SET temp_directory = '{spill}'")
    prepare(connection, folder, preparation)
    connection.sql(
        """CREATE TABLE applicants AS SELECT "SK_ID_CURR", "TARGET", row_number() OVER () AS position FROM (
        SELECT "SK_ID_CURR", "TARGET" FROM application_train WHERE "CODE_GENDER" IS DISTINCT FROM 'XNA'
        UNION ALL SELECT "SK_ID_CURR", NULL FROM application_test)"""
    )
    for stage in STAGES:
        connection.sql(f'CREATE TEMP TABLE "f_{stage}" AS {(SQL / name(stage)).read_text()}')
    joins = " ".join(f'LEFT JOIN "f_{stage}" USING ("SK_ID_CURR")' for stage in STAGES)
    columns = ", ".join(f'"f_{stage}".* EXCLUDE ("SK_ID_CURR")' for stage in STAGES)
    connection.sql(
        f"""COPY (SELECT "SK_ID_CURR", "TARGET", {columns} FROM applicants {joins} ORDER BY position)
        TO '{out}' (FORMAT PARQUET)"""
    )
    return time.perf_counter() - start


def name(stage):
    """The SQL file of a stage."""
    return "application.sql" if stage == "application_train" else f"{stage}.sql"


def main():
    parser = argparse.ArgumentParser()
    for name in ("tables", "out", "preparation"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--spill")
    args = parser.parse_args()
    preparation = json.loads(args.preparation.read_text())
    seconds = run(args.tables, args.out, preparation, args.memory, args.threads, args.spill)
    print(json.dumps({"seconds": seconds, "duckdb": duckdb.__version__}))


if __name__ == "__main__":
    main()
