//! Values side by side, and on top of each other.

use super::attribute::int;
use super::{Draft, Name};

impl Draft {
    pub(crate) fn concat(&mut self, parts: &[&str], axis: i64) -> Name {
        if let [only] = parts {
            return (*only).into();
        }
        self.emit("Concat", parts, vec![int("axis", axis)])
    }

    /// Puts values side by side along a new axis.
    pub(crate) fn pack(&mut self, parts: &[&str], axis: i64) -> Name {
        let raised: Vec<Name> = parts.iter().map(|part| self.raised(part, axis)).collect();
        let raised: Vec<&str> = raised.iter().map(Name::as_str).collect();
        self.concat(&raised, axis)
    }

    /// A number as a list is a constant again, so that shapes that are packed from constants are known.
    fn raised(&mut self, part: &str, axis: i64) -> Name {
        match self.int_of(part).filter(|_| self.rank(part) == Some(0)) {
            Some(value) => self.ints(&[value]),
            None => self.unsqueeze(part, &[axis]),
        }
    }

    /// The parts along an axis, without it.
    pub(crate) fn unpack(&mut self, parts: &[Name], axis: i64) -> Vec<Name> {
        parts.iter().map(|part| self.squeeze(part, &[axis])).collect()
    }
}
