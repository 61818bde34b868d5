//! The protocol's cost table is what the ledger and the messages say.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::{Parties, entropy, inputs, layout, split_rows, unpacked, words};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::{HEADER, Replicated, multiply};
use privet_mpc::request::{Held, PartyRequest, Request, combine};
use privet_mpc::role::Role;
use privet_mpc::world::World;
use privet_ring::reduce;

/// 317 rows of this model are a full chunk, so that 318 are two.
const COLUMNS: usize = 528;
const K: u32 = 50;
const SCORES: usize = 2;
const BATCHES: [usize; 7] = [1, 7, 8, 9, 318, 1000, 5000];

fn uploaded(message: &PartyRequest) -> usize {
    let bytes = |held: &Held| match held {
        Held::Seed(seed) => seed.expose().len(),
        Held::Packed { salt, bytes } => salt.expose().len() + bytes.len(),
    };
    message.held.iter().map(bytes).sum()
}

#[test]
fn a_linear_model_costs_one_upload_and_nothing_between_the_parties() {
    for protect in Protect::ALL {
        let layout = layout(protect, K, COLUMNS);
        let parties = Parties::new(layout, SCORES);
        let bits = protect.explicit_bits(layout.k, layout.encoded_bits) as usize;
        for rows in BATCHES {
            let x = inputs(20, rows * COLUMNS);
            let mut request = Request::draw(&mut entropy(5)).unwrap();
            let (mut up, mut chunks, mut between) = (0, 0, 0);
            for x in x.chunks(layout.chunk_rows() * COLUMNS) {
                let n = x.len() / COLUMNS * SCORES;
                let split = split_rows(&mut request, &layout, x);
                up += split.messages.iter().map(uploaded).sum::<usize>();
                chunks += 1;
                let mut messages = split.messages.into_iter();
                let answers = Role::ALL.map(|role| parties.answer(role, messages.next().unwrap()));
                assert!(answers.iter().all(|a| a.ledger().rounds == 0 && a.ledger().sent.is_empty()));
                between += answers.iter().map(|a| a.ledger().bytes_between()).sum::<usize>();
                let sums = combine(answers.map(|a| unpacked(&a, K, n)));
                let expected = parties.integers.scores(x);
                assert!(sums.iter().zip(&expected).all(|(&a, &b)| reduce(a, K) == reduce(b, K)));
            }
            let secrets = Role::ALL.iter().map(|&r| 16 * protect.components(r).len()).sum::<usize>();
            let elements = rows * COLUMNS; // 528 is a multiple of eight, so that chunks end on whole bytes
            assert_eq!(up, protect.explicit_copies() * elements * bits / 8 + chunks * secrets, "{rows} rows");
            assert_eq!(between, HEADER.linear_bytes_between);
        }
    }
    assert_eq!((HEADER.parties, HEADER.linear_rounds), (Role::ALL.len(), 1));
}

#[test]
fn copies_and_bits_of_the_explicit_component_are_the_stated_ones() {
    let cost = |protect: Protect| (protect.explicit_copies(), protect.explicit_bits(50, 20));
    assert_eq!(cost(Protect::Both), (2, 50));
    assert_eq!(cost(Protect::Input), (1, 50));
    assert_eq!(cost(Protect::Model), (3, 20));
    assert_eq!(layout(Protect::Both, 43, 3).explicit_len(5), Some((43 * 15usize).div_ceil(8)));
}

#[test]
fn a_product_costs_one_round_and_its_elements() {
    for (k, n) in [(1, 1), (1, 9), (7, 5), (43, 100), (64, 3)] {
        let x = Replicated { k, own: words(1, n), next: words(2, n) };
        let results = World::new(1).run([0; 32], |mut session| {
            session.step("product", |s| multiply(s, &x, &x))?;
            Ok(session.ledger().clone())
        });
        for ledger in results.map(Result::unwrap) {
            assert_eq!(ledger.rounds, 1);
            assert_eq!(ledger.sent, [("/product".to_owned(), (n * k as usize).div_ceil(8))]);
        }
    }
}
