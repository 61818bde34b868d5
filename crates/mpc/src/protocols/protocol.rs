//! What a program needs of a protocol: tensors of shares, local operations on them, and gates that talk.
//!
//! A tensor is flat; its shape is public and the caller's. Every tensor of shares knows its ring 2^k (1 ≤ k ≤ 64), and
//! operands of one operation have the same length and the same ring: a program that mixes them is wrong whatever the
//! data is, which debug builds say. Values are two's complement: the representative in [-2^(k-1), 2^(k-1)).
//!
//! Mixing kinds does not compile:
//!
//! ```compile_fail,E0308
//! # use privet_mpc::protocols::protocol::Protocol;
//! fn wrong<P: Protocol>(share: &P::Share, bit: &P::Bit) -> P::Share {
//!     P::add(share, bit)
//! }
//! ```
//!
//! ```
//! # use privet_mpc::protocols::protocol::Protocol;
//! fn right<P: Protocol>(a: &P::Share, b: &P::Share) -> P::Share {
//!     P::add(a, b)
//! }
//! ```
//!
//! Nor does using a product twice, whose mask would then show the difference of two messages:
//!
//! ```compile_fail,E0382
//! # use privet_mpc::{Abort, protocols::protocol::Protocol};
//! fn twice<P: Protocol>(p: &mut P, product: P::Sum, bias: &P::Share) -> Result<(), Abort> {
//!     let sum = P::add_sum(product, bias.into());
//!     p.truncate(sum, 8, 32)?;
//!     p.truncate(product, 8, 32)?;
//!     Ok(())
//! }
//! ```
//!
//! ```
//! # use privet_mpc::{Abort, protocols::protocol::Protocol};
//! fn once<P: Protocol>(p: &mut P, product: P::Sum, bias: &P::Share) -> Result<(), Abort> {
//!     let sum = P::add_sum(product, bias.into());
//!     p.truncate(sum, 8, 32)?;
//!     Ok(())
//! }
//! ```

use privet_model::series::Series;
pub use privet_model::series::SeriesBits;
use privet_ring::conv::Conv2d;

use crate::Abort;
use crate::ledger::Ledger;

/// One side of a product.
pub enum Operand<'a, S> {
    /// Shared between the parties.
    Secret(&'a S),
    /// Known to every party: an input with `protect = model`, weights with `protect = input`.
    Public(&'a [u64]),
}

impl<S> Clone for Operand<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Operand<'_, S> {}

/// Rows times the transpose of a matrix: `x` is `rows × inner`, `w` is `columns × inner`, the result `rows × columns`, all
/// row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrices {
    /// Rows of `x`.
    pub rows: usize,
    /// Length of the rows of both.
    pub inner: usize,
    /// Rows of `w`.
    pub columns: usize,
}

/// A protocol for tensors of integers modulo 2^k. Functions without `self` are local: no party says anything.
pub trait Protocol: Sized + Send {
    /// A shared tensor, on which products and gates can work.
    type Share: Clone + Send + Sync;
    /// A shared tensor as a product leaves it: to be truncated, compared, or given to the client; a [`Self::Share`] is one
    /// as it stands. What masks it masks one message, so that it is used once: every use takes it.
    type Sum: Send + for<'a> From<&'a Self::Share>;
    /// A shared tensor of bits.
    type Bit: Clone;

    /// As many as are asked for, at most [`LANES`](crate::link::LANES), for steps that run at the same time, each on a thread; all
    /// parties fork and join at the same places.
    fn fork(&mut self, count: usize) -> Vec<Self>;
    /// Takes back, in their order, what [`Self::fork`] gave.
    fn join(&mut self, lanes: Vec<Self>);
    /// What it cost this party so far.
    fn ledger(&self) -> &Ledger;

    /// A tensor that everyone knows, as a shared one of ring 2^k.
    fn public(&self, values: &[u64], k: u32) -> Self::Share;
    /// Elements.
    fn len(x: &Self::Share) -> usize;
    /// k of the ring 2^k.
    fn ring(x: &Self::Share) -> u32;
    /// `x + y`.
    fn add(x: &Self::Share, y: &Self::Share) -> Self::Share;
    /// `x - y`.
    fn sub(x: &Self::Share, y: &Self::Share) -> Self::Share;
    /// `x + values`, element by element.
    fn add_public(&self, x: &Self::Share, values: &[u64]) -> Self::Share;
    /// `x·values`, element by element.
    fn mul_public(x: &Self::Share, values: &[u64]) -> Self::Share;
    /// `factor·x`.
    fn scale(x: &Self::Share, factor: u64) -> Self::Share;
    /// Element `indices[i]` of `x` at `i`; an index beyond `x` is a bug of the program.
    fn gather(x: &Self::Share, indices: &[usize]) -> Self::Share;
    /// One tensor after the other.
    fn concat(parts: &[&Self::Share]) -> Self::Share;
    /// Modulo a smaller 2^k: exact for what fits.
    fn reduce(x: &Self::Share, k: u32) -> Self::Share;
    /// Sums of `length` neighbours.
    fn sum_rows(x: &Self::Share, length: usize) -> Self::Share;

    /// `x + y`, where `y` may be a share (a bias at the scale of a product).
    fn add_sum(x: Self::Sum, y: Self::Sum) -> Self::Sum;
    /// One tensor after the other.
    fn concat_sums(&mut self, parts: Vec<Self::Sum>) -> Result<Self::Sum, Abort>;
    /// k of the ring 2^k.
    fn sum_ring(x: &Self::Sum) -> u32;
    /// Modulo a smaller 2^k.
    fn reduce_sum(x: Self::Sum, k: u32) -> Self::Sum;
    /// Element `indices[i]` of `x` at `i`.
    fn gather_sum(x: Self::Sum, indices: &[usize]) -> Self::Sum;
    /// `x·2^bits` in the ring 2^k, k being that of `x` and `bits` together or less.
    fn shift_sum(x: Self::Sum, bits: u32, k: u32) -> Self::Sum;

    /// Bits of a tensor of bits.
    fn count(x: &Self::Bit) -> usize;
    /// Bits that everyone knows.
    fn public_bits(&self, bits: &[bool]) -> Self::Bit;
    /// Exclusive or.
    fn xor(x: &Self::Bit, y: &Self::Bit) -> Self::Bit;
    /// The other bit.
    fn not(&self, x: &Self::Bit) -> Self::Bit;
    /// Bit `indices[i]` of `x` at `i`.
    fn gather_bits(x: &Self::Bit, indices: &[usize]) -> Self::Bit;
    /// One tensor of bits after the other.
    fn concat_bits(parts: &[&Self::Bit]) -> Self::Bit;
    /// Both: one round.
    fn and(&mut self, x: &Self::Bit, y: &Self::Bit) -> Result<Self::Bit, Abort>;

    /// Products of elements; the result has the fraction bits of both.
    fn multiply(&mut self, x: &Self::Share, y: &Self::Share) -> Self::Sum;
    /// Inner products of neighbours, `length` at a time.
    fn dot(&mut self, x: &Self::Share, y: &Self::Share, length: usize) -> Self::Sum;
    /// Product of matrices.
    fn matmul(
        &mut self,
        x: Operand<'_, Self::Share>,
        w: Operand<'_, Self::Share>,
        k: u32,
        shape: Matrices,
    ) -> Self::Sum;
    /// The rows of `x`, each times its factor, added up: as many sums as there are columns.
    fn combine(&mut self, x: &Self::Share, factors: &Self::Share) -> Self::Sum {
        let (rows, columns) = (Self::len(factors), Self::len(x) / Self::len(factors).max(1));
        let by_column: Vec<usize> =
            (0..columns).flat_map(|c| (0..rows).map(move |r| r * columns + c)).collect();
        let shape = Matrices { rows: 1, inner: rows, columns };
        let x = Self::gather(x, &by_column);
        self.matmul(Operand::Secret(factors), Operand::Secret(&x), Self::ring(factors), shape)
    }
    /// Two-dimensional convolution.
    fn convolve(
        &mut self,
        x: Operand<'_, Self::Share>,
        w: Operand<'_, Self::Share>,
        k: u32,
        shape: &Conv2d,
    ) -> Self::Sum;

    /// A share of exactly this tensor, in the same ring.
    fn reshare(&mut self, x: impl Into<Self::Sum>) -> Result<Self::Share, Abort>;
    /// `x / 2^drop` as a share in the ring 2^ring: error at most 1 unit, none with `drop = 0`. `-2^(k-2) ≤ x < 2^(k-2)`, or, where
    /// `ring ≤ k - drop`, `|x| < 2^(k-1) - 2^drop`.
    fn truncate(&mut self, x: impl Into<Self::Sum>, drop: u32, ring: u32) -> Result<Self::Share, Abort>;
    /// `max(x / 2^drop, 0)` in the ring 2^ring: error at most 1 unit, none with `drop = 0`. `|x| < 2^(k-1) - 2^drop`.
    fn relu(&mut self, x: impl Into<Self::Sum>, drop: u32, ring: u32) -> Result<Self::Share, Abort>;

    /// Whether `x / 2^drop < 0`, with x off by at most `2^drop` (exact with `drop = 0`, cheaper with more).
    fn is_negative(&mut self, x: impl Into<Self::Sum>, drop: u32) -> Result<Self::Bit, Abort>;
    /// The same with `drop = 0`, as 0 and 1 in the ring 2^ring.
    fn negative(&mut self, x: impl Into<Self::Sum>, ring: u32) -> Result<Self::Share, Abort> {
        let bit = self.is_negative(x, 0)?;
        self.bit_to_arith(&bit, ring)
    }
    /// Whether `x < y`: the difference must fit the ring.
    fn less_than(&mut self, x: &Self::Share, y: &Self::Share) -> Result<Self::Bit, Abort> {
        self.is_negative(&Self::sub(x, y), 0)
    }
    /// Whether `x = 0`, for rings of at most 8 bits.
    fn is_zero(&mut self, x: impl Into<Self::Sum>) -> Result<Self::Bit, Abort>;

    /// 0 and 1 in the ring 2^ring.
    fn bit_to_arith(&mut self, bit: &Self::Bit, ring: u32) -> Result<Self::Share, Abort>;
    /// `x` where the bit is set, 0 elsewhere, in the ring of `x`.
    fn select(&mut self, bit: &Self::Bit, x: &Self::Share) -> Result<Self::Share, Abort>;

    /// `f(x)` with `bits.sines + bits.coefficients` fraction bits; error as [`Series::rounding`] says.
    fn series(&mut self, x: impl Into<Self::Sum>, f: &Series, bits: SeriesBits) -> Result<Self::Sum, Abort>;
    /// `table[x]`, where `x` is of a ring 2^s with s ≤ 8 and the table has 2^s elements of the ring 2^ring.
    fn lookup(&mut self, x: impl Into<Self::Sum>, table: &[u64], ring: u32) -> Result<Self::Share, Abort>;
}
