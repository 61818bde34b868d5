//! Reports on records: one page, plots as files, Markdown, and what changed between two records.
//!
//! | module | what it holds |
//! |---|---|
//! | [`panel`] | which results may stand in one plot |
//! | [`svg`] | plots |
//! | [`figures`], [`tables`], [`facts`], [`memory`], [`saying`] | what is shown, tabled and said |
//! | [`contents`] | all of it in order, as a [`document`] |
//! | [`page`], [`markdown`] | that document as HTML and as Markdown |
//! | [`noise`], [`compare`] | how sure a median is, and whether it changed |
//! | [`text`] | numbers and names as text |
//!
//! What a report says depends on the records and the names of their files alone: the same again gives the same text.

pub mod compare;
pub mod contents;
pub mod document;
pub mod facts;
pub mod figures;
pub mod markdown;
pub mod memory;
pub mod noise;
pub mod page;
pub mod panel;
pub mod saying;
pub mod svg;
pub mod tables;
pub mod text;

#[cfg(test)]
mod tests;
