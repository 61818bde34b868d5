//! A party is stateless: the same bytes get the same answer, other bytes another, and no call touches the next.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::{World3, is_even};
use privet_deploy::check::planned_scores;
use privet_deploy::oip::{InferReply, InferRequest};
use privet_mpc::protect::Protect;
use privet_mpc::role::Role;
use privet_ring::pack::unpack;
use privet_ring::{reduce, signed};

fn answer(reply: &InferReply) -> &[u8] {
    &reply.outputs[0].data
}

#[test]
fn a_replay_is_answered_by_the_same_bytes() {
    for protect in Protect::ALL {
        let world = World3::new(protect, 9, 2);
        let asked = world.ask_once(&world.rows(1, 20), 1);
        let first = world.replies(&asked.messages);
        world.predict(&world.rows(2, 5), 2);
        let second = world.replies(&asked.messages);
        for (a, b) in first.iter().zip(&second) {
            assert_eq!((answer(a), &a.parameters), (answer(b), &b.parameters));
        }
    }
}

#[test]
fn one_id_for_two_contents_gives_two_right_and_unrelated_answers() {
    let world = World3::new(Protect::Both, 9, 2);
    let mut answers = Vec::new();
    for seed in [1, 2] {
        let rows = world.rows(seed, 20);
        let mut asked = world.ask_once(&rows, seed);
        asked.messages.iter_mut().for_each(|m| m.id = "the same".into());
        let replies = world.replies(&asked.messages);
        assert!(replies.iter().all(|r| r.id == "the same"));
        answers.push(replies.iter().map(|r| answer(r).to_vec()).collect::<Vec<_>>());
        let scores = asked.pending.answer(replies).unwrap().scores;
        assert_eq!(scores, planned_scores(&world.planned, &rows).unwrap());
    }
    assert!(answers[0].iter().zip(&answers[1]).all(|(a, b)| a != b));
}

/// Two requests with the same seeds and salt: P0 and P1 are sent the first, P2 the second.
fn told_different_things(world: &World3, n: usize) -> (Vec<InferReply>, Vec<InferRequest>) {
    let (a, b) = (world.ask_once(&world.rows(1, n), 5), world.ask_once(&world.rows(2, n), 5));
    let messages: Vec<_> = a.messages[..2].iter().chain(&b.messages[2..]).cloned().collect();
    (world.replies(&messages), a.messages)
}

#[test]
fn parties_that_were_told_different_things_are_found_out() {
    for protect in [Protect::Both, Protect::Input, Protect::Model] {
        let world = World3::new(protect, 9, 2);
        let asked = world.ask_once(&world.rows(1, 20), 5);
        let (replies, messages) = told_different_things(&world, 20);
        assert!(messages.iter().zip(&asked.messages).all(|(a, b)| a.inputs[0].data == b.inputs[0].data));
        let error = asked.pending.answer(replies).map(|_| ()).unwrap_err();
        assert_eq!((error.code, error.blame), ("E511", privet_deploy::Blame::Integrity));
        assert!(error.message.contains("Party 2 "), "{error}");
    }
}

fn sums(world: &World3, replies: &[InferReply], n: usize) -> Vec<u64> {
    let k = world.planned.plan.k;
    let mut sums = vec![0u64; n];
    for reply in replies {
        let mut share = vec![0; n];
        unpack(k, &answer(reply)[32..], 0, &mut share);
        sums.iter_mut().zip(share).for_each(|(sum, s)| *sum = reduce(sum.wrapping_add(s), k));
    }
    sums
}

#[test]
fn a_client_that_tells_them_different_things_gets_noise() {
    for protect in Protect::ALL {
        let world = World3::new(protect, 3, 2);
        let (k, n) = (world.planned.plan.k, 10_000);
        let honest = sums(&world, &world.replies(&world.ask_once(&world.rows(1, n), 5).messages), 2 * n);
        let noise = sums(&world, &told_different_things(&world, n).0, 2 * n);
        let off: Vec<u64> = honest.iter().zip(&noise).map(|(a, b)| reduce(a.wrapping_sub(*b), k)).collect();
        for shift in [0, k / 2, k - 8] {
            assert!(
                is_even(off.iter().map(|d| (d >> shift) as usize & 255), 256),
                "{protect:?}, bit {shift}"
            );
        }
        let near = off.iter().filter(|&&d| signed(d, k).unsigned_abs() < 1 << (k - 30)).count();
        assert_eq!(near, 0);
    }
}

/// What P0 is sent for two inputs with the same randomness differs in one place: the commitment to x2, a hash under a
/// salt that P0 does not get. P1, which needs no x2 under `input`, sees no more.
#[test]
fn only_the_explicit_share_and_its_commitment_depend_on_the_input() {
    const COMMITMENT: std::ops::Range<usize> = 112..144;
    for protect in [Protect::Both, Protect::Input] {
        let world = World3::new(protect, 9, 1);
        let (a, b) = (world.ask_once(&world.rows(1, 20), 5), world.ask_once(&world.rows(2, 20), 5));
        for role in Role::ALL {
            let [a, b] = [&a, &b].map(|asked| &asked.messages[role.index()].inputs);
            let [mut head_a, mut head_b] = [a, b].map(|inputs| inputs[0].data.to_vec());
            assert_ne!(head_a[COMMITMENT], head_b[COMMITMENT]);
            head_a[COMMITMENT].fill(0);
            head_b[COMMITMENT].fill(0);
            assert_eq!(head_a, head_b, "{protect:?}, {role}");
            let holds = protect.components(role).iter().any(|c| !c.is_seeded());
            assert_eq!((a.len(), b.len()), if holds { (2, 2) } else { (1, 1) });
            assert!(!holds || a[1].data != b[1].data);
        }
    }
}

#[test]
fn a_party_without_the_explicit_share_is_not_sent_its_salt() {
    for protect in [Protect::Both, Protect::Input] {
        let world = World3::new(protect, 9, 1);
        let messages = world.ask_once(&world.rows(1, 20), 5).messages;
        // P2's first component is x2, in both modes.
        let salt = &messages[2].inputs[0].data[144..160];
        let contains = |m: &InferRequest| m.inputs.iter().any(|raw| raw.data.windows(16).any(|w| w == salt));
        assert!(contains(&messages[2]) && !contains(&messages[0]));
        assert_eq!(contains(&messages[1]), protect == Protect::Both);
    }
}
