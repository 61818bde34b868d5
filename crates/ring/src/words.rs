//! Words of bits with weights from the field of 2^64 elements ([`carryless`](crate::carryless)).

#![allow(clippy::inline_always)] // so that loops are compiled for the instructions of their caller

use std::array::from_fn;

use crate::lanes::{Kernel, LANES, Lanes, run};

/// Words whose sums are all made.
const QUAD: usize = 4;

/// `Σ_j weights[j]·(bit l of words[j·groups + b])` at l·groups + b, and room for one more: of 64·2^v bits in each group 64 elements of the
/// field. Words that are missing are zero.
///
/// An element is the sum of the weights whose bits are set. Bit t of all 64 is a sum of words, those whose weight has bit t: by
/// tables of the sums of four words (Arlazarov, Dinic, Kronrod, Faradzhev 1970), which are looked up by weights, and those are
/// public. So what is secret is never an address.
pub fn folded_bits(words: &[u64], weights: &[u64], groups: usize) -> Vec<u64> {
    let mut picks = vec![[0u8; 64]; weights.len().div_ceil(QUAD)];
    for (picks, weights) in picks.iter_mut().zip(weights.chunks(QUAD)) {
        for (t, pick) in picks.iter_mut().enumerate() {
            for (i, weight) in weights.iter().enumerate() {
                *pick |= u8::from(weight >> t & 1 == 1) << i;
            }
        }
    }
    run(Fold { words, picks: &picks, groups })
}

struct Fold<'a> {
    words: &'a [u64],
    /// Of each four words, for each bit of the result, which of them count.
    picks: &'a [[u8; 64]],
    groups: usize,
}

impl Kernel for Fold<'_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<u64> {
        let mut out = Vec::with_capacity(64 * self.groups + 1);
        out.resize(64 * self.groups, 0);
        let mut square = [L::all(0); 64];
        let mut sums = [L::all(0); 1 << QUAD];
        for b in (0..self.groups).step_by(LANES) {
            square.fill(L::all(0));
            for (quad, picks) in self.picks.iter().enumerate() {
                self.add_up(quad, b, &mut sums);
                for (plane, pick) in square.iter_mut().zip(picks) {
                    *plane = plane.xor(sums[usize::from(*pick) % (1 << QUAD)]);
                }
            }
            transpose(&mut square);
            for (row, lanes) in out.chunks_exact_mut(self.groups).zip(&square) {
                let mut elements = [0; LANES];
                lanes.store(&mut elements);
                let row = &mut row[b..self.groups.min(b + LANES)];
                row.copy_from_slice(&elements[..row.len()]);
            }
        }
        out
    }
}

impl Fold<'_> {
    /// All sums of four words.
    #[inline(always)]
    fn add_up<L: Lanes>(&self, quad: usize, b: usize, sums: &mut [L; 1 << QUAD]) {
        for i in 0..QUAD {
            let first = (quad * QUAD + i) * self.groups;
            let word = match self.words.get(first + b..) {
                // Lanes beyond the groups are not kept.
                Some(words) if words.len() >= LANES => L::at(words, 0),
                Some(words) => L::load(&from_fn(|lane| words.get(lane).copied().unwrap_or(0))),
                None => L::all(0),
            };
            for set in 0..1 << i {
                sums[1 << i | set] = sums[set].xor(word);
            }
        }
    }
}

/// Bit c of row r becomes bit r of row c, in each lane. Warren: Hacker's Delight, 7-3, with the least bit first.
#[inline(always)]
fn transpose<L: Lanes>(square: &mut [L; 64]) {
    let (mut half, mut mask) = (32u32, u64::MAX >> 32);
    while half > 0 {
        let (distance, kept) = (half as usize, L::all(mask));
        for first in (0..64).step_by(2 * distance) {
            for r in first..first + distance {
                let (upper, lower) = (square[r], square[r + distance]);
                let swapped = upper.down(half).xor(lower).and(kept);
                square[r] = upper.xor(swapped.up(half));
                square[r + distance] = lower.xor(swapped);
            }
        }
        half /= 2;
        mask ^= mask << half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::tests::with_all_registers;

    #[test]
    fn each_lane_is_the_sum_of_its_weights() {
        with_all_registers(|| {
            let numbers = |n: u64, seed: u64| -> Vec<u64> {
                (1..=n)
                    .map(|i| (i ^ seed << 17).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23))
                    .collect()
            };
            for (groups, words) in [(1, 32), (1, 3), (7, 200), (8, 256), (19, 600)] {
                let (x, weights) = (numbers(words, 3), numbers(32, 8));
                let got = folded_bits(&x, &weights, groups);
                for (at, got) in got.into_iter().enumerate() {
                    let (bit, b) = (at / groups, at % groups);
                    let set = |j: usize| x.get(j * groups + b).is_some_and(|x| x >> bit & 1 == 1);
                    let expected = (0..32).filter(|&j| set(j)).fold(0, |sum, j| sum ^ weights[j]);
                    assert_eq!(got, expected, "{groups} {at}");
                }
            }
        });
    }
}
