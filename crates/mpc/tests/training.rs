//! Training steps between parties, next to the same in float64: every step keeps its bound, whatever the rows; and whole runs come to the same.

#![allow(clippy::unwrap_used, clippy::many_single_char_names)]

mod common;

use common::gates::given;
use common::party::Party;
use privet_model::training::numbers::{Numbers, RESIDUALS, RING, ROWS, WEIGHTS};
use privet_model::training::reference;
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::Abort;
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, areas, loss, step};
use privet_mpc::world::World;
use privet_ring::fixed::{decode, encode, power_of_two};

under_both!(steps_are_those_of_float64, losses_are_those_of_float64, areas_are_those_of_float64);

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
                let labels = given::<P>(me, RING, at as u8 + 51, &encoded(labels, numbers.labels()));
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

/// Weights that are shared, and rows that they are tried on.
fn tried<P: Party>(
    numbers: &Numbers,
    weights: &[f64],
    (rows, labels): &(Vec<f64>, Vec<f64>),
    what: impl Fn(&mut P, &P::Share, &Batch<P::Share>) -> Result<P::Sum, Abort> + Sync,
    n: usize,
) -> Vec<i64> {
    let answers = World::new(1).run([7; 32], |session: Session| {
        let me = session.me();
        let mut p = P::begin(session)?;
        let weights = given::<P>(me, RING, 3, &encoded(weights, WEIGHTS));
        let rows = given::<P>(me, RING, 4, &encoded(rows, ROWS));
        let labels = given::<P>(me, RING, 5, &encoded(labels, numbers.labels()));
        let sum = what(&mut p, &weights, &Batch { rows, labels })?;
        let ring = P::sum_ring(&sum);
        Ok((p.answer(sum, ring)?, ring))
    });
    let answers = answers.map(Result::unwrap);
    let ring = answers[0].1;
    let opened = P::opened(answers.each_ref().map(|(share, _)| share), n, ring).unwrap();
    opened.into_iter().map(|x| privet_ring::signed(x, ring)).collect()
}

fn scores(columns: usize, rows: &[f64], weights: &[f64]) -> Vec<f64> {
    rows.chunks_exact(columns).map(|row| row.iter().zip(weights).map(|(x, w)| x * w).sum()).collect()
}

fn losses_are_those_of_float64<P: Party>() {
    for loss_of in [Loss::Logistic, Loss::Squares { most: 2.0 }] {
        let numbers = Numbers::plan(Recipe { batch: 200, ..recipe(Optimiser::Sgd, loss_of) }).unwrap();
        let data = data(&numbers.recipe, 9);
        // The last are so large that scores reach beyond the clip.
        for size in [0.5, 3.0, 60.0] {
            let weights: Vec<f64> = [1.0, -0.5, 0.25, 1.0, -1.0].iter().map(|w| w * size).collect();
            let [got] = tried::<P>(&numbers, &weights, &data, |p, w, rows| loss(p, &numbers, w, rows), 1)[..]
            else {
                panic!("not one number")
            };
            let got = got as f64 / power_of_two(numbers.loss().into());
            let exact: f64 = scores(5, &data.0, &weights)
                .into_iter()
                .zip(&data.1)
                .map(|(z, y)| match loss_of {
                    Loss::Logistic => {
                        let z = z.clamp(-64.0, 64.0);
                        z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z
                    }
                    Loss::Squares { most } => {
                        let (r, w) = (z - y, (z - y).clamp(-most, most));
                        w * (2.0 * r - w) / 2.0
                    }
                })
                .sum();
            let each = (got - exact).abs() / 200.0;
            assert!(each < 3e-3, "{loss_of:?} {size}: {got}, not {exact}");
        }
    }
}

fn areas_are_those_of_float64<P: Party>() {
    let numbers = Numbers::plan(Recipe { batch: 300, ..recipe(Optimiser::Sgd, Loss::Logistic) }).unwrap();
    let data = data(&numbers.recipe, 4);
    for weights in [[1.0, -0.5, 0.25, 1.0, -1.0], [0.0; 5], [-9.0, 2.0, 3.0, 1.0, 4.0]] {
        let got = tried::<P>(&numbers, &weights, &data, |p, w, rows| areas(p, &numbers, w, rows), 2);
        let scores = scores(5, &data.0, &weights);
        let of = |class: f64| scores.iter().zip(&data.1).filter(move |(_, y)| **y == class).map(|(z, _)| *z);
        let every = of(1.0).count() * of(0.0).count();
        let pairs = of(1.0).flat_map(|one| of(0.0).map(move |zero| (one, zero)));
        let ordered: f64 = pairs
            .map(|(one, zero)| f64::from(u8::from(one > zero)) + 0.5 * f64::from(u8::from(one == zero)))
            .sum();
        assert_eq!(got[1], i64::try_from(every).unwrap());
        let (got, exact) = (got[0] as f64 / 2.0 / every as f64, ordered / every as f64);
        assert!((got - exact).abs() < 5e-3, "{got}, not {exact}");
    }
}
