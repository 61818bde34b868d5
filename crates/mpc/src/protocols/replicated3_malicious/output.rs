//! The way out: once the proofs are right, each party gives the client both of its components, so that every component comes from
//! two parties, one of whom is honest.
//!
//! All that leaves is sent once more before, under fresh masks: of the three components two are uniform whatever the answer is, so that
//! they tell a client nothing but the answer.
//!
//! | | |
//! |---|---|
//! | rounds | 1, and those of the proof |
//! | bytes from each party, n elements of the ring 2^k | ⌈n·k/8⌉, and those of the proof |

use privet_ring::pack::{pack, packed_len, unpack};

use crate::Abort;
use crate::role::{PARTIES, Role};
use crate::session::OutputShare;

use super::party::Malicious3;
use super::sum::Sum;

/// Two parties told the client different things, so that one of them lied; or one told it too much or too little.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// Of a component that both hold.
    #[error("{} and {} sent different answers: one of them lied", between[0], between[1])]
    Component {
        /// The two parties.
        between: [Role; 2],
    },
    /// An answer of another length than there are elements.
    #[error("{from} sent {got} bytes where {expected} were expected")]
    Length {
        /// Who sent it.
        from: Role,
        /// Bytes expected.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
}

impl Malicious3 {
    /// Ends the session: shares what is to leave anew, checks everything, and only then gives the client this party's components, k
    /// bits of each element. Where the check fails nothing leaves.
    pub fn finish(mut self, output: Sum, k: u32) -> Result<OutputShare, Abort> {
        self.step("finish", |p| {
            let output = p.masked_anew(output.reduced(k))?;
            p.prove()?;
            let mut packed = Vec::new();
            for component in [&output.value.own, &output.value.next] {
                pack(k, component, &mut packed);
            }
            Ok(packed)
        })
        .map(|packed| self.session.answer(packed))
    }
}

/// What the client learns of the parties' answers, by party: `n` elements modulo 2^k, unless two of them differ in what both hold.
pub fn open(answers: [&[u8]; PARTIES], n: usize, k: u32) -> Result<Vec<u64>, Disagreement> {
    let half = packed_len(n, k).unwrap_or(usize::MAX);
    let expected = half.saturating_mul(2);
    for (from, answer) in Role::ALL.into_iter().zip(answers) {
        if answer.len() != expected {
            return Err(Disagreement::Length { from, expected, got: answer.len() });
        }
    }
    let mut sums = vec![0u64; n];
    let mut component = vec![0; n];
    for role in Role::ALL {
        let (own, of_previous) = (&answers[role.index()][..half], &answers[role.previous().index()][half..]);
        if own != of_previous {
            return Err(Disagreement::Component { between: [role.previous(), role] });
        }
        unpack(k, own, 0, &mut component);
        sums.iter_mut().zip(&component).for_each(|(sum, x)| *sum = sum.wrapping_add(*x));
    }
    Ok(sums.into_iter().map(|x| privet_ring::reduce(x, k)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_lie_names_the_two_who_differ() {
        let components = [3u64, 100, 154].map(|x| {
            let mut packed = Vec::new();
            pack(8, &[x, x + 1], &mut packed);
            packed
        });
        let honest = [0, 1, 2].map(|i: usize| [&components[i][..], &components[(i + 1) % 3]].concat());
        let opened = |answers: &[Vec<u8>; 3]| open(answers.each_ref().map(|a| &a[..]), 2, 8);
        assert_eq!(opened(&honest), Ok(vec![1, 4]));
        for (liar, byte) in (0..3).flat_map(|liar| (0..4).map(move |byte| (liar, byte))) {
            let mut answers = honest.clone();
            answers[liar][byte] ^= 16;
            let Err(Disagreement::Component { between }) = opened(&answers) else {
                panic!("it was believed")
            };
            assert!(between.iter().any(|role| role.index() == liar), "{liar} {byte}");
        }
        let mut short = honest;
        short[1].pop();
        let error = opened(&short).unwrap_err();
        assert!(matches!(error, Disagreement::Length { expected: 4, got: 3, .. }), "{error}");
    }
}
