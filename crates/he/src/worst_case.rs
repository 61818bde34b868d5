//! Answers are right, whatever the rows and weights that the parameters were chosen for; and what is wrong with them before rounding
//! stays within the proof.

// Numbers of tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::many_single_char_names)]

use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::prg::{Seed, Stream};
use proptest::prelude::*;

use crate::client::Key;
use crate::packing::Packing;
use crate::parameters::{Needs, Parameters};
use crate::ring::Ring;
use crate::server::{Added, Model, PublicKey};

/// The same bytes for the same seed.
pub(crate) struct Fixed(Stream);

impl Fixed {
    pub(crate) fn of(seed: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(Stream::of_chunk(&Seed::from_bytes(bytes), 0))
    }
}

impl Entropy for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for chunk in bytes.chunks_mut(8) {
            let mut word = [0];
            self.0.fill(&mut word);
            chunk.copy_from_slice(&word[0].to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A model's integers and rows, as signed numbers.
pub(crate) struct Case {
    pub(crate) needs: Needs,
    pub(crate) weights: Vec<i64>,
    pub(crate) bias: Vec<i64>,
    pub(crate) rows: Vec<i64>,
}

impl Case {
    /// The scores modulo 2^k, by row.
    fn expected(&self) -> Vec<u64> {
        let dot = |row: &[i64], weights: &[i64], bias: i64| {
            row.iter().zip(weights).fold(bias, |sum, (&x, &w)| sum.wrapping_add(x.wrapping_mul(w)))
        };
        let n = self.needs.columns;
        let of_row = |row| {
            self.weights.chunks(n).zip(&self.bias).map(move |(w, &b)| {
                dot(row, w, b).cast_unsigned() & (u64::MAX >> (64 - self.needs.plaintext_bits))
            })
        };
        self.rows.chunks(n).flat_map(of_row).collect()
    }

    /// The scores by way of ciphertexts, by row; and the largest part of half a Δ that was wrong.
    fn answered(&self, entropy: &mut dyn Entropy) -> (Vec<u64>, f64) {
        let Needs { columns, scores, norm_bits, .. } = self.needs;
        let parameters = Parameters::choose(self.needs).unwrap_or_else(|| unreachable!("{:?}", self.needs));
        let ring = Ring::new(parameters);
        let unsigned = |x: &[i64]| x.iter().map(|&x| x.cast_unsigned()).collect::<Vec<_>>();
        let model = Model::new(&ring, columns, norm_bits, &unsigned(&self.weights), &unsigned(&self.bias));
        let model = model.unwrap_or_else(|| unreachable!("the norm was chosen for it"));
        let key = Key::draw(&ring, [7; 32], entropy).unwrap_or_else(|_| unreachable!("never fails"));
        let public =
            PublicKey::read(&ring, *key.seed(), key.public()).unwrap_or_else(|_| unreachable!("just made"));
        let rows = self.rows.len() / columns;
        let packing = model.packing(&ring, rows);
        let (mut all, mut worst) = (Vec::new(), 0f64);
        for at in 0..packing.ciphertexts(rows) {
            let own = packing.rows_in(at, rows);
            let first = at * packing.rows_in_one;
            let plaintext = self.plaintext(&packing, first, own, ring.degree());
            let (index, mut sent, mut answer) = (at as u32 + 1, Vec::new(), Vec::new());
            key.encrypt(&ring, index, &plaintext, entropy, &mut sent).unwrap_or_else(|_| unreachable!());
            model
                .answer(&ring, &packing, &public, index, &sent, own, Added::Bias, entropy, &mut answer)
                .unwrap_or_else(|e| unreachable!("{e:?}"));
            let scores = key.decrypt(&ring, &packing, own, &answer).unwrap_or_else(|e| unreachable!("{e:?}"));
            let phases = key.phases(&ring, &packing, own, &answer).unwrap_or_else(|e| unreachable!("{e:?}"));
            let below = ring.parameters().answer_bits - ring.parameters().plaintext_bits;
            for phase in phases.iter().flatten() {
                let rest = phase & ((1 << below) - 1);
                let wrong = rest.min((1 << below) - rest) as f64;
                worst = worst.max(wrong / f64::exp2(f64::from(below - 1)));
            }
            for row in 0..own {
                let one = packing.scores_in_one;
                all.extend(scores.iter().flat_map(|product| &product[row * one..(row + 1) * one]));
            }
        }
        assert_eq!(all.len(), rows * scores);
        (all, worst)
    }

    fn plaintext(&self, packing: &Packing, first: usize, rows: usize, degree: usize) -> Vec<u64> {
        let (n, mut plaintext) = (self.needs.columns, vec![0; degree]);
        for row in 0..rows {
            let values = &self.rows[(first + row) * n..(first + row + 1) * n];
            let place = packing.place(row);
            values.iter().zip(&mut plaintext[place..]).for_each(|(&x, p)| *p = x.cast_unsigned());
        }
        plaintext
    }

    fn check(&self, seed: u64) {
        let (got, worst) = self.answered(&mut Fixed::of(seed));
        assert_eq!(got, self.expected(), "{:?} seed {seed}", self.needs);
        let proven = Parameters::choose(self.needs).map_or(0.0, |p| p.worst_share());
        assert!(worst <= proven, "{:?}: {worst} of half a Δ, proven {proven}", self.needs);
        // A proof far above what happens would be a wrong one: the flood is uniform, so the worst of many is near its bound.
        let many = got.len() >= 30;
        assert!(!many || worst > 0.3 * proven, "{worst} {proven}");
    }
}

fn signs(seed: u64, n: usize) -> Vec<i64> {
    let mut words = vec![0; n];
    Fixed::of(seed).0.fill(&mut words);
    words.iter().map(|w| if w & 1 == 1 { 1 } else { -1 }).collect()
}

#[test]
fn the_largest_weights_and_rows_of_the_reference_workload() {
    // 528 columns of 27 bits and weights that add up to exactly 2^29: scores use all 57 bits.
    let needs = Needs { plaintext_bits: 57, norm_bits: 29, columns: 528, scores: 1 };
    for seed in 0..3 {
        let (x, w) = (signs(seed, 40 * 528), signs(seed + 100, 528));
        let rows = x.chunks(528).enumerate().flat_map(|(r, row)| {
            // Every fourth row has the signs of the weights, or the opposite: the largest and the least score.
            let aligned: Vec<i64> = match r % 4 {
                0 => w.clone(),
                1 => w.iter().map(|w| -w).collect(),
                _ => row.to_vec(),
            };
            aligned.into_iter().map(|sign| sign * ((1 << 27) - 1))
        });
        let weights = w.iter().map(|sign| sign * ((1 << 29) / 528)).collect();
        Case { needs, weights, bias: vec![-12345], rows: rows.collect() }.check(seed);
    }
}

/// The proof's noise is that of the very polynomial that is multiplied with, also where it has the weights of several scores.
#[test]
fn noise_counts_all_weights_of_a_product() {
    for (scores, columns) in [(1, 500), (5, 20), (15, 528), (128, 4), (40, 528)] {
        let needs = Needs { plaintext_bits: 50, norm_bits: 26, columns, scores };
        let p = Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits"));
        // All of each score's norm, over its columns.
        let weights = vec![((1i64 << 26) / columns as i64).cast_unsigned(); columns * scores];
        let packing = Packing::of(&p, columns, scores, 1);
        let product = &weights[..columns * packing.scores_in_one];
        let norm: i64 = packing.weights(product, p.degree).iter().map(|w| w.abs()).sum();
        let noise = 21.5 * norm as f64 + 21.0 * (2.0 * p.degree as f64 + 1.0) + 0.5;
        assert!(noise <= f64::exp2(f64::from(p.noise_bits)), "{needs:?} {p:?}");
        assert_eq!(packing.scores_in_one > 1, scores > 1 && scores * columns <= p.degree && scores <= p.rows);
    }
}

#[test]
fn one_weight_that_is_all_of_the_norm() {
    for (plaintext_bits, norm_bits) in [(20, 10), (40, 20), (64, 40)] {
        let needs = Needs { plaintext_bits, norm_bits, columns: 3, scores: 2 };
        let most = 1i64 << norm_bits;
        let rows = vec![(1 << (plaintext_bits - norm_bits - 2)) - 1; 3 * 5];
        Case { needs, weights: vec![0, most, 0, 0, 0, -most], bias: vec![1, -1], rows }.check(1);
    }
}

#[test]
fn scores_together_and_apart_are_the_same() {
    let needs = Needs { plaintext_bits: 40, norm_bits: 18, columns: 20, scores: 5 };
    for rows in [1, 2, 7, 100, 300] {
        let weights = signs(3, 100).iter().enumerate().map(|(i, s)| s * i as i64 * 91).collect();
        let rows =
            signs(rows, 20 * rows as usize).iter().enumerate().map(|(i, s)| s * i as i64 % 99_999).collect();
        Case { needs, weights, bias: vec![5, -6, 7, 0, i64::from(i32::MAX)], rows }.check(2);
    }
}

#[test]
fn a_row_that_fills_the_ring() {
    for columns in [4096, 8192] {
        let needs = Needs { plaintext_bits: 30, norm_bits: 14, columns, scores: 1 };
        let weights: Vec<i64> = signs(4, columns).into_iter().collect();
        Case { needs, weights, bias: vec![3], rows: signs(5, 2 * columns) }.check(3);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_model_and_any_rows(
        seed in any::<u64>(),
        plaintext_bits in 12u32..=64,
        columns in 1usize..200,
        scores in 1usize..4,
        count in 1usize..30,
    ) {
        let norm_bits = plaintext_bits / 2;
        let needs = Needs { plaintext_bits, norm_bits, columns, scores };
        let mut words = vec![0; columns * (scores + count) + scores];
        Fixed::of(seed).0.fill(&mut words);
        let most = (1i64 << norm_bits) / columns as i64;
        let mut signed = words.iter().map(|&w| w.cast_signed());
        let weights = signed.by_ref().take(columns * scores).map(|w| w % (most + 1)).collect();
        let bias = signed.by_ref().take(scores).collect();
        // Rows are any integers: scores wrap modulo 2^k as they should.
        Case { needs, weights, bias, rows: signed.collect() }.check(seed);
    }
}
