//! The protocol as programs see it: each method is the gate of its file, as a step of the session.

use privet_model::series::Series;
use privet_ring::conv::Conv2d;

use crate::Abort;
use crate::ledger::Ledger;
use crate::protocols::protocol::{Matrices, Operand, Protocol, SeriesBits};
use crate::protocols::replicated3::Bits;
use crate::protocols::replicated3::bits::packed;

use super::party::Malicious3;
use super::products::Map;
use super::share::Share;
use super::sum::Sum;
use super::truncate::floors;

impl Protocol for Malicious3 {
    type Share = Share;
    type Sum = Sum;
    type Bit = Bits;

    fn fork(&mut self, count: usize) -> Vec<Self> {
        self.lanes(count)
    }

    fn join(&mut self, lanes: Vec<Self>) {
        self.joined(lanes);
    }

    fn ledger(&self) -> &Ledger {
        self.session.ledger()
    }

    fn public(&self, values: &[u64], k: u32) -> Share {
        self.known(k, values.to_vec())
    }

    fn len(x: &Share) -> usize {
        x.len()
    }

    fn ring(x: &Share) -> u32 {
        x.k
    }

    fn add(x: &Share, y: &Share) -> Share {
        x.plus(y)
    }

    fn sub(x: &Share, y: &Share) -> Share {
        x.minus(y)
    }

    fn add_public(&self, x: &Share, values: &[u64]) -> Share {
        x.plus(&self.public(values, x.k))
    }

    fn mul_public(x: &Share, values: &[u64]) -> Share {
        debug_assert_eq!(x.len(), values.len(), "another length");
        x.map(|x| x.iter().zip(values).map(|(x, &v)| x.wrapping_mul(v)).collect())
    }

    fn scale(x: &Share, factor: u64) -> Share {
        x.times(factor)
    }

    fn gather(x: &Share, indices: &[usize]) -> Share {
        x.gather(indices)
    }

    fn concat(parts: &[&Share]) -> Share {
        Share::concat(parts)
    }

    fn reduce(x: &Share, k: u32) -> Share {
        debug_assert!(k <= x.k, "a ring does not grow by reduction");
        x.clone().in_ring(k)
    }

    fn sum_rows(x: &Share, length: usize) -> Share {
        let sum = |row: &[u64]| row.iter().fold(0, |sum: u64, x| sum.wrapping_add(*x));
        x.map(|x| x.chunks_exact(length.max(1)).map(sum).collect())
    }

    fn add_sum(x: Sum, y: Sum) -> Sum {
        x.plus(y)
    }

    fn concat_sums(&mut self, parts: Vec<Sum>) -> Result<Sum, Abort> {
        self.step("concat", |p| p.side_by_side(parts))
    }

    fn sum_ring(x: &Sum) -> u32 {
        x.ring()
    }

    fn reduce_sum(x: Sum, k: u32) -> Sum {
        x.reduced(k)
    }

    fn gather_sum(x: Sum, indices: &[usize]) -> Sum {
        x.gathered(indices)
    }

    fn shift_sum(x: Sum, bits: u32, k: u32) -> Sum {
        x.shifted(bits, k)
    }

    fn count(x: &Bits) -> usize {
        x.n
    }

    fn public_bits(&self, bits: &[bool]) -> Bits {
        Bits::of_common(self.me(), bits.len(), packed(bits.iter().map(|&b| b.into())))
    }

    fn xor(x: &Bits, y: &Bits) -> Bits {
        x.xor(y)
    }

    fn not(&self, x: &Bits) -> Bits {
        self.inverted(x)
    }

    fn gather_bits(x: &Bits, indices: &[usize]) -> Bits {
        x.gather(indices)
    }

    fn concat_bits(parts: &[&Bits]) -> Bits {
        Bits::concat(parts)
    }

    fn and(&mut self, x: &Bits, y: &Bits) -> Result<Bits, Abort> {
        self.step("and", |p| p.both(x, y))
    }

    fn multiply(&mut self, x: &Share, y: &Share) -> Sum {
        self.times(x, y)
    }

    fn dot(&mut self, x: &Share, y: &Share, length: usize) -> Sum {
        let n = x.len() / length.max(1);
        self.product(x, y, n, Map::Rows(length))
    }

    fn matmul(&mut self, x: Operand<'_, Share>, w: Operand<'_, Share>, k: u32, shape: Matrices) -> Sum {
        self.bilinear(x, w, k, shape.rows * shape.columns, Map::Matrices(shape))
    }

    fn convolve(&mut self, x: Operand<'_, Share>, w: Operand<'_, Share>, k: u32, shape: &Conv2d) -> Sum {
        self.bilinear(x, w, k, shape.output_len(), Map::Convolution(*shape))
    }

    fn reshare(&mut self, x: impl Into<Sum>) -> Result<Share, Abort> {
        self.step("reshare", |p| p.share(x))
    }

    fn truncate(&mut self, x: impl Into<Sum>, drop: u32, ring: u32) -> Result<Share, Abort> {
        self.step("truncate", |p| p.rescaled(x.into(), drop, ring))
    }

    fn relu(&mut self, x: impl Into<Sum>, drop: u32, ring: u32) -> Result<Share, Abort> {
        self.step("relu", |p| p.rectified(x.into(), drop, ring))
    }

    fn is_negative(&mut self, x: impl Into<Sum>, drop: u32) -> Result<Bits, Abort> {
        self.step("is_negative", |p| {
            let x = p.share(x)?;
            // x/2^drop - 2 < x' ≤ x/2^drop + 1, as for the rectifier.
            let x = if drop == 0 { x } else { p.plus_constant(&x, 1 << drop) };
            p.sign(&floors(&x.low_bits(), drop, x.k - drop))
        })
    }

    fn is_zero(&mut self, x: impl Into<Sum>) -> Result<Bits, Abort> {
        self.step("is_zero", |p| {
            let x = p.share(x)?;
            debug_assert!(x.k <= 8, "at most 8 bits");
            p.zero(&x)
        })
    }

    fn bit_to_arith(&mut self, bit: &Bits, ring: u32) -> Result<Share, Abort> {
        self.step("bit_to_arith", |p| p.as_integers(bit, ring))
    }

    fn select(&mut self, bit: &Bits, x: &Share) -> Result<Share, Abort> {
        debug_assert_eq!(bit.n, x.len(), "another length");
        self.step("select", |p| p.chosen(bit, x))
    }

    fn series(&mut self, x: impl Into<Sum>, f: &Series, bits: SeriesBits) -> Result<Sum, Abort> {
        self.step("series", |p| p.series_of(x.into(), f, bits))
    }

    fn lookup(&mut self, x: impl Into<Sum>, table: &[u64], ring: u32) -> Result<Share, Abort> {
        self.step("lookup", |p| {
            let x = p.share(x)?;
            p.looked_up(&x, table, ring)
        })
    }
}
