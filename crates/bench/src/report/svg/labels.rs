//! Labels beside the ends of lines: pushed apart until none covers another.

/// The height of one line of a label.
pub const LINE: f64 = 14.0;
/// Between two labels.
const GAP: f64 = 4.0;
/// About the width of a letter at the size of labels.
const LETTER: f64 = 6.6;

/// Words, broken into lines of at most so many letters where that is possible.
pub fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// About the width of a text.
pub fn width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// The height of a label of so many lines.
pub fn height(lines: usize) -> f64 {
    lines as f64 * LINE + GAP
}

/// Where labels go that would like to have their middles at `wanted` and are so high, within `top` to `bottom`: the middles,
/// in the order given. They keep their order by `wanted`, and none covers another if there is room for all.
pub fn apart(wanted: &[(f64, f64)], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<(usize, (f64, f64))> = wanted.iter().copied().enumerate().collect();
    order.sort_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b));
    let mut free = top;
    let mut tops: Vec<f64> = Vec::new();
    for (_, (middle, height)) in &order {
        let place = (middle - height / 2.0).max(free);
        tops.push(place);
        free = place + height;
    }
    let mut free = bottom;
    for (place, (_, (_, height))) in tops.iter_mut().zip(&order).rev() {
        *place = place.min(free - height);
        free = *place;
    }
    let mut middles: Vec<(usize, f64)> =
        order.iter().zip(&tops).map(|((n, (_, height)), top)| (*n, top + height / 2.0)).collect();
    middles.sort_by_key(|(n, _)| *n);
    middles.into_iter().map(|(_, middle)| middle).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrap("bytes of mpc over loopback", 14), ["bytes of mpc", "over loopback"]);
        assert_eq!(wrap("", 5), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_label_covers_another(wanted in prop::collection::vec((0.0..300.0_f64, 10.0..40.0_f64), 0..8)) {
            let room = wanted.iter().map(|(_, height)| height).sum::<f64>().max(300.0) + 1.0;
            let middles = apart(&wanted, 0.0, room);
            for (n, (a, (_, high))) in middles.iter().zip(&wanted).enumerate() {
                prop_assert!(a - high / 2.0 >= -1e-6 && a + high / 2.0 <= room + 1e-6);
                for (b, (_, other)) in middles.iter().zip(&wanted).skip(n + 1) {
                    prop_assert!((a - b).abs() >= (high + other) / 2.0 - 1e-6);
                }
            }
        }
    }
}
