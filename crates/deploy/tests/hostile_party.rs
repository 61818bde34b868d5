//! Whatever is sent to a party, it answers with an error, or with an answer that no honest client takes for its own;
//! and the next request is answered as if nothing had been.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_possible_truncation)]

mod common;

use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::World3;
use privet_deploy::oip::{InferReply, InferRequest, RawTensor};
use privet_deploy::{Blame, Error};
use privet_mpc::protect::Protect;
use privet_mpc::role::Role;
use proptest::prelude::*;

const COLUMNS: usize = 5;
const SCORES: usize = 2;
const ROWS: usize = 9;

const TO: usize = 4;
const PROTECT: usize = 5;
const ROW_COUNT: Range<usize> = 8..12;
const CHUNK: Range<usize> = 12..16;
const BUNDLE: Range<usize> = 16..48;
const COMMITMENTS: usize = 48;
const SECRETS: usize = 144;

struct Case {
    world: World3,
    protect: Protect,
    role: Role,
    message: InferRequest,
    honest: Bytes,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for protect in Protect::ALL {
        for role in Role::ALL {
            let world = World3::new(protect, COLUMNS, SCORES);
            let message = world.ask_once(&world.rows(1, ROWS), 1).messages.swap_remove(role.index());
            let honest = world.infer(role, &message).unwrap().outputs[0].data.clone();
            cases.push(Case { world, protect, role, message, honest });
        }
    }
    cases
}

impl Case {
    fn with(&self, change: impl FnOnce(&mut InferRequest)) -> Result<InferReply, Error> {
        let mut message = self.message.clone();
        change(&mut message);
        self.world.infer(self.role, &message)
    }

    /// The message with tensor `which` changed.
    fn edited(&self, which: usize, edit: impl FnOnce(&mut Vec<u8>)) -> Result<InferReply, Error> {
        self.with(|m| {
            let mut bytes = m.inputs[which].data.to_vec();
            edit(&mut bytes);
            m.inputs[which].data = bytes.into();
        })
    }

    fn refused(&self, reply: Result<InferReply, Error>, codes: &[&str], what: &str) {
        let what = format!("{what} for {} under {:?}", self.role, self.protect);
        let error = reply.map(|_| ()).expect_err(&what);
        assert!(codes.contains(&error.code), "{what}: {error}");
        assert_eq!(error.blame, blame_of(&error), "{what}: {error}");
        assert!(error.message.ends_with('.'), "{error}");
    }

    /// An answer, but at another point than the client's.
    fn elsewhere(&self, reply: Result<InferReply, Error>, what: &str) {
        assert_ne!(reply.expect(what).outputs[0].data[..32], self.honest[..32], "{what}");
    }

    /// Places of the statement that this party cannot check, because it does not hold what they speak of.
    fn is_unchecked(&self, at: usize) -> bool {
        let held: &[usize] = match (self.protect, self.role.index()) {
            (Protect::Both, i) => &[[0, 1], [1, 2], [2, 0]][i],
            (Protect::Input, i) => &[[0], [1], [2]][i],
            (Protect::Model, _) => &[2],
        };
        let commitment = (COMMITMENTS..SECRETS).contains(&at) && !held.contains(&((at - COMMITMENTS) / 32));
        let only_seeds = self.message.inputs.len() == 1;
        CHUNK.contains(&at) || commitment || (ROW_COUNT.contains(&at) && only_seeds)
    }

    fn is_unharmed(&self) {
        assert_eq!(self.with(|_| ()).unwrap().outputs[0].data, self.honest);
    }
}

/// Only a request for another bundle is well-formed.
fn blame_of(error: &Error) -> Blame {
    if error.code == "E333" { Blame::Refused } else { Blame::Usage }
}

#[test]
fn every_flipped_bit_of_the_head_is_refused_or_moves_the_point() {
    for case in cases() {
        for bit in 0..8 * case.message.inputs[0].data.len() {
            let at = bit / 8;
            let reply = case.edited(0, |head| head[at] ^= 1 << (bit % 8));
            let what = format!("{:?} {} bit {bit}", case.protect, case.role);
            match at {
                _ if case.is_unchecked(at) && reply.is_ok() => case.elsewhere(reply, &what),
                TO => case.refused(reply, &["E331"], &what),
                0..TO | 6..8 => case.refused(reply, &["E330"], &what),
                at if BUNDLE.contains(&at) => case.refused(reply, &["E333"], &what),
                PROTECT => case.refused(reply, &["E330", "E332"], &what),
                _ => case.refused(reply, &["E332"], &what),
            }
            if case.is_unchecked(at) && !ROW_COUNT.contains(&at) {
                assert!(case.edited(0, |head| head[at] ^= 1).is_ok(), "{what} has nothing to be refused for");
            }
        }
        case.is_unharmed();
    }
}

#[test]
fn every_flipped_bit_of_the_body_is_refused() {
    for case in cases().iter().filter(|c| c.message.inputs.len() == 2) {
        for at in (0..case.message.inputs[1].data.len()).step_by(7) {
            let reply = case.edited(1, |body| body[at] ^= 1 << (at % 8));
            case.refused(reply, &["E332"], &format!("{:?} {} byte {at}", case.protect, case.role));
        }
        case.is_unharmed();
    }
}

#[test]
fn other_lengths_are_refused() {
    for case in cases() {
        for length in 0..case.message.inputs[0].data.len() {
            case.refused(case.edited(0, |head| head.truncate(length)), &["E330"], "a short head");
        }
        for more in [1, 16, 10_000] {
            let reply = case.edited(0, |head| head.resize(head.len() + more, 7));
            case.refused(reply, &["E330"], "a long head");
        }
        for which in 1..case.message.inputs.len() {
            let length = case.message.inputs[which].data.len();
            for other in [0, 1, length - 1, length + 1, 2 * length, 1 << 22] {
                case.refused(case.edited(which, |body| body.resize(other, 0)), &["E332"], "another body");
            }
        }
        case.is_unharmed();
    }
}

#[test]
fn missing_superfluous_and_misnamed_tensors_are_refused() {
    for case in cases() {
        let extra = |m: &mut InferRequest| {
            let (datatype, shape) = ("UINT8".into(), vec![1]);
            m.inputs.push(RawTensor {
                name: "share".into(),
                datatype,
                shape,
                data: Bytes::from_static(b"x"),
            });
        };
        case.refused(case.with(|m| m.inputs.clear()), &["E330"], "nothing");
        case.refused(case.with(|m| m.inputs[0].name = "Request".into()), &["E330"], "another name");
        if case.message.inputs.len() == 2 {
            case.refused(case.with(|m| m.inputs.truncate(1)), &["E330"], "no body");
            case.refused(
                case.with(|m| m.inputs[1].name = "body".into()),
                &["E330"],
                "another name of the body",
            );
            case.refused(case.with(|m| drop(m.inputs.remove(0))), &["E330"], "no head");
        } else {
            case.refused(case.with(extra), &["E330"], "a body for a party that takes none");
        }
        case.is_unharmed();
    }
}

#[test]
fn another_number_of_rows_is_refused() {
    for case in cases() {
        let rows = |n: u32| case.edited(0, |head| head[ROW_COUNT].copy_from_slice(&n.to_le_bytes()));
        let most = case.world.public.layout().unwrap().chunk_rows() as u32;
        for n in [0, u32::MAX, most + 1] {
            case.refused(rows(n), &["E332"], &format!("{n} rows"));
        }
        let (one_more, what) = (rows(ROWS as u32 + 1), "one row more than was sent");
        if case.message.inputs.len() == 2 {
            case.refused(one_more, &["E332"], what);
        } else {
            case.elsewhere(one_more, what);
        }
        case.is_unharmed();
    }
}

#[test]
fn a_message_for_another_role_bundle_or_mode_is_refused() {
    for case in cases() {
        let messages = case.world.ask_once(&case.world.rows(1, ROWS), 1).messages;
        for other in [case.role.next(), case.role.previous()] {
            let reply = case.world.infer(other, &messages[case.role.index()]);
            case.refused(reply, &["E331"], "another role");
        }
        let reply = case.edited(0, |head| head[BUNDLE].fill(1));
        case.refused(reply, &["E333"], "another bundle");
        for code in 0..=255u8 {
            let reply = case.edited(0, |head| head[PROTECT] = code);
            match code {
                _ if reply.is_ok() => assert_eq!(code, case.message.inputs[0].data[PROTECT]),
                0..3 => case.refused(reply, &["E330", "E332"], "another mode"),
                _ => case.refused(reply, &["E330"], "no mode"),
            }
        }
    }
}

/// Random fields inside a well-formed message whose seeds have their commitments, so that the deepest checks are reached.
fn well_formed(case: &Case, rows: u32, chunk: u32, noise: &[u8]) -> Vec<u8> {
    let mut head = case.message.inputs[0].data.to_vec();
    head[ROW_COUNT].copy_from_slice(&rows.to_le_bytes());
    head[CHUNK].copy_from_slice(&chunk.to_le_bytes());
    for (at, byte) in noise.iter().enumerate() {
        head[COMMITMENTS + at * 17 % 96] ^= byte;
    }
    head
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_are_answered_soon_and_briefly(
        head in proptest::collection::vec(any::<u8>(), 0..300),
        body in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2000)),
        keep in 0usize..200,
        rows: u32,
        chunk: u32,
        noise in proptest::collection::vec(prop_oneof![4 => Just(0u8), 1 => any::<u8>()], 0..6),
        deep: bool,
        which in 0usize..9,
    ) {
        thread_local! { static CASES: Vec<Case> = cases(); }
        CASES.with(|cases| {
            let case = &cases[which];
            let mut bytes = if deep { well_formed(case, rows % 100_000, chunk, &noise) } else { head };
            if !deep {
                // A true beginning, so that more than the first check is reached.
                let keep = keep.min(bytes.len()).min(case.message.inputs[0].data.len());
                bytes[..keep].copy_from_slice(&case.message.inputs[0].data[..keep]);
            }
            let start = Instant::now();
            let reply = case.with(|m| {
                m.inputs[0].data = bytes.into();
                if let Some(body) = body {
                    m.inputs.truncate(1);
                    m.inputs.push(RawTensor {
                        name: "share".into(), datatype: "UINT8".into(), shape: vec![], data: body.into(),
                    });
                }
            });
            prop_assert!(start.elapsed() < Duration::from_secs(2));
            let most = 32 + 8 * SCORES * case.world.public.layout().unwrap().chunk_rows();
            match reply {
                Ok(reply) => prop_assert!(reply.outputs[0].data.len() <= most),
                Err(error) => prop_assert_eq!(error.blame, blame_of(&error)),
            }
            Ok(())
        })?;
    }
}
