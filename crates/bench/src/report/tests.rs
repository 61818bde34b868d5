//! Whole reports, on a record that was cut down from a real one: made under load, so that its numbers mean nothing.

use serde_json::Value;

use crate::record::Record;
use crate::report::contents::contents;
use crate::report::document::Block;
use crate::report::markdown::markdown;
use crate::report::page::page;
use crate::report::panel::{Named, panels};

const FIXTURE: &str = include_str!("fixture.json");

pub(crate) fn fixture() -> Record {
    let mut record = Record::parse(FIXTURE).unwrap();
    record.compare_with_plain();
    record
}

fn named(record: Record) -> Vec<Named> {
    vec![Named { name: "fixture.json".into(), record }]
}

#[test]
fn a_page_is_complete_and_needs_nothing_from_elsewhere() {
    let page = page(&contents(&named(fixture())));
    for said in [
        "2019 article: about 10x",
        "Slowdown against plain",
        "Seconds of a request",
        "Rows per second",
        "Bytes per row from the client",
        "Worst error found",
        "Before the first answer",
        "proven bound of mpc",
        "limit of mpc",
        "spu mpc",
        "two parties together",
        "had not ended after 3600 s",
        "default-src &#39;none&#39;",
    ] {
        assert!(page.contains(said) || page.contains(&said.replace("&#39;", "'")), "{said}");
    }
    for foreign in ["http://", "https://", "<script", "javascript:", "NaN", "<img", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

/// Every element that is opened is closed, in order.
#[test]
fn a_page_and_its_plots_are_well_formed() {
    let blocks = contents(&named(fixture()));
    balanced(&page(&blocks));
    for svg in plots(&blocks) {
        balanced(&svg);
    }
}

fn plots(blocks: &[Block]) -> Vec<String> {
    let figures = blocks.iter().filter_map(|block| match block {
        Block::Figures(figures) => Some(figures),
        _ => None,
    });
    figures.flatten().map(|figure| figure.svg.standalone()).collect()
}

fn balanced(text: &str) {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.split([' ', '\n']).next().unwrap();
        let is_void = name == "meta" || tag.starts_with('!') || tag.ends_with('/');
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if is_void => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let hostile = "\"><script>alert(1)</script>|`SIMULATED\u{0}";
    let mut value: Value = serde_json::to_value(fixture()).unwrap();
    replace(&mut value, hostile);
    let sources = vec![Named { name: hostile.into(), record: serde_json::from_value(value).unwrap() }];
    let blocks = contents(&sources);
    let (page, text) = (page(&blocks), markdown(&blocks, Some("plots")));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script") && !page.contains('\u{0}'));
    let outside_code = text.lines().filter(|line| !line.starts_with("    ")).collect::<String>();
    assert!(!outside_code.replace("\\<", "").contains("<script"));
    assert!(plots(&blocks).iter().all(|svg| !svg.contains("<script")));
    balanced(&page);
}

/// Puts `text` in the place of every text and name, but of `system` and `kind`, which say what is plain.
fn replace(value: &mut Value, text: &str) {
    match value {
        Value::String(old) => text.clone_into(old),
        Value::Array(all) => all.iter_mut().for_each(|one| replace(one, text)),
        Value::Object(all) => {
            let replaced = all.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "system" | "kind"));
            replaced.for_each(|(_, one)| replace(one, text));
        }
        _ => {}
    }
}

#[test]
fn what_is_simulated_says_so_wherever_it_is_named() {
    let blocks = contents(&named(fixture()));
    let mut found = 0;
    for table in
        blocks.iter().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
    {
        for cell in table.rows.iter().flatten().filter(|cell| cell.starts_with("tee")) {
            assert!(cell.contains("SIMULATED"), "{}: {cell}", table.caption);
            found += 1;
        }
    }
    assert!(found > 5);
    let captions = blocks.iter().filter_map(|block| match block {
        Block::Figures(figures) => Some(figures.iter().map(|figure| figure.caption.clone())),
        _ => None,
    });
    for text in plots(&blocks).iter().map(|svg| words(svg)).chain(captions.flatten()) {
        for (at, _) in text.match_indices("tee ").chain(text.match_indices("tee,")) {
            assert!(
                text[at..].starts_with("tee (SIMULATED)") || text[at..].starts_with("tee SIMULATED"),
                "{text}"
            );
            found += 1;
        }
        assert!(!text.contains("tee."), "{text}");
    }
    assert!(found > 20);
}

/// What a plot says, without its elements and line breaks.
fn words(svg: &str) -> String {
    let parts = svg.split('<').filter_map(|part| part.split_once('>'));
    parts.flat_map(|(_, text)| text.split_whitespace()).collect::<Vec<_>>().join(" ")
}

#[test]
fn series_differ_by_more_than_colour_and_look_the_same_in_all_panels() {
    let sources = named(fixture());
    let panels = panels(&sources);
    assert_eq!(panels.len(), 1, "systems that state no accuracy join");
    let names: Vec<_> = panels[0].series.iter().map(|s| (s.full(), s.look.0)).collect();
    let expected = [
        "plain",
        "mpc (replicated3)",
        "tee (SIMULATED)",
        "crypten mpc (two parties and a dealer)",
        "spu mpc (aby3)",
    ];
    assert_eq!(names, expected.map(str::to_owned).into_iter().zip(0..).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_compared_is_in_panels_of_its_own() {
    let mut other = fixture();
    other.machine.processor = "another".into();
    let mut sources = named(fixture());
    sources.extend(named(other));
    assert_eq!(panels(&sources).len(), 2, "machines");
    let mut record = fixture();
    record.results.iter_mut().filter(|m| m.batch == 1).for_each(|m| m.reveal = "label".into());
    record.results.iter_mut().filter(|m| m.batch == 128).for_each(|m| m.network = "wan".into());
    assert_eq!(panels(&named(record)).len(), 3, "reveal modes and networks");
}

#[test]
fn peers_in_a_record_of_their_own_are_held_against_another_run() {
    let (mut own, mut peers) = (fixture(), fixture());
    own.results.retain(|m| m.system == "privet");
    peers.results.retain(|m| m.system != "privet");
    peers.results.iter_mut().for_each(|m| m.ratio_to_plain = None);
    let sources = [named(own), named(peers)].concat();
    let page = page(&contents(&sources));
    assert!(page.contains("plain of") && page.contains("another run") && page.contains("x*"));
}

#[test]
fn a_report_is_the_same_again() {
    let twice = [(), ()].map(|()| {
        let blocks = contents(&named(fixture()));
        (page(&blocks), markdown(&blocks, Some("docs/plots")), plots(&blocks).concat())
    });
    assert_eq!(twice[0], twice[1]);
    assert!(
        twice[0].1.starts_with("# Benchmarks: lr528-keras\n")
            && twice[0].1.contains("](docs/plots/lr528-keras-")
    );
}

#[test]
fn a_record_without_results_is_no_reason_to_fail() {
    let mut record = fixture();
    record.results.clear();
    let blocks = contents(&named(record));
    assert!(page(&blocks).contains("What these numbers say") && !page(&blocks).contains("NaN"));
}
