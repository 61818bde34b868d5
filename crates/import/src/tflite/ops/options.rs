//! An operator's options, with the defaults that the format gives.

use super::Call;
use crate::source::Obstacle;
use crate::tflite::flat::{Damaged, Read, Table};

/// The options; all defaults where the file has none.
#[derive(Clone, Copy)]
pub(super) struct Options<'m>(Option<Table<'m>>);

impl<'m> Call<'_, 'm> {
    pub(super) fn options(&self) -> Options<'m> {
        Options(self.operator.options)
    }
}

impl Options<'_> {
    pub(super) fn int(self, field: usize, default: i32) -> Result<i64, Obstacle> {
        sound(self.0.map_or(Ok(default), |table| table.int(field, default))).map(i64::from)
    }

    pub(super) fn byte(self, field: usize) -> Result<i8, Obstacle> {
        sound(self.0.map_or(Ok(0), |table| table.byte(field)))
    }

    pub(super) fn flag(self, field: usize) -> Result<bool, Obstacle> {
        sound(self.0.map_or(Ok(false), |table| table.flag(field)))
    }

    pub(super) fn float(self, field: usize, default: f32) -> Result<f32, Obstacle> {
        sound(self.0.map_or(Ok(default), |table| table.float(field, default)))
    }

    pub(super) fn ints(self, field: usize) -> Result<Vec<i64>, Obstacle> {
        let ints = sound(self.0.map_or(Ok(Vec::new()), |table| table.ints(field)))?;
        Ok(ints.into_iter().map(i64::from).collect())
    }
}

fn sound<T>(read: Read<T>) -> Result<T, Obstacle> {
    read.map_err(|Damaged| Obstacle::new("Its options are damaged.", "Export or copy the model again."))
}
