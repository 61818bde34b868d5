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
//! | operation | file | rounds from shares | elements sent by all, of so many bits |
//! |---|---|---|---|
//! | begin: fresh keys | `party` | 1 | 192 bytes |
//! | product of any kind | `products` | 0 | none |
//! | a product as a share; the MAC of a share | `party` | 1 | 6; 3 of k+s |
//! | truncation without wrap; with | `truncate` | 3; 4 | 18 of ring+s; and 36 of t+s |
//! | sign, less than | `sign` | 3 + ⌈log2(k-2)⌉ | about 30k of 1+s |
//! | and | `sign` | 1 | 6 of 1+s |
//! | bit to integer; choice | `select` | 3; 4 | 18; 24 of k+s |
//! | rectifier | `select` | 4 or 5 more than the sign | the sign's, and 42 of ring+s, 36 of t+s |
//! | table, equality with zero, in the ring 2^r | `lookup` | 3 | 9·2^r + 6 of k+s, of 1+s |
//! | smooth function of h harmonics | `series` | 5 | 18h + 6 of k+S+2+s, 12 of k+s |
//! | answer and check | `output`, `check` | 1 and 3 | 6 of k+s; 336 bytes |
//!
//! with s = 47; each file has its exact costs, which tests hold. `share`, `sum` have what is local, `component` the functions and
//! bits of components, `drawn` what is random.
//!
//! What is sent is wide, as every bit of a comparison is an element: a comparison takes about 130 times the bytes of the protocol
//! for curious parties, a product 6(k+s) bits where that one takes 3k.
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

use crate::protect::Protect;
use crate::protocols::Header;
use crate::role::Role;

/// What this protocol promises and costs.
pub const HEADER: Header = Header {
    name: "replicated3-malicious",
    parties: 3,
    corruption: "one of three parties may do anything",
    guarantee: "it learns nothing about the input, the model or the answer, and no answer is wrong; with abort",
    has_dealer: false,
    protects: &[Protect::Both],
    finds_cheats: true,
    linear_rounds: 1,
    linear_bytes_between: 0,
};

const P0: Role = Role::ALL[0];
const P1: Role = Role::ALL[1];
