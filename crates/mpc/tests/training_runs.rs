//! Runs of training: how they begin and end, what stays between them, what a step costs, and what it does with noise.

#![allow(clippy::unwrap_used)]

mod common;

use common::entropy;
use common::gates::{given, opened};
use common::training::{ADAM, Trained, data, encoded, recipe};
use privet_model::training::numbers::{Numbers, RATE, RING, ROWS, WEIGHTS};
use privet_model::training::{Loss, Optimiser, Privacy, Recipe, reference};
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::protocols::replicated3::{Replicated, Replicated3};
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::role::PARTIES;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, Stored, Trains, counts, loss, settle, step};
use privet_mpc::world::World;
use privet_ring::entropy::Entropy;
use privet_ring::fixed::{decode, power_of_two};
use privet_ring::prg::{Seed, Stream};

under_both!(
    a_run_has_a_name_of_its_own,
    what_is_kept_goes_on_in_another_run,
    what_is_opened_is_what_was_learnt
);

/// The same point, keys and shares, other draws: another name, and other masks on the same weights.
fn a_run_has_a_name_of_its_own<P: Trained>() {
    let numbers = Numbers::plan(recipe(Optimiser::Sgd, Loss::Logistic)).unwrap();
    let (rows, labels) = data(&numbers.recipe, 1);
    let run = |seed: u64| {
        let all = World::new(1).run([5; 32], |session: Session| {
            let me = session.me();
            let entropy = &mut entropy(seed + me.index() as u64);
            let (mut p, name) = <P as Trains>::begin(session, entropy)?;
            assert_eq!(p.ledger().rounds, 1);
            let mut state = State::new(&p, numbers.recipe.columns);
            let rows = given::<P>(me, RING, 1, &encoded(&rows, ROWS));
            let labels = given::<P>(me, RING, 2, &encoded(&labels, 0));
            step(&mut p, &numbers, &mut state, &Batch { rows, labels }, entropy)?;
            let weights = P::stored(&state.weights);
            p.end()?;
            Ok((name, weights))
        });
        all.map(Result::unwrap)
    };
    let (first, again, other) = (run(1), run(1), run(9));
    assert!(first.iter().all(|(name, _)| *name == first[0].0), "one name for all");
    assert_eq!((first[0].0, &first[0].1.own), (again[0].0, &again[0].1.own), "the same draws");
    assert_ne!(first[0].0, other[0].0);
    for (one, another) in first.iter().zip(&other) {
        assert_ne!(one.1.own[0], another.1.own[0], "a mask came again");
    }
}

fn kept(stored: &Stored) -> (Vec<u64>, u64) {
    let words = stored.parts.iter().flat_map(|part| [part.own.clone(), part.next.clone()]);
    (words.flatten().collect(), stored.step)
}

/// Two steps in a run each: the second begins where the first ended.
fn what_is_kept_goes_on_in_another_run<P: Trained>() {
    let numbers = Numbers::plan(recipe(ADAM, Loss::Logistic)).unwrap();
    let mut exact = reference::State::new(numbers.recipe.columns);
    let mut before: Option<[Stored; PARTIES]> = None;
    for at in 0..2 {
        let (rows, labels) = data(&numbers.recipe, at);
        let after = World::new(1).run([5; 32], |session: Session| {
            let me = session.me();
            let entropy = &mut entropy(10 * at + me.index() as u64);
            let (mut p, _) = <P as Trains>::begin(session, entropy)?;
            let mut state = match &before {
                None => State::new(&p, numbers.recipe.columns),
                Some(before) => {
                    let state = State::of_stored::<P>(before[me.index()].clone());
                    assert_eq!(kept(&state.stored::<P>()), kept(&before[me.index()]));
                    state
                }
            };
            let rows = given::<P>(me, RING, 1, &encoded(&rows, ROWS));
            let labels = given::<P>(me, RING, 2, &encoded(&labels, 0));
            step(&mut p, &numbers, &mut state, &Batch { rows, labels }, entropy)?;
            settle(&mut p, &numbers, &mut state)?;
            let stored = state.stored::<P>();
            p.end()?;
            Ok(stored)
        });
        let after = after.map(Result::unwrap);
        exact.step(&numbers, &rows, &labels);
        exact.settle(&numbers);
        assert_eq!(after[0].step, exact.step);
        let got = weights_of(&after.each_ref().map(|stored| stored.parts[0].clone()));
        for (got, exact) in got.iter().zip(&exact.weights) {
            assert!((got - exact).abs() < 1e-4, "{got}, not {exact}");
        }
        before = Some(after);
    }
}

fn weights_of(parts: &[Replicated; PARTIES]) -> Vec<f64> {
    opened(parts).into_iter().map(|w| decode(w, RING, WEIGHTS)).collect()
}

fn what_is_opened_is_what_was_learnt<P: Trained>() {
    let numbers = Numbers::plan(recipe(Optimiser::Sgd, Loss::Logistic)).unwrap();
    let (rows, labels) = data(&numbers.recipe, 1);
    let all = World::new(1).run([5; 32], |session: Session| {
        let me = session.me();
        let entropy = &mut entropy(me.index() as u64);
        let (mut p, _) = <P as Trains>::begin(session, entropy)?;
        let mut state = State::new(&p, numbers.recipe.columns);
        let rows = given::<P>(me, RING, 1, &encoded(&rows, ROWS));
        let labels = given::<P>(me, RING, 2, &encoded(&labels, 0));
        step(&mut p, &numbers, &mut state, &Batch { rows, labels }, entropy)?;
        let kept = P::stored(&state.weights);
        Ok((kept, p.open((&state.weights).into(), RING)?))
    });
    let all = all.map(Result::unwrap);
    let got = P::opened(all.each_ref().map(|(_, share)| share), numbers.recipe.columns, RING).unwrap();
    assert_eq!(got, opened(&all.each_ref().map(|(kept, _)| kept.clone())));
    assert!(got.iter().any(|w| *w != 0));
}

/// What something costs: rounds of each party, and the bytes of all.
fn cost(
    numbers: &Numbers,
    what: impl Fn(
        &mut Replicated3,
        &mut State<Replicated>,
        &Batch<Replicated>,
        &mut dyn Entropy,
    ) -> Result<(), Abort>
    + Sync,
) -> ([u32; PARTIES], usize) {
    let Recipe { columns, batch, .. } = numbers.recipe;
    let all = World::new(1).run([5; 32], |session: Session| {
        let me = session.me();
        let entropy = &mut entropy(me.index() as u64);
        let (mut p, _) = <Replicated3 as Trains>::begin(session, entropy)?;
        let mut state = State::new(&p, columns);
        let rows = given::<Replicated3>(me, RING, 1, &vec![7; columns * batch]);
        let labels = given::<Replicated3>(me, RING, 2, &vec![1; batch]);
        let before = p.ledger().clone();
        what(&mut p, &mut state, &Batch { rows, labels }, entropy)?;
        let after = p.end()?;
        Ok((after.rounds - before.rounds, after.bytes_between() - before.bytes_between()))
    });
    let all = all.map(Result::unwrap);
    (all.map(|(rounds, _)| rounds), all.iter().map(|(_, bytes)| bytes).sum())
}

/// The tables of [`privet_mpc::train`].
#[test]
fn a_step_costs_what_is_stated() {
    let squares = Loss::Squares { most: 4.0 };
    for (optimiser, loss_of, rounds, bytes) in [
        (Optimiser::Sgd, Loss::Logistic, 1 + 5 + 2 + 1, Some(60_962)),
        (ADAM, Loss::Logistic, 1 + 5 + 2 + 2 + 10 + 2, Some(364_892)),
        (Optimiser::Sgd, squares, 1 + 4 + 2 + 1, None),
        (ADAM, squares, 1 + 4 + 2 + 2 + 10 + 2, None),
    ] {
        let recipe = Recipe {
            columns: 528,
            batch: 128,
            run: 961,
            most_weight: 8.0,
            rate: 0.001,
            l2: 0.0,
            ..recipe(optimiser, loss_of)
        };
        let numbers = Numbers::plan(recipe).unwrap();
        assert!(numbers.scores <= 42);
        let what = format!("{optimiser:?} {loss_of:?}");
        let of = |rounds: u32| [0, rounds, rounds];
        let (got, sent) = cost(&numbers, |p, state, batch, entropy| step(p, &numbers, state, batch, entropy));
        assert_eq!(got, of(rounds), "{what}");
        assert_eq!(sent, bytes.unwrap_or(sent), "{what}");
        let settled = cost(&numbers, |p, state, _, _| settle(p, &numbers, state));
        assert_eq!(settled.0, of(4), "{what}");
        let told = cost(&numbers, |p, state, batch, _| loss(p, &numbers, &state.weights, batch).map(drop));
        assert_eq!(told.0, of(if loss_of == squares { 10 } else { 7 }), "{what}");
        let counted =
            cost(&numbers, |p, state, batch, _| counts(p, &numbers, &state.weights, batch).map(drop));
        assert_eq!(counted.0, of(8), "{what}");
        let private = Numbers::plan(Recipe { privacy: Some(NOISY), ..numbers.recipe }).unwrap();
        let noisy = cost(&private, |p, state, batch, entropy| step(p, &private, state, batch, entropy));
        assert_eq!(noisy.0, of(rounds), "{what} with noise");
    }
}

const NOISY: Privacy = Privacy { multiplier: 2.0, norm: 4.0 };

/// What a party adds, in units of the sum: as its entropy is known here.
fn noise(numbers: &Numbers, seed: u64) -> Vec<f64> {
    let mut entropy = entropy(seed);
    // What a run begins with.
    privet_ring::entropy::draw::<32>(&mut entropy).unwrap();
    let mut words = vec![0; numbers.recipe.columns.next_multiple_of(2)];
    Stream::of_chunk(&Seed::draw(&mut entropy).unwrap(), 0).fill(&mut words);
    let uniform = |word: u64| ((word >> 11) as f64 + 0.5) / power_of_two(53);
    let normal = |pair: &[u64; 2]| {
        let (length, angle) =
            ((-2.0 * uniform(pair[0]).ln()).sqrt(), std::f64::consts::TAU * uniform(pair[1]));
        [length * angle.sin(), length * angle.cos()]
    };
    let deviation = numbers.recipe.privacy.unwrap().multiplier * numbers.sensitivity() / 2f64.sqrt();
    words.as_chunks::<2>().0.iter().flat_map(normal).map(|x| x * deviation).collect()
}

/// Weights after a step of gradient descent from zero.
fn stepped<P: Trained>(numbers: &Numbers, rows: &[f64], labels: &[f64]) -> Result<Vec<f64>, Abort> {
    let all = World::new(1).run([5; 32], |session: Session| {
        let me = session.me();
        let entropy = &mut entropy(me.index() as u64);
        let (mut p, _) = <P as Trains>::begin(session, entropy)?;
        let mut state = State::new(&p, numbers.recipe.columns);
        let rows = given::<P>(me, RING, 1, &encoded(rows, ROWS));
        let labels = given::<P>(me, RING, 2, &encoded(labels, 0));
        step(&mut p, numbers, &mut state, &Batch { rows, labels }, entropy)?;
        Ok(P::stored(&state.weights))
    });
    let [a, b, c] = all;
    Ok(weights_of(&[a?, b?, c?]))
}

#[test]
fn a_step_with_noise_is_the_step_plus_noise() {
    for l2 in [0.0, 0.01] {
        let quiet = Recipe { l2, ..recipe(Optimiser::Sgd, Loss::Logistic) };
        let noisy = Numbers::plan(Recipe { privacy: Some(NOISY), ..quiet.clone() }).unwrap();
        let quiet = Numbers::plan(quiet).unwrap();
        let (rows, labels) = data(&quiet.recipe, 1);
        let [without, with] =
            [&quiet, &noisy].map(|numbers| stepped::<Replicated3>(numbers, &rows, &labels).unwrap());
        let noises: Vec<Vec<f64>> = (0..3).map(|seed| noise(&noisy, seed)).collect();
        let rate = noisy.rate(1) as f64 / power_of_two(RATE.into()) * noisy.gradient_scale();
        let off = quiet.step_error(1, 0.0) + noisy.step_error(1, 0.0);
        for i in 0..noisy.recipe.columns {
            let sum = noises[0][i] + noises[1][i] + noises[2][i];
            let expected = without[i] - rate * sum / noisy.recipe.batch as f64;
            assert!((with[i] - expected).abs() <= off, "{} not {expected}", with[i]);
            assert!((with[i] - without[i]).abs() > off, "there is noise");
        }
    }
}

/// Rows of zeros, so that weights are noise alone: less what a curious party knows of it, its deviation is still the full one.
#[test]
fn the_noise_of_two_parties_is_enough() {
    let columns = 20_000;
    let recipe = Recipe {
        columns,
        intercept: false,
        l2: 0.0,
        privacy: Some(NOISY),
        ..recipe(Optimiser::Sgd, Loss::Logistic)
    };
    let numbers = Numbers::plan(recipe).unwrap();
    let batch = numbers.recipe.batch;
    let weights = stepped::<Replicated3>(&numbers, &vec![0.0; batch * columns], &vec![0.0; batch]).unwrap();
    let rate = numbers.rate(1) as f64 / power_of_two(RATE.into()) * numbers.gradient_scale();
    let sums: Vec<f64> = weights.iter().map(|w| -w / rate * batch as f64).collect();
    // The multiplier times by how much a row can move the sum.
    let full = (2.0 * 4.0 * (1.0 + 1.0 / 4096.0f64)).powi(2);
    let variance = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>() / columns as f64 / full;
    let all = variance(&mut sums.iter().copied());
    assert!((all - 1.5).abs() < 0.06, "{all}");
    for curious in 0..3 {
        let own = noise(&numbers, curious);
        let left = variance(&mut sums.iter().zip(&own).map(|(sum, own)| sum - own));
        assert!((left - 1.0).abs() < 0.04, "{left}");
        let known = variance(&mut own.into_iter());
        assert!((known - 0.5).abs() < 0.02, "{known}");
    }
}

/// A party that cheats could leave its noise out.
#[test]
fn noise_is_refused_where_a_party_may_cheat() {
    let numbers =
        Numbers::plan(Recipe { privacy: Some(NOISY), ..recipe(Optimiser::Sgd, Loss::Logistic) }).unwrap();
    let (rows, labels) = data(&numbers.recipe, 1);
    let refused = stepped::<Malicious3>(&numbers, &rows, &labels);
    assert!(matches!(&refused, Err(Abort::Client(text)) if text.contains("noise")), "{refused:?}");
    const { assert!(Replicated3::TAKES_NOISE && !Malicious3::TAKES_NOISE) };
}
