//! Steps that do not need each other: at the same time, for the rounds of the longest.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::programs::{add, drawn, graph_of, within_bound};
use privet_model::graph::{Function, NodeId, Op};
use privet_mpc::Abort;
use privet_mpc::role::Role;
use privet_mpc::world::World;

const FUNCTIONS: [Function; 11] = [
    Function::Abs,
    Function::Elu(1.0),
    Function::Exp,
    Function::Sin,
    Function::Cos,
    Function::GeluTanh,
    Function::Power(3.0),
    Function::Softplus,
    Function::Tanh,
    Function::Relu,
    Function::Erf,
];

/// A function of each value, side by side.
fn side_by_side(functions: &[Function]) -> privet_model::graph::Graph {
    graph_of(functions.len(), |g| {
        let of = |g: &mut _, (i, f): (usize, &Function)| {
            let x = add(g, Op::Select(vec![i]), &[NodeId(0)]);
            add(g, Op::Map(*f), &[x])
        };
        let all: Vec<NodeId> = functions.iter().enumerate().map(|one| of(g, one)).collect();
        add(g, Op::Concat, &all)
    })
}

fn rounds_beside_nothing(f: Function) -> u32 {
    let graph = graph_of(1, |g| {
        let y = add(g, Op::Map(f), &[NodeId(0)]);
        add(g, Op::Concat, &[y, NodeId(0)])
    });
    within_bound(&graph, &drawn(5, 20, 1), 1e-3, "alone").rounds()
}

#[test]
fn they_take_the_rounds_of_the_longest_and_the_bytes_of_all() {
    // More than there are lanes for, too.
    for n in [2, 3, 8, 11] {
        let functions = &FUNCTIONS[..n];
        let together = within_bound(&side_by_side(functions), &drawn(5, 20, n), 1e-3, "side by side");
        let alone: Vec<u32> = functions.iter().map(|&f| rounds_beside_nothing(f)).collect();
        let (sum, longest) = (alone.iter().sum::<u32>(), *alone.iter().max().unwrap());
        // The cuts of all are one wave more; beyond eight, a lane has two steps.
        let most = if n <= 8 { longest + 2 } else { 2 * longest + 2 };
        let rounds = together.rounds();
        let in_lanes = |path: &str| path.contains("/lane");
        assert!(
            together.ledgers[1].sent.iter().any(|(path, _)| in_lanes(path)),
            "{n}: no lane said anything"
        );
        assert!(rounds >= longest && rounds <= most && rounds < sum, "{n}: {rounds} of {alone:?}");
    }
}

#[test]
fn lanes_have_their_own_messages_and_one_account() {
    let parties = World::new(3).run([1; 32], |mut session| {
        let me = session.me();
        for fork in 0..3u8 {
            let mut lanes = session.fork(2);
            // In opposite orders at the parties: what one lane says waits for that lane.
            let order = if me == Role::ALL[0] { [0, 1] } else { [1, 0] };
            for lane in order {
                let said = [fork, u8::try_from(lane).unwrap(), me.into()];
                lanes[lane].give(me.next(), &said)?;
            }
            for lane in order {
                let heard = lanes[lane].take(me.previous(), 3)?;
                assert_eq!(heard, [fork, u8::try_from(lane).unwrap(), me.previous().into()]);
            }
            session.join(lanes);
        }
        Ok(session.ledger().bytes_between())
    });
    assert_eq!(parties.map(Result::unwrap), [18; 3]);
}

#[test]
fn what_is_missing_in_one_lane_ends_the_computation() {
    let start = Instant::now();
    let world = World::new(4).deadline(Duration::from_millis(200)).adversary(|message| {
        let lost = message.from == Role::ALL[2] && message.path.contains("/lane1/");
        (!lost).then_some(message.bytes)
    });
    let parties: [Result<(), Abort>; 3] = world.run([1; 32], |mut session| {
        let me = session.me();
        let mut lanes = session.fork(3);
        let results: Vec<_> = lanes
            .iter_mut()
            .map(|lane| lane.step("talk", |s| s.exchange(me.next(), &[1], me.previous(), 1)))
            .collect();
        session.join(lanes);
        results.into_iter().collect::<Result<Vec<_>, _>>()?;
        session.exchange(me.next(), &[2], me.previous(), 1).map(drop)
    });
    // Who lost it, and who then waits for that party; the third may have had all that it needs.
    assert!(parties[..2].iter().all(Result::is_err), "{parties:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
}
