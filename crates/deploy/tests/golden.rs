//! Bytes that other clients are held to, computed by other libraries: see `golden/README.md`.

#![allow(clippy::unwrap_used)]

use privet_deploy::wire;
use privet_mpc::protect::Protect;
use privet_mpc::request::{Layout, Request, combine};
use privet_mpc::role::Role;
use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::pack::{pack, unpack};
use privet_ring::prg::{Seed, Stream};
use privet_ring::signed;
use privet_tee::statement::hex;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    version: u32,
    pack: Vec<Packed>,
    expand: Vec<Expanded>,
    requests: Vec<Asked>,
    answers: Vec<Answered>,
}

#[derive(Deserialize)]
struct Packed {
    k: u32,
    elements: Vec<String>,
    bytes: String,
}

#[derive(Deserialize)]
struct Expanded {
    seed: String,
    chunk: u32,
    bytes: String,
    elements: Vec<String>,
}

#[derive(Deserialize)]
struct Asked {
    protect: Protect,
    k: u32,
    encoded_bits: u32,
    columns: usize,
    rows: u32,
    chunk: u32,
    bundle: String,
    s0: String,
    s1: String,
    salt: String,
    inputs: Vec<i64>,
    heads: Vec<String>,
    bodies: Vec<Option<String>>,
    point: String,
}

#[derive(Deserialize)]
struct Answered {
    k: u32,
    point: String,
    answers: Vec<String>,
    scores: Vec<String>,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("golden/replicated3-v1.json")).unwrap();
    assert_eq!(golden.version, 1);
    assert!(golden.pack.len() > 8 && golden.expand.len() > 2 && golden.requests.len() > 4);
    golden
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn words(hex: &[String]) -> Vec<u64> {
    hex.iter().map(|word| u64::from_str_radix(word, 16).unwrap()).collect()
}

/// Gives these bytes, and then no more.
struct Fixed(Vec<u8>);

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        let rest = self.0.split_off(out.len().min(self.0.len()));
        let first = std::mem::replace(&mut self.0, rest);
        if first.len() < out.len() {
            return Err(EntropyFailed);
        }
        out.copy_from_slice(&first);
        Ok(())
    }
}

#[test]
fn packing() {
    for Packed { k, elements, bytes: expected } in golden().pack {
        let mut got = Vec::new();
        pack(k, &words(&elements), &mut got);
        assert_eq!(hex(&got), expected, "{k} bits");
    }
}

#[test]
fn expansion_of_a_seed() {
    for Expanded { seed, chunk, bytes: expected, elements } in golden().expand {
        let mut got = vec![0; elements.len()];
        Stream::of_chunk(&Seed::from_bytes(bytes(&seed).try_into().unwrap()), chunk).fill(&mut got);
        assert_eq!(got, words(&elements), "chunk {chunk}");
        assert_eq!(hex(&got.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>()), expected);
    }
}

#[test]
fn messages_for_the_parties() {
    for asked in golden().requests {
        let mut request =
            Request::draw(&mut Fixed(bytes(&[&*asked.s0, &asked.s1, &asked.salt].concat()))).unwrap();
        let ticket = (0..=asked.chunk).map(|_| request.ticket().unwrap()).last().unwrap();
        let layout = Layout {
            bundle: bytes(&asked.bundle).try_into().unwrap(),
            protect: asked.protect,
            k: asked.k,
            encoded_bits: asked.encoded_bits,
            columns: asked.columns,
            scores: 1,
            answer_bits: asked.k,
            most_rows: usize::MAX,
            check_rows: 0,
        };
        let encode = |first: usize, out: &mut [u64]| {
            let values = &asked.inputs[first * asked.columns..];
            out.iter_mut().zip(values).for_each(|(out, x)| *out = x.cast_unsigned());
            Ok::<(), ()>(())
        };
        let split = request.split(ticket, &layout, asked.rows, encode).unwrap();
        assert_eq!(hex(&split.point), asked.point);
        for (role, message) in Role::ALL.iter().zip(&split.messages) {
            let (head, body) = wire::encode(*role, message);
            assert_eq!(hex(&head), asked.heads[role.index()], "{:?}, {role}", asked.protect);
            assert_eq!(body.map(|b| hex(&b)), asked.bodies[role.index()], "{:?}, {role}", asked.protect);
        }
    }
}

#[test]
fn messages_are_read_as_they_were_written() {
    for asked in golden().requests {
        for role in Role::ALL {
            let body = asked.bodies[role.index()].as_deref().map(|b| bytes(b).into());
            let read = wire::decode(role, &bytes(&asked.heads[role.index()]), body).unwrap();
            assert_eq!(hex(&read.statement.point()), asked.point);
            assert_eq!((read.statement.rows, read.statement.chunk), (asked.rows, asked.chunk));
            let (head, body) = wire::encode(role, &read);
            assert_eq!(
                (hex(&head), body.map(|b| hex(&b))),
                (asked.heads[role.index()].clone(), asked.bodies[role.index()].clone())
            );
        }
    }
}

#[test]
fn answers_add_up() {
    for Answered { k, point, answers, scores } in golden().answers {
        let mut shares = answers.iter().map(|answer| {
            let answer = bytes(answer);
            assert_eq!(hex(&answer[..32]), point);
            let mut share = vec![0; scores.len()];
            unpack(k, &answer[32..], 0, &mut share);
            share
        });
        let sums = combine([0; 3].map(|_: u8| shares.next().unwrap()));
        let got: Vec<String> = sums.iter().map(|&sum| signed(sum, k).to_string()).collect();
        assert_eq!(got, scores);
    }
}
