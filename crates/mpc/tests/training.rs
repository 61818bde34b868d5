//! Training steps between parties, next to the same in float64: every step keeps its bound, whatever the rows; and whole runs come to the same.

#![allow(clippy::unwrap_used, clippy::many_single_char_names)]

mod common;

use common::gates::given;
use common::party::Party;
use privet_model::training::numbers::{Numbers, RESIDUALS, RING, ROWS, WEIGHTS};
use privet_model::training::reference;
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, step};
use privet_mpc::world::World;
use privet_ring::fixed::{decode, encode, power_of_two};

under_both!(steps_are_those_of_float64);

fn recipe(optimiser: Optimiser, loss: Loss) -> Recipe {
    Recipe { columns: 5, batch: 24, steps: 30, largest: 8.0, loss, optimiser, rate: 0.05, l2: 0.01 }
}

const ADAM: Optimiser = Optimiser::Adam { first: 0.9, second: 0.999 };

/// Numbers that anyone can repeat.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / power_of_two(53)
    }
}

/// Rows and labels as fixed point holds them.
fn data(recipe: &Recipe, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random(seed);
    let truth: Vec<f64> = (0..recipe.columns).map(|_| random.unit() * 2.0 - 1.0).collect();
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..recipe.batch {
        let row: Vec<f64> =
            (0..recipe.columns).map(|_| rounded((random.unit() * 2.0 - 1.0) * 2.0, ROWS)).collect();
        let z: f64 = row.iter().zip(&truth).map(|(x, w)| x * w).sum();
        let label = match recipe.loss {
            Loss::Logistic => f64::from(random.unit() < 1.0 / (1.0 + (-2.0 * z).exp())),
            Loss::Squares { .. } => rounded(z + random.unit(), RESIDUALS),
        };
        rows.extend(row);
        labels.push(label);
    }
    (rows, labels)
}

fn rounded(x: f64, fraction: u32) -> f64 {
    (x * power_of_two(fraction.into())).round() / power_of_two(fraction.into())
}

fn encoded(x: &[f64], fraction: u32) -> Vec<u64> {
    x.iter().map(|x| encode(*x, power_of_two(fraction.into()))).collect()
}

fn steps_are_those_of_float64<P: Party>() {
    for (optimiser, loss) in [
        (Optimiser::Sgd, Loss::Logistic),
        (ADAM, Loss::Logistic),
        (Optimiser::Sgd, Loss::Squares { most: 16.0 }),
        (ADAM, Loss::Squares { most: 16.0 }),
    ] {
        let numbers = Numbers::plan(recipe(optimiser, loss)).unwrap();
        let batches: Vec<_> = (0..6).map(|seed| data(&numbers.recipe, seed)).collect();
        let all: [_; 3] = World::new(1).run([5; 32], |session: Session| {
            let me: Role = session.me();
            let mut p = P::begin(session)?;
            let mut state = State::new(&p, numbers.recipe.columns);
            let mut states = Vec::new();
            for (at, (rows, labels)) in batches.iter().enumerate() {
                let rows = given::<P>(me, RING, at as u8 + 1, &encoded(rows, ROWS));
                let labels = given::<P>(me, RING, at as u8 + 51, &encoded(labels, RESIDUALS));
                step(&mut p, &numbers, &mut state, &Batch { rows, labels })?;
                states.push([&state.weights, &state.sums[0], &state.sums[1]].map(P::shown));
            }
            Ok(states)
        });
        let all = all.map(Result::unwrap);
        let mut worst: f64 = 0.0;
        let mut before = reference::State::new(numbers.recipe.columns);
        for (at, (rows, labels)) in batches.iter().enumerate() {
            let opened = |which: usize, fraction: u32| -> Vec<f64> {
                let parts = all.each_ref().map(|states| states[at][which].clone());
                common::gates::opened(&parts).into_iter().map(|x| decode(x, RING, fraction)).collect()
            };
            let after = reference::State {
                weights: opened(0, WEIGHTS),
                first: opened(1, numbers.gradient),
                second: opened(2, numbers.adam.as_ref().map_or(0, |adam| adam.second)),
                step: at as u64 + 1,
            };
            let mut exact = before.clone();
            exact.step(&numbers, rows, labels);
            for i in 0..numbers.recipe.columns {
                let error = (after.weights[i] - exact.weights[i]).abs();
                worst = worst.max(error);
                assert!(error < 1e-4, "{error} {optimiser:?} {loss:?} step {at}");
            }
            before = after;
        }
        println!(
            "{optimiser:?} {loss:?}: off by {worst:.2e} at most; {} bits of gradients",
            numbers.gradient
        );
    }
}
