//! What a client makes of replies that no honest party sends.

#![allow(clippy::unwrap_used)]

mod common;

use common::World3;
use privet_deploy::Error;
use privet_deploy::caller::Answer;
use privet_deploy::oip::{InferReply, Parameter};
use privet_mpc::protect::Protect;

fn with(change: impl FnOnce(&mut Vec<InferReply>)) -> Result<Answer, Error> {
    let world = World3::new(Protect::Both, 5, 2);
    let asked = world.ask_once(&world.rows(1, 9), 1);
    let mut replies = world.replies(&asked.messages);
    change(&mut replies);
    asked.pending.answer(replies)
}

fn edited(edit: impl FnOnce(&mut Vec<u8>)) -> Result<Answer, Error> {
    with(|replies| {
        let mut bytes = replies[1].outputs[0].data.to_vec();
        edit(&mut bytes);
        replies[1].outputs[0].data = bytes.into();
    })
}

#[test]
fn replies_that_belong_to_no_request_release_nothing() {
    assert!(with(|_| ()).is_ok());
    let wrong = [
        with(Vec::clear),
        with(|r| r.truncate(2)),
        with(|r| r.swap(0, 1)).and_then(|_| with(|r| r[1].outputs.clear())),
        with(|r| r[1].outputs[0].name = "other".into()),
        edited(Vec::clear),
        edited(|b| b.truncate(31)),
        edited(|b| b.truncate(32)),
        edited(|b| b.truncate(b.len() - 1)),
        edited(|b| b.push(0)),
        edited(|b| b[0] ^= 1),
        edited(|b| b[31] ^= 0x80),
    ];
    for (at, answer) in wrong.into_iter().enumerate() {
        let error = answer.map(|_| ()).unwrap_err();
        assert_eq!((error.code, error.blame.exit_code()), ("E511", 5), "case {at}: {error}");
    }
}

#[test]
fn absurd_counters_are_only_counters() {
    for value in [Parameter::Int(i64::MAX), Parameter::Int(-1), Parameter::Text("many".into())] {
        let counted = with(|replies| {
            for reply in replies {
                reply.parameters.iter_mut().for_each(|(_, v)| *v = value.clone());
            }
        });
        let between = counted.unwrap().between;
        let expected = if value == Parameter::Int(i64::MAX) { (u64::MAX, i64::MAX as u64) } else { (0, 0) };
        assert_eq!((between.bytes, between.rounds), expected);
    }
}

/// The protocol is semi-honest and says so.
#[test]
fn a_party_that_cheats_in_its_share_changes_the_answer_unnoticed() {
    let honest = with(|_| ()).unwrap();
    let cheated = edited(|b| b[32] ^= 1).unwrap();
    assert_ne!(honest.scores[0].to_bits(), cheated.scores[0].to_bits());
    assert_eq!(honest.scores[1..], cheated.scores[1..]);
}
