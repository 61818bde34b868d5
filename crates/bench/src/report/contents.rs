//! What a report says, in order.

use std::collections::BTreeSet;

use crate::record::{Trust, is_of};
use crate::report::document::{Block, Card, Table};
use crate::report::figures::figures;
use crate::report::panel::{Named, Panel, Series, panels};
use crate::report::{facts, memory, saying, tables};

/// The whole report on these records.
pub fn contents(sources: &[Named]) -> Vec<Block> {
    let panels = panels(sources);
    let mut blocks = vec![Block::Heading(1, title(&panels)), Block::Text(saying::LEAD.into())];
    blocks.extend(opening(sources, &panels));
    let is_one_machine =
        panels.iter().all(|p| Some(p.place.machine) == panels.first().map(|p| p.place.machine));
    for panel in &panels {
        blocks.extend(of_panel(panel, is_one_machine));
    }
    let plots = memory::figures(sources, &panels);
    if !plots.is_empty() {
        blocks.extend([heading("Memory"), Block::Figures(plots), Block::Table(memory::table(sources))]);
    }
    blocks.extend(section("Other systems' terms", [facts::terms(sources)]));
    blocks.extend(section("What was not measured", [facts::absent(sources)]));
    blocks.push(heading(saying::HEADING));
    blocks.push(Block::List(saying::says(sources, &panels)));
    let commands = saying::commands(sources);
    if !commands.is_empty() {
        blocks.push(heading("How to measure again"));
        blocks.extend(commands);
    }
    name_apart(&mut blocks);
    blocks
}

fn heading(text: impl Into<String>) -> Block {
    Block::Heading(2, text.into())
}

fn title(panels: &[Panel<'_>]) -> String {
    let models: BTreeSet<&str> = panels.iter().map(|panel| panel.place.model).collect();
    match models.len() {
        1..=3 => format!("Benchmarks: {}", models.into_iter().collect::<Vec<_>>().join(", ")),
        n => format!("Benchmarks of {n} models"),
    }
}

/// The result in a few lines, what it was measured on, and who sees what.
fn opening(sources: &[Named], panels: &[Panel<'_>]) -> Vec<Block> {
    let short = tables::in_short(panels, "Medians, and how many times as long as plain they are");
    let mut blocks = section("In short", [short]);
    if panels.iter().any(has_star) {
        blocks.push(Block::Text(saying::STAR.into()));
    }
    let cards: Vec<Card> = cards(sources, panels);
    if !cards.is_empty() {
        blocks.extend([heading("Who sees what"), Block::Cards(cards)]);
    }
    let measured_on = [facts::runs(sources), facts::networks(sources), facts::limits(sources)];
    blocks.into_iter().chain(section("Measured on", measured_on)).collect()
}

/// A section of tables, without those that are empty; nothing if all are.
fn section(title: &str, tables: impl IntoIterator<Item = Table>) -> Vec<Block> {
    let tables: Vec<Block> =
        tables.into_iter().filter(|table| !table.rows.is_empty()).map(Block::Table).collect();
    if tables.is_empty() { tables } else { [heading(title)].into_iter().chain(tables).collect() }
}

/// Each trust card once, with the numbers of its kind.
fn cards(sources: &[Named], panels: &[Panel<'_>]) -> Vec<Card> {
    let mut known = Vec::new();
    for trust in sources.iter().flat_map(|source| &source.record.trust) {
        if !known.contains(trust) {
            known.push(trust.clone());
        }
    }
    let card = |trust: Trust| {
        let simulated = sources.iter().any(|s| facts::who(&s.record, "privet", &trust.kind) != trust.kind);
        let mark = if simulated { " (SIMULATED here)" } else { "" };
        Card { title: format!("{}{mark}", trust.title), numbers: numbers(panels, &trust), lines: trust.lines }
    };
    known.into_iter().map(card).collect()
}

/// The numbers of a kind, over all panels; the model is named where there are several.
fn numbers(panels: &[Panel<'_>], trust: &Trust) -> Table {
    let mut table = Table::new("", &["", "smallest batch", "largest batch", "worst error", "bound"]);
    let is_one_model = panels.windows(2).all(|two| matches!(two, [a, b] if a.place.model == b.place.model));
    for panel in panels {
        let model = format!("{}, ", panel.place.model);
        let is_own = |s: &&Series<'_>| {
            s.points.iter().any(|m| m.system == "privet" && is_of(&trust.kind, trust.protocol.as_deref(), m))
        };
        for series in panel.series.iter().filter(is_own) {
            let mut row = tables::short(panel, series, panel.batches()).into_iter();
            let place = row.next().unwrap_or_default();
            let place = place.strip_prefix(&model).filter(|_| is_one_model).unwrap_or(&place);
            let note = if series.note.is_empty() { String::new() } else { format!(" ({})", series.note) };
            table.rows.push([format!("{place}{note}")].into_iter().chain(row.skip(1)).collect());
        }
    }
    table.without_empty_columns()
}

fn of_panel(panel: &Panel<'_>, is_one_machine: bool) -> Vec<Block> {
    let (processor, cores) = panel.place.machine;
    let machine = if is_one_machine { String::new() } else { format!(", on {processor}, {cores} cores") };
    let mut blocks = vec![heading(format!("{}{machine}", panel.place.title()))];
    let figures = figures(panel);
    if !figures.is_empty() {
        blocks.push(Block::Figures(figures));
    }
    let tables = [Some(tables::times(panel)), Some(tables::errors(panel)), Some(tables::costs(panel))];
    let more = [tables::budget(panel), tables::starts(panel)];
    blocks.extend(tables.into_iter().chain(more).flatten().map(Block::Table));
    if has_star(panel) {
        blocks.push(Block::Text(saying::STAR.into()));
    }
    blocks
}

/// Whether a ratio is against the plain of another run.
fn has_star(panel: &Panel<'_>) -> bool {
    let mut results = panel.series.iter().flat_map(|s| &s.points);
    results.any(|m| panel.slowdown(m).is_some_and(|s| !s.is_same_run))
}

/// Gives plots whose names are the same a number.
fn name_apart(blocks: &mut [Block]) {
    let mut taken = BTreeSet::new();
    let figures = blocks.iter_mut().filter_map(|block| match block {
        Block::Figures(figures) => Some(figures),
        _ => None,
    });
    for figure in figures.flatten() {
        let name = figure.name.clone();
        let mut n = 2;
        while !taken.insert(figure.name.clone()) {
            figure.name = format!("{name}-{n}");
            n += 1;
        }
    }
}
