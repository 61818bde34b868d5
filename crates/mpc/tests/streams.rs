//! No block of a generator masks two things.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::ops::Range;

use common::{entropy, explicit, inputs, layout, seeds, split_rows};
use privet_mpc::protect::Protect;
use privet_mpc::request::Request;

#[test]
fn no_block_of_a_seed_is_used_twice_over_chunks_requests_and_retries() {
    let mut used: BTreeMap<[u8; 16], Vec<Range<u64>>> = BTreeMap::new();
    let mut source = entropy(1);
    let layout = layout(Protect::Both, 50, 33);
    // The same rows again and again: that is what a client does whose answers did not come.
    for rows in [1, 7, 8, 9, 100, 1, 1, 1] {
        let mut request = Request::draw(&mut source).unwrap();
        for _ in 0..6 {
            let x = inputs(20, rows * layout.columns);
            let split = split_rows(&mut request, &layout, &x);
            let needed = (x.len() as u64).div_ceil(2);
            assert_eq!(split.blocks.end - split.blocks.start, needed, "{rows} rows");
            for seed in seeds(&split.messages[0]) {
                used.entry(seed).or_default().push(split.blocks.clone());
            }
        }
    }
    assert_eq!(used.len(), 16, "two seeds of its own for every request");
    for ranges in used.values() {
        assert_eq!(ranges.len(), 6);
        for (i, a) in ranges.iter().enumerate() {
            assert!(ranges[i + 1..].iter().all(|b| a.end <= b.start || b.end <= a.start), "{ranges:?}");
        }
    }
}

#[test]
fn chunks_of_the_same_rows_have_different_masks_and_points() {
    let layout = layout(Protect::Both, 50, 33);
    let mut request = Request::draw(&mut entropy(1)).unwrap();
    let x = inputs(20, 33 * 8);
    let (a, b) = (split_rows(&mut request, &layout, &x), split_rows(&mut request, &layout, &x));
    assert_ne!(explicit(&a.messages[1]), explicit(&b.messages[1]));
    assert_ne!(a.point, b.point);
}

#[test]
fn an_input_that_is_not_hidden_uses_no_block() {
    let layout = layout(Protect::Model, 50, 33);
    let mut request = Request::draw(&mut entropy(1)).unwrap();
    assert!(split_rows(&mut request, &layout, &inputs(20, 33 * 8)).blocks.is_empty());
}
