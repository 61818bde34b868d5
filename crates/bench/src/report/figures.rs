//! The plots of a panel.

use crate::record::Measured;
use crate::report::document::Figure;
use crate::report::panel::{Panel, Series};
use crate::report::svg::lines::{Limit, Line, LineChart, Point};
use crate::report::svg::rows::{Group, RowChart};
use crate::report::text::{Unit, count, slug};

/// What the article of 2019 claims: private prediction "about one order of magnitude" slower than plain.
const ARTICLE: (&str, f64) = ("2019 article: about 10x", 10.0);

/// All plots of a panel that have something to show.
pub fn figures(panel: &Panel<'_>) -> Vec<Figure> {
    let by_batch = [slowdown(panel), latency(panel), throughput(panel)].into_iter().flatten();
    let more = [errors(panel), start(panel), cost(panel), cpu(panel)].into_iter().flatten();
    by_batch.chain(in_flight(panel)).chain(bytes(panel)).chain(more).collect()
}

fn slowdown(panel: &Panel<'_>) -> Option<Figure> {
    let is_other_run = |m: &Measured| panel.slowdown(m).is_some_and(|s| !s.is_same_run);
    let mut lines = lines(panel, |m| panel.slowdown(m).map(|s| s.ratio));
    lines.retain(|(series, _)| !series.is_plain());
    for (series, line) in &mut lines {
        if series.points.iter().any(|m| is_other_run(m)) {
            let comma = if line.note.is_empty() { "" } else { ", " };
            line.note += &[comma, "plain of another run"].concat();
        }
    }
    let levels = vec![("plain: 1x".to_owned(), 1.0), (ARTICLE.0.to_owned(), ARTICLE.1)];
    let chart = LineChart { levels, ..chart(panel, "Slowdown against plain", Unit::Ratio, lines) };
    let caption = "Median over plain's median. The line at 10x is what the article of 2019 says of its own system, \
                   on its machines, at its batch sizes; it is no measurement of ours.";
    figure(panel, "slowdown", caption, &chart)
}

fn latency(panel: &Panel<'_>) -> Option<Figure> {
    let mut lines = lines(panel, |m| Some(m.median_s));
    for (series, line) in &mut lines {
        for (point, m) in line.points.iter_mut().zip(series.with(panel.alone())) {
            point.reach = [Some(m.p95_s), m.p99_s].into_iter().flatten().collect();
        }
    }
    let limits = limits(panel);
    let chart = LineChart { limits, ..chart(panel, "Seconds of a request", Unit::Seconds, lines) };
    let caption = "Markers are medians; whiskers reach to the 95th and the 99th percentile. Thin lines: what this \
                   machine needs at least, by rates measured beside the benchmark.";
    figure(panel, "latency", caption, &chart)
}

/// The least seconds by the machine's limits, and by its bandwidth alone for whoever moves the most bytes.
fn limits(panel: &Panel<'_>) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::new();
    for series in &panel.series {
        let points: Vec<_> =
            series.with(panel.alone()).filter_map(|m| Some((m.batch as f64, m.limit_s?))).collect();
        match limits.iter_mut().find(|limit| limit.points == points) {
            _ if points.is_empty() => {}
            Some(same) if same.name.split(", ").any(|known| known.ends_with(&series.marked())) => {}
            Some(same) => same.name = format!("{}, {}", same.name, series.marked()),
            None => limits.push(Limit { name: format!("limit of {}", series.marked()), points }),
        }
    }
    limits.into_iter().chain(bandwidth(panel)).collect()
}

fn bandwidth(panel: &Panel<'_>) -> Option<Limit> {
    let moved = |series: &&Series<'_>| series.with(panel.alone()).filter_map(total_bytes).max();
    let own = panel.series.iter().filter(|s| s.points.iter().any(|m| m.limit_s.is_some()));
    let most = own.max_by_key(moved)?;
    let rate = most.source.record.limits?.loopback_bytes_per_s;
    let seconds = |m: &Measured| Some((m.batch as f64, total_bytes(m)? as f64 / rate));
    let points = most.with(panel.alone()).filter_map(seconds).collect();
    Some(Limit { name: format!("bytes of {} over loopback's bandwidth", most.marked()), points })
}

/// All bytes of a request, as far as they are known.
pub fn total_bytes(m: &Measured) -> Option<u64> {
    let parts = [m.bytes_up, m.bytes_down, m.bytes_between];
    parts.iter().any(Option::is_some).then(|| parts.into_iter().flatten().sum())
}

fn throughput(panel: &Panel<'_>) -> Option<Figure> {
    let chart = chart(panel, "Rows per second", Unit::Count, lines(panel, |m| Some(m.rows_per_s)));
    figure(panel, "throughput", "", &chart)
}

/// Throughput by requests in flight, for each batch size that was measured with more than one.
fn in_flight(panel: &Panel<'_>) -> Vec<Figure> {
    let mut batches: Vec<usize> = panel.series.iter().flat_map(|s| &s.points).map(|m| m.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    let of_batch = |batch| {
        let title = format!("Rows per second by requests in flight, {} a request", rows(batch));
        let point = |m: &Measured| Point { x: m.concurrency as f64, y: m.rows_per_s, reach: vec![] };
        let points =
            |s: &Series<'_>| s.points.iter().filter(|m| m.batch == batch).map(|m| point(m)).collect();
        let lines = panel.series.iter().map(|s| (s, line(s, points(s)))).collect();
        let x = "requests in flight".to_owned();
        let chart = LineChart { x, ..chart(panel, &title, Unit::Count, lines) };
        figure(panel, &format!("in-flight-{batch}"), "", &chart)
    };
    batches.into_iter().filter_map(of_batch).collect()
}

fn bytes(panel: &Panel<'_>) -> Vec<Figure> {
    type Of = fn(&Measured) -> Option<u64>;
    let directions: [(&str, &str, Of); 3] = [
        ("from the client", "bytes-up", |m| m.bytes_up),
        ("to the client", "bytes-down", |m| m.bytes_down),
        ("between the roles", "bytes-between", |m| m.bytes_between),
    ];
    let of_direction = |(what, name, of): (&str, &str, Of)| {
        let lines = lines(panel, |m| of(m).map(|bytes| bytes as f64 / m.batch as f64));
        let chart = chart(panel, &format!("Bytes per row {what}"), Unit::Bytes, lines);
        figure(panel, name, "Counted below TLS.", &chart)
    };
    directions.into_iter().filter_map(of_direction).collect()
}

fn errors(panel: &Panel<'_>) -> Option<Figure> {
    let bound = |s: &Series<'_>| {
        let points: Vec<_> = s.with(panel.alone()).filter_map(|m| Some((m.batch as f64, m.bound?))).collect();
        (!points.is_empty()).then(|| Limit { name: format!("proven bound of {}", s.marked()), points })
    };
    let limits = panel.series.iter().filter_map(bound).collect();
    let lines = lines(panel, |m| Some(m.max_error));
    let chart = LineChart { limits, ..chart(panel, "Worst error found", Unit::Error, lines) };
    figure(panel, "error", "", &chart)
}

fn cost(panel: &Panel<'_>) -> Option<Figure> {
    let lines = lines(panel, |m| m.cost_per_million);
    let chart = chart(panel, "USD for a million rows", Unit::Dollars, lines);
    let caption = "The servers' processor time and the bytes that leave them, at the prices above. The client's own \
                   time costs nothing here.";
    figure(panel, "cost", caption, &chart)
}

/// What is paid before the first answer, beside one request of a client that is known.
fn start(panel: &Panel<'_>) -> Option<Figure> {
    let group = |(series, start): (&Series<'_>, &crate::record::Started)| {
        let online = panel.at(series, 1).map(|m| m.median_s);
        let steps = [
            ("once: cold start", Some(start.cold_start_s)),
            ("per client: evidence", start.evidence_s),
            ("per client: verification", start.verification_s),
            ("per client: first request", Some(start.first_request_s)),
            ("each time: one row, median", online),
        ];
        let known = steps.into_iter().filter_map(|(name, s)| Some((name.to_owned(), s?)));
        Group { name: series.full(), look: series.look, rows: known.collect() }
    };
    let groups = panel.starts().into_iter().map(group).collect();
    let caption =
        "Offline is what is paid once: keys, bundle and processes, then what a new client waits for.";
    rows_figure(panel, "start", "Before the first answer, and after", (Unit::Seconds, false), groups, caption)
}

fn cpu(panel: &Panel<'_>) -> Option<Figure> {
    let (_, batch) = panel.batches();
    let group = |series: &Series<'_>| {
        let rows: Vec<_> = panel.at(series, batch)?.cpu_s.clone().into_iter().collect();
        (!rows.is_empty()).then(|| Group { name: series.full(), look: series.look, rows })
    };
    let groups = panel.series.iter().filter_map(group).collect();
    let title = format!("Processor time of a request of {}", rows(batch));
    rows_figure(
        panel,
        "cpu",
        &title,
        (Unit::Seconds, true),
        groups,
        "By role; the client is the benchmark itself.",
    )
}

fn rows_figure(
    panel: &Panel<'_>,
    name: &str,
    title: &str,
    (unit, is_linear): (Unit, bool),
    groups: Vec<Group>,
    caption: &str,
) -> Option<Figure> {
    if groups.is_empty() {
        return None;
    }
    let about: Vec<String> = groups.iter().map(|group| group.describe(unit)).collect();
    let about = about.join(" ");
    let chart = RowChart { title: title.into(), of: panel.place.title(), about, unit, is_linear, groups };
    Some(Figure { name: file_name(panel, name), caption: caption.into(), svg: chart.draw() })
}

/// One line for each series that has the value, over its batch sizes.
fn lines<'p, 'a>(
    panel: &'p Panel<'a>,
    value: impl Fn(&Measured) -> Option<f64>,
) -> Vec<(&'p Series<'a>, Line)> {
    let point = |m: &Measured| Some(Point { x: m.batch as f64, y: value(m)?, reach: vec![] });
    let points = |series: &Series<'_>| series.with(panel.alone()).filter_map(point).collect();
    panel.series.iter().map(|series| (series, line(series, points(series)))).collect()
}

fn line(series: &Series<'_>, points: Vec<Point>) -> Line {
    Line { name: series.name.clone(), note: series.note.clone(), look: series.look, points }
}

fn chart(panel: &Panel<'_>, title: &str, y_unit: Unit, lines: Vec<(&Series<'_>, Line)>) -> LineChart {
    LineChart {
        title: title.into(),
        of: panel.place.title(),
        about: String::new(),
        x: "rows per request".into(),
        x_unit: Unit::Count,
        y_unit,
        lines: lines.into_iter().map(|(_, line)| line).collect(),
        limits: Vec::new(),
        levels: Vec::new(),
    }
}

/// The chart drawn, if it has a line to show; what is zero everywhere is named in the caption instead.
fn figure(panel: &Panel<'_>, name: &str, caption: &str, chart: &LineChart) -> Option<Figure> {
    if !chart.is_worth_drawing() {
        return None;
    }
    let is_zero = |line: &Line| !line.points.is_empty() && line.points.iter().all(|p| p.y == 0.0);
    let zero: Vec<String> = chart.lines.iter().filter(|line| is_zero(line)).map(Line::full).collect();
    let zero =
        if zero.is_empty() { String::new() } else { format!(" Zero everywhere: {}.", zero.join(", ")) };
    let mut chart = LineChart { about: describe(chart), ..chart.clone() };
    chart.lines.retain(|line| !line.points.is_empty() && !is_zero(line));
    let caption = format!("{caption}{zero}").trim_start().to_owned();
    Some(Figure { name: file_name(panel, name), caption, svg: chart.draw() })
}

/// The plot in words, number by number.
fn describe(chart: &LineChart) -> String {
    let of_line = |line: &Line| {
        let number = |p: &Point| format!("{} at {}", chart.y_unit.write(p.y), count(p.x));
        let numbers: Vec<String> = line.points.iter().map(number).collect();
        format!("{}: {}.", line.full(), numbers.join(", "))
    };
    let lines: Vec<String> = chart.lines.iter().filter(|l| !l.points.is_empty()).map(of_line).collect();
    format!("By {}. {}", chart.x, lines.join(" "))
}

/// So many rows, in words.
pub fn rows(n: usize) -> String {
    if n == 1 { "1 row".into() } else { format!("{} rows", count(n as f64)) }
}

fn file_name(panel: &Panel<'_>, figure: &str) -> String {
    slug(&format!("{} {figure}", panel.place.title()))
}
