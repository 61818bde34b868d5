//! What the tests of this crate share: a small linear model in integers, and a judge of uniformity.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::cast_possible_truncation)]

pub mod cheating;
pub mod gates;
pub mod party;
pub mod programs;
pub mod training;

use privet_model::plan::Integers;
use privet_mpc::correlated::PairKeys;
use privet_mpc::link::Links;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::linear;
use privet_mpc::request::{Held, Layout, PartyRequest, Request, Split};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::session::{OutputShare, Session};
use privet_mpc::weights::{PartyWeights, share};
use privet_mpc::world::{DangerousSeededEntropy, World};
use privet_ring::pack::unpack;
use privet_ring::prg::{Seed, Stream};

pub fn entropy(seed: u64) -> DangerousSeededEntropy {
    DangerousSeededEntropy::new(seed)
}

pub fn layout(protect: Protect, k: u32, columns: usize) -> Layout {
    Layout {
        bundle: [7; 32],
        protect,
        k,
        encoded_bits: k.min(20),
        columns,
        scores: 1,
        answer_bits: 64,
        most_rows: usize::MAX,
        check_rows: 0,
    }
}

/// Words that anyone can repeat.
pub fn words(seed: u8, n: usize) -> Vec<u64> {
    let mut out = vec![0; n];
    Stream::of_chunk(&Seed::from_bytes([seed; 16]), 0).fill(&mut out);
    out
}

/// Encoded inputs of at most `bits` bits, sign included.
pub fn inputs(bits: u32, n: usize) -> Vec<u64> {
    words(9, n).into_iter().map(|x| privet_ring::signed(x, bits).cast_unsigned()).collect()
}

pub fn split_rows(request: &mut Request, layout: &Layout, x: &[u64]) -> Split {
    let rows = (x.len() / layout.columns) as u32;
    let encode = |first: usize, out: &mut [u64]| {
        let at = first * layout.columns;
        out.copy_from_slice(&x[at..at + out.len()]);
        Ok::<(), ()>(())
    };
    let ticket = request.ticket().unwrap();
    request.split(ticket, layout, rows, encode).unwrap()
}

/// Three parties that hold a model.
pub struct Parties {
    pub layout: Layout,
    pub integers: Integers,
    pub weights: [PartyWeights; PARTIES],
    pub keys: [PairKeys; PARTIES],
}

impl Parties {
    pub fn new(layout: Layout, scores: usize) -> Self {
        let integers = Integers { weights: words(1, scores * layout.columns), bias: words(2, scores) };
        let weights = share(&integers, layout.protect, &mut entropy(3)).unwrap();
        Self { layout, integers, weights, keys: World::new(4).keys() }
    }

    /// A party that can talk to nobody but the client.
    pub fn answer(&self, role: Role, message: PartyRequest) -> OutputShare {
        let point = message.statement.point();
        let mut session = Session::new(role, Links::none(), self.keys[role.index()].clone(), point);
        let weights = &self.weights[role.index()];
        let output = session.step("linear", |s| linear(s, &self.layout, weights, message)).unwrap();
        session.finish(output, self.layout.k)
    }
}

pub fn unpacked(share: &OutputShare, k: u32, n: usize) -> Vec<u64> {
    let mut out = vec![0; n];
    unpack(k, share.packed(), 0, &mut out);
    out
}

pub fn explicit(message: &PartyRequest) -> Option<&[u8]> {
    message.held.iter().find_map(|held| match held {
        Held::Packed { bytes, .. } => Some(&bytes[..]),
        Held::Seed(_) => None,
    })
}

pub fn seeds(message: &PartyRequest) -> Vec<[u8; 16]> {
    let seed = |held: &Held| if let Held::Seed(seed) = held { Some(*seed.expose()) } else { None };
    message.held.iter().filter_map(seed).collect()
}

/// Whether `values` below `cells` are spread evenly: Pearson's chi-square against its quantile (Wilson and Hilferty's
/// approximation) at 6.8 standard deviations, which even values exceed with probability 5e-12.
pub fn is_even(values: impl Iterator<Item = usize>, cells: usize) -> bool {
    let mut counts = vec![0u64; cells];
    values.for_each(|v| counts[v] += 1);
    let expected = counts.iter().sum::<u64>() as f64 / cells as f64;
    assert!(expected >= 20.0, "too few samples to judge: {expected} in a cell");
    let distance: f64 = counts.iter().map(|&c| (c as f64 - expected).powi(2) / expected).sum();
    let freedom = (cells - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    distance < freedom * (1.0 - spread + 6.8 * spread.sqrt()).powi(3)
}
