//! What each role held at most.

use crate::record::{Memory, is_of};
use crate::report::document::{Figure, Table};
use crate::report::facts::who;
use crate::report::panel::{Named, Panel};
use crate::report::svg::look::Look;
use crate::report::svg::rows::{Group, RowChart};
use crate::report::text::{Unit, bytes, slug};

/// All of it, as a table.
pub fn table(sources: &[Named]) -> Table {
    let head = ["who", "model", "role", "most memory at a time"];
    let mut table = Table { words: 3, ..Table::new("Memory", &head) };
    for source in sources {
        for held in &source.record.memory {
            let (who, model) = (named(source, held), model(source, held).to_owned());
            table.rows.push(vec![who, model, held.role.clone(), bytes(held.peak_bytes as f64)]);
        }
    }
    table
}

/// A plot for each model of each record.
pub fn figures(sources: &[Named], panels: &[Panel<'_>]) -> Vec<Figure> {
    sources.iter().flat_map(|source| of_source(source, panels)).collect()
}

fn of_source(source: &Named, panels: &[Panel<'_>]) -> Vec<Figure> {
    let mut models: Vec<&str> = source.record.memory.iter().map(|held| model(source, held)).collect();
    models.sort_unstable();
    models.dedup();
    models.into_iter().map(|model| figure(source, model, panels)).collect()
}

fn model<'a>(source: &'a Named, held: &'a Memory) -> &'a str {
    if held.model.is_empty() { &source.record.model } else { &held.model }
}

/// Who held it: the kind, and the protocol where the kind has several.
fn named(source: &Named, held: &Memory) -> String {
    let who = who(&source.record, &held.system, &held.kind);
    held.protocol.as_ref().map_or(who.clone(), |protocol| format!("{who} ({protocol})"))
}

fn figure(source: &Named, of: &str, panels: &[Panel<'_>]) -> Figure {
    let mut groups: Vec<Group> = Vec::new();
    for held in source.record.memory.iter().filter(|held| model(source, held) == of) {
        let (name, row) = (named(source, held), (held.role.clone(), held.peak_bytes as f64));
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { name, look: look(held, panels), rows: vec![row] }),
        }
    }
    let about: Vec<String> = groups.iter().map(|group| group.describe(Unit::Bytes)).collect();
    let chart = RowChart {
        title: "Memory by role, at most".into(),
        of: format!("{of}, {}", source.name),
        about: about.join(" "),
        unit: Unit::Bytes,
        is_linear: true,
        groups,
    };
    let caption = "Physical memory, over all batch sizes and networks of the record.";
    Figure { name: slug(&format!("{of} memory")), caption: caption.into(), svg: chart.draw() }
}

/// As its times look, where there are any.
fn look(held: &Memory, panels: &[Panel<'_>]) -> Look {
    let mut series = panels.iter().flat_map(|panel| &panel.series);
    let is_its = |m: &crate::record::Measured| {
        m.system == held.system && is_of(&held.kind, held.protocol.as_deref(), m)
    };
    series.find(|s| s.points.first().is_some_and(|m| is_its(m))).map_or(Look(0), |s| s.look)
}
