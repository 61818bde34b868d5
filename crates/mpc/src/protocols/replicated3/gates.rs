//! The protocol as programs see it: each method is the gate of its file, as a step of the session.
//!
//! Comparisons are made in one of several ways, of which each gives a protocol of its own: everything else is the same.

use std::marker::PhantomData;

use privet_model::series::Series;
use privet_ring::conv::Conv2d;
use privet_ring::kernels::{add_combined, add_convolution};

use crate::Abort;
use crate::ledger::Ledger;
use crate::protocols::protocol::{Matrices, Operand, Protocol, SeriesBits};
use crate::session::{Additive, Session};

use super::bits::{Bits, and, packed};
use super::compare::sign;
use super::lookup::{is_zero, lookup};
use super::multiply::{bilinear, elements, matrices, reshare, rows};
use super::relu::relu;
use super::select::{bit_to_arith, select};
use super::series::series;
use super::share::{Replicated, Sum};
use super::truncate::rescale;
use super::view::View;

/// How the sign of a shared tensor is found, and what follows from it.
pub trait Comparisons: Send + 'static {
    /// Whether x < 0.
    fn sign(session: &mut Session, view: &View) -> Result<Bits, Abort>;
    /// max(x / 2^drop, 0) in the ring 2^ring, as [`Protocol::relu`] has it.
    fn relu(session: &mut Session, x: Sum, drop: u32, ring: u32) -> Result<Replicated, Abort>;
    /// Whether x < 0, in the ring 2^ring.
    fn negative(session: &mut Session, x: Sum, ring: u32) -> Result<Replicated, Abort>;
}

/// By the unary codes of blocks of bits.
pub struct Blocks;

impl Comparisons for Blocks {
    fn sign(session: &mut Session, view: &View) -> Result<Bits, Abort> {
        sign(session, view)
    }

    fn relu(session: &mut Session, x: Sum, drop: u32, ring: u32) -> Result<Replicated, Abort> {
        relu(session, x, drop, ring)
    }

    fn negative(session: &mut Session, x: Sum, ring: u32) -> Result<Replicated, Abort> {
        let view = View::open(session, x)?;
        let bits = sign(session, &view)?;
        bit_to_arith(session, &bits, ring)
    }
}

/// Replicated sharing among three parties, in a session.
pub type Replicated3 = Gates<Blocks>;

/// All gates, with comparisons made so.
pub struct Gates<C> {
    /// One party's view of the computation.
    pub session: Session,
    comparisons: PhantomData<C>,
}

impl<C> Gates<C> {
    /// In this session.
    pub fn new(session: Session) -> Self {
        Self { session, comparisons: PhantomData }
    }

    fn step<T>(&mut self, name: &str, body: impl FnOnce(&mut Session) -> T) -> T {
        self.session.step(name, body)
    }

    /// What the client gets of it, by [`Session::finish`].
    pub fn output(x: Sum) -> Additive {
        x.into_output()
    }
}

impl<C: Comparisons> Protocol for Gates<C> {
    type Share = Replicated;
    type Sum = Sum;
    type Bit = Bits;

    fn fork(&mut self, count: usize) -> Vec<Self> {
        self.session.fork(count).into_iter().map(Self::new).collect()
    }

    fn join(&mut self, lanes: Vec<Self>) {
        self.session.join(lanes.into_iter().map(|lane| lane.session).collect());
    }

    fn ledger(&self) -> &Ledger {
        self.session.ledger()
    }

    fn public(&self, values: &[u64], k: u32) -> Replicated {
        Replicated::public(self.session.me(), k, values.to_vec())
    }

    fn len(x: &Replicated) -> usize {
        x.own.len()
    }

    fn ring(x: &Replicated) -> u32 {
        x.k
    }

    fn add(x: &Replicated, y: &Replicated) -> Replicated {
        x.plus(y)
    }

    fn sub(x: &Replicated, y: &Replicated) -> Replicated {
        x.zip(y, u64::wrapping_sub)
    }

    fn add_public(&self, x: &Replicated, values: &[u64]) -> Replicated {
        x.plus(&self.public(values, x.k))
    }

    fn mul_public(x: &Replicated, values: &[u64]) -> Replicated {
        debug_assert_eq!(x.own.len(), values.len(), "another length");
        x.map(x.k, |x| x.iter().zip(values).map(|(x, v)| x.wrapping_mul(*v)).collect())
    }

    fn scale(x: &Replicated, factor: u64) -> Replicated {
        x.times(factor)
    }

    fn gather(x: &Replicated, indices: &[usize]) -> Replicated {
        x.map(x.k, |x| indices.iter().map(|&i| x[i]).collect())
    }

    fn concat(parts: &[&Replicated]) -> Replicated {
        Replicated::concat(parts)
    }

    fn reduce(x: &Replicated, k: u32) -> Replicated {
        debug_assert!(k <= x.k, "a ring does not grow by reduction");
        x.in_ring(k)
    }

    fn sum_rows(x: &Replicated, length: usize) -> Replicated {
        let sum = |row: &[u64]| row.iter().fold(0, |sum: u64, x| sum.wrapping_add(*x));
        x.map(x.k, |x| x.chunks_exact(length.max(1)).map(sum).collect())
    }

    fn add_sum(x: Sum, y: Sum) -> Sum {
        x.plus(y)
    }

    fn concat_sums(&mut self, parts: Vec<Sum>) -> Result<Sum, Abort> {
        Ok(self.step("concat", |s| Sum::concat(s, parts)))
    }

    fn sum_ring(x: &Sum) -> u32 {
        x.ring()
    }

    fn reduce_sum(x: Sum, k: u32) -> Sum {
        x.reduced(k)
    }

    fn gather_sum(x: Sum, indices: &[usize]) -> Sum {
        let k = x.ring();
        x.mapped(k, |x| indices.iter().map(|&i| x[i]).collect())
    }

    fn shift_sum(x: Sum, bits: u32, k: u32) -> Sum {
        if bits == 0 && x.ring() == k {
            return x;
        }
        debug_assert!(k <= x.ring() + bits, "a ring does not grow by itself");
        x.mapped(k, |x| x.iter().map(|x| x << bits).collect())
    }

    fn count(x: &Bits) -> usize {
        x.n
    }

    fn public_bits(&self, bits: &[bool]) -> Bits {
        Bits::public(self.session.me(), bits.len(), packed(bits.iter().map(|&b| u64::from(b))))
    }

    fn xor(x: &Bits, y: &Bits) -> Bits {
        x.xor(y)
    }

    fn not(&self, x: &Bits) -> Bits {
        x.not(self.session.me())
    }

    fn gather_bits(x: &Bits, indices: &[usize]) -> Bits {
        x.gather(indices)
    }

    fn concat_bits(parts: &[&Bits]) -> Bits {
        Bits::concat(parts)
    }

    fn and(&mut self, x: &Bits, y: &Bits) -> Result<Bits, Abort> {
        self.step("and", |s| and(s, x, y))
    }

    fn multiply(&mut self, x: &Replicated, y: &Replicated) -> Sum {
        let (k, n) = (x.k, x.own.len());
        debug_assert_eq!(n, y.own.len(), "another length");
        self.step("multiply", |s| bilinear(s, Operand::Secret(x), Operand::Secret(y), k, n, elements))
    }

    fn dot(&mut self, x: &Replicated, y: &Replicated, length: usize) -> Sum {
        let (k, n) = (x.k, x.own.len() / length.max(1));
        self.step("dot", |s| bilinear(s, Operand::Secret(x), Operand::Secret(y), k, n, rows(length)))
    }

    fn matmul(
        &mut self,
        x: Operand<'_, Replicated>,
        w: Operand<'_, Replicated>,
        k: u32,
        shape: Matrices,
    ) -> Sum {
        self.step("matmul", |s| bilinear(s, x, w, k, shape.rows * shape.columns, matrices(shape)))
    }

    fn combine(&mut self, x: &Replicated, factors: &Replicated) -> Sum {
        let (k, n) = (x.k, x.own.len() / factors.own.len().max(1));
        self.step("combine", |s| {
            bilinear(s, Operand::Secret(x), Operand::Secret(factors), k, n, add_combined)
        })
    }

    fn convolve(
        &mut self,
        x: Operand<'_, Replicated>,
        w: Operand<'_, Replicated>,
        k: u32,
        shape: &Conv2d,
    ) -> Sum {
        self.step("convolve", |s| {
            bilinear(s, x, w, k, shape.output_len(), |x, w, out| add_convolution(shape, x, w, out))
        })
    }

    fn reshare(&mut self, x: impl Into<Sum>) -> Result<Replicated, Abort> {
        self.step("reshare", |s| reshare(s, x.into()))
    }

    fn truncate(&mut self, x: impl Into<Sum>, drop: u32, ring: u32) -> Result<Replicated, Abort> {
        self.step("truncate", |s| rescale(s, x.into(), drop, ring))
    }

    fn relu(&mut self, x: impl Into<Sum>, drop: u32, ring: u32) -> Result<Replicated, Abort> {
        self.step("relu", |s| C::relu(s, x.into(), drop, ring))
    }

    fn is_negative(&mut self, x: impl Into<Sum>, drop: u32) -> Result<Bits, Abort> {
        self.step("is_negative", |s| {
            let view = View::open(s, x.into())?.narrow(s, drop);
            C::sign(s, &view)
        })
    }

    fn negative(&mut self, x: impl Into<Sum>, ring: u32) -> Result<Replicated, Abort> {
        self.step("negative", |s| C::negative(s, x.into(), ring))
    }

    fn is_zero(&mut self, x: impl Into<Sum>) -> Result<Bits, Abort> {
        self.step("is_zero", |s| is_zero(s, x.into()))
    }

    fn bit_to_arith(&mut self, bit: &Bits, ring: u32) -> Result<Replicated, Abort> {
        self.step("bit_to_arith", |s| bit_to_arith(s, bit, ring))
    }

    fn select(&mut self, bit: &Bits, x: &Replicated) -> Result<Replicated, Abort> {
        self.step("select", |s| select(s, bit, x))
    }

    fn series(&mut self, x: impl Into<Sum>, f: &Series, bits: SeriesBits) -> Result<Sum, Abort> {
        self.step("series", |s| series(s, x.into(), f, bits))
    }

    fn lookup(&mut self, x: impl Into<Sum>, table: &[u64], ring: u32) -> Result<Replicated, Abort> {
        self.step("lookup", |s| lookup(s, x.into(), table, ring))
    }
}
