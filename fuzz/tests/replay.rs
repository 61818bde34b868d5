//! Every target on its seeds, on pieces of them, and on every input that once broke it.
#![allow(clippy::unwrap_used)]

use std::alloc::System;

use privet_fuzz::seeds::{files, place};
use privet_fuzz::{Memory, all};

#[global_allocator]
static MEMORY: Memory = Memory::new(System, usize::MAX);

/// One test, as the limit on memory is this program's.
#[test]
fn seeds_their_pieces_and_regressions_harm_nothing() {
    for target in all() {
        // What a target makes once is no part of what an input costs.
        (target.run)(&[]);
        let seeds = (target.seeds)();
        assert!(
            !seeds.is_empty() && seeds.iter().all(|seed| !seed.is_empty()),
            "{} has no seeds",
            target.name
        );
        let regressions = files(&[&format!("fuzz/regressions/{}", target.name)], "");
        for input in seeds.iter().chain(&regressions) {
            target.check(&MEMORY, input);
        }
        for seed in &seeds {
            for piece in 1..8 {
                target.check(&MEMORY, &seed[..seed.len() * piece / 8]);
            }
        }
        eprintln!("{}: {} seeds, {} regressions", target.name, seeds.len(), regressions.len());
    }
}

#[test]
fn every_regression_is_of_a_target() {
    let entries = std::fs::read_dir(place("fuzz/regressions")).unwrap().flatten();
    for folder in entries.filter(|entry| entry.path().is_dir()) {
        let name = folder.file_name().into_string().unwrap();
        assert!(all().any(|target| target.name == name), "`{name}` is no target");
    }
}
