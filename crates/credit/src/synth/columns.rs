//! Rows in memory: one vector for each column, filled row by row in Kaggle's column order.

use super::statistics::{Kind, TableStatistics};

/// Code of a missing level.
pub(super) const MISSING: u8 = u8::MAX;

/// Values of one column.
#[derive(Clone)]
pub(super) enum Column {
    /// Never missing.
    Integer(Vec<i64>),
    /// NaN is missing.
    Real(Vec<f64>),
    /// Codes into the schema's levels; [`MISSING`] is missing.
    Level(Vec<u8>),
}

/// Rows of one table.
#[derive(Clone)]
pub(super) struct Rows {
    columns: Vec<Column>,
}

impl Rows {
    /// No rows yet, with room for `capacity`.
    pub(super) fn new(table: &TableStatistics, capacity: usize) -> Self {
        let column = |kind| match kind {
            Kind::Integer => Column::Integer(Vec::with_capacity(capacity)),
            Kind::Real => Column::Real(Vec::with_capacity(capacity)),
            Kind::Level => Column::Level(Vec::with_capacity(capacity)),
        };
        Self { columns: table.columns.iter().map(|it| column(it.kind)).collect() }
    }

    /// Starts a row; its cells follow in column order.
    #[inline]
    pub(super) fn row(&mut self) -> Row<'_> {
        Row { columns: self.columns.iter_mut() }
    }

    /// The columns.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, moved out.
    pub(super) fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        match self.columns.first() {
            Some(Column::Integer(values)) => values.len(),
            Some(Column::Real(values)) => values.len(),
            Some(Column::Level(codes)) => codes.len(),
            None => 0,
        }
    }
}

/// A row being written: each call fills the next column.
pub(super) struct Row<'a> {
    columns: std::slice::IterMut<'a, Column>,
}

impl Row<'_> {
    /// A whole number, into an integer or a real column.
    #[inline]
    pub(super) fn integer(&mut self, value: i64) -> &mut Self {
        match self.columns.next() {
            Some(Column::Integer(values)) => values.push(value),
            Some(Column::Real(values)) => values.push(value as f64),
            _ => debug_assert!(false, "no column of numbers is next"),
        }
        self
    }

    /// A real number; NaN is missing.
    #[inline]
    pub(super) fn real(&mut self, value: f64) -> &mut Self {
        match self.columns.next() {
            // A negative zero becomes zero: in text it would show.
            Some(Column::Real(values)) => values.push(value + 0.0),
            Some(Column::Integer(values)) => values.push(super::random::floor(value)),
            _ => debug_assert!(false, "no column of numbers is next"),
        }
        self
    }

    /// A level's code or [`MISSING`].
    #[inline]
    pub(super) fn level(&mut self, code: u8) -> &mut Self {
        match self.columns.next() {
            Some(Column::Level(codes)) => codes.push(code),
            _ => debug_assert!(false, "no column of levels is next"),
        }
        self
    }

    /// Several missing reals.
    #[inline]
    pub(super) fn missing(&mut self, columns: usize) -> &mut Self {
        for _ in 0..columns {
            self.real(f64::NAN);
        }
        self
    }

    /// Declares the row complete.
    #[inline]
    pub(super) fn end(&mut self) {
        debug_assert!(self.columns.next().is_none(), "a row ends with its last column");
    }
}
