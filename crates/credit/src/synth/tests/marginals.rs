//! Frequencies, missing rates, row counts and correlations against the statistics.

use super::super::statistics::Kind;
use super::super::tables::NAMES;
use super::{APPLICANTS, Drawn, drawn, near, share};

/// Applicants of the published tables.
const PUBLISHED: f64 = 356_255.0;

/// Levels whose frequencies a rule moves away from the table's own, by more than the tolerance.
const MOVED: [&str; 1] = ["NAME_CONTRACT_STATUS"];

#[test]
fn tables_have_their_published_rows() {
    for (layout, columns) in &drawn().tables {
        let published = drawn().generator.statistics().table(layout.name).unwrap().rows as f64;
        let expected = published * APPLICANTS as f64 / PUBLISHED;
        let rows = match &columns[0] {
            super::Column::Integer(values) => values.len() as f64,
            _ => panic!("the first column is a key"),
        };
        near(layout.name, rows / expected, 1.0, 0.1);
    }
}

#[test]
fn the_base_rate_is_published() {
    let target = drawn().numbers("application_train", "TARGET");
    near("TARGET", share(target.iter().map(|&it| it > 0.5)), 0.0807, 0.012);
}

#[test]
fn missing_rates_are_published() {
    for name in NAMES {
        for column in &drawn().generator.statistics().table(name).unwrap().columns {
            let missing = match column.kind {
                Kind::Level => share(drawn().texts(name, &column.name).iter().map(Option::is_none)),
                _ => share(drawn().numbers(name, &column.name).iter().map(|it| it.is_nan())),
            };
            // The building's block in application_test follows the training applicants.
            near(
                &format!("{name}.{}", column.name),
                missing,
                column.missing,
                if name == NAMES[1] { 0.06 } else { 0.035 },
            );
        }
    }
}

#[test]
fn levels_have_their_published_frequencies() {
    for name in NAMES {
        let columns = &drawn().generator.statistics().table(name).unwrap().columns;
        for column in columns.iter().filter(|it| it.kind == Kind::Level && !MOVED.contains(&it.name.as_str()))
        {
            let texts = drawn().texts(name, &column.name);
            for (level, frequency) in &column.levels {
                let found = share(texts.iter().flatten().map(|text| text == level));
                let error = (frequency * (1.0 - frequency) / texts.iter().flatten().count() as f64).sqrt();
                near(&format!("{name}.{} {level}", column.name), found, *frequency, 0.035 + 4.0 * error);
            }
        }
    }
}

#[test]
fn medians_of_applications_are_published() {
    let statistics = drawn().generator.statistics();
    for name in
        ["AMT_INCOME_TOTAL", "AMT_CREDIT", "AMT_ANNUITY", "DAYS_BIRTH", "EXT_SOURCE_2", "APARTMENTS_AVG"]
    {
        let curve = statistics.table("application_train").unwrap().curve(name).unwrap();
        let values = sorted(drawn().numbers("application_train", name));
        let (low, middle, high) = (curve.at(0.25), curve.at(0.5), curve.at(0.75));
        near(name, values[values.len() / 2], middle, 0.1 * (high - low));
    }
}

#[test]
fn ranks_correlate_as_published() {
    let pairs = [
        ("EXT_SOURCE_1", "DAYS_BIRTH", -0.606, 0.05),
        ("EXT_SOURCE_1", "EXT_SOURCE_2", 0.204, 0.05),
        ("REGION_POPULATION_RELATIVE", "REGION_RATING_CLIENT", -0.45, 0.12),
        ("AMT_CREDIT", "AMT_GOODS_PRICE", 0.98, 0.03),
    ];
    for (one, other, expected, tolerance) in pairs {
        near(&format!("{one}, {other}"), rank_correlation(drawn(), one, other), expected, tolerance);
    }
    assert!(rank_correlation(drawn(), "AMT_CREDIT", "AMT_ANNUITY") > 0.7);
}

#[test]
fn payments_are_late_and_in_part_as_published() {
    let column = |name| drawn().numbers("installments_payments", name);
    let (due, paid) = (column("DAYS_INSTALMENT"), column("DAYS_ENTRY_PAYMENT"));
    let (asked, given) = (column("AMT_INSTALMENT"), column("AMT_PAYMENT"));
    near("late", share(due.iter().zip(&paid).map(|(due, paid)| paid > due)), 0.0826, 0.025);
    near(
        "to the cent",
        share(asked.iter().zip(&given).map(|(asked, given)| asked.to_bits() == given.to_bits())),
        0.888,
        0.03,
    );
    near("in part", share(asked.iter().zip(&given).map(|(asked, given)| given < asked)), 0.096, 0.03);
}

#[test]
fn the_latent_risk_and_the_application_both_rank_defaults() {
    let (mut all, mut application) = (super::super::auc::Auc::new(), super::super::auc::Auc::new());
    for block in 0..drawn().generator.blocks() {
        let block = drawn().generator.draw(block).unwrap();
        all.merge(&block.auc);
        application.merge(&block.application_auc);
    }
    near("application", application.value().unwrap(), 0.75, 0.045);
    assert!(all.value().unwrap() > application.value().unwrap() + 0.01);
}

fn rank_correlation(drawn: &Drawn, one: &str, other: &str) -> f64 {
    let columns = [one, other].map(|name| drawn.numbers("application_train", name));
    let present: Vec<usize> =
        (0..columns[0].len()).filter(|&row| columns.iter().all(|column| !column[row].is_nan())).collect();
    let [one, other] =
        columns.map(|column| ranks(&present.iter().map(|&row| column[row]).collect::<Vec<_>>()));
    let middle = (present.len() as f64 - 1.0) / 2.0;
    let product =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt()
}

/// Ranks from 0; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let all = sorted(values.to_vec());
    let rank = |value: f64| {
        let below = all.partition_point(|&it| it < value);
        let up_to = all.partition_point(|&it| it <= value);
        (below + up_to - 1) as f64 / 2.0
    };
    values.iter().map(|&value| rank(value)).collect()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.retain(|value| !value.is_nan());
    values.sort_unstable_by(f64::total_cmp);
    values
}
