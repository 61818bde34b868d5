//! Values around a value.

use super::attribute::word;
use super::{Draft, Name};
use crate::source::Obstacle;

/// What stands around.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Around<'a> {
    Zeros,
    /// A constant by itself.
    Value(&'a str),
    /// The value itself, mirrored at its edge.
    Mirrored,
    /// The same, with the edge.
    MirroredWithEdge,
}

impl Draft {
    /// `pads`: for each axis, how many before and how many behind.
    pub(crate) fn pad(&mut self, x: &str, pads: &[i64], around: Around<'_>) -> Result<Name, Obstacle> {
        if !pads.len().is_multiple_of(2)
            || pads.len() > 32
            || pads.iter().any(|&n| !(0..=1 << 20).contains(&n))
        {
            let reason = format!("It pads by {:?}.", &pads[..pads.len().min(32)]);
            return Err(Obstacle::new(reason, "Export the model again."));
        }
        // The formats go axis by axis, ONNX has all that come before in front of all that come behind.
        let side = |side: usize| pads.iter().skip(side).step_by(2).copied();
        let pads: Vec<i64> = side(0).chain(side(1)).collect();
        let pads = self.ints(&pads);
        Ok(match around {
            Around::Zeros => self.emit("Pad", &[x, &pads], Vec::new()),
            Around::Value(value) => self.emit("Pad", &[x, &pads, value], Vec::new()),
            Around::Mirrored => self.emit("Pad", &[x, &pads], vec![word("mode", "reflect")]),
            Around::MirroredWithEdge => self.emit("Pad", &[x, &pads], vec![word("mode", "symmetric")]),
        })
    }
}
