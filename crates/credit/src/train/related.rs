//! Which features are computed from the same columns of the same table: dropping one does not drop what the others tell.

use privet_credit_engine::tables::Table;

/// Features of the application that are computed from several of its columns.
const DERIVED: &[(&str, &str)] = &[
    ("NEW_ANNUITY_TO_INCOME_RATIO", "AMT_ANNUITY AMT_INCOME_TOTAL"),
    ("NEW_CAR_TO_BIRTH_RATIO", "OWN_CAR_AGE DAYS_BIRTH"),
    ("NEW_CAR_TO_EMPLOY_RATIO", "OWN_CAR_AGE DAYS_EMPLOYED"),
    ("NEW_CREDIT_TO_ANNUITY_RATIO", "AMT_CREDIT AMT_ANNUITY"),
    ("NEW_CREDIT_TO_GOODS_RATIO", "AMT_CREDIT AMT_GOODS_PRICE"),
    ("NEW_CREDIT_TO_INCOME_RATIO", "AMT_CREDIT AMT_INCOME_TOTAL"),
    ("NEW_DOC_IND_AVG", "FLAG_DOCUMENT_3 FLAG_DOCUMENT_8 FLAG_DOCUMENT_18"),
    ("NEW_DOC_IND_KURT", "FLAG_DOCUMENT_3 FLAG_DOCUMENT_8 FLAG_DOCUMENT_18"),
    ("NEW_DOC_IND_STD", "FLAG_DOCUMENT_3 FLAG_DOCUMENT_8 FLAG_DOCUMENT_18"),
    ("NEW_EMPLOY_TO_BIRTH_RATIO", "DAYS_EMPLOYED DAYS_BIRTH"),
    ("NEW_EXT_SOURCES_MEAN", "EXT_SOURCE_1 EXT_SOURCE_2 EXT_SOURCE_3"),
    ("NEW_INC_BY_ORG", "AMT_INCOME_TOTAL ORGANIZATION_TYPE"),
    ("NEW_INC_PER_CHLD", "AMT_INCOME_TOTAL CNT_CHILDREN"),
    ("NEW_LIVE_IND_KURT", "FLAG_WORK_PHONE FLAG_PHONE"),
    ("NEW_LIVE_IND_STD", "FLAG_WORK_PHONE FLAG_PHONE"),
    ("NEW_LIVE_IND_SUM", "FLAG_WORK_PHONE FLAG_PHONE"),
    ("NEW_PHONE_TO_BIRTH_RATIO", "DAYS_LAST_PHONE_CHANGE DAYS_BIRTH"),
    ("NEW_PHONE_TO_EMPLOY_RATIO", "DAYS_LAST_PHONE_CHANGE DAYS_EMPLOYED"),
    ("NEW_SCORES_STD", "EXT_SOURCE_1 EXT_SOURCE_2 EXT_SOURCE_3"),
    ("NEW_SOURCES_PROD", "EXT_SOURCE_1 EXT_SOURCE_2 EXT_SOURCE_3"),
];

/// Columns that are computed in each row of a history table before it is aggregated.
const OF_ROWS: &[(&str, &str)] = &[
    ("APP_CREDIT_PERC", "AMT_APPLICATION AMT_CREDIT"),
    ("DBD", "DAYS_INSTALMENT DAYS_ENTRY_PAYMENT"),
    ("DPD", "DAYS_INSTALMENT DAYS_ENTRY_PAYMENT"),
    ("PAYMENT_DIFF", "AMT_INSTALMENT AMT_PAYMENT"),
    ("PAYMENT_PERC", "AMT_INSTALMENT AMT_PAYMENT"),
];

/// Which tables the features with a prefix come from.
const PREFIXES: &[(&str, &[Table])] = &[
    ("NEW_RATIO_BURO_", &[Table::Bureau, Table::BureauBalance]),
    ("NEW_RATIO_PREV_", &[Table::PreviousApplication]),
    ("BURO_", &[Table::Bureau, Table::BureauBalance]),
    ("ACTIVE_", &[Table::Bureau, Table::BureauBalance]),
    ("CLOSED_", &[Table::Bureau, Table::BureauBalance]),
    ("PREV_", &[Table::PreviousApplication]),
    ("APPROVED_", &[Table::PreviousApplication]),
    ("REFUSED_", &[Table::PreviousApplication]),
    ("POS_", &[Table::PosCashBalance]),
    ("INSTAL_", &[Table::InstallmentsPayments]),
    ("CC_", &[Table::CreditCardBalance]),
];

/// For each dropped feature, those of `kept` that come from one of its columns; without those that have none.
pub(crate) fn related(dropped: &[String], kept: &[String]) -> Vec<(String, Vec<String>)> {
    let relatives = |name: &String| {
        let sources = sources(name);
        let shares = |other: &&String| self::sources(other).iter().any(|source| sources.contains(source));
        (name.clone(), kept.iter().filter(shares).cloned().collect::<Vec<_>>())
    };
    dropped.iter().map(relatives).filter(|(_, relatives)| !relatives.is_empty()).collect()
}

/// The columns that a feature is computed from, each with its table.
fn sources(feature: &str) -> Vec<(Table, &str)> {
    if let Some((_, columns)) = DERIVED.iter().find(|(name, _)| *name == feature) {
        return columns.split(' ').map(|column| (Table::ApplicationTrain, column)).collect();
    }
    let prefixed =
        PREFIXES.iter().find_map(|(prefix, tables)| Some((feature.strip_prefix(prefix)?, *tables)));
    let (stem, tables) = prefixed.unwrap_or((feature, &[Table::ApplicationTrain]));
    if let Some((_, columns)) = OF_ROWS.iter().find(|(name, _)| begins(stem, name)) {
        return tables
            .iter()
            .flat_map(|&table| columns.split(' ').map(move |column| (table, column)))
            .collect();
    }
    let columns = tables.iter().flat_map(|&table| table.columns().map(move |(column, _)| (table, column)));
    // The longest is meant: AMT_CREDIT_SUM_DEBT and not AMT_CREDIT_SUM.
    let longest = columns.filter(|(_, column)| begins(stem, column)).max_by_key(|(_, column)| column.len());
    longest.into_iter().collect()
}

/// Whether a name is this column's, or goes on with a function or a level.
fn begins(stem: &str, column: &str) -> bool {
    stem.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::names;

    fn relatives(dropped: &str) -> Vec<String> {
        let kept: Vec<String> = names::all().into_iter().filter(|name| name != dropped).collect();
        related(&[dropped.to_owned()], &kept).into_iter().flat_map(|(_, relatives)| relatives).collect()
    }

    #[test]
    fn what_is_computed_from_the_same_column() {
        let of_birth = ["NEW_EMPLOY_TO_BIRTH_RATIO", "NEW_CAR_TO_BIRTH_RATIO", "NEW_PHONE_TO_BIRTH_RATIO"];
        assert_eq!(relatives("DAYS_BIRTH"), of_birth);
        assert_eq!(relatives("CODE_GENDER"), [""; 0]);
        assert_eq!(relatives("NAME_FAMILY_STATUS_Married"), ["NAME_FAMILY_STATUS_Separated"]);
        let of_debt = relatives("BURO_AMT_CREDIT_SUM_DEBT_MEAN");
        assert!(of_debt.contains(&"NEW_RATIO_BURO_AMT_CREDIT_SUM_DEBT_MAX".to_owned()), "{of_debt:?}");
        assert!(of_debt.iter().all(|name| name.contains("DEBT")), "{of_debt:?}");
    }

    #[test]
    fn every_feature_but_the_counts_has_a_source() {
        let without: Vec<String> = names::all().into_iter().filter(|name| sources(name).is_empty()).collect();
        assert_eq!(without, ["POS_COUNT", "INSTAL_COUNT"]);
    }
}
