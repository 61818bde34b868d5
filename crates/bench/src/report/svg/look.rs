//! How a series is told from the others: by its colour, and without colour by its marker and the dashes of its line.

/// Colours, as classes `c0` to `c7` of the style sheet. Chosen to differ for people who see fewer colours (after Okabe and
/// Ito's palette, darkened or lightened until text in them is easy to read).
const COLOURS: usize = 8;
/// Lengths of dashes and gaps. Their number and that of the markers have no common divisor, so that pairs repeat late.
const DASHES: [&str; 5] = ["none", "7 3", "2 3", "10 3 2 3", "12 4"];
/// Half the size of a marker.
const SIZE: f64 = 4.0;

/// The looks of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look(pub usize);

/// What stands at each point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Hollow,
    Cross,
    Upturned,
    HollowSquare,
}

const MARKERS: [Marker; 8] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Hollow,
    Marker::Cross,
    Marker::Upturned,
    Marker::HollowSquare,
];

impl Look {
    /// The class of its colour.
    pub fn class(self) -> String {
        format!("c{}", self.0 % COLOURS)
    }

    /// The dashes of its line, as `stroke-dasharray` has them.
    pub fn dash(self) -> &'static str {
        DASHES.get(self.0 % DASHES.len()).copied().unwrap_or("none")
    }

    /// Its marker at a place, as an element.
    pub fn marker(self, x: f64, y: f64) -> String {
        let marker = MARKERS.get(self.0 % MARKERS.len()).copied().unwrap_or(Marker::Circle);
        let hollow = if matches!(marker, Marker::Hollow | Marker::HollowSquare) { " hollow" } else { "" };
        format!(r#"<path class="{} marker{hollow}" d="{}"/>"#, self.class(), marker.path(x, y))
    }
}

impl Marker {
    fn path(self, x: f64, y: f64) -> String {
        let s = SIZE;
        let at = |points: &[(f64, f64)]| {
            let points: Vec<String> =
                points.iter().map(|(dx, dy)| format!("{:.1} {:.1}", x + dx * s, y + dy * s)).collect();
            format!("M{}Z", points.join("L"))
        };
        match self {
            Self::Circle | Self::Hollow => {
                format!("M{:.1} {y:.1}a{s} {s} 0 1 0 {} 0a{s} {s} 0 1 0 -{} 0Z", x - s, 2.0 * s, 2.0 * s)
            }
            Self::Square | Self::HollowSquare => at(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Triangle => at(&[(0.0, -1.2), (1.15, 0.9), (-1.15, 0.9)]),
            Self::Upturned => at(&[(0.0, 1.2), (1.15, -0.9), (-1.15, -0.9)]),
            Self::Diamond => at(&[(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)]),
            Self::Cross => {
                let (left, right, top, bottom) = (x - s, x + s, y - s, y + s);
                format!(
                    "M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn forty_series_differ_without_colour() {
        let looks = (0..MARKERS.len() * DASHES.len()).map(Look);
        let pairs: BTreeSet<_> = looks.map(|look| (look.shape(), look.dash())).collect();
        assert_eq!(pairs.len(), MARKERS.len() * DASHES.len());
        assert_eq!((0..MARKERS.len()).map(|n| Look(n).shape()).collect::<BTreeSet<_>>().len(), MARKERS.len());
    }

    impl Look {
        /// The marker without its colour.
        fn shape(self) -> String {
            let marker = self.marker(0.0, 0.0);
            marker.replace(&format!("{} ", self.class()), "")
        }
    }

    /// The contrast of WCAG 2.2 between two colours.
    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(hex: &str) -> f64 {
        let part = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4))
    }

    #[test]
    fn every_colour_is_readable_as_text_in_light_and_dark() {
        let css = include_str!("palette.css");
        let (light, dark) = css.split_once("@media").unwrap();
        for scheme in [light, dark] {
            let colour = |name: &str| {
                let at = scheme.find(&format!("--{name}: #")).unwrap() + name.len() + 5;
                &scheme[at..at + 6]
            };
            let names = ["ink", "soft", "limit"].map(str::to_owned).into_iter();
            for name in names.chain((0..COLOURS).map(|n| format!("c{n}"))) {
                assert!(contrast(colour(&name), colour("paper")) >= 4.5, "{name}");
            }
        }
    }
}
