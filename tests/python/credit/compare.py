"""How far two tables of features, or two preparations, are apart, column by column."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from oracle import NAMES

TOLERANCE = 1e-9
# The ratio of two variances, each of which may be nothing but the rounding of amounts that are all the same.
LOOSER = {"NEW_RATIO_PREV_APP_CREDIT_PERC_VAR": 1e-6}
FITTED = ["fill", "low", "high", "mean", "scale"]


@dataclass(frozen=True)
class Report:
    """Per column: `worst` difference, the `row` (from 0) that has it, and how many rows disagree on `missing` and on
    `infinite`. A difference is relative to the value or, where that is more, to the column's typical magnitude."""

    columns: pd.DataFrame

    @property
    def bad(self):
        """The columns that do not agree, the worst first."""
        found = self.columns
        allowed = [LOOSER.get(name, TOLERANCE) for name in found.index]
        wrong = (found["worst"] > allowed) | (found["missing"] > 0) | (found["infinite"] > 0)
        return found[wrong].sort_values(["missing", "infinite", "worst"], ascending=False)

    @property
    def agrees(self):
        return self.bad.empty

    def __str__(self):
        worst = self.columns["worst"]
        said = f"{len(self.bad)} of {len(self.columns)} columns differ; worst {worst.max():.1e}, {worst.idxmax()}"
        return said if self.agrees else f"{said}\n{self.bad.head(20).to_string()}"


def compare(ours, theirs):
    """Compares all 528 columns; which rows there are, and their order, must be the same to begin with."""
    assert list(ours) == list(theirs) == ["SK_ID_CURR", "TARGET", *NAMES], "the columns are not the same"
    assert ours["SK_ID_CURR"].tolist() == theirs["SK_ID_CURR"].tolist(), "the applicants are not the same"
    assert np.array_equal(ours["TARGET"].astype(float), theirs["TARGET"].astype(float), equal_nan=True), "TARGET"
    rows = {name: difference(array(ours[name]), array(theirs[name])) for name in NAMES}
    return Report(pd.DataFrame.from_dict(rows, orient="index"))


def array(column):
    return column.to_numpy(dtype=float, na_value=np.nan)


def difference(ours, theirs):
    """A disagreement on what is missing or infinite (its sign included) counts as such, not as a distance."""
    missing = np.isnan(ours) != np.isnan(theirs)
    infinite = (np.isinf(ours) | np.isinf(theirs)) & (ours != theirs) & ~missing
    both = np.isfinite(ours) & np.isfinite(theirs)
    distance = np.zeros(len(ours))
    distance[both] = relative(ours[both], theirs[both], magnitude(theirs))
    wrong = np.where(missing | infinite, np.inf, distance)
    row = int(wrong.argmax()) if len(wrong) else -1
    return {"worst": distance.max(initial=0.0), "row": row, "missing": missing.sum(), "infinite": infinite.sum()}


def magnitude(values):
    """The median magnitude of what is not 0: many a column is 0 for most applicants, and has no other scale."""
    found = np.abs(values[np.isfinite(values) & (values != 0)])
    return np.median(found) if found.size else 0.0


def relative(ours, theirs, least):
    """|ours - theirs| over |theirs|, or over `least` where that is more; 0 where they are equal."""
    distance, scale = np.abs(ours - theirs), np.maximum(np.abs(theirs), least)
    return np.divide(distance, scale, out=np.where(distance > 0, np.inf, 0.0), where=scale > 0)


def compare_preparations(ours, theirs):
    """The `features` of a `preparation.json` against the oracle's table; a column's scale is its typical magnitude."""
    found = pd.DataFrame(ours["features"])
    assert found["name"].tolist() == theirs.index.tolist(), "the names are not the same"
    mine, yours = found[FITTED].to_numpy(dtype=float), theirs[FITTED].to_numpy(dtype=float)
    distance = relative(mine, yours, yours[:, [FITTED.index("scale")]])
    columns = pd.DataFrame({"worst": distance.max(axis=1), "row": distance.argmax(axis=1)}, index=theirs.index)
    return Report(columns.assign(missing=np.isnan(mine).sum(axis=1), infinite=np.isinf(mine).sum(axis=1)))
