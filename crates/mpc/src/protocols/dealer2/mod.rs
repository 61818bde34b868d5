//! Two servers and a dealer that sees no data and is needed ahead of time only.
//!
//! | | |
//! |---|---|
//! | parties | the dealer P0; the servers P1 and P2. x = a + b modulo 2^k, the dealer knows the mask a, both servers know b, and each holds a summand of a |
//! | corruption | one of the three, semi-honest: it follows the protocol and looks at everything it sees |
//! | guarantee | it learns nothing about input, model (by `protect`) and answer; the dealer never meets a client |
//! | papers | Damgård, Pastro, Smart, Zakarias: SPDZ, CRYPTO 2012 (masked openings from a dealer's randomness); Boyle et al.: Function secret sharing for mixed-mode and fixed-point secure computation, EUROCRYPT 2021; Chaudhari et al.: ASTRA, CCSW 2019 |
//!
//! In [`replicated3`](super::replicated3) P0 waits for nobody: what it sends depends on keys and on its own shares only, which are random.
//! So here it does all of it *before there is a request*: its messages are [tapes](crate::tape) that the servers keep until they need them, and
//! the same code runs. A fixed model's mask is a = w0 + w1, and b = w2 is what both servers have of it: opened once, when the bundle is made.
//! The mask of a client's row comes from two seeds, one that each server shares with the dealer; the client gets them as a *ticket*
//! and sends the row less the mask, one message for both servers.
//!
//! | operation | online rounds between the servers | online bits between them | dealt bits to both servers |
//! |---|---|---|---|
//! | linear (client round trip) | 0 | 0 | k a score |
//! | gates without comparisons | those of `replicated3` | those of `replicated3` | what its P0 sends |
//! | comparison, rectifier, sign as an integer | 1 from shares | twice those of the result | [`compare`](self) |
//!
//! Greatest and least, clips, absolute values are rectifiers, so each level of them is one round; truncation, choice, bits to integers, tables and
//! equality with zero (whose functions of up to 8 bits are dealt as tables, as a key of so few bits is no shorter) settle in one round as they are.

mod compare;

pub use compare::Keys;

use super::replicated3::Gates;
use crate::protect::Protect;
use crate::protocols::Header;

/// Two servers and a dealer, in a session.
pub type Dealer2 = Gates<Keys>;

/// What this protocol promises and costs.
pub const HEADER: Header = Header {
    name: "dealer2",
    parties: 3,
    corruption: "one of the two servers and the dealer may be curious (semi-honest)",
    guarantee: "it learns nothing about the input, the model or the answer",
    has_dealer: true,
    protects: &[Protect::Both, Protect::Input],
    finds_cheats: false,
    linear_rounds: 1,
    linear_bytes_between: 0,
};
