"""The 528 features in pandas, as the tests' independent computation makes them.

    python pandas_features.py TABLES FITTED_ROWS OUT.parquet
"""

import json
import pathlib
import sys
import time

import pandas as pd

from independent import oracle


def main(folder, fitted_rows, out):
    start = time.perf_counter()
    tables = {path.stem: pd.read_parquet(path) for path in sorted(pathlib.Path(folder).glob("*.parquet"))}
    read = time.perf_counter()
    found = oracle.features(tables, int(fitted_rows))
    made = time.perf_counter()
    found.to_parquet(out, index=False)
    seconds = {"reading": read - start, "features": made - read, "writing": time.perf_counter() - made}
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
