//! What a request costs, counted at the messages, is what `traffic`, the header and the replies say.

#![allow(clippy::unwrap_used)]

mod common;

use common::World3;
use privet_deploy::check::planned_scores;
use privet_deploy::mpc::traffic;
use privet_deploy::oip::{Parameter, RawTensor};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::HEADER;

const SCORES: usize = 2;
const BATCHES: [usize; 7] = [1, 7, 8, 9, 318, 1000, 5000];

fn bytes(tensors: &[RawTensor]) -> usize {
    tensors.iter().map(|raw| raw.data.len()).sum()
}

#[test]
fn bytes_up_and_down_and_between_are_the_stated_ones() {
    for protect in Protect::ALL {
        let world = World3::new(protect, 528, SCORES);
        let layout = world.public.layout().unwrap();
        for n in BATCHES {
            let rows = world.rows(7, n);
            let asked = world.ask(&rows, 8);
            assert_eq!(asked.len(), n.div_ceil(layout.chunk_rows()));
            let (mut up, mut down, mut scores) = (0, 0, Vec::new());
            for asked in asked {
                assert_eq!(asked.messages.len(), HEADER.parties, "each party is asked once: one round");
                up += asked.messages.iter().map(|m| bytes(&m.inputs)).sum::<usize>();
                let replies = world.replies(&asked.messages);
                down += replies.iter().map(|r| bytes(&r.outputs)).sum::<usize>();
                for reply in &replies {
                    let zero = |what: &str| (what.to_owned(), Parameter::Int(0));
                    assert_eq!(reply.parameters[2..], [zero("rounds_between"), zero("bytes_between")]);
                    assert_eq!(reply.parameters[1].0, "bound", "every reply carries its bound");
                }
                let answer = asked.pending.answer(replies).unwrap();
                assert_eq!(
                    (answer.between.rounds, answer.between.bytes),
                    (0, HEADER.linear_bytes_between as u64)
                );
                scores.extend(answer.scores);
            }
            assert_eq!((up, down), traffic(&layout, n), "{protect:?}, {n} rows");
            assert_eq!(scores, planned_scores(&world.planned, &rows).unwrap(), "{protect:?}, {n} rows");
        }
    }
}

#[test]
fn a_hidden_input_and_model_cost_two_times_k_bits_per_element() {
    let world = World3::new(Protect::Both, 8, 1);
    let layout = world.public.layout().unwrap();
    let (one, two) = (traffic(&layout, 1).0, traffic(&layout, 2).0);
    assert_eq!(two - one, 2 * layout.k as usize * 8 / 8);
    assert_eq!(one, 3 * 144 + 6 * 16 + 2 * layout.k as usize);
}

#[test]
fn nothing_is_asked_about_no_rows() {
    let world = World3::new(Protect::Both, 8, 1);
    assert!(world.ask(&world.rows(1, 0), 1).is_empty());
    assert_eq!(traffic(&world.public.layout().unwrap(), 0), (0, 0));
}
