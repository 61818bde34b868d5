#!/usr/bin/env python3
"""Distil the published statistics of the Home Credit tables to what the generator embeds.

    python3 tools/distill_statistics.py SCHEMA.json [OUT.json]

SCHEMA.json holds aggregates only (levels with frequencies, quantiles, missing rates, correlations, a
reference logit); so does the result. No row goes in and none comes out. Standard library only.

Every column of numbers becomes one inverse distribution function, `points`: pairs (share, value), linear in
between. What the nine published quantiles leave open is closed here, once:

* the mass at zero is a flat piece of its published share;
* whole numbers with a published level list become steps of their frequencies;
* beyond the 1 % and 99 % quantiles, values that grow by more than half follow the power law that reaches the
  published extreme at one row of the sample: linear tails would multiply the mean;
* income ends at the published largest value of the full table, reached by about one row.
"""

import json
import math
import sys

TABLES = [
    "application_train",
    "application_test",
    "bureau",
    "bureau_balance",
    "previous_application",
    "POS_CASH_balance",
    "installments_payments",
    "credit_card_balance",
]
# Integers of the schema that Kaggle's files write as reals although the sample shows no missing value.
REALS = {
    "CNT_FAM_MEMBERS",
    "DAYS_LAST_PHONE_CHANGE",
    "DAYS_REGISTRATION",
    "NUM_INSTALMENT_VERSION",
    "DAYS_INSTALMENT",
}
# Levels that the full files have and the sample lacks; application_test has none of them.
UNSEEN = 1e-5
UNSEEN_PUBLISHED = {"CODE_GENDER": 4 / 307511, "NAME_FAMILY_STATUS": 2 / 307511}
INCOME_MAXIMUM, TRAIN_ROWS = 117_000_000, 307_511
HISTOGRAMS = ["rows_per_applicant_by_split", "rows_per_SK_ID_PREV"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    text = json.dumps(distill(schema), separators=(",", ":"), ensure_ascii=False)
    text = text.replace('{"name"', '\n{"name"') + "\n"
    out = sys.argv[2] if len(sys.argv) > 2 else "crates/credit/src/synth/statistics.json"
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)


def distill(schema):
    return {
        "about": "Published statistics of the Home Credit tables, aggregates only. Made by tools/distill_statistics.py.",
        "base_rate": schema["tables"]["application_train"]["full_size"]["base_rate"],
        "tables": {name: table(name, schema["tables"][name]) for name in TABLES},
        "spearman": spearman(schema["spearman_application"]),
        "scores_present": schema["missing_blocks"]["EXT_SOURCE_joint"],
        "logit": [term(it) for it in schema["reference_logit"]["terms"]],
        "months_share": schema["tables"]["bureau_balance"]["share_of_bureau_credits_with_balance_by_split"],
        "late": schema["tables"]["installments_payments"]["derived"]["late_rate(>0)"],
        "days_late": days_late(schema["tables"]["installments_payments"]),
    }


def days_late(facts):
    """Days from due day to payment: the quantiles, with the published share of late payments above zero."""
    derived = facts["derived"]
    curve = points({"quantiles": derived["days_late(entry-due) quantiles"]}, facts["sample_rows"])
    on_time = round(1 - derived["late_rate(>0)"], 6)
    return [it for it in curve if it[1] <= 0] + [[on_time, 0]] + [it for it in curve if it[1] > 0]


def table(name, facts):
    sample = facts.get("sample_rows", 5_000)
    return {
        "rows": facts["full_size"]["rows"],
        "columns": [column(name, key, it, sample) for key, it in facts["columns"].items()],
        **{key: counts(facts[key]) for key in HISTOGRAMS if key in facts},
    }


def column(table_name, name, facts, sample):
    result = {"name": name, "type": kind(name, facts)}
    if facts["missing_rate"]:
        result["missing"] = facts["missing_rate"]
    if "sentinel" in facts:
        result["sentinel"] = facts["sentinel"]["rate_of_all_rows"]
    if result["type"] == "level":
        result["levels"] = levels(table_name, name, facts)
    elif "quantiles" in facts:
        result["points"] = points(facts, sample)
        if name == "AMT_INCOME_TOTAL" and table_name == "application_train":
            result["points"][-1][0] = round(1 - 1 / TRAIN_ROWS, 8)
            result["points"].append([1, INCOME_MAXIMUM])
    return result


def kind(name, facts):
    if facts["type"] == "categorical":
        return "level"
    if facts["type"] == "real" or facts["missing_rate"] > 0 or name in REALS:
        return "real"
    return "integer"


def levels(table_name, name, facts):
    result = [[key, rate] for key, rate in facts["levels"].items()]
    if table_name != "application_test":
        rate = UNSEEN_PUBLISHED.get(name, UNSEEN)
        result += [[key, round(rate, 8)] for key in facts.get("levels_absent_from_sample", [])]
    else:
        result += [[key, 0] for key in facts["all_levels"] if key not in facts["levels"]]
    return result


def points(facts, sample):
    values = facts.get("levels")
    if values and all(is_number(it) for it in values):
        return steps(values)
    curve = [(int(p) / 100, float(v)) for p, v in facts["quantiles"].items()]
    zero = facts.get("zero_rate_nonmissing", 0)
    curve = flat_zero(curve, zero) if zero > 0.001 else curve
    return [[number(p), number(v)] for p, v in upper(lower(curve, sample), sample)]


def steps(values):
    """Numeric levels as a staircase of their frequencies."""
    ordered = sorted((float(key), rate) for key, rate in values.items())
    total, below, result = sum(rate for _, rate in ordered), 0.0, []
    for value, rate in ordered:
        result += [[number(below / total), number(value)], [number((below + rate) / total), number(value)]]
        below += rate
    result[-1][0] = 1
    return result


def flat_zero(curve, zero):
    """The mass at zero as a flat piece at the low or the high end; in the middle it stays as the quantiles say."""
    if curve[0][1] == 0:
        return [(0.0, 0.0), (zero, 0.0)] + [it for it in curve if it[0] > zero and it[1] > 0]
    if curve[-1][1] == 0:
        return [it for it in curve if it[0] < 1 - zero and it[1] < 0] + [(1 - zero, 0.0), (1.0, 0.0)]
    return curve


def upper(curve, sample):
    (share, value), (_, most) = curve[-2], curve[-1]
    if value == 0 and most > 0:
        rest = 1 - share
        return curve[:-1] + [(share + rest / 2, most / 100), (share + rest * 0.9, most / 10), (1.0, most)]
    if value <= 0 or most / value < 1.5:
        return curve
    alpha = math.log(most / value) / math.log(0.01 * sample)
    return curve[:-1] + [(0.999, value * 10**alpha), (0.9999, min(value * 100**alpha, most)), (1.0, most)]


def lower(curve, sample):
    mirrored = [(1 - p, -v) for p, v in reversed(curve)]
    if mirrored[-2][1] <= 0:
        return curve
    return [(1 - p, -v) for p, v in reversed(upper(mirrored, sample))]


def counts(facts):
    """Rows per key as [share with none, [[low, high, frequency], ...]], by split where published."""
    if "histogram" in facts:
        return {"all": [0, bins(facts["histogram"])]}
    return {split: [it["share_with_none"], bins(it["given_any"]["histogram"])] for split, it in facts.items()}


def bins(histogram):
    ranges = [(key.split("-"), rate) for key, rate in histogram.items()]
    return [[int(ends[0]), int(ends[-1]), rate] for ends, rate in ranges]


def spearman(facts):
    keep = [i for i, name in enumerate(facts["columns"]) if name != "TARGET"]
    matrix = facts["matrix"]
    return {
        "columns": [facts["columns"][i] for i in keep],
        "matrix": [[matrix[i][j] for j in keep if j <= i] for i in keep],
    }


def term(it):
    return {"feature": it["feature"], "mean": it["mean"], "std": it["std"], "weight": it["coefficient"], "fill": it["median_fill"]}


def is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def number(value):
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded


if __name__ == "__main__":
    main()
