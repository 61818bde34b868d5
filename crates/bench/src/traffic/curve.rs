//! What clients at several rates measured, as a table and as a plot.

use std::fmt::Write as _;

use crate::report::svg::Svg;
use crate::report::svg::lines::{Line, LineChart, Point};
use crate::report::svg::look::Look;
use crate::report::text::{Unit, count, seconds};
use crate::traffic::latency::Percentiles;
use crate::traffic::load::{Arrivals, Measured};

/// A percentile's name, and where it stands.
type Named = (&'static str, fn(&Percentiles) -> f64);

const PERCENTILES: [Named; 4] = [
    ("half are no slower", |p| p.p50_s),
    ("of 10, nine", |p| p.p90_s),
    ("of 100, 99", |p| p.p99_s),
    ("of 1,000, 999", |p| p.p999_s),
];

/// A table in Markdown, a line for each measurement.
pub fn table(all: &[Measured]) -> String {
    let mut out =
        "| questions | answers/s | p50 | p90 | p99 | p99.9 | longest | without an answer |\n".to_owned();
    out += "|:---|---:|---:|---:|---:|---:|---:|:---|\n";
    for one in all {
        let p = &one.answered;
        let times = [p.p50_s, p.p90_s, p.p99_s, p.p999_s, p.max_s].map(seconds).join(" | ");
        let (how, rate) = (how(one.arrivals), count(one.answers_per_s.round()));
        let _ = writeln!(out, "| {how} | {rate} | {times} | {} |", refusals(one));
    }
    out
}

fn how(arrivals: Arrivals) -> String {
    match arrivals {
        Arrivals::Closed { clients: 1 } => "one client".into(),
        Arrivals::Closed { clients } => format!("{} clients", count(clients as f64)),
        Arrivals::Open { per_s } => format!("{} a second", count(per_s.round())),
    }
}

fn refusals(one: &Measured) -> String {
    let said = |(code, took): (&String, &Percentiles)| {
        format!("{} × {code}, half within {}", count(took.count as f64), seconds(took.p50_s))
    };
    let all: Vec<_> = one.refused.iter().map(said).collect();
    if all.is_empty() { "none".into() } else { all.join("; ") }
}

/// Latency over the rate at which questions come.
pub fn plot(of: String, all: &[Measured]) -> Svg {
    let at_rate = |one: &Measured| match one.arrivals {
        Arrivals::Open { per_s } if one.answered.count > 0 => Some((per_s, one.answered.clone())),
        _ => None,
    };
    let open: Vec<_> = all.iter().filter_map(at_rate).collect();
    let line = |(n, (name, of)): (usize, &Named)| Line {
        name: (*name).into(),
        note: String::new(),
        look: Look(n),
        points: open.iter().map(|(x, p)| Point { x: *x, y: of(p), reach: Vec::new() }).collect(),
    };
    let chart = LineChart {
        title: "How long an answer takes".into(),
        of,
        about:
            "Latency percentiles of answers over questions a second, counted from when each question was due."
                .into(),
        x: "questions a second".into(),
        x_unit: Unit::Count,
        y_unit: Unit::Seconds,
        lines: PERCENTILES.iter().enumerate().map(line).collect(),
        limits: Vec::new(),
        levels: Vec::new(),
    };
    chart.draw()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn measured(arrivals: Arrivals, refused: &[&str]) -> Measured {
        let answered = Percentiles::of(vec![0.001, 0.002, 0.5]);
        let refused = refused.iter().map(|code| ((*code).to_owned(), answered.clone()));
        let refused: BTreeMap<_, _> = refused.collect();
        Measured { arrivals, seconds: 1.0, answers_per_s: 3.0, answered, refused }
    }

    #[test]
    fn a_line_says_how_questions_came_and_which_were_refused() {
        let all = [
            measured(Arrivals::Closed { clients: 1000 }, &[]),
            measured(Arrivals::Open { per_s: 250.0 }, &["E326"]),
        ];
        let text = table(&all);
        let clients = count(1000.0);
        assert!(text.contains(&format!("| {clients} clients | 3 |")) && text.contains("| none |"), "{text}");
        assert!(text.contains("| 250 a second |") && text.contains("3 × E326, half within"), "{text}");
    }

    #[test]
    fn the_plot_has_what_came_at_a_rate() {
        let all = [100.0, 200.0].map(|per_s| measured(Arrivals::Open { per_s }, &[]));
        let text = plot("of".into(), &all).standalone();
        assert!(PERCENTILES.iter().all(|(name, _)| text.contains(name)) && !text.contains("NaN"), "{text}");
    }
}
