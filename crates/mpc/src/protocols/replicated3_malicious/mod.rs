//! Replicated secret sharing among three parties, of whom one may do anything: it can stop a computation, and nothing else.
//!
//! | | |
//! |---|---|
//! | parties | P0, P1, P2; x = x0 + x1 + x2 modulo 2^(k+s), of which k bits count; `P_i` holds `x_i` and `x_{i+1}`, and so of ρ·x |
//! | corruption | one party, malicious: it sends what it likes |
//! | guarantee | it learns nothing, and no wrong answer is given but with probability 2^-42; it can make the others abort |
//! | papers | Abspoel, Dalskov, Escudero, Nof: An efficient passive-to-active compiler for honest-majority MPC over rings, ACNS 2021; Chida et al., CRYPTO 2018; Araki et al., CCS 2016 |
//!
//! Every value has a MAC, ρ times it, where ρ is drawn in each run and nobody knows it. Products are those of the semi-honest
//! protocol, of the value and of its MAC, which a cheating party can only make wrong by a number that it chooses blindly; a
//! check at the end ([`check`](self), which has the proof) finds that out, and before it has passed nothing leaves. All that is not a
//! product is local, or a function of one component, which two parties know and so compute alike.
//!
//! | gate | file |
//! |---|---|
//! | local operations | `share`, `sum` |
//! | what becomes a share with its MAC | `party` |
//! | the check | `check` |
//! | products, convolution | `products` |
//! | functions and bits of components | `component` |
//! | truncation, change of ring | `truncate` |
//! | sign, less than, and | `sign` |
//! | bit to integer, choice, rectifier | `select` |
//! | smooth functions | `series` |
//! | tables, equality with zero | `lookup` |
//! | what the client gets, and compares | `output` |
//!
//! The client sends its rows as [`Replicated`](super::replicated3::Replicated) components, of which each party holds two, with
//! any `protect`: where a party had a summand that nobody else has (`protect = input` of the semi-honest protocol), it could change
//! it. Client and owner are honest to each other's data: what they send is an input. Two cheating parties together see and change
//! everything.

mod check;
mod component;
mod drawn;
mod gates;
mod lookup;
mod output;
mod party;
mod products;
mod select;
mod series;
mod share;
mod sign;
mod sum;
mod truncate;
mod word;

pub use output::{Disagreement, open};
pub use party::Malicious3;
pub use share::{Bit, Share, Shared};
pub use sum::{Sum, Summed};
pub use word::{SECURITY, Word};

use crate::protocols::Header;
use crate::role::Role;

/// What this protocol promises and costs.
pub const HEADER: Header = Header {
    name: "replicated3-malicious",
    parties: 3,
    corruption: "one of three parties may do anything",
    guarantee: "it learns nothing about the input, the model or the answer, and no answer is wrong; with abort",
    linear_rounds: 1,
    linear_bytes_between: 0,
};

const P0: Role = Role::ALL[0];
const P1: Role = Role::ALL[1];
