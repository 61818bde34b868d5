//! Convolutions with holes as TensorFlow writes many of them: one operator makes several images of one, each of the rows and columns
//! that stand so far apart; a convolution runs over each; another operator puts them together again.
//!
//! Here the image stays whole, and what happens in between has the holes.

use super::image::{Padding, Window};
use super::pad::Around;
use super::{Draft, Name};
use crate::source::Obstacle;

/// How far apart rows and columns stand, and how many there are around: top, bottom, left, right.
pub(crate) struct Parts {
    apart: [i64; 2],
    edges: [i64; 4],
}

impl Parts {
    /// As an operator's second and third input have them.
    pub(crate) fn of(block: &[i64], edges: &[i64]) -> Result<Self, Obstacle> {
        let fits = |n: &i64| (0..1 << 20).contains(n);
        match (<[i64; 2]>::try_from(block), <[i64; 4]>::try_from(edges)) {
            (Ok(apart), Ok(edges)) if apart.iter().all(|n| fits(n) && *n > 0) && edges.iter().all(fits) => {
                Ok(Self { apart, edges })
            }
            _ => {
                let reason = format!("It takes apart by {} and {} numbers.", block.len(), edges.len());
                Err(Obstacle::new(reason, "Only rows and columns of images can be taken apart."))
            }
        }
    }
}

impl Draft {
    /// The image with its edges, of which parts are meant from here on.
    pub(crate) fn take_apart(&mut self, x: &str, parts: &Parts) -> Result<Name, Obstacle> {
        let [top, bottom, left, right] = parts.edges;
        let padded = self.pad(x, &[0, 0, top, bottom, left, right, 0, 0], Around::Zeros)?;
        self.apart.insert(padded.clone(), parts.apart);
        Ok(padded)
    }

    /// The whole image without its edges.
    pub(crate) fn put_together(&mut self, x: &str, parts: &Parts) -> Result<Name, Obstacle> {
        if self.apart.get(x) != Some(&parts.apart) {
            let reason = format!("It puts images together that are not {:?} apart.", parts.apart);
            return Err(Obstacle::new(
                reason,
                "Only what was taken apart in the same way can be put together.",
            ));
        }
        Ok(self.cropped(x, parts.edges))
    }

    /// How far apart the inputs of an operator stand; only some can work on what does.
    pub(crate) fn apart_before(&self, inputs: &[Name], can: bool) -> Result<Option<[i64; 2]>, Obstacle> {
        let apart = self.apart_of(inputs);
        if apart.is_some() && !can {
            let reason = "It stands where an image is in parts, and only convolutions are read there.";
            return Err(Obstacle::new(reason, "Export the model with `dilations`, or move it behind them."));
        }
        Ok(apart)
    }

    /// What was made of them stands apart as they do.
    pub(crate) fn stay_apart(&mut self, made: &[Name], apart: Option<[i64; 2]>) {
        self.apart.extend(made.iter().filter_map(|name| Some((name.clone(), apart?))));
    }

    /// A window over the parts, as one over the whole.
    pub(crate) fn with_holes(&self, x: &Name, window: Window) -> Result<Window, Obstacle> {
        match (self.apart_of(std::slice::from_ref(x)), window) {
            (None, window) => Ok(window),
            (Some(dilations), Window { strides: [1, 1], dilations: [1, 1], padding: Padding::Valid }) => {
                Ok(Window { dilations, ..window })
            }
            (Some(_), window) => Err(Obstacle::new(
                format!("It moves as {window:?} where an image is in parts."),
                "Only steps of 1 without padding can be read there.",
            )),
        }
    }

    fn apart_of(&self, inputs: &[Name]) -> Option<[i64; 2]> {
        inputs.iter().find_map(|name| self.apart.get(name).copied())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const EDGES: [i64; 4] = [1, 1, 2, 2];

    #[test]
    fn only_what_was_taken_apart_alike_is_put_together() {
        let mut draft = Draft::new();
        let parts = Parts::of(&[2, 3], &EDGES).unwrap();
        let apart = draft.take_apart("x", &parts).unwrap();
        assert!(draft.put_together("x", &parts).is_err());
        assert!(draft.put_together(&apart, &Parts::of(&[3, 2], &EDGES).unwrap()).is_err());
        draft.put_together(&apart, &parts).unwrap();
    }

    #[test]
    fn what_is_in_parts_goes_through_convolutions_only() {
        let mut draft = Draft::new();
        let apart = draft.take_apart("x", &Parts::of(&[2, 3], &EDGES).unwrap()).unwrap();
        let inputs = [apart.clone()];
        assert!(draft.apart_before(&inputs, false).is_err());
        let made: [Name; 1] = ["y".into()];
        let before = draft.apart_before(&inputs, true).unwrap();
        draft.stay_apart(&made, before);
        let window = Window { strides: [1, 1], dilations: [1, 1], padding: Padding::Valid };
        assert_eq!(draft.with_holes(&made[0], window).unwrap().dilations, [2, 3]);
        assert!(draft.with_holes(&made[0], Window { strides: [2, 1], ..window }).is_err());
        assert!(draft.with_holes(&made[0], Window { padding: Padding::Same, ..window }).is_err());
        assert_eq!(draft.with_holes(&"x".into(), window).unwrap(), window);
    }

    #[test]
    fn what_no_image_has_is_refused() {
        for (block, edges) in [
            (vec![2], vec![0; 4]),
            (vec![0, 2], vec![0; 4]),
            (vec![2, 2], vec![0, 0]),
            (vec![2, 2], vec![0, -1, 0, 0]),
        ] {
            assert!(Parts::of(&block, &edges).is_err());
        }
    }
}
