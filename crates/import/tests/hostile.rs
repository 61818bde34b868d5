//! Damaged files: no panic, no long run, no memory beyond what the file's size explains.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::{Duration, Instant};

use common::{bytes, index, read_bytes, text};
use privet_import::{ImportError, sniff};
use proptest::prelude::*;

/// Far above what any fixture needs, far below what a length field can ask for.
const LONGEST: Duration = Duration::from_secs(2);

fn files() -> Vec<Vec<u8>> {
    onnx_files().into_iter().chain(other_files()).collect()
}

fn onnx_files() -> Vec<Vec<u8>> {
    let of = |folder: &'static str| {
        let good = move |e: &serde_json::Value| !text(e, "name").starts_with("broken/");
        index(folder)
            .into_iter()
            .filter(good)
            .map(move |e| bytes(folder, &format!("{}/model.onnx", text(&e, "name"))))
    };
    // The large networks would only repeat the same bytes.
    of("models").chain(of("models-extra")).filter(|file| file.len() < 150_000).collect()
}

/// Of TensorFlow and of its Lite.
fn other_files() -> Vec<Vec<u8>> {
    let names = ["models", "models-tensorflow"].map(|folder| (folder, index(folder)));
    let files = names.iter().flat_map(|(folder, entries)| {
        entries.iter().filter(|entry| text(entry, "expect") == "match").flat_map(move |entry| {
            let files = entry["files"].as_array().into_iter().flatten();
            let paths = files.filter(|file| text(file, "format") != "onnx").map(|file| text(file, "path"));
            paths.map(move |path| format!("{}/{path}", text(entry, "name"))).map(move |path| {
                let whole = common::folder(folder).join(&path);
                let path = if whole.is_dir() { format!("{path}/saved_model.pb") } else { path };
                bytes(folder, &path)
            })
        })
    });
    files.filter(|file| file.len() < 150_000).collect()
}

fn finishes(file: &[u8]) -> bool {
    let start = Instant::now();
    let _ = sniff(file);
    if let Err(error) = read_bytes(file) {
        assert!(error.to_string().starts_with("E20"), "{error}");
    }
    start.elapsed() < LONGEST
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn truncated_files_are_refused(file in prop::sample::select(onnx_files()), at in any::<prop::sample::Index>()) {
        let cut = &file[..at.index(file.len())];
        prop_assert!(finishes(cut));
        // What remains after a cut between two fields lacks the graph or the operator sets, or is the whole model
        // but for a field that comes after these.
        if let Ok(graph) = read_bytes(cut) {
            prop_assert!(read_bytes(&file).is_ok_and(|whole| whole == graph));
        }
    }

    // A graph of TensorFlow is a list of nodes, and a part of the list may be one.
    #[test]
    fn truncated_files_of_tensorflow_never_panic(
        file in prop::sample::select(other_files()),
        at in any::<prop::sample::Index>(),
    ) {
        prop_assert!(finishes(&file[..at.index(file.len())]));
    }

    #[test]
    fn flipped_bytes_never_panic(
        file in prop::sample::select(files()),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..12),
    ) {
        let mut file = file;
        for (at, mask) in flips {
            let at = at.index(file.len());
            file[at] ^= mask;
        }
        prop_assert!(finishes(&file));
    }

    #[test]
    fn random_bytes_are_refused(first in prop::sample::select(vec![0x08_u8, 0x12, 0x3a, 0x42, 0xff]),
                                rest in prop::collection::vec(any::<u8>(), 0..2000)) {
        let file: Vec<u8> = std::iter::once(first).chain(rest).collect();
        prop_assert!(finishes(&file));
        prop_assert!(matches!(read_bytes(&file), Err(ImportError::Broken(_))));
    }
}

/// The greatest length, size and dimension that the format can write, and some that are just out of reach.
const HUGE: [&[u8]; 4] = [
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x80, 0x01],
];

/// Wherever a length-like field stands, it is replaced once; most of the other places are hit as well.
#[test]
fn a_huge_number_in_any_place_costs_neither_time_nor_memory() {
    let small =
        |files: Vec<Vec<u8>>| files.into_iter().filter(|file| file.len() < 1200).take(40).collect::<Vec<_>>();
    let (onnx, other) = (small(onnx_files()), small(other_files()));
    assert!(onnx.len() > 20 && other.len() > 20, "{} and {}", onnx.len(), other.len());
    let small = [onnx, other].concat();
    for file in &small {
        for at in 0..file.len() {
            for huge in HUGE {
                let changed: Vec<u8> = [&file[..at], huge, &file[at + 1..]].concat();
                assert!(finishes(&changed));
            }
        }
    }
    if let Some(peak) = peak_kilobytes() {
        assert!(peak < 400_000, "{peak} kB");
    }
}

/// The most memory that this process has had, where the system tells it.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
