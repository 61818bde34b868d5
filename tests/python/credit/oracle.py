"""The 528 features once more, in pandas, written from the description alone: what the program's SQL is held to.

Every table is aggregated in full, as the description says, and only then are the named columns taken. So a column that
nobody computes is an error here, and a column that is computed under a wrong name cannot pass unseen.

pandas' rules are the rules: aggregates ignore missing values, the sum of none is 0 within a group, an applicant without
rows in a table has no values from it (no counts either), `var` is the sample variance, x/0 is infinite, 0/0 is missing.
"""

import json
import pathlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).resolve().parents[3]
BY_TABLE = json.loads((ROOT / "crates/credit/src/features/names.json").read_text())["by_table"]
NAMES = [name for names in BY_TABLE.values() for name in names]

# "No date", in a column that counts days.
NO_DATE = 365243

SCORES = ["EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"]
DOCUMENTS = [f"FLAG_DOCUMENT_{n}" for n in range(2, 22)]
CONTACTS = ["FLAG_MOBIL", "FLAG_EMP_PHONE", "FLAG_WORK_PHONE", "FLAG_CONT_MOBILE", "FLAG_PHONE", "FLAG_EMAIL"]

# Numbered by first appearance in the file that everybody has.
BINARY = {
    "CODE_GENDER": {"M": 0, "F": 1},
    "FLAG_OWN_CAR": {"N": 0, "Y": 1},
    "FLAG_OWN_REALTY": {"Y": 0, "N": 1},
}

APPLICATION_LEVELS = [
    "NAME_CONTRACT_TYPE",
    "NAME_INCOME_TYPE",
    "NAME_EDUCATION_TYPE",
    "NAME_FAMILY_STATUS",
    "NAME_HOUSING_TYPE",
    "OCCUPATION_TYPE",
    "WEEKDAY_APPR_PROCESS_START",
    "ORGANIZATION_TYPE",
    "WALLSMATERIAL_MODE",
]
NUMBERS = [
    name
    for name in BY_TABLE["application"]
    if name not in BINARY and not name.startswith(("NEW_", *(f"{column}_" for column in APPLICATION_LEVELS)))
]
# Those that are not features themselves, but that features are made of.
NUMBERS += [name for name in ["CNT_CHILDREN", *DOCUMENTS, *CONTACTS] if name not in NUMBERS]

PREVIOUS_LEVELS = [
    "NAME_CONTRACT_TYPE",
    "WEEKDAY_APPR_PROCESS_START",
    "NAME_CASH_LOAN_PURPOSE",
    "NAME_CONTRACT_STATUS",
    "NAME_PAYMENT_TYPE",
    "CODE_REJECT_REASON",
    "NAME_TYPE_SUITE",
    "NAME_CLIENT_TYPE",
    "NAME_GOODS_CATEGORY",
    "NAME_PORTFOLIO",
    "NAME_PRODUCT_TYPE",
    "CHANNEL_TYPE",
    "NAME_SELLER_INDUSTRY",
    "NAME_YIELD_GROUP",
    "PRODUCT_COMBINATION",
]

BUREAU_AGGREGATES = {
    "DAYS_CREDIT": ["min", "max", "mean", "var"],
    "DAYS_CREDIT_ENDDATE": ["min", "max", "mean"],
    "DAYS_CREDIT_UPDATE": ["mean"],
    "CREDIT_DAY_OVERDUE": ["max", "mean"],
    "AMT_CREDIT_MAX_OVERDUE": ["mean"],
    "AMT_CREDIT_SUM": ["max", "mean", "sum"],
    "AMT_CREDIT_SUM_DEBT": ["max", "mean", "sum"],
    "AMT_CREDIT_SUM_OVERDUE": ["mean"],
    "AMT_CREDIT_SUM_LIMIT": ["mean", "sum"],
    "AMT_ANNUITY": ["max", "mean"],
    "CNT_CREDIT_PROLONG": ["sum"],
    "MONTHS_BALANCE_MIN": ["min"],
    "MONTHS_BALANCE_MAX": ["max"],
    "MONTHS_BALANCE_SIZE": ["mean", "sum"],
}
PREVIOUS_AGGREGATES = {
    "AMT_ANNUITY": ["min", "max", "mean"],
    "AMT_APPLICATION": ["min", "max", "mean"],
    "AMT_CREDIT": ["min", "max", "mean"],
    "APP_CREDIT_PERC": ["min", "max", "mean", "var"],
    "AMT_DOWN_PAYMENT": ["min", "max", "mean"],
    "AMT_GOODS_PRICE": ["min", "max", "mean"],
    "HOUR_APPR_PROCESS_START": ["min", "max", "mean"],
    "RATE_DOWN_PAYMENT": ["min", "max", "mean"],
    "DAYS_DECISION": ["min", "max", "mean"],
    "CNT_PAYMENT": ["mean", "sum"],
}
POS_AGGREGATES = {
    "MONTHS_BALANCE": ["max", "mean", "size"],
    "SK_DPD": ["max", "mean"],
    "SK_DPD_DEF": ["max", "mean"],
}
INSTALLMENT_AGGREGATES = {
    "NUM_INSTALMENT_VERSION": ["nunique"],
    "DPD": ["max", "mean", "sum"],
    "DBD": ["max", "mean", "sum"],
    "PAYMENT_PERC": ["max", "mean", "sum", "var"],
    "PAYMENT_DIFF": ["max", "mean", "sum", "var"],
    "AMT_INSTALMENT": ["max", "mean", "sum"],
    "AMT_PAYMENT": ["min", "max", "mean", "sum"],
    "DAYS_ENTRY_PAYMENT": ["max", "mean", "sum"],
}
CARD_NUMBERS = [
    "MONTHS_BALANCE",
    "AMT_BALANCE",
    "AMT_CREDIT_LIMIT_ACTUAL",
    "AMT_DRAWINGS_ATM_CURRENT",
    "AMT_DRAWINGS_CURRENT",
    "AMT_DRAWINGS_POS_CURRENT",
    "AMT_INST_MIN_REGULARITY",
    "AMT_PAYMENT_CURRENT",
    "AMT_PAYMENT_TOTAL_CURRENT",
    "AMT_RECEIVABLE_PRINCIPAL",
    "AMT_RECIVABLE",
    "AMT_TOTAL_RECEIVABLE",
    "CNT_DRAWINGS_ATM_CURRENT",
    "CNT_DRAWINGS_CURRENT",
    "CNT_DRAWINGS_POS_CURRENT",
    "CNT_INSTALMENT_MATURE_CUM",
    "SK_DPD_DEF",
]
CARD_AGGREGATES = ["min", "max", "mean", "sum", "var"]


@dataclass(frozen=True)
class Fitted:
    """The two values inside the features that are learnt from rows."""

    income_by_organization: pd.Series
    scores_std_mean: float

    @classmethod
    def of_json(cls, preparation):
        """Those that a `preparation.json` holds, for applying them to other tables."""
        incomes = pd.Series(preparation["income_by_organization"], dtype=float)
        return cls(incomes, preparation["scores_std_mean"])


def features(tables, fitted_rows, fitted=None):
    """SK_ID_CURR, TARGET (missing for test applicants) and the 528 features: train in file order, then test.

    What is learnt is learnt from the first `fitted_rows` train applicants, unless `fitted` is given.
    """
    people = applicants(tables["application_train"], tables["application_test"])
    fitted = fitted or fit(people.iloc[:fitted_rows])
    parts = {
        "application": application(people, fitted),
        "bureau": bureau(tables["bureau"], tables["bureau_balance"]),
        "previous": previous(tables["previous_application"]),
        "pos": pos(tables["POS_CASH_balance"]),
        "installments": installments(tables["installments_payments"]),
        "credit_card": credit_card(tables["credit_card_balance"]),
    }
    columns = [parts[table][names].reindex(people.index).astype(float) for table, names in BY_TABLE.items()]
    columns = [people.index.to_frame(), people[["TARGET"]].astype(float), *columns]
    return pd.concat(columns, axis=1).reset_index(drop=True)


def applicants(train, test):
    """The rows of both files by SK_ID_CURR, without the train rows (four in the full file) of unknown gender."""
    train = train[train["CODE_GENDER"] != "XNA"]
    return pd.concat([train, test]).set_index("SK_ID_CURR")


def fitted_count(train, held_out):
    """How many applicants of application_train are fitted on when the last `held_out` of them are left for judging."""
    return int(np.floor((train["CODE_GENDER"] != "XNA").sum() * (1 - held_out)))


def fit(people):
    """What these applicants teach."""
    incomes = people["AMT_INCOME_TOTAL"].astype(float).groupby(people["ORGANIZATION_TYPE"]).median()
    return Fitted(incomes.dropna(), people[SCORES].astype(float).std(axis=1).mean())


# application_train and application_test.


def application(people, fitted):
    raw = people[NUMBERS].astype(float).replace({"DAYS_EMPLOYED": {NO_DATE: np.nan}})
    binary = pd.DataFrame({column: people[column].map(codes) for column, codes in BINARY.items()})
    levels = [indicators(people[column], wanted(column, "", BY_TABLE["application"])) for column in APPLICATION_LEVELS]
    income = people["ORGANIZATION_TYPE"].map(fitted.income_by_organization).rename("NEW_INC_BY_ORG")
    return pd.concat([raw, binary, income, ratios(raw), scores(raw, fitted), flags(raw), *levels], axis=1)


def ratios(raw):
    return pd.DataFrame(
        {
            "NEW_CREDIT_TO_ANNUITY_RATIO": raw["AMT_CREDIT"] / raw["AMT_ANNUITY"],
            "NEW_CREDIT_TO_GOODS_RATIO": raw["AMT_CREDIT"] / raw["AMT_GOODS_PRICE"],
            "NEW_CREDIT_TO_INCOME_RATIO": raw["AMT_CREDIT"] / raw["AMT_INCOME_TOTAL"],
            "NEW_ANNUITY_TO_INCOME_RATIO": raw["AMT_ANNUITY"] / (1 + raw["AMT_INCOME_TOTAL"]),
            "NEW_INC_PER_CHLD": raw["AMT_INCOME_TOTAL"] / (1 + raw["CNT_CHILDREN"]),
            "NEW_EMPLOY_TO_BIRTH_RATIO": raw["DAYS_EMPLOYED"] / raw["DAYS_BIRTH"],
            "NEW_CAR_TO_BIRTH_RATIO": raw["OWN_CAR_AGE"] / raw["DAYS_BIRTH"],
            "NEW_CAR_TO_EMPLOY_RATIO": raw["OWN_CAR_AGE"] / raw["DAYS_EMPLOYED"],
            "NEW_PHONE_TO_BIRTH_RATIO": raw["DAYS_LAST_PHONE_CHANGE"] / raw["DAYS_BIRTH"],
            "NEW_PHONE_TO_EMPLOY_RATIO": raw["DAYS_LAST_PHONE_CHANGE"] / raw["DAYS_EMPLOYED"],
        }
    )


def scores(raw, fitted):
    """The three outside scores taken together; any of them may be missing."""
    return pd.DataFrame(
        {
            "NEW_SOURCES_PROD": raw[SCORES].prod(axis=1, skipna=False),
            "NEW_EXT_SOURCES_MEAN": raw[SCORES].mean(axis=1),
            "NEW_SCORES_STD": raw[SCORES].std(axis=1).fillna(fitted.scores_std_mean),
        }
    )


def flags(raw):
    documents, contacts = raw[DOCUMENTS], raw[CONTACTS]
    return pd.DataFrame(
        {
            "NEW_DOC_IND_AVG": documents.mean(axis=1),
            "NEW_DOC_IND_STD": documents.std(axis=1),
            "NEW_DOC_IND_KURT": kurtosis(documents),
            "NEW_LIVE_IND_SUM": contacts.sum(axis=1),
            "NEW_LIVE_IND_STD": contacts.std(axis=1),
            "NEW_LIVE_IND_KURT": kurtosis(contacts),
        }
    )


def kurtosis(flags):
    """The bias-corrected excess kurtosis of each row; 0 where all flags are alike, which newer pandas calls missing."""
    alike = (flags.min(axis=1) == flags.max(axis=1)) & (flags.count(axis=1) >= 4)
    return flags.kurt(axis=1).mask(alike, 0.0)


# The history tables. Each function gives one row per applicant who has any.


def bureau(credits, balance):
    credits = credits.merge(months(balance), how="left", left_on="SK_ID_BUREAU", right_index=True)
    every = aggregate(credits, BUREAU_AGGREGATES, "BURO_")
    active = aggregate(credits[credits["CREDIT_ACTIVE"] == "Active"], BUREAU_AGGREGATES, "ACTIVE_")
    closed = aggregate(credits[credits["CREDIT_ACTIVE"] == "Closed"], BUREAU_AGGREGATES, "CLOSED_")
    statuses = {column: ["mean"] for column in credits if column.startswith("STATUS_")}
    return pd.concat(
        [
            every,
            shares(credits, ["CREDIT_ACTIVE", "CREDIT_TYPE"], "BURO_", BY_TABLE["bureau"]),
            aggregate(credits, statuses, "BURO_"),
            active,
            closed,
            divided(active, closed, "NEW_RATIO_BURO_"),
        ],
        axis=1,
    )


def months(balance):
    """One row per credit of its months: the earliest, the latest, how many, and the share of each status."""
    grouped = balance.groupby("SK_ID_BUREAU")["MONTHS_BALANCE"]
    statuses = indicators(balance["STATUS"], [*"012345CX", "nan"])
    return pd.DataFrame(
        {
            "MONTHS_BALANCE_MIN": grouped.min(),
            "MONTHS_BALANCE_MAX": grouped.max(),
            "MONTHS_BALANCE_SIZE": grouped.size(),
        }
    ).join(statuses.groupby(balance["SK_ID_BUREAU"]).mean().add_suffix("_MEAN"))


def previous(loans):
    loans = loans.assign(APP_CREDIT_PERC=loans["AMT_APPLICATION"].astype(float) / loans["AMT_CREDIT"].astype(float))
    status = loans["NAME_CONTRACT_STATUS"]
    approved = aggregate(loans[status == "Approved"], PREVIOUS_AGGREGATES, "APPROVED_")
    refused = aggregate(loans[status == "Refused"], PREVIOUS_AGGREGATES, "REFUSED_")
    return pd.concat(
        [
            aggregate(loans, PREVIOUS_AGGREGATES, "PREV_"),
            shares(loans, PREVIOUS_LEVELS, "PREV_", BY_TABLE["previous"]),
            approved,
            refused,
            divided(approved, refused, "NEW_RATIO_PREV_"),
        ],
        axis=1,
    )


def pos(rows):
    return pd.concat(
        [
            aggregate(rows, POS_AGGREGATES, "POS_"),
            shares(rows, ["NAME_CONTRACT_STATUS"], "POS_", BY_TABLE["pos"]),
            rows.groupby("SK_ID_CURR").size().rename("POS_COUNT"),
        ],
        axis=1,
    )


def installments(rows):
    due, paid = rows["AMT_INSTALMENT"].astype(float), rows["AMT_PAYMENT"].astype(float)
    late = rows["DAYS_ENTRY_PAYMENT"].astype(float) - rows["DAYS_INSTALMENT"].astype(float)
    rows = rows.assign(
        PAYMENT_PERC=paid / due,
        PAYMENT_DIFF=due - paid,
        DPD=late.clip(lower=0).fillna(0),
        DBD=(-late).clip(lower=0).fillna(0),
    )
    count = rows.groupby("SK_ID_CURR").size().rename("INSTAL_COUNT")
    return pd.concat([aggregate(rows, INSTALLMENT_AGGREGATES, "INSTAL_"), count], axis=1)


def credit_card(rows):
    """All five aggregates of every number, the indicator of the status among them."""
    active = indicators(rows["NAME_CONTRACT_STATUS"], ["Active"])
    wide = pd.concat([rows[["SK_ID_CURR", *CARD_NUMBERS]], active], axis=1)
    return aggregate(wide, dict.fromkeys([*CARD_NUMBERS, *active], CARD_AGGREGATES), "CC_")


# What they are made of.


def aggregate(rows, functions, prefix):
    """The aggregates per applicant, named PREFIX_COLUMN_FUNCTION."""
    values, by = rows[list(functions)].astype(float), rows["SK_ID_CURR"]
    found = values.groupby(by).agg(functions)
    spread = variance(values[[column for column in functions if "var" in functions[column]]], by)
    for column in spread:
        found[column, "var"] = spread[column]
    found.columns = [f"{prefix}{column}_{function.upper()}" for column, function in found.columns]
    return found


def variance(values, by):
    """The sample variance, taken about the first value of each group.

    That changes nothing but the rounding: some applicants' ratios differ by 1e-7 only, and then pandas' own `var` is
    right to no more than nine digits. A group that holds an infinity has no variance, in this way as in pandas'.
    """
    return (values - values.groupby(by).transform("first")).groupby(by).var()


def shares(rows, columns, prefix, names):
    """The share of each wanted level among all rows of the applicant, those included where the level is missing."""
    levels = [indicators(rows[column], wanted(column, prefix, names)) for column in columns]
    return pd.concat(levels, axis=1).groupby(rows["SK_ID_CURR"]).mean().add_prefix(prefix).add_suffix("_MEAN")


def indicators(column, levels):
    """One 0/1 column per level, also for a level that no row has; `nan` is the level of a missing value."""
    filled = column.astype(object).where(column.notna(), "nan")
    return pd.DataFrame({f"{column.name}_{level}": (filled == level).astype(float) for level in levels})


def wanted(column, prefix, names):
    """The levels of a column that the list of features asks for."""
    start = f"{prefix}{column}_"
    return [name.removeprefix(start).removesuffix("_MEAN") for name in names if name.startswith(start)]


def divided(above, below, prefix):
    """ABOVE_f / BELOW_f under the name PREFIX_f."""
    return unprefixed(above).div(unprefixed(below)).add_prefix(prefix)


def unprefixed(aggregates):
    return aggregates.rename(columns=lambda name: name.split("_", 1)[1])


# From features to what a model takes.


def preparation(table, fitted_rows):
    """fill, low, high, mean and scale of each of the 528 columns, from the first `fitted_rows` rows of the features."""
    fitted = table[NAMES].iloc[:fitted_rows]
    return pd.DataFrame({name: prepared(fitted[name].to_numpy()) for name in NAMES}).T


def prepared(values):
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return {"fill": 0.0, "low": 0.0, "high": 0.0, "mean": 0.0, "scale": 1.0}
    fill, (low, high) = np.median(finite), np.quantile(finite, [0.005, 0.995])
    clipped = np.where(np.isfinite(values), values, fill).clip(low, high)
    constant = clipped.min() == clipped.max()
    return {"fill": fill, "low": low, "high": high, "mean": clipped.mean(), "scale": 1.0 if constant else clipped.std()}
