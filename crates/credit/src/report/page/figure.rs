//! A plot as inline SVG. Colour never carries meaning alone: lines differ in dashes, points in shape, and both are named
//! where they are drawn.

use super::axis::Axis;
use super::markup::{Markup, element, words};

/// Units of the drawing; as wide as a phone, so that its text stays readable there.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 48.0;

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Solid line, round points.
    First,
    /// Dashed line, diamonds.
    Second,
    /// Thin dotted line, for what to compare with.
    Reference,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Reference => "reference",
        }
    }
}

/// A drawing in the making.
pub(super) struct Figure<'a> {
    id: &'a str,
    title: &'a str,
    description: String,
    x: Axis,
    y: Axis,
    right: f64,
    body: Markup,
}

impl<'a> Figure<'a> {
    /// Axes and grid. `id` is unique on the page; `description` says in words what is to be seen.
    pub(super) fn new(id: &'a str, title: &'a str, description: String, x: Axis, y: Axis) -> Self {
        Self { id, title, description, x, y, right: 28.0, body: Markup::none() }
    }

    /// Room at the right for names at the ends of lines.
    pub(super) fn room_for_names(mut self) -> Self {
        self.right = 92.0;
        self
    }

    fn at_x(&self, value: f64) -> f64 {
        LEFT + (value - self.x.low) / (self.x.high - self.x.low) * (WIDTH - LEFT - self.right)
    }

    fn at_y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value - self.y.low) / (self.y.high - self.y.low) * (HEIGHT - TOP - BOTTOM)
    }

    /// A line through points; those that are not finite leave no gap.
    pub(super) fn line(&mut self, points: &[[f64; 2]], look: Look) {
        let finite = points.iter().filter(|point| point.iter().all(|value| value.is_finite()));
        let places: Vec<String> =
            finite.map(|&[x, y]| format!("{} {}", px(self.at_x(x)), px(self.at_y(y)))).collect();
        if places.len() > 1 {
            let path = format!("M{}", places.join("L"));
            self.body.add(&element("path", &[("class", look.class()), ("d", &path)], []));
        }
    }

    /// A point, with what it is.
    pub(super) fn point(&mut self, [x, y]: [f64; 2], look: Look, what: &str) {
        self.body.add(&mark(self.at_x(x), self.at_y(y), look, what));
    }

    /// The interval of a point, upright.
    pub(super) fn interval(&mut self, x: f64, [low, high]: [f64; 2]) {
        let (x, low, high) = (self.at_x(x), self.at_y(low), self.at_y(high));
        let cap = |y: f64| format!("M{} {}H{}", px(x - 4.0), px(y), px(x + 4.0));
        let path = format!("M{} {}V{}{}{}", px(x), px(low), px(high), cap(low), cap(high));
        self.body.add(&element("path", &[("class", "whisker"), ("d", &path)], []));
    }

    /// Words at a place, moved by so many units.
    pub(super) fn words(&mut self, [x, y]: [f64; 2], [dx, dy]: [f64; 2], anchor: &'static str, text: &str) {
        self.body.add(&label([self.at_x(x) + dx, self.at_y(y) + dy], anchor, "name", text));
    }

    /// Names at the right ends of lines, given by the height of each, none on another.
    pub(super) fn names(&mut self, names: &[(f64, &str)]) {
        let mut placed: Vec<(f64, &str)> = names.iter().map(|&(y, name)| (self.at_y(y), name)).collect();
        placed.sort_by(|a, b| a.0.total_cmp(&b.0));
        for index in 1..placed.len() {
            placed[index].0 = placed[index].0.max(placed[index - 1].0 + 16.0);
        }
        for (y, name) in placed {
            let place = [WIDTH - self.right + 9.0, y + 4.0];
            self.body.add(&label(place, "start", "name", name));
        }
    }

    /// The drawing.
    pub(super) fn markup(self) -> Markup {
        let mut all = self.grid();
        all.add(&self.body);
        drawing(self.id, self.title, &self.description, [WIDTH, HEIGHT], all)
    }

    fn grid(&self) -> Markup {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - self.right);
        let mut all = Markup::none();
        for (value, text) in self.y.ticks() {
            let y = self.at_y(value);
            let path = format!("M{} {}H{}", px(LEFT), px(y), px(right));
            all.add(&element("path", &[("class", "grid"), ("d", &path)], []));
            all.add(&label([LEFT - 7.0, y + 4.0], "end", "tick", &text));
        }
        for (value, text) in self.x.ticks() {
            let x = self.at_x(value);
            let path = format!("M{} {}v5", px(x), px(bottom));
            all.add(&element("path", &[("class", "axis"), ("d", &path)], []));
            all.add(&label([x, bottom + 19.0], "middle", "tick", &text));
        }
        let path = format!("M{} {}H{}", px(LEFT), px(bottom), px(right));
        all.add(&element("path", &[("class", "axis"), ("d", &path)], []));
        all.add(&label([f64::midpoint(LEFT, right), HEIGHT - 8.0], "middle", "title", self.x.label));
        // Level text, above its axis: easier to read than text on its side.
        all.add(&label([4.0, 16.0], "start", "title", self.y.label));
        all
    }
}

/// An SVG with its title and description, under a heading in HTML.
pub(super) fn drawing(
    id: &str,
    title: &str,
    description: &str,
    [width, height]: [f64; 2],
    body: Markup,
) -> Markup {
    let ids = [format!("{id}-title"), format!("{id}-words")];
    let view = format!("0 0 {} {}", px(width), px(height));
    let about = ids.join(" ");
    let attributes = [("viewBox", view.as_str()), ("role", "img"), ("aria-labelledby", &about)];
    let title_of = words("title", &[("id", &ids[0])], title);
    let description = words("desc", &[("id", &ids[1])], description);
    let svg = element("svg", &attributes, [title_of, description, body]);
    element("figure", &[], [words("figcaption", &[], title), svg])
}

/// A point's shape: a disc, a diamond, or a small square.
pub(super) fn mark(x: f64, y: f64, look: Look, what: &str) -> Markup {
    let (x0, y0) = (px(x), px(y));
    let path = match look {
        Look::First => format!("M{} {y0}a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0Z", px(x - 4.2)),
        Look::Second => format!("M{x0} {}l5 5l-5 5l-5 -5Z", px(y - 5.0)),
        Look::Reference => format!("M{} {}h5v5h-5Z", px(x - 2.5), px(y - 2.5)),
    };
    let class = format!("mark {}", look.class());
    element("path", &[("class", &class), ("d", &path)], [words("title", &[], what)])
}

/// Text in a drawing.
pub(super) fn label([x, y]: [f64; 2], anchor: &'static str, class: &'static str, text: &str) -> Markup {
    words("text", &[("class", class), ("x", &px(x)), ("y", &px(y)), ("text-anchor", anchor)], text)
}

/// A length with one decimal, the shorter where that is 0.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}
