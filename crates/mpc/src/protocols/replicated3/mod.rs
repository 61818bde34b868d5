//! Replicated secret sharing among three parties, of whom one may be curious.
//!
//! | | |
//! |---|---|
//! | parties | P0, P1, P2; x = x0 + x1 + x2 modulo 2^k; `P_i` holds `x_i` and `x_{i+1}` |
//! | corruption | one party, semi-honest: it follows the protocol and looks at everything it sees |
//! | guarantee | it learns nothing about input, model (by `protect`) and answer |
//! | papers | Araki, Furukawa, Lindell, Nof, Ohara: High-throughput semi-honest secure three-party computation with an honest majority, CCS 2016; Mohassel, Rindal: ABY3, CCS 2018; Chaudhari, Choudhury, Patra, Suresh: ASTRA, CCSW 2019 |
//!
//! | operation | rounds | bits between the parties, an element |
//! |---|---|---|
//! | [`linear`] (client round trip) | 1 | 0 |
//! | [`multiply`] of ABY3, n elements | 1 | ⌈n·k/8⌉ bytes from each |
//!
//! Beyond linear, everything rests on one view of a shared tensor ([`view`](self)): P0 knows a = x0 + x1, both others know
//! b = x2. P0 deals functions of a, the others combine them with functions of b, so that **P0 never waits for anybody**: its part
//! depends on keys and on its own shares only, and is ahead of the other two from the first message on. What counts as a round is
//! an exchange between P1 and P2. Each gate is one file, with its cost and its error in its header.
//!
//! | gate | file |
//! |---|---|
//! | local operations | [`share`](Replicated), [`bits`](Bits) |
//! | products, convolution | `multiply` |
//! | truncation, change of ring | `truncate` |
//! | and, sums of products of bits | `bits` |
//! | sign, less than | `compare` |
//! | bit to integer, choice | `select` |
//! | rectifier | `relu` |
//! | smooth functions | `series` |
//! | tables, equality with zero | `lookup` |
//!
//! A cheating party can change the answer unnoticed; two parties together see everything (with `protect = input`
//! three are needed to see the input).

pub(in crate::protocols) mod bits;
mod compare;
pub(in crate::protocols) mod deal;
pub(in crate::protocols) mod form;
mod gates;
mod lookup;
pub(in crate::protocols) mod multiply;
pub(in crate::protocols) mod planes;
mod relu;
mod rows;
mod select;
mod series;
mod share;
mod truncate;
pub(in crate::protocols) mod view;

pub use bits::Bits;
pub use compare::blocks;
pub use gates::{Blocks, Comparisons, Gates, Replicated3};
pub use multiply::multiply;
pub use rows::{Input, checked, input, linear, product};
pub use share::{Replicated, Sum};
pub use view::View;

use crate::protect::Protect;
use crate::protocols::Header;
use crate::role::Role;

/// What this protocol promises and costs.
pub const HEADER: Header = Header {
    name: "replicated3",
    parties: 3,
    corruption: "one of three parties may be curious (semi-honest)",
    guarantee: "it learns nothing about the input, the model or the answer",
    has_dealer: false,
    protects: &Protect::ALL,
    finds_cheats: false,
    linear_rounds: 1,
    linear_bytes_between: 0,
};

pub(in crate::protocols) const P0: Role = Role::ALL[0];
pub(in crate::protocols) const P1: Role = Role::ALL[1];
pub(in crate::protocols) const P2: Role = Role::ALL[2];
