//! A client, an enclave and a key service in one process, with the host between them as an adversary: it carries every message and
//! may do what it likes with them. The attester is the simulator's; drivers and vendors' evidence are tested in `privet-tee`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Instant;

use common::enclave::{NOW, Parts, World, os, policy, rows};
use privet_deploy::caller::{Caller as _, OPEN_AGAIN};
use privet_deploy::tee::attestation::{Challenge, Mode, Presented};
use privet_tee::evidence::Evidence;
use privet_tee::kind::Kind;
use privet_tee::statement::{Hex, Statement};

#[test]
fn answers_are_plains_own_bits() {
    let world = World::new(Parts::default());
    let plain = world.plain(&rows(1000));
    assert!(world.predict(&rows(1000)).unwrap() == plain);
    assert_eq!(world.caller.assurance(), "simulated");
}

#[test]
fn n46_a_reply_is_for_its_own_request_and_opens_once() {
    let world = World::new(Parts::default());
    world.open().unwrap();
    let (first, pending_first) = world.ask(&rows(2));
    let (second, pending_second) = world.ask(&rows(2));
    let (reply_first, reply_second) = (world.carry(first).unwrap(), world.carry(second).unwrap());
    for (pending, reply) in [(pending_first, reply_second), (pending_second, reply_first)] {
        let error = pending.answer(vec![reply]).err().unwrap();
        assert_eq!((error.code, error.blame.exit_code()), ("E364", 5), "{error}");
    }
}

#[test]
fn n46_every_flipped_bit_of_request_and_reply_is_refused() {
    let world = World::new(Parts::default());
    world.open().unwrap();
    let (request, _) = world.ask(&rows(1));
    let sealed = request.inputs[0].data.to_vec();
    let mut refused = 0;
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1 << (at % 8);
        let mut request = request.clone();
        request.inputs[0].data = changed.into();
        assert!(world.carry(request).is_err(), "byte {at} of a request");
        refused += 1;
    }
    // What was refused was not counted: the true one is still taken.
    let reply = world.carry(request).unwrap().outputs[0].data.to_vec();
    for at in 0..reply.len() {
        let (request, pending) = world.ask(&rows(1));
        let mut true_reply = world.carry(request).unwrap();
        let mut changed = true_reply.outputs[0].data.to_vec();
        changed[at] ^= 1 << (at % 8);
        true_reply.outputs[0].data = changed.into();
        assert_eq!(
            pending.answer(vec![true_reply]).err().unwrap().blame.exit_code(),
            5,
            "byte {at} of a reply"
        );
        refused += 1;
    }
    println!("{refused} flipped bits of sealed messages refused");
}

#[test]
fn n45_a_request_is_answered_once() {
    let world = World::new(Parts::default());
    world.open().unwrap();
    let (request, pending) = world.ask(&rows(3));
    let reply = world.carry(request.clone()).unwrap();
    let error = world.carry(request).err().unwrap();
    assert!(error.code == "E364" && error.message.contains("came before"), "{error}");
    pending.answer(vec![reply]).unwrap();
}

#[test]
fn n36_old_evidence_answers_no_new_question() {
    let world = World::new(Parts::default());
    let old = world.evidence(&world.challenge());
    let error = world.open_with(old).err().unwrap();
    assert!(error.message.contains("nonce-mismatch"), "{error}");
}

#[test]
fn n38_evidence_for_the_key_service_is_none_for_a_client() {
    let world = World::new(Parts::default());
    let claimed = world.claims_seen.lock().unwrap()[0].clone();
    let presented = Presented { evidence: privet_tee::evidence::Blob(claimed), session: None };
    let error = world.open_with(presented).err().unwrap();
    assert!(error.message.contains("direction-mismatch"), "{error}");
}

#[test]
fn n39_n42_a_host_that_puts_its_own_key_into_the_statement_is_refused() {
    let world = World::new(Parts::default());
    let error = world
        .open_changed(|presented| {
            let mut evidence = Evidence::parse(&presented.evidence.0).unwrap();
            let mut statement = Statement::parse(&evidence.statement.0).unwrap();
            statement.encryption_key = Hex([9; 32]);
            evidence.statement.0 = statement.to_bytes();
            presented.evidence.0 = evidence.to_bytes();
        })
        .err()
        .unwrap();
    assert!(error.message.contains("report-data-mismatch"), "{error}");
}

#[test]
fn n39_a_host_that_asks_another_genuine_enclave_gets_nowhere() {
    let (mine, other) = (World::new(Parts::default()), World::new(Parts::default()));
    let opening = mine.caller.opening(NOW, &mut os()).unwrap().unwrap();
    // Fresh evidence, genuine, and over this very client's nonce: of an enclave that serves something else.
    let reply = other.carry(opening.messages[0].clone()).unwrap();
    let error = opening.pending.open(vec![reply], NOW, &mut os()).err().unwrap();
    assert!(error.message.contains("bundle-mismatch"), "{error}");
}

#[test]
fn n50_simulated_evidence_under_another_name_is_refused() {
    for kind in Kind::ALL.into_iter().filter(|&k| k != Kind::SimProcess) {
        let world = World::new(Parts::default());
        let error = world.open_changed(|presented| {
            let mut evidence = Evidence::parse(&presented.evidence.0).unwrap();
            evidence.kind = kind;
            presented.evidence.0 = evidence.to_bytes();
        });
        assert_eq!(error.err().unwrap().code, "E362", "{}", kind.name());
    }
}

#[test]
fn n48_n49_a_simulator_needs_policy_and_flag() {
    let flag = World::new(Parts { refuse: true, ..Parts::default() });
    let error = flag.open().err().unwrap();
    assert!(error.code == "E363" && error.blame.exit_code() == 3, "{error}");
    let other = policy(&["11".repeat(32)]);
    let error = World::new(Parts { client_policy: Some(other), ..Parts::default() }).open().err().unwrap();
    assert!(error.message.contains("measurement-unknown"), "{error}");
}

#[test]
fn n40_an_epochs_evidence_ages_from_its_stamp() {
    let world = World::new(Parts { epochs: true, ..Parts::default() });
    let presented = world.evidence(&Challenge { version: 1, nonce: Hex([7; 32]), mode: Mode::Epoch });
    assert!(presented.session.is_some());
    let appraise = |nonce: [u8; 32], now: u64, presented: &Presented| {
        let (verdict, _) = world.caller.appraise(presented, nonce, now);
        verdict.reason().map(|c| c.code)
    };
    assert_eq!(appraise([7; 32], NOW, &presented), None);
    assert_eq!(appraise([7; 32], NOW + 299, &presented), None);
    assert_eq!(appraise([7; 32], NOW + 300, &presented), Some("evidence-too-old"));
    assert_eq!(appraise([7; 32], NOW - 61, &presented), Some("stamp-in-the-future"));
    // N41: signed for another nonce, or by nobody.
    assert_eq!(appraise([8; 32], NOW, &presented), Some("session-signature-invalid"));
    let unsigned = Presented { session: None, ..presented };
    assert_eq!(appraise([7; 32], NOW, &unsigned), Some("session-signature-invalid"));
}

#[test]
fn an_epochs_evidence_is_taken_only_where_the_policy_says_so() {
    let world = World::new(Parts::default());
    let presented = world.evidence(&Challenge { version: 1, nonce: Hex([7; 32]), mode: Mode::Epoch });
    let (verdict, appraised) = world.caller.appraise(&presented, [7; 32], NOW);
    assert_eq!(verdict.reason().map(|c| c.code), Some("epoch-not-accepted"));
    assert!(appraised.is_none());
}

#[test]
fn n78_another_enclave_has_other_keys_and_says_so() {
    let (one, other) = (World::new(Parts::default()), World::new(Parts::default()));
    one.open().unwrap();
    let (request, _) = one.ask(&rows(1));
    assert_eq!(other.carry(request).err().unwrap().code, OPEN_AGAIN);
}

#[test]
fn n57_a_substituted_key_service_gives_nothing() {
    let true_service = World::new(Parts::default());
    let error = World::try_new(Parts { service_of: Some(&true_service), ..Parts::default() }).err().unwrap();
    assert_eq!(error.code, "E366", "{error}");
}

#[test]
fn n59_n79_another_sealed_model_is_refused() {
    let error = World::try_new(Parts { flip_model: true, ..Parts::default() }).err().unwrap();
    assert_eq!((error.code, error.blame.exit_code()), ("E230", 5), "{error}");
}

#[test]
fn n80_lengths_that_do_not_fit_the_model_are_refused_inside_and_the_size_tells_nothing() {
    let world = World::new(Parts::default());
    world.open().unwrap();
    let (good, _) = world.ask(&rows(1));
    let expected = world.carry(good).unwrap().outputs[0].data.len();
    let mut bad = rows(1);
    bad[0].data = privet_model::tensor::Data::F32(vec![f32::INFINITY; 4]);
    let (request, pending) = world.ask(&bad);
    let reply = world.carry(request).unwrap();
    assert_eq!(reply.outputs[0].data.len(), expected);
    assert_eq!(pending.answer(vec![reply]).err().unwrap().code, "E104");
}

#[test]
fn tokens_are_checked_inside_and_rows_are_counted_by_the_key_service() {
    let world = World::new(Parts { rows_allowed: Some(10), ..Parts::default() });
    for _ in 0..3 {
        world.predict(&rows(3)).unwrap();
    }
    let error = world.predict(&rows(3)).err().unwrap();
    assert!(error.code == "E368" && error.blame.exit_code() == 3, "{error}");
    world.predict(&rows(1)).unwrap();
}

#[test]
fn a_key_service_that_was_started_again_gets_new_evidence_and_counts_on() {
    let world = World::new(Parts { rows_allowed: Some(10), ..Parts::default() });
    world.predict(&rows(3)).unwrap();
    assert_eq!(world.claims_seen.lock().unwrap().len(), 1);
    world.restart_key_service();
    world.predict(&rows(7)).unwrap();
    assert_eq!(world.claims_seen.lock().unwrap().len(), 2);
    assert_eq!(world.predict(&rows(1)).err().unwrap().code, "E368");
}

#[test]
fn the_host_learns_no_value_from_what_it_carries() {
    let world = World::new(Parts::default());
    world.open().unwrap();
    let mut marked = rows(1);
    let canary = f32::from_le_bytes(*b"\x11\x22\x33\x44");
    marked[0].data = privet_model::tensor::Data::F32(vec![canary; 4]);
    let (request, pending) = world.ask(&marked);
    let seen = request.inputs[0].data.clone();
    assert!(!seen.windows(4).any(|w| w == b"\x11\x22\x33\x44"));
    pending.answer(vec![world.carry(request).unwrap()]).unwrap();
}

#[test]
fn hostile_calls_are_errors() {
    let world = World::new(Parts::default());
    let long = vec![0; 2000];
    for challenge in [b"".as_slice(), b"{}", &long] {
        assert!(world.enclave.evidence(challenge, Instant::now()).is_err());
    }
    for request in [Vec::new(), b"PVE1".to_vec(), vec![0; 137 + 16], vec![0xff; 4096]] {
        assert_eq!(world.enclave.call(request).err().unwrap().code, "E360");
    }
}
