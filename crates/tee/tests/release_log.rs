//! The log of releases: edited, dropped, moved and added lines.

#![allow(clippy::unwrap_used)]

mod world;

use privet_tee::release::log::Chain;
use privet_tee::release::resource::ServiceKey;
use privet_tee::statement::Hex;
use world::{Enclave, Memory, Owner, Random};

/// A log of six lines, and the key that signed them.
fn log() -> (Vec<String>, Hex<32>) {
    let (owner, memory) = (Owner::new(), Memory::default());
    let service = owner.service(&memory);
    for n in 0..6 {
        let measurement = if n % 2 == 0 { world::PROGRAM } else { [1; 32] };
        let enclave = Enclave { measurement, ..Enclave::new(n) };
        assert_eq!(enclave.ask_with(&service, &owner, n).is_ok(), n % 2 == 0);
    }
    let lines = memory.0.lock().unwrap().lines.clone();
    (lines, owner.service_key.public())
}

fn breaks(lines: &[String], keys: &[Hex<32>]) -> Option<usize> {
    Chain::verify(lines.iter().map(String::as_str), keys).err().map(|broken| broken.line)
}

#[test]
fn a_log_holds_and_says_what_happened() {
    let (lines, key) = log();
    let (_, entries) = Chain::verify(lines.iter().map(String::as_str), &[key]).unwrap();
    let outcomes: Vec<_> = entries.iter().map(|e| e.outcome.as_str()).collect();
    let (yes, no) = ("released", "measurement-unknown");
    assert_eq!(outcomes, [yes, no, yes, no, yes, no]);
    assert_eq!(entries.iter().map(|e| e.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_dropped_moved_or_repeated_line_breaks_it_there() {
    let (lines, key) = log();
    for at in 0..5 {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert_eq!(breaks(&dropped, &[key]), Some(at + 1), "{at} dropped");
        let mut moved = lines.clone();
        moved.swap(at, at + 1);
        assert_eq!(breaks(&moved, &[key]), Some(at + 1), "{at} moved");
        let mut repeated = lines.clone();
        repeated.insert(at + 1, lines[at].clone());
        assert_eq!(breaks(&repeated, &[key]), Some(at + 2), "{at} repeated");
    }
    // What is said of cutting off the end: it is not seen.
    assert_eq!(breaks(&lines[..4], &[key]), None);
    let (_, entries, broken) =
        Chain::follow(lines[..2].iter().chain(&lines[3..]).map(String::as_str), &[key]);
    assert_eq!((entries.len(), broken.unwrap().line), (2, 3));
}

#[test]
fn every_changed_byte_of_a_line_breaks_it_there_or_at_the_next() {
    let (lines, key) = log();
    let mut refused = 0;
    for at in 0..lines[2].len() {
        let mut line = lines[2].clone().into_bytes();
        line[at] = if line[at] == b'7' { b'8' } else { b'7' };
        let mut changed = lines.clone();
        changed[2] = String::from_utf8(line).unwrap();
        assert!(matches!(breaks(&changed, &[key]), Some(3 | 4)), "byte {at}");
        refused += 1;
    }
    println!("{refused} changed bytes of a line of the log refused");
}

#[test]
fn a_line_that_somebody_else_signed_is_refused_where_the_key_is_known() {
    let (mut lines, key) = log();
    let (mut chain, mut entries) = Chain::verify(lines.iter().map(String::as_str), &[key]).unwrap();
    let forger = ServiceKey::generate(&mut Random(9)).unwrap();
    lines.push(chain.next(entries.remove(0), &forger));
    assert_eq!(breaks(&lines, &[key]), Some(7));
    assert_eq!(breaks(&lines, &[key, forger.public()]), None);
    assert_eq!(breaks(&lines, &[]), None);
}

#[test]
fn a_chain_goes_on_where_it_ended() {
    let (mut lines, key) = log();
    let (mut chain, mut entries) = Chain::verify(lines.iter().map(String::as_str), &[key]).unwrap();
    let owner = Owner::new();
    lines.push(chain.next(entries.remove(0), &owner.service_key));
    let (end, entries) = Chain::verify(lines.iter().map(String::as_str), &[key]).unwrap();
    assert_eq!((end, entries.len(), entries[6].number), (chain, 7, 6));
}
