//! Lines with markers over two logarithmic axes, each named at its end.

use crate::report::svg::labels::{apart, height, width, wrap};
use crate::report::svg::look::Look;
use crate::report::svg::scale::{Log, is_drawn};
use crate::report::svg::{Svg, label, polyline, stroke};
use crate::report::text::{Unit, escape};

/// Lines, and what limits them.
#[derive(Clone, Debug)]
pub struct LineChart {
    /// What it shows.
    pub title: String,
    /// Of what.
    pub of: String,
    /// The same at length.
    pub about: String,
    /// What the horizontal axis counts.
    pub x: String,
    /// How it is written.
    pub x_unit: Unit,
    /// How numbers of the vertical axis are written.
    pub y_unit: Unit,
    /// The measured series.
    pub lines: Vec<Line>,
    /// What they are held against: thin and dashed, without markers.
    pub limits: Vec<Limit>,
    /// Levels that do not depend on the horizontal axis: limits from side to side.
    pub levels: Vec<(String, f64)>,
}

/// A measured series.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its label's first lines.
    pub name: String,
    /// Its label's last lines, in smaller letters; may be empty.
    pub note: String,
    /// How it is told from the others.
    pub look: Look,
    /// From left to right.
    pub points: Vec<Point>,
}

impl Line {
    /// Its label on one line.
    pub fn full(&self) -> String {
        if self.note.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.note) }
    }
}

/// One measured point.
#[derive(Clone, Debug)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// How far it reaches on some occasions, from near to far: whiskers.
    pub reach: Vec<f64>,
}

/// A line that is no measurement of a request.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Its label.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 500.0;
const LEFT: f64 = 66.0;
const TOP: f64 = 54.0;
const BELOW: f64 = 48.0;
const LEAST_HEIGHT: f64 = 250.0;
/// Letters in a line of a label.
const LETTERS: usize = 23;
/// Between the plot and its labels: markers, and lines that lead to labels.
const LEAD: f64 = 24.0;

/// Where everything is.
struct Frame {
    x: Log,
    y: Log,
    right: f64,
    bottom: f64,
}

/// The lines of a label: the class and the text of each.
type Words = Vec<(String, String)>;

/// A label at a line's end.
struct End {
    lines: Words,
    at: (f64, f64),
}

impl LineChart {
    /// Whether any line has two points or more: else a table says it better.
    pub fn is_worth_drawing(&self) -> bool {
        let drawn = |line: &Line| line.points.iter().filter(|p| is_drawn(p.x) && is_drawn(p.y)).count();
        self.lines.iter().any(|line| drawn(line) > 1)
    }

    /// Draws it.
    pub fn draw(&self) -> Svg {
        let frame = self.frame();
        let ends = self.ends(&frame);
        let mut body = frame.axes(&self.x, self.x_unit, self.y_unit);
        for limit in &self.limits {
            body += &frame.limit(limit);
        }
        for (_, level) in &self.levels {
            let y = frame.y.at(*level);
            body += &stroke("limit", (LEFT, y), (frame.right, y));
        }
        for (n, line) in self.lines.iter().enumerate() {
            body += &frame.line(line, dodge(n, self.lines.len()));
        }
        body += &frame.labels(&ends);
        let (title, of, about) = (self.title.clone(), self.of.clone(), self.about.clone());
        Svg { title, of, about, width: WIDTH, height: frame.bottom + BELOW, body }
    }

    fn frame(&self) -> Frame {
        let lines = || self.lines.iter().flat_map(|line| &line.points).filter(|p| is_drawn(p.y));
        let limits = || self.limits.iter().flat_map(|limit| &limit.points);
        let xs = lines().map(|p| p.x).chain(limits().map(|p| p.0));
        let ys = lines().flat_map(|p| p.reach.iter().copied().chain([p.y]));
        let ys = ys.chain(limits().map(|p| p.1)).chain(self.levels.iter().map(|(_, level)| *level));
        let words = self.words();
        let widest = words.iter().flatten().map(|(_, text)| width(text)).fold(40.0, f64::max);
        let right = WIDTH - LEAD - widest - 4.0;
        let tall = words.iter().map(|lines| height(lines.len())).sum::<f64>().max(LEAST_HEIGHT);
        let bottom = TOP + tall;
        let x = Log::holding(xs, (LEFT, right));
        Frame { x, y: Log::holding(ys, (bottom, TOP)), right, bottom }
    }

    /// The labels' lines, with their classes: of the measured series, then of the limits.
    fn words(&self) -> Vec<Words> {
        let classed = |text: &str, class: &str| -> Words {
            wrap(text, LETTERS).into_iter().map(|line| (class.to_owned(), line)).collect()
        };
        let of_line = |line: &Line| {
            let class = line.look.class();
            [classed(&line.name, &format!("{class} strong")), classed(&line.note, &format!("{class} small"))]
                .concat()
        };
        let lines = self.lines.iter().map(of_line);
        let limits =
            self.limits.iter().map(|limit| &limit.name).chain(self.levels.iter().map(|(name, _)| name));
        lines.chain(limits.map(|name| classed(name, "soft small"))).collect()
    }

    fn ends(&self, frame: &Frame) -> Vec<End> {
        let last = |line: &Line| line.points.iter().rfind(|p| is_drawn(p.y)).map(|p| (p.x, p.y));
        let lines = self.lines.iter().map(last);
        let limits = self.limits.iter().map(|limit| limit.points.last().copied());
        let at = lines.chain(limits).chain(self.levels.iter().map(|(_, level)| Some((frame.x.high, *level))));
        let placed = |(lines, at): (Words, Option<(f64, f64)>)| {
            at.map(|(x, y)| End { lines, at: (frame.x.at(x), frame.y.at(y)) })
        };
        self.words().into_iter().zip(at).filter_map(placed).collect()
    }
}

/// How far the n-th of so many lines stands aside, so that their whiskers do not hide each other.
fn dodge(n: usize, of: usize) -> f64 {
    (n as f64 - (of as f64 - 1.0) / 2.0) * (8.0 / of.max(3) as f64)
}

impl Frame {
    fn axes(&self, x: &str, x_unit: Unit, y_unit: Unit) -> String {
        let mut out = String::new();
        for tick in self.y.ticks() {
            let y = self.y.at(tick);
            out += &stroke("grid", (LEFT, y), (self.right, y));
            out += &label(LEFT - 6.0, y + 4.0, "end", "small soft", &y_unit.tick(tick));
        }
        for tick in self.x.ticks() {
            let x = self.x.at(tick);
            out += &stroke("grid", (x, TOP), (x, self.bottom));
            out += &label(x, self.bottom + 17.0, "middle", "small soft", &x_unit.tick(tick));
        }
        out += &stroke("axis", (LEFT, self.bottom), (self.right, self.bottom));
        out += &stroke("axis", (LEFT, TOP), (LEFT, self.bottom));
        let middle = f64::midpoint(LEFT, self.right);
        out + &label(middle, self.bottom + 37.0, "middle", "small", x)
    }

    fn limit(&self, limit: &Limit) -> String {
        let places: Vec<_> = limit.points.iter().map(|&(x, y)| (self.x.at(x), self.y.at(y))).collect();
        format!("<path class=\"limit\" d=\"{}\"/>\n", polyline(&places))
    }

    fn line(&self, line: &Line, aside: f64) -> String {
        let drawn: Vec<&Point> = line.points.iter().filter(|p| is_drawn(p.x) && is_drawn(p.y)).collect();
        let places: Vec<_> = drawn.iter().map(|p| (self.x.at(p.x), self.y.at(p.y))).collect();
        let class = line.look.class();
        let (dash, path) = (line.look.dash(), polyline(&places));
        let curve = format!("<path class=\"{class} curve\" stroke-dasharray=\"{dash}\" d=\"{path}\"/>\n");
        let curve = if places.len() > 1 { curve } else { String::new() };
        let marks = drawn.iter().zip(&places).map(|(point, (x, y))| {
            self.whisker(&class, x + aside, *y, &point.reach) + &line.look.marker(*x, *y) + "\n"
        });
        format!("<g><title>{}</title>\n{curve}{}</g>\n", escape(&line.full()), marks.collect::<String>())
    }

    /// A line as far as it reaches, with a bar at each stop.
    fn whisker(&self, class: &str, x: f64, from: f64, reach: &[f64]) -> String {
        let stops: Vec<f64> = reach.iter().filter(|y| is_drawn(**y)).map(|y| self.y.at(*y)).collect();
        let Some(end) = stops.last() else { return String::new() };
        let class = format!("{class} whisker");
        let bars: Vec<String> = stops.iter().map(|y| stroke(&class, (x - 3.0, *y), (x + 3.0, *y))).collect();
        stroke(&class, (x, from), (x, *end)) + &bars.concat()
    }

    /// The labels, and where a label is not beside its line's end, what leads to it.
    fn labels(&self, ends: &[End]) -> String {
        let wanted: Vec<_> = ends.iter().map(|end| (end.at.1, height(end.lines.len()))).collect();
        let middles = apart(&wanted, TOP - 6.0, self.bottom + 6.0);
        let mut out = String::new();
        for (End { lines, at }, middle) in ends.iter().zip(middles) {
            out += &stroke("leader dotted", (at.0 + 6.0, at.1), (self.right, at.1));
            out += &stroke("leader", (self.right.max(at.0 + 6.0), at.1), (self.right + LEAD - 4.0, middle));
            let first = middle - height(lines.len()) / 2.0 + 13.0;
            for (n, (class, text)) in lines.iter().enumerate() {
                let y = first + n as f64 * super::labels::LINE;
                out += &label(self.right + LEAD, y, "start", class, text);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> LineChart {
        let line = |n: usize| Line {
            name: format!("<b>{n}</b>"),
            note: "SIMULATED".into(),
            look: Look(n),
            points: [1.0, 100.0].map(|x| Point { x, y: x / 7.0, reach: vec![x, f64::NAN] }).into(),
        };
        LineChart {
            title: "\"title\"".into(),
            of: "model".into(),
            about: "&".into(),
            x: "rows".into(),
            x_unit: Unit::Count,
            y_unit: Unit::Seconds,
            lines: vec![line(0), line(1)],
            limits: vec![Limit { name: "limit".into(), points: vec![(1.0, 0.1), (10.0, 0.2)] }],
            levels: vec![("about 10x".into(), 10.0)],
        }
    }

    #[test]
    fn every_line_is_named_and_nothing_is_not_a_number() {
        let text = chart().draw().standalone();
        assert_eq!(text.matches("SIMULATED").count(), 4, "a title and a label for each line");
        assert!(
            text.contains("&lt;b&gt;1&lt;/b&gt;") && text.contains(">limit<") && text.contains("about 10x")
        );
        assert!(!text.contains("<b>") && !text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn one_batch_size_is_no_line() {
        let mut chart = chart();
        assert!(chart.is_worth_drawing());
        chart.lines.iter_mut().for_each(|line| line.points.truncate(1));
        assert!(!chart.is_worth_drawing() && !chart.draw().inline("p").contains("curve"));
    }
}
