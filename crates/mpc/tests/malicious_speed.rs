//! How much longer a program takes where a party may cheat: `cargo test --release -p privet-mpc --test malicious_speed -- --ignored
//! --nocapture`. All three parties share this machine, and links between them cost nothing.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Instant;

use common::party::Party;
use common::programs::{Chance, answers, chain, dense, rows_of};
use privet_model::graph::{Conv, Function, Graph, Op};
use privet_model::private::{Constants, Private, Program, Reveal};
use privet_model::range::Ranges;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::Replicated3;
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::world::World;

fn models(chance: &mut Chance) -> Vec<(&'static str, Graph, usize)> {
    let perceptron = vec![
        dense(chance, 784, 128),
        Op::Map(Function::Relu),
        dense(chance, 128, 10),
        Op::Softmax { group: 10 },
    ];
    let conv = Conv {
        channels: 1,
        image: [28, 28],
        filters: 8,
        kernel: [5, 5],
        groups: 1,
        strides: [2, 2],
        dilations: [1, 1],
        pads_before: [2, 2],
        out: [14, 14],
    };
    let weights = chance.numbers(conv.weights(), 0.3);
    let convolution = vec![
        Op::Conv { conv, weights, bias: vec![0.1; 8] },
        Op::Map(Function::Relu),
        dense(chance, 8 * 196, 10),
    ];
    let smooth = vec![
        dense(chance, 40, 32),
        Op::Map(Function::Tanh),
        dense(chance, 32, 1),
        Op::Map(Function::Sigmoid),
    ];
    vec![
        ("linear", chain(784, vec![dense(chance, 784, 10)]), 784),
        ("perceptron", chain(784, perceptron), 784),
        ("convolution", chain(784, convolution), 784),
        ("smooth", chain(40, smooth), 40),
    ]
}

/// Milliseconds, best of five; rounds; kilobytes of all parties.
fn measured<P: Party>(program: &Program, constants: &Constants, columns: &[f64]) -> (f64, u32, usize) {
    let mut best = f64::MAX;
    let mut cost = (0, 0);
    for _ in 0..5 {
        let begun = Instant::now();
        let answers =
            answers::<P>(&World::new(1), program, constants, columns, Protect::Both).map(Result::unwrap);
        best = best.min(begun.elapsed().as_secs_f64() * 1e3);
        let ledgers = answers.each_ref().map(privet_mpc::session::OutputShare::ledger);
        let bytes: usize = ledgers.iter().map(|l| l.bytes_between()).sum();
        cost = (ledgers.iter().map(|l| l.rounds).max().unwrap(), bytes / 1000);
    }
    (best, cost.0, cost.1)
}

#[test]
#[ignore = "it measures"]
fn against_curious_parties() {
    privet_ring::keep_freed_memory();
    let mut chance = Chance::of(5);
    for (name, graph, width) in models(&mut chance) {
        for rows in [1, 64] {
            let sample = rows_of(&mut chance, rows, width, 1.0);
            let private = Private::of(&graph, Reveal::Score).unwrap();
            let ranges = Ranges::of_rows(private.head(), std::slice::from_ref(&sample)).unwrap();
            let (program, constants) = private.plan(1e-2, &ranges).unwrap();
            let inputs = vec![sample.clone()];
            let bound = private.head().bind(&inputs).unwrap();
            let mut columns = vec![0.0; rows * program.columns.len()];
            bound.fill(0, &mut columns);
            let curious = measured::<Replicated3>(&program, &constants, &columns);
            let cheating = measured::<Malicious3>(&program, &constants, &columns);
            let ratio = cheating.0 / curious.0;
            println!(
                "{name}, {rows} rows: (ms, rounds, kB) {curious:.2?} and {cheating:.2?}, {ratio:.1} times"
            );
        }
    }
}
