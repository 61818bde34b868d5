//! The fuzzer's program: one target, which `PRIVET_FUZZ_TARGET` names, run by libFuzzer.
#![no_main]
#![allow(missing_docs)] // of what the macro defines

use std::alloc::System;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use privet_fuzz::{Memory, Target};

#[global_allocator]
static MEMORY: Memory = Memory::new(System, usize::MAX);

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("PRIVET_FUZZ_TARGET").unwrap_or_default();
    let found = privet_fuzz::all().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("`PRIVET_FUZZ_TARGET` names no target: `{name}`"))
});

/// Writes the target's seeds into the folder that `PRIVET_FUZZ_SEEDS` names.
fn prepare() {
    if let Some(folder) = std::env::var_os("PRIVET_FUZZ_SEEDS").map(PathBuf::from) {
        for (number, seed) in (TARGET.seeds)().into_iter().enumerate() {
            let written = std::fs::write(folder.join(format!("seed-{number:03}")), seed);
            assert!(written.is_ok(), "a seed cannot be written: {written:?}");
        }
    }
    if TARGET.name == "rows_parquet" {
        // The reader catches panics of the library below it; the fuzzer's own hook would end the program before.
        std::panic::set_hook(Box::new(|_| ()));
    }
    // What a target makes once is no part of what an input costs.
    (TARGET.run)(&[]);
}

fuzz_target!(init: prepare(), |data: &[u8]| TARGET.check(&MEMORY, data));
