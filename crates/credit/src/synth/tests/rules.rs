//! Rules between columns.

use super::super::application::NO_DATE;
use super::{drawn, near, share};

const TRAIN: &str = "application_train";
const PREVIOUS: &str = "previous_application";

#[test]
fn no_date_of_employment_is_no_organization() {
    for table in [TRAIN, "application_test"] {
        let employed = drawn().numbers(table, "DAYS_EMPLOYED");
        let organization = drawn().texts(table, "ORGANIZATION_TYPE");
        let phone = drawn().numbers(table, "FLAG_EMP_PHONE");
        for ((days, organization), phone) in employed.into_iter().zip(organization).zip(phone) {
            let none = (days - NO_DATE).abs() < 0.5;
            assert_eq!(none, organization == Some("XNA"));
            assert_eq!(none, phone < 0.5);
            assert!(none || days < 0.0, "{days}");
        }
    }
}

#[test]
fn a_car_has_an_age_exactly_if_there_is_one() {
    let ages = drawn().numbers(TRAIN, "OWN_CAR_AGE");
    for (age, owned) in ages.into_iter().zip(drawn().texts(TRAIN, "FLAG_OWN_CAR")) {
        assert_eq!(age.is_nan(), owned == Some("N"));
    }
}

#[test]
fn families_have_their_children_and_adults() {
    let children = drawn().numbers(TRAIN, "CNT_CHILDREN");
    for (children, members) in children.into_iter().zip(drawn().numbers(TRAIN, "CNT_FAM_MEMBERS")) {
        assert!((1.0..=2.0).contains(&(members - children)), "{children} children of {members}");
    }
}

#[test]
fn the_building_is_missing_as_a_block() {
    let statistics = drawn().generator.statistics().table(TRAIN).unwrap();
    let versions = ["_AVG", "_MODE", "_MEDI"];
    let names = statistics.columns.iter().map(|column| column.name.as_str());
    let building: Vec<&str> =
        names.filter(|name| versions.iter().any(|version| name.ends_with(version))).collect();
    assert_eq!(building.len(), 47);
    let missing: Vec<Vec<bool>> = building
        .iter()
        .map(|name| match statistics.column(name).unwrap().kind {
            super::super::statistics::Kind::Level => {
                drawn().texts(TRAIN, name).iter().map(Option::is_none).collect()
            }
            _ => drawn().numbers(TRAIN, name).iter().map(|it| it.is_nan()).collect(),
        })
        .collect();
    let rows = missing[0].len();
    near("all", share((0..rows).map(|row| missing.iter().all(|column| column[row]))), 0.4762, 0.03);
    near("none", share((0..rows).map(|row| !missing.iter().any(|column| column[row]))), 0.2551, 0.03);
}

#[test]
fn cancelled_applications_have_no_amounts_and_no_ratio_is_infinite() {
    let credit = drawn().numbers(PREVIOUS, "AMT_CREDIT");
    let asked = drawn().numbers(PREVIOUS, "AMT_APPLICATION");
    assert!(credit.iter().zip(&asked).all(|(&credit, &asked)| credit > 0.0 || asked == 0.0));
    near("zero credit", share(credit.iter().map(|&it| it == 0.0)), 0.22, 0.03);
}

#[test]
fn dates_of_previous_applications_are_missing_or_no_date() {
    let statistics = drawn().generator.statistics().table(PREVIOUS).unwrap();
    for name in [
        "DAYS_FIRST_DRAWING",
        "DAYS_FIRST_DUE",
        "DAYS_LAST_DUE_1ST_VERSION",
        "DAYS_LAST_DUE",
        "DAYS_TERMINATION",
    ] {
        let found = share(drawn().numbers(PREVIOUS, name).iter().map(|it| (it - NO_DATE).abs() < 0.5));
        near(name, found, statistics.column(name).unwrap().sentinel, 0.03);
    }
}

#[test]
fn history_lies_before_the_application() {
    for (table, column) in [
        ("bureau", "DAYS_CREDIT"),
        (PREVIOUS, "DAYS_DECISION"),
        ("installments_payments", "DAYS_INSTALMENT"),
        ("installments_payments", "DAYS_ENTRY_PAYMENT"),
    ] {
        let days = drawn().numbers(table, column);
        assert!(
            days.iter().filter(|it| !it.is_nan()).all(|it| (-6_000.0..=0.0).contains(it)),
            "{table}.{column}"
        );
    }
    for table in ["POS_CASH_balance", "credit_card_balance"] {
        assert!(drawn().keys(table, "MONTHS_BALANCE").iter().all(|it| (-96..=-1).contains(it)), "{table}");
    }
}
