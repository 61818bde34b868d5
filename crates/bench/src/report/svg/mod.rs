//! A small library of plots: SVG as text, with no script and nothing from elsewhere, readable without colour.

pub mod labels;
pub mod lines;
pub mod look;
pub mod rows;
pub mod scale;

use crate::report::text::escape;

/// The custom properties that every plot and page colours itself by; in dark on screens that ask for it, never on paper.
pub const PALETTE: &str = include_str!("palette.css");
/// The style of the plots themselves.
pub const STYLE: &str = include_str!("svg.css");

/// A finished plot.
#[derive(Clone, Debug)]
pub struct Svg {
    /// What it shows, which stands above it.
    pub title: String,
    /// Of what, in smaller letters below that.
    pub of: String,
    /// The same at length, for those who do not see it.
    pub about: String,
    /// Its width, in CSS pixels.
    pub width: f64,
    /// Its height, in CSS pixels.
    pub height: f64,
    /// The elements that draw it.
    pub body: String,
}

impl Svg {
    /// As a part of a page that holds [`PALETTE`] and [`STYLE`]. `id` must be unique there.
    pub fn inline(&self, id: &str) -> String {
        self.element(id, "", "")
    }

    /// As a file of its own.
    pub fn standalone(&self) -> String {
        let style = format!("<style>\n{PALETTE}{STYLE}</style>\n");
        self.element("plot", r#" xmlns="http://www.w3.org/2000/svg""#, &style)
    }

    fn element(&self, id: &str, namespace: &str, style: &str) -> String {
        let Self { width, height, body, .. } = self;
        let (title, of, about) = (escape(&self.title), escape(&self.of), escape(&self.about));
        format!(
            "<svg{namespace} class=\"plot\" role=\"img\" aria-labelledby=\"{id}-title {id}-about\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n\
             <title id=\"{id}-title\">{title}: {of}</title>\n<desc id=\"{id}-about\">{about}</desc>\n{style}\
             <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n\
             <text class=\"title\" x=\"8\" y=\"20\">{title}</text>\n\
             <text class=\"small soft\" x=\"8\" y=\"37\">{of}</text>\n{body}</svg>\n"
        )
    }
}

/// Text at a place, on one line.
pub fn label(x: f64, y: f64, anchor: &str, class: &str, text: &str) -> String {
    let text = escape(text);
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n")
}

/// A straight line between two places.
pub fn stroke(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    format!("<path class=\"{class}\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>\n")
}

/// A line through places.
pub fn polyline(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    format!("M{}", points.join("L"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_style_with_it_and_names_cannot_break_out() {
        let title = "<script>alert(1)</script>".to_owned();
        let plot = Svg {
            of: title.clone(),
            about: title.clone(),
            title,
            width: 10.0,
            height: 10.0,
            body: String::new(),
        };
        assert!(plot.standalone().contains("prefers-color-scheme: dark"));
        assert!(!plot.inline("p").contains("http") && !plot.inline("p").contains("<style"));
        assert!(!plot.standalone().contains("<script"));
    }
}
