//! Training steps between parties, next to the same in float64: every step keeps its bound, whatever the rows; and whole runs come to the same.

#![allow(
    clippy::unwrap_used,
    clippy::many_single_char_names,
    clippy::print_stdout,
    clippy::cast_possible_truncation
)]

mod common;

use common::entropy;
use common::gates::given;
use common::party::Party;
use common::training::{ADAM, Trained, data, encoded, recipe, rounded};
use privet_model::training::numbers::{LIMIT_BITS, LIMITS, Numbers, RING, ROWS, WEIGHTS};
use privet_model::training::reference;
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::Abort;
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, areas, counts, loss, settle, step};
use privet_mpc::world::World;
use privet_ring::fixed::{decode, power_of_two};

under_both!(
    steps_are_those_of_float64,
    nothing_wraps_at_the_bounds,
    weights_settle,
    losses_are_those_of_float64,
    areas_are_those_of_float64,
);

type Rows = (Vec<f64>, Vec<f64>);

const ALL: [(Optimiser, Loss); 4] = [
    (Optimiser::Sgd, Loss::Logistic),
    (ADAM, Loss::Logistic),
    (Optimiser::Sgd, Loss::Squares { most: 16.0 }),
    (ADAM, Loss::Squares { most: 16.0 }),
];

/// Fraction bits of weights and of both sums.
fn fractions(numbers: &Numbers) -> [u32; 3] {
    [WEIGHTS, numbers.gradient, numbers.adam.as_ref().map_or(0, |adam| adam.second)]
}

/// What the parties hold after each batch.
fn stepped<P: Trained>(
    numbers: &Numbers,
    from: &reference::State,
    batches: &[Rows],
) -> Vec<reference::State> {
    let all: [_; 3] = World::new(1).run([5; 32], |session: Session| {
        let me: Role = session.me();
        let mut p = <P as Party>::begin(session)?;
        let [of_weights, of_first, of_second] = fractions(numbers);
        let held = |seed, x: &[f64], fraction| given::<P>(me, RING, seed, &encoded(x, fraction));
        let sums = [held(201, &from.first, of_first), held(202, &from.second, of_second)];
        let mut state = State { weights: held(200, &from.weights, of_weights), sums, step: from.step };
        let mut states = Vec::new();
        for (at, (rows, labels)) in batches.iter().enumerate() {
            let rows = held(at as u8 + 1, rows, ROWS);
            let labels = held(at as u8 + 51, labels, numbers.labels());
            step(&mut p, numbers, &mut state, &Batch { rows, labels }, &mut entropy(1))?;
            states.push([&state.weights, &state.sums[0], &state.sums[1]].map(P::shown));
        }
        Ok(states)
    });
    let all = all.map(Result::unwrap);
    let opened = |at: usize, which: usize| -> Vec<f64> {
        let parts = all.each_ref().map(|states| states[at][which].clone());
        let fraction = fractions(numbers)[which];
        common::gates::opened(&parts).into_iter().map(|x| decode(x, RING, fraction)).collect()
    };
    let state = |at| reference::State {
        weights: opened(at, 0),
        first: opened(at, 1),
        second: opened(at, 2),
        step: from.step + at as u64 + 1,
    };
    (0..batches.len()).map(state).collect()
}

/// By how much the weights are off, and by how much they may be.
fn off(numbers: &Numbers, before: &reference::State, after: &reference::State, rows: &Rows) -> [f64; 2] {
    let mut exact = before.clone();
    exact.step(numbers, &rows.0, &rows.1);
    let (mut worst, mut stated) = (0.0f64, 0.0f64);
    for i in 0..numbers.recipe.columns {
        let error = (after.weights[i] - exact.weights[i]).abs();
        let most = numbers.step_error(exact.step, exact.second[i]);
        assert!(error <= most, "{error} at step {}, stated {most}, {:?}", exact.step, numbers.recipe);
        (worst, stated) = (worst.max(error), stated.max(most));
    }
    [worst, stated]
}

fn steps_are_those_of_float64<P: Trained>() {
    for (optimiser, loss) in ALL {
        let numbers = Numbers::plan(recipe(optimiser, loss)).unwrap();
        let batches: Vec<_> = (0..6).map(|seed| data(&numbers.recipe, seed)).collect();
        let mut before = reference::State::new(numbers.recipe.columns);
        let mut most = [0.0f64; 2];
        for (after, rows) in stepped::<P>(&numbers, &before, &batches).into_iter().zip(&batches) {
            let [worst, stated] = off(&numbers, &before, &after, rows);
            most = [most[0].max(worst), most[1].max(stated)];
            before = after;
        }
        println!(
            "{optimiser:?} {loss:?}: off by {:.2e} at most, stated {:.2e}; {} bits of gradients",
            most[0], most[1], numbers.gradient
        );
    }
}

/// All that the plan allows at once: columns, weights, residuals and Adam's sums as great as they can be, and all of one sign.
fn nothing_wraps_at_the_bounds<P: Trained>() {
    for ((optimiser, loss), sign) in ALL.into_iter().flat_map(|of| [(of, 1.0), (of, -1.0)]) {
        for largest in [1.0, 8.0] {
            let numbers = Numbers::plan(Recipe { largest, ..recipe(optimiser, loss) }).unwrap();
            let Recipe { columns, batch, .. } = numbers.recipe;
            let side = |i: usize| if i.is_multiple_of(2) { sign } else { -sign };
            let down = |x: f64, fraction: u32| {
                (x * power_of_two(fraction.into())).floor() / power_of_two(fraction.into())
            };
            let all = |x: f64, fraction: u32| -> Vec<f64> {
                (0..columns).map(|i| side(i) * down(x, fraction)).collect()
            };
            // Scores as far from labels as they can be, above or below.
            for above in [1.0, -1.0] {
                let row: Vec<f64> = (0..columns).map(|i| above * side(i) * largest).collect();
                let label = match loss {
                    Loss::Logistic => f64::from(above < 0.0),
                    Loss::Squares { .. } => -above * 4096.0,
                };
                let rows = (row.repeat(batch), vec![label; batch]);
                let [_, of_first, of_second] = fractions(&numbers);
                let decays =
                    numbers.adam.as_ref().map_or([0.0; 2], privet_model::training::adam::Adam::decays);
                let most = numbers.most_gradient();
                let before = reference::State {
                    weights: all(numbers.weight, WEIGHTS),
                    first: all(most / (1.0 - decays[0]), of_first),
                    second: vec![down(most * most / (1.0 - decays[1]), of_second); columns],
                    step: 40_000,
                };
                let after = stepped::<P>(&numbers, &before, std::slice::from_ref(&rows)).remove(0);
                off(&numbers, &before, &after, &rows);
            }
        }
    }
}

/// Weights that are shared, and rows that they are tried on.
fn tried<P: Trained>(
    numbers: &Numbers,
    weights: &[f64],
    (rows, labels): &(Vec<f64>, Vec<f64>),
    what: impl Fn(&mut P, &P::Share, &Batch<P::Share>) -> Result<P::Sum, Abort> + Sync,
    n: usize,
) -> Vec<i64> {
    let answers = World::new(1).run([7; 32], |session: Session| {
        let me = session.me();
        let mut p = <P as Party>::begin(session)?;
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

/// Weights at, beside and far beyond the bound, as far as a run can bring them.
fn weights_settle<P: Trained>() {
    let numbers = Numbers::plan(recipe(ADAM, Loss::Logistic)).unwrap();
    let far = numbers.weight;
    let weights = [4.0 + 1.0 / 1024.0, -far, far, 3.99, -4.0].map(|w| rounded(w, WEIGHTS));
    let all = World::new(1).run([5; 32], |session: Session| {
        let me = session.me();
        let mut p = <P as Party>::begin(session)?;
        let mut state = State::new(&p, 5);
        state.weights = given::<P>(me, RING, 1, &encoded(&weights, WEIGHTS));
        settle(&mut p, &numbers, &mut state)?;
        Ok(P::shown(&state.weights))
    });
    let got = common::gates::opened(&all.map(Result::unwrap));
    let got: Vec<f64> = got.into_iter().map(|x| decode(x, RING, WEIGHTS)).collect();
    let mut exact = reference::State { weights: weights.to_vec(), ..reference::State::new(5) };
    exact.settle(&numbers);
    assert_eq!(got, exact.weights);
    assert!(got.iter().all(|w| w.abs() <= 4.0));
}

fn losses_are_those_of_float64<P: Trained>() {
    for loss_of in [Loss::Logistic, Loss::Squares { most: 2.0 }] {
        let numbers = Numbers::plan(Recipe { batch: 200, ..recipe(Optimiser::Sgd, loss_of) }).unwrap();
        let data = data(&numbers.recipe, 9);
        // The last are as large as a run can make them: scores reach beyond the clip where there are classes.
        let most = numbers.weight.floor();
        for size in [0.5, 3.0, most] {
            let weights: Vec<f64> = [1.0, -0.5, 0.25, 1.0, -1.0].iter().map(|w| w * size).collect();
            let sums = |p: &mut P, w: &P::Share, rows: &Batch<P::Share>| loss(p, &numbers, w, rows);
            let [got] = tried(&numbers, &weights, &data, sums, 1)[..] else { panic!("not one number") };
            let got = got as f64 / power_of_two(numbers.loss().into());
            let of_row = |(z, y): (f64, &f64)| match loss_of {
                Loss::Logistic => {
                    let z = z.clamp(-64.0, 64.0);
                    z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z
                }
                Loss::Squares { most } => {
                    let (r, w) = (z - y, (z - y).clamp(-most, most));
                    w * (2.0 * r - w) / 2.0
                }
            };
            let exact: f64 = scores(5, &data.0, &weights).into_iter().zip(&data.1).map(of_row).sum();
            let each = (got - exact).abs() / 200.0;
            assert!(each <= numbers.loss_error(), "{loss_of:?} {size}: {got}, not {exact}");
        }
    }
}

/// Counts are those of float64 but for rows that are next to a limit; areas are exactly those of the counts, of all chunks together.
fn areas_are_those_of_float64<P: Trained>() {
    let numbers = Numbers::plan(Recipe { batch: 300, ..recipe(Optimiser::Sgd, Loss::Logistic) }).unwrap();
    let data = data(&numbers.recipe, 4);
    for weights in [[1.0, -0.5, 0.25, 1.0, -1.0], [0.0; 5], [-9.0, 2.0, 3.0, 1.0, 4.0]] {
        // In two chunks, of which one has a single row.
        let counted = |p: &mut P, w: &P::Share, rows: &Batch<P::Share>| {
            let part = |from: usize, to: usize| Batch {
                rows: P::gather(&rows.rows, &(from * 5..to * 5).collect::<Vec<_>>()),
                labels: P::gather(&rows.labels, &(from..to).collect::<Vec<_>>()),
            };
            let [one, rest] = [part(0, 1), part(1, 300)].map(|rows| counts(p, &numbers, w, &rows));
            Ok(P::add(&one?, &rest?))
        };
        let intervals = usize::try_from(LIMITS).unwrap() + 1;
        let got = tried(
            &numbers,
            &weights,
            &data,
            |p: &mut P, w, rows| Ok((&counted(p, w, rows)?).into()),
            2 * intervals,
        );
        let scores = scores(5, &data.0, &weights);
        let count = |below: f64, of: fn(f64) -> bool| -> i64 {
            let counts = scores.iter().zip(&data.1).filter(|(z, y)| **z < below && of(**y));
            i64::try_from(counts.count()).unwrap()
        };
        let off = numbers.limit_error();
        for (i, limit) in (-(LIMITS / 2)..=LIMITS / 2)
            .map(|i| i as f64 / f64::from(1 << LIMIT_BITS))
            .chain([f64::INFINITY])
            .enumerate()
        {
            let fits = |got: i64, of: fn(f64) -> bool| {
                (count(limit - off, of)..=count(limit + off, of)).contains(&got)
            };
            assert!(fits(got[i], |y| y > 0.5), "{limit}: {} ones", got[i]);
            assert!(fits(got[intervals + i], |_| true), "{limit}: {} rows", got[intervals + i]);
        }
        let opened = tried(
            &numbers,
            &weights,
            &data,
            |p: &mut P, w, rows| {
                let counts = counted(p, w, rows)?;
                areas(p, &counts)
            },
            2,
        );
        let zeros: Vec<i64> = (0..intervals).map(|i| got[intervals + i] - got[i]).collect();
        let before = |x: &[i64], i: usize| if i == 0 { 0 } else { x[i - 1] };
        let ordered: i64 =
            (0..intervals).map(|i| (got[i] - before(&got, i)) * (zeros[i] + before(&zeros, i))).sum();
        assert_eq!(opened, [ordered, got[intervals - 1] * zeros[intervals - 1]]);
        assert_eq!(got[2 * intervals - 1], 300);
    }
}
