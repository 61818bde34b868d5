#![allow(clippy::unwrap_used)]
mod common;
use common::gates::given;
use common::party::Party;
use privet_model::training::numbers::{Numbers, RING};
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::protocols::replicated3::Replicated3;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, step};
use privet_mpc::world::World;
use std::time::Instant;

#[test]
fn speed() {
    for batch in [128, 256] {
        for optimiser in [Optimiser::Sgd, Optimiser::Adam { first: 0.9, second: 0.999 }] {
            let recipe = Recipe {
                columns: 528,
                batch,
                steps: 30740,
                largest: 8.0,
                loss: Loss::Logistic,
                optimiser,
                rate: 0.001,
                l2: 0.0,
            };
            let numbers = Numbers::plan(recipe).unwrap();
            println!(
                "weight {} scores {} grad {} adam {:?}",
                numbers.weight,
                numbers.scores,
                numbers.gradient,
                numbers.adam.as_ref().map(|a| (a.second, a.root.low, a.root.steps, a.root.top()))
            );
            let world = World::new(1);
            let done = world.run([5; 32], |session: Session| {
                let me = session.me();
                let mut p = <Replicated3 as Party>::begin(session)?;
                let rows = given::<Replicated3>(me, RING, 1, &vec![1000; 528 * batch]);
                let labels = given::<Replicated3>(me, RING, 2, &vec![0; batch]);
                let batch = Batch { rows, labels };
                let mut state = State::new(&p, 528);
                step(&mut p, &numbers, &mut state, &batch)?;
                let before = p.ledger().clone();
                let start = Instant::now();
                for _ in 0..20 {
                    step(&mut p, &numbers, &mut state, &batch)?;
                }
                let took = start.elapsed() / 20;
                Ok((
                    took,
                    before.rounds,
                    p.ledger().rounds,
                    p.ledger().bytes_between() - before.bytes_between(),
                ))
            });
            for d in done {
                let (took, before, after, bytes) = d.unwrap();
                println!(
                    "{batch} {optimiser:?}: {took:?} a step, {} rounds, {} bytes",
                    (after - before) as f64 / 20.0,
                    bytes / 20
                );
            }
        }
    }
}
