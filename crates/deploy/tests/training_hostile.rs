//! A training with owners, a lead or a party that mean harm, or with a folder that is not as it was left.

#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::training::{Memory, Own, Parties, agreement, own};
use privet_deploy::Error;
use privet_deploy::oip::Host as _;
use privet_deploy::train::agreement::{Agreement, Arrangement, PrivacyChoice};
use privet_deploy::train::owner::Weights;
use privet_deploy::train::store::Store as _;
use privet_deploy::train::wire::{Ask, StateId};
use privet_mpc::world::World;

/// Where a party waits for one that will not come, the test does not end.
fn patient(seed: u64) -> World {
    World::new(seed).deadline(Duration::from_secs(3600))
}

fn untagged(own: Own) -> Own {
    Own { tags: Vec::new(), ..own }
}

fn given(agreement: &Agreement, world: World) -> Parties {
    let parties = Parties::new(agreement, world);
    for (owner, seed) in [("bank", 1), ("bureau", 2)] {
        parties.give(owner, &untagged(own(seed, 64, 0)));
    }
    parties
}

/// 16 rows a batch, of 96 that train: 6 steps an epoch.
fn horizontal() -> Agreement {
    agreement(Arrangement::Horizontal)
}

fn codes<T>(answers: Vec<Result<T, Error>>) -> Vec<&'static str> {
    answers.into_iter().map(|answer| answer.err().map_or("", |e| e.code)).collect()
}

fn judge(parties: &Parties, of: StateId) -> Ask {
    Ask::Judge { of: of.id, nonce: parties.nonce() }
}

#[test]
fn one_state_of_each_step_is_judged_and_only_that_is_the_best() {
    let parties = given(&horizontal(), World::new(1));
    let start = parties.run(parties.data().digest, 2);
    let one = parties.run(start.id, 4);
    parties.ask("bank", &judge(&parties, one));
    // The same steps again, from a state of before: another run, whose judgement would tell what chance did.
    let other = parties.run(start.id, 4);
    assert!(one.step == other.step && one.id != other.id);
    assert_eq!(parties.refused("bank", &judge(&parties, other)), "E355");
    assert_eq!(parties.refused("bank", &Ask::Best { of: other.id }), "E355");
    // It goes on, and the next judgement is one again; a lead that forgot it may ask again.
    let next = parties.run(other.id, 6);
    for _ in 0..2 {
        parties.ask("bank", &judge(&parties, next));
    }
    parties.ask("bank", &Ask::Best { of: next.id });
    let last = parties.run(next.id, 6);
    parties.ask("bank", &judge(&parties, last));
    parties.ask("bank", &judge(&parties, next));
    parties.ask("bank", &Ask::Finish { of: next.id });
}

#[test]
fn a_training_ends_when_it_was_agreed_on_and_not_before() {
    let mut agreement = horizontal();
    agreement.training.patience = Some(1);
    let parties = given(&agreement, World::new(2));
    let one = parties.run(parties.data().digest, 6);
    parties.ask("bank", &judge(&parties, one));
    parties.ask("bank", &Ask::Best { of: one.id });
    assert_eq!(parties.refused("bank", &Ask::Finish { of: one.id }), "E355");
    let two = parties.run(one.id, 6);
    assert_eq!(parties.refused("bank", &Ask::Finish { of: two.id }), "E355", "it is not the best");
    parties.ask("bank", &Ask::Finish { of: one.id });

    agreement.training.patience = None;
    agreement.training.validation = 0.0;
    let parties = given(&agreement, World::new(2));
    let one = parties.run(parties.data().digest, 8);
    assert_eq!(parties.refused("bank", &Ask::Finish { of: one.id }), "E355");
    let last = parties.run_on(one.id, one.step);
    parties.ask("bank", &Ask::Finish { of: last.id });
}

/// The lead lets parties end with different states: what they would open together is no model, and they never meet.
#[test]
fn parties_that_ended_differently_open_nothing() {
    let parties = given(&horizontal(), patient(3));
    let one = parties.run(parties.data().digest, 6);
    let two = parties.run(one.id, 6);
    parties.ask("bank", &judge(&parties, one));
    parties.ask("bank", &Ask::Best { of: one.id });
    parties.ask("bank", &judge(&parties, two));
    let last = parties.run(two.id, 6);
    let at = |host: usize, ask: Ask| {
        let call = ask.call("risk", Vec::new());
        parties.hosts[host].infer(privet_deploy::oip::InferRequest { caller: Some("bank".into()), ..call })
    };
    parties.ask("bank", &judge(&parties, last));
    at(0, Ask::Finish { of: one.id }).unwrap();
    for host in [1, 2] {
        at(host, Ask::Best { of: last.id }).unwrap();
        at(host, Ask::Finish { of: last.id }).unwrap();
    }
    assert_eq!(codes(parties.try_ask("bank", &parties.for_model(one))), ["E320", "E353", "E353"]);
    assert_eq!(codes(parties.try_ask("bank", &parties.for_model(last))), ["E353", "E320", "E320"]);
}

/// The same call again is another run, by the name that follows from what the parties drew.
#[test]
fn a_replayed_call_is_another_run() {
    let parties = given(&horizontal(), World::new(4));
    let ask = Ask::Run { from: parties.data().digest, steps: 3, nonce: parties.nonce() };
    let states = [0, 1].map(|_| {
        parties.ask("bank", &ask);
        parties.statuses()[0].states.last().copied().unwrap()
    });
    assert!(states[0].id != states[1].id && states[0].step == states[1].step);
    assert!(parties.statuses().iter().all(|status| status.states == [states[1]]));
}

/// A call that one party refuses, or its server, ends at once for the others.
#[test]
fn what_one_party_refuses_does_not_keep_the_others() {
    let parties = given(&horizontal(), patient(5));
    let first = parties.run(parties.data().digest, 2);
    let before: Vec<_> = parties.stores[1].files();
    let second = parties.run(first.id, 2);
    let stores = parties.stores.clone();
    drop(parties);
    // Party 1 comes back with a folder of before.
    for (name, bytes) in before {
        stores[1].put(&name, &bytes).unwrap();
    }
    let parties = Parties::of(&horizontal(), patient(5), stores);
    let from_second = Ask::Run { from: second.id, steps: 2, nonce: parties.nonce() };
    assert_eq!(codes(parties.try_ask("bank", &from_second)), ["E320", "E353", "E320"]);
    let from_first = Ask::Run { from: first.id, steps: 2, nonce: parties.nonce() };
    let call = || privet_deploy::oip::InferRequest {
        caller: Some("bank".into()),
        ..from_first.call("risk", Vec::new())
    };
    let answers = std::thread::scope(|scope| {
        let others = [0, 2].map(|at: usize| (&parties.hosts[at], call()));
        let others = others.map(|(host, call)| scope.spawn(move || host.infer(call)));
        parties.hosts[1].decline(call());
        others.map(|thread| thread.join().unwrap())
    });
    assert_eq!(codes(answers.into()), ["E320", "E320"]);
    parties.run(first.id, 2);
}

#[test]
fn an_owner_whose_last_word_reached_two_parties_can_say_it_again_or_begin_anew() {
    let agreement = horizontal();
    for restarted in [false, true] {
        let parties = Parties::new(&agreement, World::new(6));
        parties.give("bank", &untagged(own(1, 64, 0)));
        parties.ask("bank", &Ask::Complete { rows: 64 });
        assert_eq!(parties.refused("bank", &Ask::Complete { rows: 63 }), "E352");
        let bureau = untagged(own(2, 64, 0));
        parties.ask("bureau", &Ask::Begin);
        for calls in parties.chunks("bureau", &bureau, 50) {
            parties.call("bureau", calls).into_iter().for_each(|reply| drop(reply.unwrap()));
        }
        let complete = Ask::Complete { rows: 64 }.call("risk", Vec::new());
        for host in &parties.hosts[..2] {
            let call = privet_deploy::oip::InferRequest { caller: Some("bureau".into()), ..complete.clone() };
            host.infer(call).unwrap();
        }
        let parties = if restarted {
            let stores = parties.stores.clone();
            drop(parties);
            let parties = Parties::of(&agreement, World::new(6), stores);
            assert_eq!(codes(parties.try_ask("bureau", &Ask::Complete { rows: 64 })), ["", "", "E352"]);
            parties.give("bureau", &bureau);
            parties
        } else {
            parties.ask("bureau", &Ask::Complete { rows: 64 });
            parties
        };
        let state = parties.run(parties.data().digest, 1);
        assert_eq!(parties.refused("bureau", &Ask::Begin), "E352", "it was computed on");
        assert_eq!(parties.statuses()[2].states, [state]);
    }
}

#[test]
fn rows_that_differ_between_parties_are_trained_on_by_nobody_and_tell_whose_they_are() {
    let agreement = horizontal();
    let parties = Parties::new(&agreement, World::new(7).deadline(Duration::from_millis(200)));
    parties.give("bank", &untagged(own(1, 64, 0)));
    parties.ask("bureau", &Ask::Begin);
    let [one, other] = [50, 90].map(|seed| parties.chunks("bureau", &untagged(own(2, 64, 0)), seed));
    for (one, other) in one.into_iter().zip(other) {
        let ([a, _, _], [_, b, c]) = (one, other);
        parties.call("bureau", [a, b, c]).into_iter().for_each(|reply| drop(reply.unwrap()));
    }
    parties.ask("bureau", &Ask::Complete { rows: 64 });
    let statuses = parties.statuses();
    let digests = |owner: usize| statuses.iter().map(|s| s.offers[owner].digest.unwrap()).collect::<Vec<_>>();
    assert!(digests(0).iter().all(|digest| *digest == digests(0)[0]));
    assert!(digests(1)[0] != digests(1)[1] && digests(1)[1] == digests(1)[2]);
    let from = statuses[1].data.unwrap().digest;
    assert_ne!(from, statuses[0].data.unwrap().digest);
    let ran = parties.try_ask("bank", &Ask::Run { from, steps: 1, nonce: parties.nonce() });
    assert_eq!(codes(ran), ["E353", "E320", "E320"]);
}

#[test]
fn an_owner_gives_no_more_rows_than_was_agreed_on_and_a_full_disk_loses_none() {
    let mut agreement = agreement(Arrangement::VerticalByTags);
    let parties = Parties::new(&agreement, World::new(8));
    parties.ask("bank", &Ask::Begin);
    let calls = parties.chunks("bank", &own(1, 1001, 0), 50);
    assert_eq!(codes(parties.call("bank", calls.into_iter().next().unwrap())), ["E106"; 3]);
    let calls = parties.chunks("bank", &own(1, 100, 0), 60).into_iter().next().unwrap();
    parties.stores[1].is_full.store(true, Ordering::Relaxed);
    assert_eq!(codes(parties.call("bank", calls.clone())), ["", "E144", ""]);
    parties.stores[1].is_full.store(false, Ordering::Relaxed);
    assert_eq!(codes(parties.call("bank", calls)), ["E352", "", "E352"]);
    parties.ask("bank", &Ask::Complete { rows: 100 });
    let bureau = Own { labels: Vec::new(), ..own(2, 100, 0) };
    parties.give("bureau", &bureau);
    assert_eq!(parties.data().rows, 100);

    agreement.most_rows = 0;
    assert_eq!(agreement.check().unwrap_err().code, "E350");
}

#[test]
fn an_owner_may_have_the_label_and_nothing_else() {
    let mut agreement = agreement(Arrangement::VerticalInOrder);
    agreement.owners[0].columns.clear();
    let parties = Parties::new(&agreement, World::new(9));
    parties.give("bank", &Own { values: Vec::new(), ..untagged(own(1, 64, 0)) });
    parties.give("bureau", &Own { labels: Vec::new(), ..untagged(own(1, 64, 0)) });
    let state = parties.run_all();
    parties.finish(state);
    let model = Weights::of(&agreement, &parties.ask("bank", &parties.for_model(state))).unwrap();
    assert!(model.weights.len() == 3 && model.weights[0] > 0.1, "{:?}", model.weights);
}

/// A party that is at a computation, or whose memory is taken, still says how far it is, and takes rows.
#[test]
fn only_what_computes_takes_memory() {
    let parties = given(&horizontal(), World::new(10));
    let memory = |ask: &Ask| parties.hosts[0].memory(&ask.call("risk", Vec::new()));
    for ask in [Ask::Status, Ask::Begin, Ask::Rows, Ask::Complete { rows: u64::MAX }] {
        assert_eq!(memory(&ask), 0);
    }
    let (from, nonce) = (parties.data().digest, parties.nonce());
    let run = memory(&Ask::Run { from, steps: u64::MAX, nonce });
    assert!((16 * 4 * 16..1 << 20).contains(&run), "{run}");
    assert!(memory(&Ask::Judge { of: from, nonce }) > 0);
}

/// Each file of a party, changed at many places: it does not begin, or does not use it, and says so.
#[test]
fn damaged_files_are_refused() {
    let agreement = agreement(Arrangement::VerticalByTags);
    let parties = Parties::new(&agreement, World::new(11));
    parties.give("bank", &own(1, 64, 0));
    parties.give("bureau", &Own { labels: Vec::new(), ..own(2, 64, 0) });
    let state = parties.run(parties.data().digest, 2);
    let stores = parties.stores.clone();
    drop(parties);
    let progress = stores[1].get("progress.json").unwrap().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for (name, bytes) in stores[1].files() {
        kinds.insert(name.split('-').next().unwrap().to_owned());
        for damaged in damages(&bytes) {
            // The digits of a name are the same ones in capitals: that changed nothing.
            if name == "progress.json" && damaged.eq_ignore_ascii_case(&bytes) {
                continue;
            }
            stores[1].put(&name, &damaged).unwrap();
            let began = Parties::try_of(&agreement, patient(11), stores.clone());
            if name.starts_with("state-") {
                let parties = began.unwrap();
                let run = Ask::Run { from: state.id, steps: 1, nonce: parties.nonce() };
                assert_eq!(codes(parties.try_ask("bank", &run)), ["E320", "E356", "E320"], "{name}");
                // It is given up, and so the training goes on from another that all have: here, the beginning.
                assert!(parties.statuses()[1].states.is_empty());
                stores[1].put("progress.json", &progress).unwrap();
            } else {
                assert_eq!(began.err().map(|e| e.code), Some("E356"), "{name}");
            }
        }
        stores[1].put(&name, &bytes).unwrap();
    }
    assert!(kinds.into_iter().eq(["offer", "progress.json", "rows", "state", "tags"]));
    Parties::of(&agreement, World::new(11), stores).run(state.id, 1);
}

/// One bit of each of some places, less of it, and none.
fn damages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flipped = |at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 7);
        changed
    };
    let places = (0..bytes.len()).step_by((bytes.len() / 24).max(1));
    let shorter = [bytes.len() - 1, bytes.len() / 2, 0].map(|length| bytes[..length].to_vec());
    places.map(flipped).chain(shorter).collect()
}

/// A party that goes on with other shares than it has changes what it computes; where parties may cheat, that is found out.
#[test]
fn a_party_that_alters_its_folder_is_found_out() {
    let mut agreement = horizontal();
    agreement.protocol = "replicated3-malicious".into();
    let parties = given(&agreement, patient(12));
    let state = parties.run(parties.data().digest, 2);
    let stores = parties.stores.clone();
    drop(parties);
    for name in [format!("state-{}", state.id), "rows-0".into()] {
        let honest = stores[1].get(&name).unwrap().unwrap();
        let parties = Parties::of(&agreement, patient(12), stores.clone());
        stores[1].put(&name, &altered(&name, state, &honest)).unwrap();
        let ran =
            codes(parties.try_ask("bank", &Ask::Run { from: state.id, steps: 1, nonce: parties.nonce() }));
        assert!(ran[0] == "E514" || ran[2] == "E514", "{name}: {ran:?}");
        for at in [0, 2] {
            assert_eq!(parties.statuses()[at].states, [state], "{name}: {ran:?}");
        }
        stores[1].put(&name, &honest).unwrap();
    }
    Parties::of(&agreement, World::new(12), stores).run(state.id, 1);
}

/// All words of it are others; with the digest that a state has.
fn altered(name: &str, state: StateId, bytes: &[u8]) -> Vec<u8> {
    if !name.starts_with("state-") {
        return bytes.iter().map(|byte| byte ^ 3).collect();
    }
    let mut words: Vec<u8> = bytes[..bytes.len() - 32].iter().map(|byte| byte ^ 3).collect();
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 state of a training");
    hasher.update(&state.id.0).update(&state.step.to_le_bytes()).update(&words);
    words.extend_from_slice(hasher.finalize().as_bytes());
    words
}

/// A folder from before the end cannot be trained on: the others know that it is over.
#[test]
fn a_party_with_an_old_folder_does_not_open_a_second_model() {
    let parties = given(&horizontal(), patient(13));
    let old = parties.stores[2].files();
    let state = parties.run_all();
    parties.finish(state);
    let stores =
        [Arc::clone(&parties.stores[0]), Arc::clone(&parties.stores[1]), Arc::new(Memory::default())];
    for (name, bytes) in old {
        stores[2].put(&name, &bytes).unwrap();
    }
    let parties = Parties::of(&horizontal(), patient(13), stores);
    let run = Ask::Run { from: parties.data().digest, steps: 1, nonce: parties.nonce() };
    assert_eq!(codes(parties.try_ask("bank", &run)), ["E354", "E354", "E320"]);
    assert_eq!(codes(parties.try_ask("bank", &parties.for_model(state))), ["E320", "E320", "E353"]);
}

/// Whatever stands in an agreement, it is one that can be followed, or refused in no time.
#[test]
fn agreements_that_cannot_be_followed_are_refused() {
    let refused = |change: &dyn Fn(&mut Agreement)| {
        let mut agreement = horizontal();
        change(&mut agreement);
        let error = agreement.check().err();
        assert_eq!(error.as_ref().map(|e| e.code), Some("E350"), "{agreement:?}");
    };
    for x in [f64::NAN, f64::INFINITY, -1.0, f64::MIN_POSITIVE.copysign(-1.0)] {
        refused(&|a| a.training.rate = x);
        refused(&|a| a.training.l2 = x);
        refused(&|a| a.training.validation = x);
        refused(&|a| a.model.largest = x);
        refused(&|a| a.model.most_weight = x);
        let privacy = PrivacyChoice { multiplier: 1.0, norm: 2.0, delta: 1e-5 };
        refused(&|a| a.privacy = Some(PrivacyChoice { delta: x, ..privacy }));
        refused(&|a| a.privacy = Some(PrivacyChoice { norm: x.abs().min(1.0), ..privacy }));
        refused(&|a| a.privacy = Some(PrivacyChoice { multiplier: x, ..privacy }));
    }
    refused(&|a| a.privacy = Some(PrivacyChoice { multiplier: 1e-300, norm: 2.0, delta: 1e-5 }));
    for n in [0, usize::MAX] {
        refused(&|a| a.training.batch = n);
        refused(&|a| a.most_rows = n);
        refused(&|a| a.training.epochs = n as u64);
        refused(&|a| a.training.steps_at_once = n as u64);
    }
    refused(&|a| a.training.judge_every = Some(0));
    refused(&|a| a.training.patience = Some(0));
    refused(&|a| a.columns.clear());
    refused(&|a| a.columns.push("a".into()));
    refused(&|a| a.columns.push("a\u{1b}[2J".into()));
    refused(&|a| a.name = "risk\n".into());
    refused(&|a| drop(a.parties.pop()));
    refused(&|a| a.lead = "nobody".into());
    // A schedule without an end that matters asks for no more than a number.
    let mut long = horizontal();
    (long.training.judge_every, long.training.patience) = (Some(u64::MAX), Some(u64::MAX));
    let parties = given(&long, World::new(14));
    let state = parties.run(parties.data().digest, 8);
    assert_eq!(parties.refused("bank", &Ask::Finish { of: state.id }), "E355");
}
