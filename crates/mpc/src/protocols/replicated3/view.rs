//! The view a|b of a shared tensor: P0 knows a, P1 and P2 both know b, and x = a + b modulo 2^k.
//!
//! From replicated shares it is local: a = x0 + x1, b = x2. From masked summands, a = z0, and P1 and P2 tell each other z1 and z2:
//! b = z1 + z2. The mask keeps z1 from P2 and z2 from P1, and makes a and b uniform each. ASTRA (CCSW 2019) calls a the mask.
//!
//! | from | rounds | bits an element, over all parties |
//! |---|---|---|
//! | shares | 0 | 0 |
//! | summands | 1 | 2k |

use privet_ring::pack::{pack, packed_len, unpack};
use privet_ring::reduce;

use crate::Abort;
use crate::session::Session;
use crate::wiped::wiped_on_drop;

use super::share::Sum;
use super::{P0, P1, P2};

/// a for P0, b for P1 and P2: k bits, nothing above them. Wiped on drop.
pub struct View {
    pub(in crate::protocols) k: u32,
    pub(in crate::protocols) half: Vec<u64>,
}

privet_ring::not_shown!(View);
wiped_on_drop!(View: half);

impl View {
    /// Opens b to P1 and P2 if it is not known already.
    pub(in crate::protocols) fn open(session: &mut Session, x: Sum) -> Result<Self, Abort> {
        let k = x.ring();
        let mut half = match &x {
            Sum::Shared(x) => x.half(session.me()),
            Sum::Summed { .. } => opened(session, x.into_summands(), k)?,
        };
        for x in &mut half {
            *x = reduce(*x, k);
        }
        Ok(Self { k, half })
    }

    /// The free truncation: x / 2^drop is a / 2^drop + b / 2^drop modulo 2^(k-drop), up to the two remainders, which the
    /// added 1 centres: less than one unit of error.
    pub(in crate::protocols) fn narrow(mut self, session: &Session, drop: u32) -> Self {
        if drop == 0 {
            return self;
        }
        let one = u64::from(session.me() == P0);
        self.k -= drop;
        for x in &mut self.half {
            *x = reduce((*x >> drop) + one, self.k);
        }
        self
    }
}

/// z0 at P0, z1 + z2 at the others.
fn opened(session: &mut Session, mut z: Vec<u64>, k: u32) -> Result<Vec<u64>, Abort> {
    let peer = match session.me() {
        P0 => return Ok(z),
        P1 => P2,
        _ => P1,
    };
    let mut message = Vec::new();
    pack(k, &z, &mut message);
    let received = session.exchange(peer, &message, peer, packed_len(z.len(), k).unwrap_or(usize::MAX))?;
    let mut other = vec![0; z.len()];
    unpack(k, &received, 0, &mut other);
    z.iter_mut().zip(other).for_each(|(z, other)| *z = z.wrapping_add(other));
    Ok(z)
}
