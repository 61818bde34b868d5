//! Keys: unique, ascending, and linked but for the stated orphans.

use std::collections::HashSet;

use super::{APPLICANTS, drawn, near, share};

fn set(table: &str, name: &str) -> HashSet<i64> {
    drawn().keys(table, name).iter().copied().collect()
}

#[test]
fn applicants_have_each_number_once() {
    let mut all = Vec::new();
    for table in ["application_train", "application_test"] {
        let ids = drawn().keys(table, "SK_ID_CURR");
        assert!(ids.is_sorted_by(|a, b| a < b), "{table} ascends");
        all.extend_from_slice(ids);
    }
    all.sort_unstable();
    let expected: Vec<i64> = (100_001..).take(usize::try_from(APPLICANTS).unwrap()).collect();
    assert_eq!(all, expected);
}

#[test]
fn history_belongs_to_applicants() {
    let mut applicants = set("application_train", "SK_ID_CURR");
    applicants.extend(set("application_test", "SK_ID_CURR"));
    for table in
        ["bureau", "previous_application", "POS_CASH_balance", "installments_payments", "credit_card_balance"]
    {
        assert!(set(table, "SK_ID_CURR").is_subset(&applicants), "{table}");
    }
}

#[test]
fn credits_and_applications_have_keys_of_their_own() {
    for (table, key, first) in
        [("bureau", "SK_ID_BUREAU", 5_000_000), ("previous_application", "SK_ID_PREV", 1_000_001)]
    {
        let keys = set(table, key);
        assert_eq!(keys.len(), drawn().keys(table, key).len(), "{table}");
        assert!(keys.iter().all(|&key| key >= first), "{table}");
    }
}

#[test]
fn months_of_bureau_credits_are_consecutive_and_belong_to_credits() {
    assert!(set("bureau_balance", "SK_ID_BUREAU").is_subset(&set("bureau", "SK_ID_BUREAU")));
    let credits = drawn().keys("bureau_balance", "SK_ID_BUREAU");
    let months = drawn().keys("bureau_balance", "MONTHS_BALANCE");
    for (credits, months) in credits.windows(2).zip(months.windows(2)) {
        assert!(credits[0] != credits[1] || months[0] == months[1] + 1, "{credits:?} {months:?}");
    }
    assert!(months.iter().all(|month| (-96..=0).contains(month)));
}

#[test]
fn some_loans_and_cards_are_orphans() {
    let known = set("previous_application", "SK_ID_PREV");
    let orphans = |table| share(set(table, "SK_ID_PREV").iter().map(|id| !known.contains(id)));
    near("POS loans", orphans("POS_CASH_balance"), 0.045, 0.01);
    near("cards", orphans("credit_card_balance"), 0.13, 0.03);
    near("installments", orphans("installments_payments"), 0.05, 0.02);
}

#[test]
fn a_loan_has_one_applicant() {
    let mut owner = std::collections::HashMap::new();
    for table in ["previous_application", "POS_CASH_balance", "installments_payments", "credit_card_balance"]
    {
        let pairs = drawn().keys(table, "SK_ID_PREV").iter().zip(drawn().keys(table, "SK_ID_CURR"));
        for (loan, applicant) in pairs {
            assert_eq!(owner.entry(*loan).or_insert(*applicant), applicant, "{table}: loan {loan}");
        }
    }
}

#[test]
fn all_or_none_of_an_applicants_credits_have_months() {
    let with_months = set("bureau_balance", "SK_ID_BUREAU");
    let train = set("application_train", "SK_ID_CURR");
    let mut known = std::collections::HashMap::new();
    let credits = drawn().keys("bureau", "SK_ID_BUREAU").iter().zip(drawn().keys("bureau", "SK_ID_CURR"));
    for (credit, applicant) in credits {
        let has = with_months.contains(credit);
        assert_eq!(*known.entry(*applicant).or_insert(has), has, "applicant {applicant}");
    }
    let of =
        |in_train: bool| share(known.iter().filter(|it| train.contains(it.0) == in_train).map(|it| *it.1));
    near("train", of(true), 0.361, 0.03);
    near("test", of(false), 0.999, 0.01);
}
