//! A client's rows as tensors for any program: they are the rows, and what does not fit is refused as on the linear path.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Mutex;

use common::gates::{opened, share};
use common::{entropy, inputs, layout, split_rows, unpacked};
use privet_mpc::Abort;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::protocol::{Matrices, Operand, Protocol};
use privet_mpc::protocols::replicated3::{Input, Replicated3, input, product};
use privet_mpc::request::{Layout, PartyRequest, Request, combine};
use privet_mpc::role::PARTIES;
use privet_mpc::world::World;
use privet_ring::reduce;

const K: u32 = 45;
const COLUMNS: usize = 7;

fn requests(layout: &Layout, x: &[u64]) -> [Mutex<Option<PartyRequest>>; PARTIES] {
    let mut request = Request::draw(&mut entropy(1)).unwrap();
    split_rows(&mut request, layout, x).messages.map(|message| Mutex::new(Some(message)))
}

#[test]
fn the_tensor_is_the_rows() {
    for protect in Protect::ALL {
        let layout = layout(protect, K, COLUMNS);
        for rows in [1, 8, 13] {
            let x = inputs(20, rows * COLUMNS);
            let requests = requests(&layout, &x);
            let parts = World::new(2).run([1; 32], |mut session| {
                let request = requests[session.me().index()].lock().unwrap().take().unwrap();
                let tensor = input(&mut session, &layout, request)?;
                let mut p = Replicated3::new(session);
                match (protect, tensor) {
                    (Protect::Both, Input::Shared(tensor)) => Ok(tensor),
                    (Protect::Input, Input::Summed(tensor)) => p.reshare(tensor),
                    (Protect::Model, Input::Known(tensor)) => Ok(p.public(&tensor, K)),
                    (_, other) => panic!("{protect:?} gives {other:?}"),
                }
            });
            let expected: Vec<u64> = x.iter().map(|&x| reduce(x, K)).collect();
            assert_eq!(opened(&parts.map(Result::unwrap)), expected, "{protect:?}");
        }
    }
}

/// Expanded a few at a time, and never a tensor.
#[test]
fn rows_go_through_a_shared_matrix_at_once() {
    let layout = layout(Protect::Both, K, COLUMNS);
    for (rows, outputs) in [(1, 1), (8, 3), (13, 2)] {
        let (x, w) = (inputs(20, rows * COLUMNS), inputs(20, outputs * COLUMNS));
        let requests = requests(&layout, &x);
        let answers = World::new(2).run([1; 32], |mut session| {
            let me = session.me();
            let request = requests[me.index()].lock().unwrap().take().unwrap();
            let sum = product(&mut session, &layout, request, &share(me, K, 3, &w), K)?;
            Ok(session.finish(Replicated3::output(sum), K))
        });
        let sums = combine(answers.map(|answer| unpacked(&answer.unwrap(), K, rows * outputs)));
        for (i, sum) in sums.into_iter().enumerate() {
            let (row, score) = (i / outputs * COLUMNS, i % outputs * COLUMNS);
            let exact = (0..COLUMNS).fold(0u64, |s, j| s.wrapping_add(x[row + j].wrapping_mul(w[score + j])));
            assert_eq!(reduce(sum, K), reduce(exact, K), "{rows} × {outputs}, value {i}");
        }
    }
}

/// From rows to scores, as the linear path does it, by the general one.
#[test]
fn a_product_finishes_as_an_answer() {
    let layout = layout(Protect::Both, K, COLUMNS);
    let (x, w) = (inputs(20, 5 * COLUMNS), inputs(20, 2 * COLUMNS));
    let requests = requests(&layout, &x);
    let answers = World::new(2).run([1; 32], |mut session| {
        let request = requests[session.me().index()].lock().unwrap().take().unwrap();
        let Input::Shared(tensor) = input(&mut session, &layout, request)? else { panic!("both are hidden") };
        let shape = Matrices { rows: 5, inner: COLUMNS, columns: 2 };
        let mut p = Replicated3::new(session);
        let scores = p.matmul(Operand::Secret(&tensor), Operand::Public(&w), K, shape);
        let scores = Replicated3::output(scores);
        Ok(p.session.finish(scores, K))
    });
    let sums = combine(answers.map(|answer| unpacked(&answer.unwrap(), K, 10)));
    for (i, sum) in sums.into_iter().enumerate() {
        let (row, score) = (i / 2 * COLUMNS, i % 2 * COLUMNS);
        let exact = (0..COLUMNS).fold(0u64, |s, j| s.wrapping_add(x[row + j].wrapping_mul(w[score + j])));
        assert_eq!(reduce(sum, K), reduce(exact, K));
    }
}

#[test]
fn another_component_or_another_length_is_refused() {
    let layout = layout(Protect::Both, K, COLUMNS);
    let x = inputs(20, 4 * COLUMNS);
    let refused = |change: fn(&mut PartyRequest)| {
        let requests = requests(&layout, &x);
        let results = World::new(2).run([1; 32], |mut session| {
            let mut request = requests[session.me().index()].lock().unwrap().take().unwrap();
            change(&mut request);
            input(&mut session, &layout, request).map(drop)
        });
        // P1 holds a seed and the explicit component; who holds seeds alone could not tell how many rows there are.
        matches!(results[1], Err(Abort::Client(_)))
    };
    assert!(refused(|request| request.statement.bundle[0] ^= 1));
    assert!(refused(|request| request.statement.rows += 1));
    assert!(refused(|request| request.statement.rows = 0));
    assert!(refused(|request| request.held.truncate(1)));
    assert!(refused(|request| request.held.reverse()));
    assert!(refused(|request| request.statement.commitments.iter_mut().for_each(|c| c[5] ^= 1)));
}
