//! What a training step takes, of all parties in this process: milliseconds, rounds, and bytes that each party sends.
//!
//! ```sh
//! cargo run --release -p privet-mpc --example training
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use privet_model::training::numbers::{Numbers, RING};
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::Abort;
use privet_mpc::protocols::replicated3::{Replicated, Replicated3};
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, Trains, counts, loss, settle, step};
use privet_mpc::world::{DangerousSeededEntropy, World};
use privet_ring::kernels::{add_combined, add_products};
use privet_ring::prg::{Seed, Stream};

const COLUMNS: usize = 528;
const STEPS: u32 = 100;

fn main() {
    println!("A message to another thread and back takes {:.1} µs.", 1e3 * of_a_message());
    for optimiser in [Optimiser::Sgd, Optimiser::Adam { first: 0.9, second: 0.999 }] {
        for batch in [128, 256] {
            let numbers = Numbers::plan(recipe(optimiser, batch)).unwrap();
            let kernels = of_kernels(batch);
            println!(
                "{optimiser:?}, batches of {batch}: weights to {:.1}, scores of {} bits, gradients of {}; products alone take {kernels:.2} ms",
                numbers.weight, numbers.scores, numbers.gradient
            );
            measured::<Replicated3>("replicated3", &numbers);
            measured::<Malicious3>("malicious", &numbers);
        }
    }
}

/// Milliseconds that the products of a step take three parties on two cores, with nothing around them.
fn of_kernels(batch: usize) -> f64 {
    let rows = [vec![3u64; batch * COLUMNS], vec![5; batch * COLUMNS]];
    let (weights, residuals) = (vec![7; COLUMNS], vec![9; batch]);
    let (mut scores, mut gradient) = (vec![0; batch], vec![0; COLUMNS]);
    let start = Instant::now();
    for _ in 0..STEPS {
        for rows in &rows {
            add_products(rows, &weights, &mut scores);
        }
        for rows in &rows {
            add_combined(rows, &residuals, &mut gradient);
        }
    }
    std::hint::black_box((scores, gradient));
    1.5e3 * start.elapsed().as_secs_f64() / f64::from(STEPS)
}

/// Milliseconds until an answer comes.
fn of_a_message() -> f64 {
    let ((to, inbox), (back, answers)) = (channel::<u64>(), channel());
    let peer = std::thread::spawn(move || inbox.iter().for_each(|x| back.send(x).unwrap()));
    let start = Instant::now();
    for x in 0..10_000 {
        to.send(x).unwrap();
        answers.recv().unwrap();
    }
    let took = start.elapsed().as_secs_f64() * 1e3 / 1e4;
    drop(to);
    peer.join().unwrap();
    took
}

fn recipe(optimiser: Optimiser, batch: usize) -> Recipe {
    Recipe {
        columns: COLUMNS,
        batch,
        intercept: true,
        run: 961,
        most_weight: 8.0,
        largest: 8.0,
        loss: Loss::Logistic,
        optimiser,
        rate: 0.001,
        l2: 0.0,
        privacy: None,
    }
}

/// A share of something, the same components at all parties that hold them.
fn share<P: Trains>(session: &Session, n: usize) -> P::Share {
    let component = |at: usize| {
        let mut words = vec![0; n];
        if at == 0 {
            return words;
        }
        Stream::of_chunk(&Seed::from_bytes([1; 16]), 1).fill(&mut words);
        if at == 2 {
            for word in &mut words {
                *word = (1u64 << 9).wrapping_sub(*word);
            }
        }
        words
    };
    let me = session.me();
    P::share(Replicated { k: RING, own: component(me.index()), next: component(me.next().index()) })
}

fn measured<P: Trains>(name: &str, numbers: &Numbers) {
    let of_all = World::new(1).deadline(Duration::from_secs(60)).run([5; 32], |session| {
        let n = numbers.recipe.batch;
        let (rows, labels) = (share::<P>(&session, n * COLUMNS), share::<P>(&session, n));
        let batch = Batch { rows, labels };
        let entropy = &mut DangerousSeededEntropy::new(session.me().index() as u64);
        let (mut p, _) = P::begin(session, entropy)?;
        let mut state = State::new(&p, COLUMNS);
        step(&mut p, numbers, &mut state, &batch, entropy)?;
        let one = timed(&mut p, STEPS, |p| step(p, numbers, &mut state, &batch, entropy))?;
        let settled = timed(&mut p, 1, |p| settle(p, numbers, &mut state))?;
        let told = timed(&mut p, 1, |p| loss(p, numbers, &state.weights, &batch).map(drop))?;
        let counted = timed(&mut p, 1, |p| counts(p, numbers, &state.weights, &batch).map(drop))?;
        let start = Instant::now();
        p.end()?;
        Ok((one, settled, told, counted, start.elapsed()))
    });
    let [first, second, third] = of_all.map(Result::unwrap);
    let bytes = [first.0.2, second.0.2, third.0.2];
    let [of_step, settled, told, counted] = [&second.0, &second.1, &second.2, &second.3]
        .map(|(ms, rounds, _)| format!("{ms:.2} ms, {rounds} rounds"));
    println!(
        "  {name}: a step {of_step}, bytes sent {bytes:?}; settling {settled}; loss {told}; counts {counted}; end {:.1} ms",
        second.4.as_secs_f64() * 1e3
    );
}

/// Milliseconds, rounds and bytes of this party, each time.
fn timed<P: Trains>(
    p: &mut P,
    times: u32,
    mut body: impl FnMut(&mut P) -> Result<(), Abort>,
) -> Result<(f64, u32, usize), Abort> {
    let (start, before) = (Instant::now(), (p.ledger().rounds, p.ledger().bytes_between()));
    for _ in 0..times {
        body(p)?;
    }
    let ms = start.elapsed().as_secs_f64() * 1e3 / f64::from(times);
    let rounds = (p.ledger().rounds - before.0) / times;
    Ok((ms, rounds, (p.ledger().bytes_between() - before.1) / times as usize))
}
