//! Tests on whole draws.

mod files;
mod keys;
mod marginals;
mod rules;

use std::sync::OnceLock;

use super::block::Generator;
use super::columns::{Column, MISSING};
use super::plan::BLOCK;
use super::tables::{Layout, NAMES};

/// Applicants of the shared draw.
const APPLICANTS: u64 = 6 * BLOCK;

/// All tables of one draw.
struct Drawn {
    generator: Generator,
    tables: Vec<(Layout, Vec<Column>)>,
}

/// Drawn once for all tests.
fn drawn() -> &'static Drawn {
    static DRAWN: OnceLock<Drawn> = OnceLock::new();
    DRAWN.get_or_init(|| {
        let generator = Generator::new(APPLICANTS, 11).unwrap();
        let layouts = NAMES.map(|name| Layout::new(generator.statistics(), name).unwrap());
        let mut tables: Vec<(Layout, Vec<Column>)> =
            layouts.into_iter().map(|layout| (layout, Vec::new())).collect();
        for block in 0..generator.blocks() {
            for ((_, all), rows) in tables.iter_mut().zip(generator.draw(block).unwrap().tables) {
                append(all, rows.into_columns());
            }
        }
        Drawn { generator, tables }
    })
}

fn append(all: &mut Vec<Column>, more: Vec<Column>) {
    if all.is_empty() {
        *all = more;
        return;
    }
    for pair in all.iter_mut().zip(more) {
        match pair {
            (Column::Integer(all), Column::Integer(more)) => all.extend(more),
            (Column::Real(all), Column::Real(more)) => all.extend(more),
            (Column::Level(all), Column::Level(more)) => all.extend(more),
            _ => panic!("blocks agree on the types"),
        }
    }
}

impl Drawn {
    fn column(&self, table: &str, name: &str) -> (&Layout, &Column, usize) {
        let (layout, columns) = self.tables.iter().find(|it| it.0.name == table).unwrap();
        let place = layout.columns.iter().position(|column| column.name == name).unwrap();
        (layout, &columns[place], place)
    }

    /// Numbers, NaN where missing.
    fn numbers(&self, table: &str, name: &str) -> Vec<f64> {
        match self.column(table, name).1 {
            Column::Integer(values) => values.iter().map(|&value| value as f64).collect(),
            Column::Real(values) => values.clone(),
            Column::Level(_) => panic!("{name} holds levels"),
        }
    }

    /// Whole numbers, such as keys.
    fn keys(&self, table: &str, name: &str) -> &[i64] {
        match self.column(table, name).1 {
            Column::Integer(values) => values,
            _ => panic!("{name} holds no keys"),
        }
    }

    /// Texts, none where missing.
    fn texts(&self, table: &str, name: &str) -> Vec<Option<&str>> {
        let (layout, column, place) = self.column(table, name);
        let levels = &layout.columns[place].levels;
        match column {
            Column::Level(codes) => codes
                .iter()
                .map(|&code| (code != MISSING).then(|| levels[usize::from(code)].as_str()))
                .collect(),
            _ => panic!("{name} holds numbers"),
        }
    }
}

/// Share of true.
fn share(flags: impl IntoIterator<Item = bool>) -> f64 {
    let (mut yes, mut all) = (0_u32, 0_u32);
    for flag in flags {
        yes += u32::from(flag);
        all += 1;
    }
    f64::from(yes) / f64::from(all.max(1))
}

/// Asserts that two numbers differ by at most `tolerance`.
#[track_caller]
fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected} ± {tolerance}");
}
