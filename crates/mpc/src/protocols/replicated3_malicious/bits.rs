//! Shared bits, 64 to a word, as the semi-honest protocol has them, and their ands.
//!
//! x = x0 ⊕ x1 ⊕ x2, of which `P_i` holds `x_i` and x_{i+1}. Of x·y it computes `x_i·y_i ⊕ x_i·y_{i+1} ⊕ x_{i+1}·y_i`, masks it and sends it
//! to P_{i-1}: Araki, Furukawa, Lindell, Nof, Ohara: High-throughput semi-honest secure three-party computation with an honest
//! majority, CCS 2016. Bits have no MAC: what was sent is proven before anything leaves ([`super::proof`]). A wrong bit is one
//! that the cheating party chose without knowing a secret, as everything is masked that it was told.
//!
//! | operation | rounds | bits, over all parties |
//! |---|---|---|
//! | exclusive or, not | 0 | 0 |
//! | and | 1 | 3 for each; words are sent whole |

use crate::Abort;
use crate::protocols::replicated3::Bits;

use super::drawn::{BLOCK, Drawn};
use super::party::Malicious3;
use super::proof::passed;
use super::share::Pair;

/// Planes of bits, one word after the other; not those that a program holds.
pub(super) type Planes = Pair;

impl Malicious3 {
    /// x ∧ y, word by word.
    pub(super) fn ands(&mut self, x: &Planes, y: &Planes) -> Result<Planes, Abort> {
        let n = x.own.len();
        debug_assert_eq!(n, y.own.len(), "another number of words");
        if n == 0 {
            return Ok(Planes::default());
        }
        let mut drawn = Planes { own: Vec::with_capacity(n), next: Vec::with_capacity(n) };
        let mut streams = Drawn::of(&mut self.session);
        for at in (0..n).step_by(BLOCK) {
            drawn.extend(&streams.block(BLOCK.min(n - at)));
        }
        let one = |i: usize| {
            let product = x.own[i] & (y.own[i] ^ y.next[i]) ^ x.next[i] & y.own[i];
            product ^ drawn.own[i] ^ drawn.next[i]
        };
        let own: Vec<u64> = (0..n).map(one).collect();
        let me = self.me();
        let next = passed(&mut self.session, &own, (me.previous(), me.next()), n)?;
        self.record.ands.push(x, y, &next, &drawn);
        if self.record.is_full() {
            self.prove()?;
        }
        Ok(Planes { own, next })
    }

    /// x ∧ y.
    pub(super) fn both(&mut self, x: &Bits, y: &Bits) -> Result<Bits, Abort> {
        debug_assert_eq!(x.n, y.n, "another number of bits");
        let both = self.ands(&x.into(), &y.into())?;
        Ok(both.into_bits(x.n))
    }

    /// The other bits.
    pub(super) fn inverted(&self, x: &Bits) -> Bits {
        x.xor(&Bits::of_common(self.me(), x.n, vec![u64::MAX; x.n.div_ceil(64)]))
    }
}

impl Planes {
    /// One plane, of n bits.
    pub(super) fn into_bits(mut self, n: usize) -> Bits {
        let [own, next] = [&mut self.own, &mut self.next].map(std::mem::take);
        Bits { n, own, next }
    }
}

impl From<&Bits> for Planes {
    fn from(x: &Bits) -> Self {
        Self { own: x.own.clone(), next: x.next.clone() }
    }
}
