//! The tables of a panel.

use crate::record::Measured;
use crate::report::document::{NOTHING, Table};
use crate::report::figures::total_bytes;
use crate::report::noise::Interval;
use crate::report::panel::{Panel, Series};
use crate::report::text::{Unit, bytes, count, ratio, seconds};

/// What was asked, and what it took.
pub fn times(panel: &Panel<'_>) -> Table {
    let head = [
        "who",
        "in flight",
        "batch",
        "median",
        "95 % interval",
        "p95",
        "p99",
        "p95 / median",
        "requests",
        "rows/s",
        "to plain",
        "assurance",
    ];
    let row = |series: &Series<'_>, m: &Measured| {
        vec![
            series.full(),
            m.concurrency.to_string(),
            count(m.batch as f64),
            seconds(m.median_s),
            known(Interval::of(&m.samples_s).map(|i| format!("{} to {}", seconds(i.low), seconds(i.high)))),
            seconds(m.p95_s),
            known(m.p99_s.map(seconds)),
            format!("{:.2}", m.p95_s / m.median_s),
            count(m.samples_s.len() as f64),
            count(m.rows_per_s),
            known(slowdown(panel, m)),
            known((!m.assurance.is_empty()).then(|| m.assurance.clone())),
        ]
    };
    filled(panel, Table::new("Times", &head), row)
}

/// Over plain; a star where plain was not measured in the same run.
pub fn slowdown(panel: &Panel<'_>, m: &Measured) -> Option<String> {
    let star = |is_same_run| if is_same_run { "" } else { "*" };
    panel.slowdown(m).map(|s| format!("{}{}", ratio(s.ratio), star(s.is_same_run)))
}

/// How wrong the answers are, and what is proven of that.
pub fn errors(panel: &Panel<'_>) -> Table {
    let head = ["who", "in flight", "batch", "worst error", "proven bound", "bound used", "bits on the wire"];
    let row = |series: &Series<'_>, m: &Measured| {
        vec![
            series.full(),
            m.concurrency.to_string(),
            count(m.batch as f64),
            error(m.max_error),
            known(m.bound.map(error)),
            known(m.bound.map(|bound| format!("{:.1} %", 100.0 * m.max_error / bound))),
            known(m.k.map(|k| k.to_string())),
        ]
    };
    filled(panel, Table::new("Errors", &head), row)
}

/// An error; zero is exactly that.
pub fn error(x: f64) -> String {
    if x == 0.0 { "0".into() } else { Unit::Error.write(x) }
}

/// What a request moves and needs.
pub fn costs(panel: &Panel<'_>) -> Table {
    let head = [
        "who",
        "in flight",
        "batch",
        "up",
        "down",
        "between roles",
        "dealt ahead",
        "all, per row",
        "rounds",
        "processor time by role",
        "a million rows",
    ];
    let row = |series: &Series<'_>, m: &Measured| {
        let size = |n: Option<u64>| known(n.map(|n| bytes(n as f64)));
        let cpu: Vec<String> = m.cpu_s.iter().map(|(role, s)| format!("{role} {}", seconds(*s))).collect();
        vec![
            series.full(),
            m.concurrency.to_string(),
            count(m.batch as f64),
            size(m.bytes_up),
            size(m.bytes_down),
            size(m.bytes_between),
            size(m.bytes_dealt),
            known(total_bytes(m).map(|n| bytes(n as f64 / m.batch as f64))),
            known(m.rounds.map(|n| n.to_string())),
            known((!cpu.is_empty()).then(|| cpu.join("; "))),
            known(m.cost_per_million.map(|x| Unit::Dollars.write(x))),
        ]
    };
    filled(panel, Table::new("Bytes, processor time and cost of a request", &head), row)
}

/// What was measured over what this machine could do at best; none where no limit is known.
pub fn budget(panel: &Panel<'_>) -> Option<Table> {
    let head = ["who", "batch", "median", "limit", "median / limit", "bytes over loopback's bandwidth"];
    let mut table = Table::new("Against this machine's limits", &head);
    for series in &panel.series {
        let rate = series.source.record.limits.map(|limits| limits.loopback_bytes_per_s);
        for m in series.points.iter().filter(|m| m.limit_s.is_some()) {
            let bandwidth = total_bytes(m).zip(rate).map(|(n, rate)| n as f64 / rate);
            table.rows.push(vec![
                series.full(),
                count(m.batch as f64),
                seconds(m.median_s),
                known(m.limit_s.map(seconds)),
                known(m.over_limit.map(ratio)),
                known(bandwidth.map(seconds)),
            ]);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// What is paid before the first answer.
pub fn starts(panel: &Panel<'_>) -> Option<Table> {
    let head =
        ["who", "cold start", "evidence", "verification", "first request", "one row after that", "assurance"];
    let mut table = Table::new("Before the first answer", &head);
    for (series, start) in panel.starts() {
        table.rows.push(vec![
            series.full(),
            seconds(start.cold_start_s),
            known(start.evidence_s.map(seconds)),
            known(start.verification_s.map(seconds)),
            seconds(start.first_request_s),
            known(panel.at(series, 1).map(|m| seconds(m.median_s))),
            start.assurance.clone(),
        ]);
    }
    (!table.rows.is_empty()).then(|| table.without_empty_columns())
}

/// All panels in a few lines: the smallest and the largest batch of everyone but plain.
pub fn in_short<'a>(panels: impl IntoIterator<Item = &'a Panel<'a>>, caption: &str) -> Table {
    let head = [
        "model, what is revealed, network",
        "who",
        "smallest batch",
        "largest batch",
        "worst error",
        "bound",
    ];
    let mut table = Table { words: 2, ..Table::new(caption, &head) };
    for panel in panels {
        let (smallest, largest) = panel.batches();
        for series in panel.series.iter().filter(|series| !series.is_plain()) {
            table.rows.push(short(panel, series, (smallest, largest)));
        }
    }
    table.without_empty_columns()
}

/// The line of one series.
pub fn short(panel: &Panel<'_>, series: &Series<'_>, (smallest, largest): (usize, usize)) -> Vec<String> {
    let shown = |batch| {
        let m = panel.at(series, batch)?;
        let times = slowdown(panel, m).map_or(String::new(), |ratio| format!("{ratio}, "));
        Some(format!("{times}{} at {}", seconds(m.median_s), count(batch as f64)))
    };
    let worst = series.points.iter().map(|m| m.max_error).fold(0.0, f64::max);
    let bound = series.points.iter().filter_map(|m| m.bound).reduce(f64::max);
    let last = (largest != smallest).then(|| shown(largest)).flatten();
    vec![
        panel.place.title(),
        series.full(),
        known(shown(smallest)),
        known(last),
        error(worst),
        known(bound.map(error)),
    ]
}

fn filled(panel: &Panel<'_>, mut table: Table, row: impl Fn(&Series<'_>, &Measured) -> Vec<String>) -> Table {
    for series in &panel.series {
        table.rows.extend(series.points.iter().map(|m| row(series, m)));
    }
    table.without_empty_columns()
}

/// What is known, else a hyphen.
pub fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.into())
}
