//! One number a row, in groups: bars from zero, or dots where the numbers span decades, each with its number beside it.

use crate::report::svg::labels::width;
use crate::report::svg::look::Look;
use crate::report::svg::scale::{Log, is_drawn, round_up};
use crate::report::svg::{Svg, label, stroke};
use crate::report::text::Unit;

/// Rows of numbers.
#[derive(Clone, Debug)]
pub struct RowChart {
    /// What it shows.
    pub title: String,
    /// Of what.
    pub of: String,
    /// The same at length.
    pub about: String,
    /// How the numbers are written.
    pub unit: Unit,
    /// Whether lengths may be compared: bars. Else places on a logarithmic axis: dots.
    pub is_linear: bool,
    /// What belongs together.
    pub groups: Vec<Group>,
}

/// What belongs together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its heading.
    pub name: String,
    /// How it is told from the others.
    pub look: Look,
    /// Its rows: of what, and how much.
    pub rows: Vec<(String, f64)>,
}

impl Group {
    /// Its numbers in words.
    pub fn describe(&self, unit: Unit) -> String {
        let rows = self.rows.iter().map(|(name, value)| format!("{name} {}", unit.write(*value)));
        format!("{}: {}.", self.name, rows.collect::<Vec<_>>().join(", "))
    }
}

const WIDTH: f64 = 500.0;
const LEFT: f64 = 14.0;
const TOP: f64 = 48.0;
const ROW: f64 = 20.0;
const BAR: f64 = 12.0;
/// For the number at a row's end.
const NUMBER: f64 = 84.0;

/// Where numbers are.
struct Frame {
    from: f64,
    to: f64,
    low: Option<Log>,
    most: f64,
}

impl RowChart {
    /// Draws it.
    pub fn draw(&self) -> Svg {
        let frame = self.frame();
        let mut y = TOP;
        let mut rows = String::new();
        for group in &self.groups {
            rows += &group.look.marker(LEFT + 4.0, y + 10.0);
            rows += &label(LEFT + 16.0, y + 14.0, "start", &group_class(group), &group.name);
            y += ROW;
            for (name, value) in &group.rows {
                rows += &label(LEFT + 16.0, y + 14.0, "start", "small", name);
                rows += &frame.row(group.look, y, *value, self.unit);
                y += ROW;
            }
            y += 6.0;
        }
        let body = frame.axis(self.unit, y) + &rows;
        let (title, of, about) = (self.title.clone(), self.of.clone(), self.about.clone());
        Svg { title, of, about, width: WIDTH, height: y + 26.0, body }
    }

    fn frame(&self) -> Frame {
        let rows = || self.groups.iter().flat_map(|group| &group.rows);
        let widest = rows().map(|(name, _)| width(name)).fold(60.0, f64::max).min(240.0);
        let (from, to) = (LEFT + 16.0 + widest + 10.0, WIDTH - NUMBER);
        let most = rows().map(|(_, value)| *value).filter(|x| is_drawn(*x)).fold(f64::MIN_POSITIVE, f64::max);
        let low = (!self.is_linear).then(|| Log::holding(rows().map(|(_, value)| *value), (from, to)));
        Frame { from, to, low, most: round_up(most) }
    }
}

fn group_class(group: &Group) -> String {
    format!("{} strong", group.look.class())
}

impl Frame {
    fn at(&self, value: f64) -> f64 {
        self.low.map_or_else(|| self.from + value / self.most * (self.to - self.from), |axis| axis.at(value))
    }

    fn axis(&self, unit: Unit, bottom: f64) -> String {
        let ticks = self.low.map_or_else(|| vec![0.0, self.most / 2.0, self.most], |axis| axis.ticks());
        let mut out = String::new();
        let mut free = f64::MIN;
        for tick in ticks {
            let (x, text) = (self.at(tick), if tick == 0.0 { "0".into() } else { unit.tick(tick) });
            out += &stroke("grid", (x, TOP), (x, bottom));
            if x - width(&text) / 2.0 > free {
                out += &label(x, bottom + 16.0, "middle", "small soft", &text);
                free = x + width(&text) / 2.0 + 4.0;
            }
        }
        out
    }

    fn row(&self, look: Look, y: f64, value: f64, unit: Unit) -> String {
        let end = if is_drawn(value) { self.at(value) } else { self.from };
        let middle = y + ROW / 2.0;
        let mark = if self.low.is_none() {
            let (class, top, long) = (look.class(), middle - BAR / 2.0, (end - self.from).max(0.5));
            format!(
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{long:.1}\" height=\"{BAR}\"/>\n",
                self.from
            )
        } else if is_drawn(value) {
            stroke("grid", (self.from, middle), (end, middle)) + &look.marker(end, middle)
        } else {
            String::new()
        };
        mark + &label(end + 8.0, middle + 4.0, "start", "small", &unit.write(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_number_beside_it() {
        let rows = vec![("client".to_owned(), 0.5), ("<party>".to_owned(), 0.0)];
        let groups = vec![Group { name: "mpc".into(), look: Look(1), rows }];
        for is_linear in [true, false] {
            let (title, of, about) = ("CPU".to_owned(), String::new(), String::new());
            let chart = RowChart { title, of, about, unit: Unit::Seconds, is_linear, groups: groups.clone() };
            let text = chart.draw().standalone();
            assert!(
                text.contains("500.00\u{a0}ms")
                    && text.contains("0\u{a0}µs")
                    && text.contains("&lt;party&gt;")
            );
            assert!(!text.contains("NaN") && !text.contains("inf"));
        }
    }
}
