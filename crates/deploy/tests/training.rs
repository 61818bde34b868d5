//! A training between hosts and owners in one process: it gives what float64 gives, goes on after a crash, and opens what was agreed on.

#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::training::{Own, Parties, agreement, in_the_clear, own};
use privet_deploy::bundle::PartyFile;
use privet_deploy::caller::Caller as _;
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::Host as _;
use privet_deploy::train::agreement::{Agreement, Arrangement, Outcome};
use privet_deploy::train::order::Order;
use privet_deploy::train::owner::{Judgement, Weights};
use privet_deploy::train::result::public;
use privet_deploy::train::store::Store as _;
use privet_deploy::train::wire::Ask;
use privet_model::tensor::{Data, Tensor};
use privet_model::training::Optimiser;
use privet_mpc::role::Role;
use privet_mpc::world::World;
use privet_tee::statement::Hex;

use crate::common::entropy;

/// Rows of both owners as one table with a column of ones, as they are aligned.
fn table(agreement: &Agreement, bank: &Own, bureau: &Own) -> (Vec<f64>, Vec<f64>) {
    let rows = |own: &Own| own.values.chunks_exact(3).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let (of_bank, of_bureau) = (rows(bank), rows(bureau));
    let ones = |row: Vec<f64>| row.into_iter().chain([1.0]);
    match agreement.arrangement {
        Arrangement::Horizontal => (
            of_bank.into_iter().chain(of_bureau).flat_map(ones).collect(),
            bank.labels.iter().chain(&bureau.labels).copied().collect(),
        ),
        Arrangement::VerticalInOrder => {
            let both =
                of_bank.into_iter().zip(of_bureau).flat_map(|(a, b)| a.into_iter().chain(b).chain([1.0]));
            (both.collect(), bank.labels.clone())
        }
        Arrangement::VerticalByTags => {
            let mut common: Vec<_> = bank.tags.iter().filter(|tag| bureau.tags.contains(tag)).collect();
            common.sort_unstable();
            let place = |own: &Own, tag| own.tags.iter().position(|other| *other == tag).unwrap();
            let (mut values, mut labels) = (Vec::new(), Vec::new());
            for tag in common {
                let (at, other) = (place(bank, *tag), place(bureau, *tag));
                values.extend(of_bank[at].iter().chain(&of_bureau[other]).copied().chain([1.0]));
                labels.push(bank.labels[at]);
            }
            (values, labels)
        }
    }
}

fn gave(agreement: &Agreement, world: World) -> (Parties, Own, Own) {
    let (bank, mut bureau) = (own(1, 300, 0), own(2, 300, 100));
    if agreement.arrangement != Arrangement::Horizontal {
        bureau.labels.clear();
    }
    let parties = Parties::new(agreement, world);
    let tagged =
        |own: &Own| if agreement.has_tags() { own.clone() } else { Own { tags: Vec::new(), ..own.clone() } };
    parties.give("bank", &tagged(&bank));
    parties.give("bureau", &tagged(&bureau));
    (parties, bank, bureau)
}

fn model(parties: &Parties) -> Weights {
    let finished = parties.statuses()[0].finished.unwrap();
    let replies = parties.ask("bank", &parties.for_model(finished));
    Weights::of(&parties.agreement, &replies).unwrap()
}

/// How far the opened weights are from those in the clear.
fn distance(parties: &Parties, bank: &Own, bureau: &Own) -> f64 {
    let (values, labels) = table(&parties.agreement, bank, bureau);
    let expected = in_the_clear(&parties.agreement, &values, &labels);
    let Weights { mut weights, intercept } = model(parties);
    weights.push(intercept);
    assert!(expected.weights[0] > 0.3, "it learned something: {:?}", expected.weights);
    weights.iter().zip(&expected.weights).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn weights_are_those_of_float64_however_rows_belong_together() {
    let adam = Optimiser::Adam { first: 0.9, second: 0.999 };
    for arrangement in [Arrangement::Horizontal, Arrangement::VerticalInOrder, Arrangement::VerticalByTags] {
        for (protocol, optimiser, rate) in [
            ("replicated3", Optimiser::Sgd, 0.5),
            ("replicated3", adam, 0.05),
            ("replicated3-malicious", Optimiser::Sgd, 0.5),
        ] {
            let mut agreement = agreement(arrangement);
            agreement.protocol = protocol.into();
            (agreement.training.optimiser, agreement.training.rate) = (optimiser, rate);
            let (parties, bank, bureau) = gave(&agreement, World::new(1));
            let rows = if agreement.has_tags() {
                200
            } else if arrangement == Arrangement::Horizontal {
                600
            } else {
                300
            };
            assert_eq!(parties.data().rows, rows);
            let state = parties.run_all();
            parties.finish(state);
            let off = distance(&parties, &bank, &bureau);
            println!("{arrangement:?} {protocol} {optimiser:?}: {} steps, off by {off:.2e}", state.step);
            assert!(off < 2e-3, "{off}");
        }
    }
}

#[test]
fn judgements_are_those_of_float64() {
    for protocol in ["replicated3", "replicated3-malicious"] {
        let mut agreement = agreement(Arrangement::Horizontal);
        agreement.protocol = protocol.into();
        let (parties, bank, bureau) = gave(&agreement, World::new(2));
        let state = parties.run_all();
        let data = parties.data();
        let replies = parties.ask("bank", &Ask::Judge { of: state.id, nonce: parties.nonce() });
        let judged = Judgement::of(&agreement, &replies, data.judging).unwrap();
        parties.finish(state);
        let Weights { weights, intercept } = model(&parties);
        let (values, labels) = table(&agreement, &bank, &bureau);
        let order = Order::new(&agreement.training, labels.len());
        let score = |row: &u32| {
            let row = &values[*row as usize * 4..][..3];
            row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() + intercept
        };
        let scored: Vec<(f64, f64)> =
            order.judging().iter().map(|row| (score(row), labels[*row as usize])).collect();
        let loss =
            scored.iter().map(|(z, y)| (1.0 + z.exp()).ln() - y * z).sum::<f64>() / scored.len() as f64;
        let pairs = scored.iter().filter(|(_, y)| *y > 0.5).flat_map(|(one, _)| {
            scored.iter().filter(|(_, y)| *y < 0.5).map(move |(zero, _)| f64::from(u8::from(one > zero)))
        });
        let pairs: Vec<f64> = pairs.collect();
        let auc = pairs.iter().sum::<f64>() / pairs.len() as f64;
        println!("{protocol}: {judged:?}, {loss}, {auc}");
        assert!((judged.loss - loss).abs() < 1e-3 && (judged.auc.unwrap() - auc).abs() < 0.01);
    }
}

#[test]
fn a_model_that_is_kept_as_shares_answers_without_being_opened() {
    for protocol in ["replicated3", "replicated3-malicious"] {
        let mut agreement = agreement(Arrangement::Horizontal);
        agreement.protocol = protocol.into();
        let opened = agreement.clone();
        agreement.result = Outcome::KeptAsShares;
        let (parties, bank, bureau) = gave(&agreement, World::new(3));
        let state = parties.run_all();
        parties.finish(state);
        assert_eq!(parties.refused("bank", &parties.for_model(state)), "E351");
        let halves = parties.statuses().into_iter().map(|status| status.half.unwrap()).collect();
        let bundle = public(&agreement, halves, &mut entropy(1)).unwrap();
        // Another model's public half is refused.
        let other = public(&opened, vec!["x".into(); 3], &mut entropy(1)).unwrap();
        assert_eq!(parties.refused("bank", &Ask::Bundle { public: other.json().into() }), "E501");
        parties.ask("bank", &Ask::Bundle { public: bundle.json().into() });

        let caller = MpcCaller::new(&bundle).unwrap();
        let rows: Vec<f64> = own(9, 50, 0).values;
        let tensors = vec![Tensor::new(50, 3, Data::F64(rows.clone())).unwrap()];
        let mut jobs = caller.jobs(Arc::new(tensors), &mut entropy(2)).unwrap();
        let asked = jobs.remove(0).ask(&mut entropy(3)).unwrap();
        let keys = World::new(3).keys();
        let replies = Role::ALL.iter().zip(&asked.messages).map(|(role, message)| {
            let file =
                parties.stores[role.index()].files().into_iter().find(|(name, _)| name.ends_with(".bundle"));
            let file: PartyFile = serde_json::from_slice(&file.unwrap().1).unwrap();
            let (public, role, secret) = file.open().unwrap();
            let entropy = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
            let host =
                PartyHost::new(&public, role, secret, keys[role.index()].clone(), None, entropy).unwrap();
            host.infer(message.clone()).unwrap()
        });
        let answer = asked.pending.answer(replies.collect()).unwrap();
        let (values, labels) = table(&agreement, &bank, &bureau);
        let expected = in_the_clear(&agreement, &values, &labels);
        let bound = caller.bound().unwrap();
        for (row, score) in rows.chunks_exact(3).zip(&answer.scores) {
            let z: f64 = row.iter().chain(&[1.0]).zip(&expected.weights).map(|(x, w)| x * w).sum();
            assert!((z - score).abs() < bound + 2e-3, "{z} {score} {bound}");
        }
        println!("{protocol}: bound {bound}");
    }
}

/// Every opening of a training, by whom it can be had: all that parties answer beside shares, and nothing else.
#[test]
fn only_what_was_agreed_on_is_opened() {
    let agreement = agreement(Arrangement::Horizontal);
    let (parties, ..) = gave(&agreement, World::new(4));
    let data = parties.data();
    let nonce = || parties.nonce();
    // Nobody who is no owner, and no owner who is not the lead, drives or judges.
    for ask in [
        Ask::Run { from: data.digest, steps: 1, nonce: nonce() },
        Ask::Judge { of: data.digest, nonce: nonce() },
        Ask::Best { of: data.digest },
        Ask::Finish { of: data.digest },
        Ask::Bundle { public: String::new() },
    ] {
        assert_eq!(parties.refused("bureau", &ask), "E351");
        assert_eq!(parties.refused("anyone", &ask), "E351");
    }
    assert_eq!(parties.refused("anyone", &Ask::Status), "E351");
    assert_eq!(parties.refused("anyone", &Ask::Begin), "E351");
    // No judgement between those of the agreement, no steps beyond it, and rows are as they were given.
    let state = parties.run(data.digest, 1);
    for of in [data.digest, state.id] {
        assert_eq!(parties.refused("bank", &Ask::Judge { of, nonce: nonce() }), "E355");
    }
    for (from, steps) in [(data.digest, 0), (data.digest, 9), (data.digest, u64::MAX)] {
        assert_eq!(parties.refused("bank", &Ask::Run { from, steps, nonce: nonce() }), "E355");
    }
    assert_eq!(parties.refused("bank", &Ask::Run { from: Hex([9; 32]), steps: 1, nonce: nonce() }), "E353");
    assert_eq!(parties.refused("bank", &Ask::Begin), "E352");
    // The model is opened to the bank, and not before the end, which comes when it was agreed on.
    assert_eq!(parties.refused("bureau", &parties.for_model(state)), "E351");
    assert_eq!(parties.refused("bank", &parties.for_model(state)), "E352");
    for ask in [Ask::Best { of: state.id }, Ask::Finish { of: state.id }] {
        assert_eq!(parties.refused("bank", &ask), "E355");
    }
    let last = parties.run_on(state.id, state.step);
    assert_eq!(parties.refused("bank", &Ask::Finish { of: last.id }), "E355", "it was not judged");
    parties.finish(last);
    for ask in [
        Ask::Run { from: last.id, steps: 1, nonce: nonce() },
        Ask::Best { of: last.id },
        Ask::Finish { of: data.digest },
    ] {
        assert_eq!(parties.refused("bank", &ask), "E354");
    }
    assert_eq!(parties.refused("bank", &Ask::Bundle { public: String::new() }), "E352");
    assert_eq!(parties.refused("bureau", &parties.for_model(last)), "E351");
    parties.ask("bank", &parties.for_model(last));
    // What answers hold besides shares is named by a type without room for more.
    for reply in parties.ask("bureau", &Ask::Status) {
        assert_eq!(reply.outputs.len(), 1);
    }
}

#[test]
fn a_crash_loses_the_last_steps_at_most() {
    let agreement = agreement(Arrangement::VerticalByTags);
    let (parties, bank, bureau) = gave(&agreement, World::new(5));
    let first = parties.run(parties.data().digest, 8);
    let before: Vec<_> = parties.stores.iter().map(|store| store.files()).collect();
    parties.run(first.id, 1);
    // Party 1 crashed before it had kept the second state.
    let stores = parties.stores.clone();
    drop(parties);
    for (name, _) in stores[1].files() {
        stores[1].remove(&name).unwrap();
    }
    for (name, bytes) in &before[1] {
        stores[1].put(name, bytes).unwrap();
    }
    let parties = Parties::of(&agreement, World::new(5), stores);
    let states: Vec<_> = parties.statuses().into_iter().map(|status| status.states).collect();
    assert_eq!((states[0].len(), states[1].len()), (2, 1));
    assert_eq!(states[0][0], states[1][0]);
    // All have the first one, and go on from there.
    let (mut at, steps) = (first, parties.data().steps);
    let every = parties.data().batches;
    while at.step < steps {
        let next = ((at.step / every + 1) * every).min(steps);
        at = parties.run(at.id, 8.min(next - at.step));
    }
    parties.finish(at);
    assert!(distance(&parties, &bank, &bureau) < 2e-3);
}

#[test]
fn a_party_that_changes_messages_is_found_out() {
    let mut agreement = agreement(Arrangement::Horizontal);
    agreement.protocol = "replicated3-malicious".into();
    let cheats = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let on = Arc::clone(&cheats);
    let world = World::new(6).deadline(Duration::from_millis(500)).adversary(move |mut passing| {
        let is_product =
            passing.from.index() == 1 && passing.path.contains("matmul") || passing.path.contains("truncate");
        let is_on = on.load(std::sync::atomic::Ordering::Relaxed) && is_product && passing.from.index() == 1;
        if is_on && let Some(byte) = passing.bytes.last_mut() {
            *byte ^= 1;
        }
        Some(passing.bytes)
    });
    let (parties, ..) = gave(&agreement, world);
    let digest = parties.data().digest;
    cheats.store(true, std::sync::atomic::Ordering::Relaxed);
    let answers = parties.try_ask("bank", &Ask::Run { from: digest, steps: 2, nonce: parties.nonce() });
    for at in [0, 2] {
        let error = answers[at].as_ref().err().unwrap();
        println!("{error}");
        assert!(["E514", "E320"].contains(&error.code), "{error}");
    }
    assert!(answers.iter().any(|answer| answer.as_ref().is_err_and(|e| e.code == "E514")));
    // Nothing of it was kept by who is honest, and without cheats it goes on.
    cheats.store(false, std::sync::atomic::Ordering::Relaxed);
    for at in [0, 2] {
        assert!(parties.statuses()[at].states.is_empty());
    }
    parties.run(digest, 2);
}

#[test]
fn rows_that_do_not_fit_are_refused_and_can_be_given_again() {
    let agreement = agreement(Arrangement::VerticalInOrder);
    let parties = Parties::new(&agreement, World::new(7));
    let own = |rows, labels| {
        let own = own(1, rows, 0);
        Own { tags: Vec::new(), labels: if labels { own.labels } else { Vec::new() }, values: own.values }
    };
    parties.give("bank", &own(100, true));
    parties.ask("bureau", &Ask::Begin);
    assert_eq!(parties.refused("bureau", &Ask::Complete { rows: 0 }), "E352");
    assert_eq!(parties.refused("bureau", &Ask::Complete { rows: 5 }), "E352");
    assert_eq!(parties.refused("bank", &Ask::Judge { of: Hex([0; 32]), nonce: parties.nonce() }), "E352");
    let short =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parties.give("bureau", &own(99, false))));
    assert!(short.is_err(), "99 rows beside 100");
    assert!(parties.statuses()[0].data.is_none());
    parties.give("bureau", &own(100, false));
    assert_eq!(parties.data().rows, 100);
}
