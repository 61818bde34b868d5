//! Replicated secret sharing among three parties, of whom one may do anything: it can stop a computation, and nothing else.
//!
//! | | |
//! |---|---|
//! | parties | P0, P1, P2; x = x0 + x1 + x2 modulo 2^k; `P_i` holds `x_i` and `x_{i+1}` |
//! | corruption | one party, malicious: it sends what it likes |
//! | guarantee | it learns nothing, and no wrong answer is given but with probability 2^-41; it can make the others abort |
//! | papers | Araki et al., CCS 2016 (products); Boneh et al., CRYPTO 2019, and Boyle, Gilboa, Ishai, Nof, CCS 2019 (proofs) |
//!
//! The parties compute as curious ones do: a product is one element from each. What a cheating party sends instead is off by a
//! number that it chose blindly, as all that it is told is masked by what it does not know. Before anything leaves, each party
//! proves to both others that everything it sent was right ([`proof`](self), which has the argument): the proofs are of
//! logarithmic length, and show nothing else. All that is not a product is local, or a function of one component, which two parties
//! know and so compute alike.
//!
//! | operation | file | rounds from shares | bits sent by all, an element |
//! |---|---|---|---|
//! | begin: fresh keys | `party` | 1 | 192 bytes |
//! | product of any kind | `products` | 0 | none |
//! | a product as a share | `party` | 1 | 3k |
//! | truncation without wrap; with | `truncate` | 2; 3 | 3 ring; 6t + 4 ring |
//! | sign, less than | `sign` | 2 + ⌈log2(k-2)⌉ | about 11k |
//! | and | `bits` | 1 | 3 |
//! | equal to zero, in the ring 2^k, k ≤ 8 | `sign` | 2 + ⌈log2 k⌉ | 9k - 12 |
//! | bit to integer; choice | `select` | 2; 3 | 3k; 6k |
//! | rectifier | `select` | 3 or 4 more than the sign | the sign's, and 9 ring, or 10 ring + 6t |
//! | table in the ring 2^r | `lookup` | 2 more than equality | 2^r·(equality's, and 3k) |
//! | smooth function of h harmonics | `series` | 3 | about (2h + 2)·(k+S+2) |
//! | answer | `output` | 1 | 3k |
//! | proof | `proof` | 3, and 2 for each factor of 16 to 64 in what is proven of bits, of 4 to 8 of integers | from each party 8 to 15 kB of bits, 2 to 320 kB of integers |
//!
//! where t bits are of a wrap; each file has its exact costs, which tests hold. `share`, `sum` have what is local, `component` the
//! functions and bits of components, `drawn` what is random.
//!
//! The client sends its rows as [`Replicated`](super::replicated3::Replicated) components, of which each party holds two, with
//! any `protect`: where a party had a summand that nobody else has (`protect = input` of the semi-honest protocol), it could change
//! it. Client and owner are honest to each other's data: what they send is an input. Two cheating parties together see and change
//! everything.

mod bits;
mod component;
mod drawn;
mod gates;
mod lookup;
mod output;
mod party;
mod products;
mod proof;
mod select;
mod series;
mod share;
mod sign;
mod sum;
mod truncate;

pub use output::{Disagreement, open};
pub use party::Malicious3;
pub use share::Share;
pub use sum::Sum;

use crate::protect::Protect;
use crate::protocols::Header;

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
