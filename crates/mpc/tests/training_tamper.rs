//! Training with one cheating party, in every message that it sends: the others learn that before they keep or open anything, or what they have is
//! right.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::cheating::{Change, Cheat, messages};
use common::entropy;
use common::gates::{given, opened};
use common::party::Party;
use common::training::{ADAM, Trained, data, encoded, recipe};
use privet_model::training::numbers::{Numbers, RING, ROWS};
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::Abort;
use privet_mpc::protocols::replicated3::{Replicated, Replicated3};
use privet_mpc::protocols::replicated3_malicious::{Malicious3, open};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::session::{OutputShare, Session};
use privet_mpc::train::{Batch, State, Trains, settle, step};
use privet_mpc::world::World;

const LONG: Duration = Duration::from_secs(3);

/// A changed bit, a number added, an old message, and another length.
const CHANGES: [Change; 4] = [Change::Flip, Change::Add, Change::Replay, Change::Length];

fn numbers(optimiser: Optimiser) -> Numbers {
    let small = Recipe { columns: 2, batch: 3, run: 2, ..recipe(optimiser, Loss::Logistic) };
    Numbers::plan(small).unwrap()
}

/// Two steps, and what a party would keep of them.
fn trained<P: Trained>(numbers: &Numbers, session: Session) -> Result<(P, State<P::Share>), Abort> {
    let me = session.me();
    let entropy = &mut entropy(me.index() as u64);
    let (mut p, _) = <P as Trains>::begin(session, entropy)?;
    let mut state = State::new(&p, numbers.recipe.columns);
    for at in 0..2 {
        let (rows, labels) = data(&numbers.recipe, at);
        let rows = given::<P>(me, RING, 1, &encoded(&rows, ROWS));
        let labels = given::<P>(me, RING, 2, &encoded(&labels, 0));
        step(&mut p, numbers, &mut state, &Batch { rows, labels }, entropy)?;
    }
    settle(&mut p, numbers, &mut state)?;
    Ok((p, state))
}

fn ended<P: Trained>(world: &World, numbers: &Numbers) -> [Result<Replicated, Abort>; PARTIES] {
    world.run([5; 32], |session| {
        let (p, state) = trained::<P>(numbers, session)?;
        let kept = P::stored(&state.weights);
        p.end()?;
        Ok(kept)
    })
}

fn told<P: Trained>(world: &World, numbers: &Numbers) -> [Result<OutputShare, Abort>; PARTIES] {
    world.run([5; 32], |session| {
        let (p, state) = trained::<P>(numbers, session)?;
        p.open((&state.weights).into(), RING)
    })
}

/// Every message of every party, a change each.
fn each_message(messages: [usize; PARTIES]) -> impl Iterator<Item = Cheat> {
    Role::ALL.into_iter().flat_map(move |party| {
        (0..messages[party.index()]).map(move |message| {
            let change = CHANGES[(message + party.index()) % CHANGES.len()];
            Cheat { party, message, change, seed: 1000 * message as u64 + party.index() as u64 }
        })
    })
}

/// What two honest parties keep: all three components, of which they hold one both.
fn of_two(next: &Replicated, previous: &Replicated, cheat: Role) -> Option<Vec<u64>> {
    // The next party holds the components after that of the cheating one; the previous party the one before, and that.
    if next.next != previous.own {
        return None;
    }
    let forged = Replicated { k: RING, own: previous.next.clone(), next: next.own.clone() };
    let mut parts = [next.clone(), next.clone(), next.clone()];
    parts[cheat.index()] = forged;
    parts[cheat.previous().index()] = previous.clone();
    Some(opened(&parts))
}

#[test]
fn what_is_kept_after_a_run_is_right_whatever_one_party_sends() {
    for optimiser in [Optimiser::Sgd, ADAM] {
        let numbers = numbers(optimiser);
        let honest = ended::<Malicious3>(&World::new(1), &numbers).map(Result::unwrap);
        let expected = opened(&honest);
        let (mut stopped, mut right) = (0, 0);
        for cheat in each_message(messages(|world| drop(ended::<Malicious3>(world, &numbers)))) {
            let (party, message, change) = (cheat.party, cheat.message, cheat.change);
            let results = ended::<Malicious3>(&cheat.world(LONG), &numbers);
            let [next, previous] =
                [party.next(), party.previous()].map(|role| results[role.index()].as_ref());
            match (next, previous) {
                (Ok(next), Ok(previous)) => {
                    let got = of_two(next, previous, party);
                    assert_eq!(got.as_ref(), Some(&expected), "message {message} of {party}, {change:?}");
                    right += 1;
                }
                _ => stopped += 1,
            }
        }
        println!("{optimiser:?}: {stopped} stopped, {right} right");
        assert!(stopped > 20 * right && stopped > 100, "{stopped} stopped, {right} right");
    }
}

#[test]
fn what_is_opened_after_a_run_is_right_whatever_one_party_sends() {
    let numbers = numbers(Optimiser::Sgd);
    let honest = told::<Malicious3>(&World::new(1), &numbers).map(Result::unwrap);
    let expected = Malicious3::opened(honest.each_ref(), 2, RING).unwrap();
    let (mut stopped, mut right) = (0, 0);
    for cheat in each_message(messages(|world| drop(told::<Malicious3>(world, &numbers)))) {
        let (party, message, change) = (cheat.party, cheat.message, cheat.change);
        let results = told::<Malicious3>(&cheat.world(LONG), &numbers);
        let [next, previous] = [party.next(), party.previous()].map(|role| results[role.index()].as_ref());
        match (next, previous) {
            (Ok(next), Ok(previous)) => {
                // The cheating party can tell nothing but what both others do.
                let half = next.packed().len() / 2;
                let forged = [&previous.packed()[half..], &next.packed()[..half]].concat();
                let mut all = [next.packed(); PARTIES];
                all[party.index()] = &forged;
                all[party.previous().index()] = previous.packed();
                let got = open(all, 2, RING).ok();
                assert_eq!(got.as_ref(), Some(&expected), "message {message} of {party}, {change:?}");
                right += 1;
            }
            _ => stopped += 1,
        }
    }
    println!("{stopped} stopped, {right} right");
    assert!(stopped > 20 * right && stopped > 100, "{stopped} stopped, {right} right");
}

/// The same changes are seen by nobody among curious parties: so the tests above can fail.
#[test]
fn the_same_changes_make_wrong_weights_where_nobody_proves_anything() {
    let numbers = numbers(Optimiser::Sgd);
    let expected = opened(&ended::<Replicated3>(&World::new(1), &numbers).map(Result::unwrap));
    let mut wrong = 0;
    for cheat in each_message(messages(|world| drop(ended::<Replicated3>(world, &numbers)))) {
        if let [Ok(a), Ok(b), Ok(c)] = ended::<Replicated3>(&cheat.world(LONG), &numbers) {
            let sum = |i: usize| a.own[i].wrapping_add(b.own[i]).wrapping_add(c.own[i]);
            wrong += usize::from(expected != [sum(0), sum(1)]);
        }
    }
    assert!(wrong > 10, "{wrong}");
}
