//! The model at rest: N58 (chunks swapped, dropped, repeated, cut off) and N59 (an edited header).

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod world;

use privet_tee::seal::{Header, ModelKey, SealError, header, open, seal};
use privet_tee::statement::{Hex, sha256};
use proptest::prelude::*;
use world::Random;

const CHUNK: usize = 64 * 1024 + 16;

fn header_of(content: &[u8]) -> Header {
    Header {
        name: "credit".into(),
        version: 7,
        digest: Hex(sha256(content)),
        key_id: Hex([3; 16]),
        created: 1_800_000_000,
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 + i / 251) as u8).collect()
}

fn sealed(length: usize, key: &ModelKey) -> Vec<u8> {
    let content = content(length);
    seal(&header_of(&content), &content, key, &mut Random(9)).unwrap().unwrap()
}

fn key() -> ModelKey {
    ModelKey::generate(&mut Random(1)).unwrap()
}

/// What stands before the chunks, and each chunk.
fn chunks(sealed: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let json = u32::from_le_bytes(sealed[4..8].try_into().unwrap()) as usize;
    let (front, rest) = sealed.split_at(8 + json + 7);
    (front.to_vec(), rest.chunks(CHUNK).map(<[u8]>::to_vec).collect())
}

fn together(front: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [front.to_vec(), chunks.concat()].concat()
}

#[test]
fn what_was_sealed_comes_out_at_every_edge_of_a_chunk() {
    let chunk = CHUNK - 16;
    for length in [0, 1, 15, 16, 17, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 5] {
        let content = content(length);
        let sealed = sealed(length, &key());
        let (opened, plaintext) = open(&sealed, &key()).unwrap();
        assert!(*plaintext == content, "{length} bytes");
        assert_eq!((opened, header(&sealed).unwrap()), (header_of(&content), header_of(&content)));
    }
}

#[test]
fn n58_chunks_cannot_be_swapped_dropped_repeated_or_cut_off() {
    let (front, chunks) = chunks(&sealed(4 * (CHUNK - 16) + 100, &key()));
    assert_eq!(chunks.len(), 5);
    let mut tried = 0;
    let mut refused = |changed: &[Vec<u8>], what: &str| {
        assert_eq!(open(&together(&front, changed), &key()).err(), Some(SealError::Broken), "{what}");
        tried += 1;
    };
    for a in 0..5 {
        for b in 0..a {
            let mut swapped = chunks.clone();
            swapped.swap(a, b);
            refused(&swapped, &format!("{a} and {b} swapped"));
        }
        let mut dropped = chunks.clone();
        dropped.remove(a);
        refused(&dropped, &format!("{a} dropped"));
        let mut repeated = chunks.clone();
        repeated.insert(a, chunks[a].clone());
        refused(&repeated, &format!("{a} repeated"));
        // The file ends at a chunk's edge, which then is not the last by its nonce.
        refused(&chunks[..a], &format!("cut before {a}"));
        let mut short = chunks[..=a].to_vec();
        short[a].pop();
        refused(&short, &format!("cut in {a}"));
    }
    let mut longer = chunks.clone();
    longer.push(vec![0; 16]);
    refused(&longer, "a chunk added");
    longer[4].push(0);
    refused(&longer, "a byte added to the last chunk");
    println!("{tried} changed orders and lengths of chunks refused");
}

#[test]
fn n58_a_chunk_of_another_file_is_refused_under_the_same_header_too() {
    let key = key();
    let content = content(3 * (CHUNK - 16));
    let make = |seed| seal(&header_of(&content), &content, &key, &mut Random(seed)).unwrap().unwrap();
    let (one, other) = (make(1), make(2));
    let ((front, mut mixed), (_, others)) = (chunks(&one), chunks(&other));
    mixed[1].clone_from(&others[1]);
    assert_eq!(open(&together(&front, &mixed), &key).err(), Some(SealError::Broken));
}

#[test]
fn n59_every_flipped_bit_of_header_and_content_is_refused() {
    let sealed = sealed(300, &key());
    let mut refused = 0;
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            assert!(open(&changed, &key()).is_err(), "bit {bit} of byte {at}");
            refused += 1;
        }
    }
    println!("{refused} flipped bits of a sealed model refused");
}

#[test]
fn n59_a_header_that_says_the_same_in_other_bytes_or_something_else_is_refused() {
    let sealed = sealed(300, &key());
    let (front, chunks) = chunks(&sealed);
    let json = String::from_utf8(front[8..front.len() - 7].to_vec()).unwrap();
    for other in [
        json.replace("\"version\":7", "\"version\":8"),
        json.replace("\"version\":7", "\"version\": 7"),
        json.replace("credit", "credlt"),
    ] {
        assert_ne!(other, json);
        let length = u32::try_from(other.len()).unwrap().to_le_bytes();
        let front = [b"PVS1", &length[..], other.as_bytes(), &front[front.len() - 7..]].concat();
        assert_eq!(open(&together(&front, &chunks), &key()).err(), Some(SealError::Broken), "{other}");
    }
}

#[test]
fn another_key_opens_nothing() {
    let other = ModelKey::from_bytes([1; 32]);
    assert_eq!(open(&sealed(300, &key()), &other).err(), Some(SealError::Broken));
}

#[test]
fn a_header_with_another_digest_is_refused_even_where_its_owner_sealed_it() {
    let wrong = Header { digest: Hex([0; 32]), ..header_of(b"content") };
    let sealed = seal(&wrong, b"content", &key(), &mut Random(9)).unwrap().unwrap();
    assert_eq!(open(&sealed, &key()).err(), Some(SealError::AnotherContent));
    let long = Header { name: "n".repeat(4096), ..header_of(b"content") };
    assert_eq!(seal(&long, b"content", &key(), &mut Random(9)).unwrap().err(), Some(SealError::TooLong));
}

#[test]
fn lengths_from_outside_are_not_believed() {
    let sealed = sealed(300, &key());
    for length in [0, 1, 4096, 4097, u32::MAX] {
        let mut changed = sealed.clone();
        changed[4..8].copy_from_slice(&length.to_le_bytes());
        assert!(matches!(open(&changed, &key()).err(), Some(SealError::Malformed | SealError::Broken)));
        assert!(header(&changed).is_err());
    }
    for cut in 0..sealed.len() {
        assert!(open(&sealed[..cut], &key()).is_err(), "{cut} bytes");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300), mark in any::<bool>()) {
        let bytes = if mark { [b"PVS1", &bytes[..]].concat() } else { bytes };
        prop_assert!(open(&bytes, &key()).is_err());
    }
}
