//! Tables over a small ring 2^r, r ≤ 8: table[x] = `Σ_v` [x - v = 0]·table[v]. Exact.
//!
//! | gate, from shares | rounds | bits an element, over all parties |
//! |---|---|---|
//! | table of elements of the ring 2^k | those of equality with zero, and 2 | 2^r·(those of equality, and 3k) |
//!
//! From summands one round and 3r bits more.

use crate::Abort;

use super::party::Malicious3;
use super::share::Share;

/// Words of tables that are worked on at a time, so that memory is bounded.
const AT_ONCE: usize = 1 << 19;

impl Malicious3 {
    /// `table[x]`, in the ring 2^k.
    pub(super) fn looked_up(&mut self, x: &Share, table: &[u64], k: u32) -> Result<Share, Abort> {
        debug_assert_eq!(Some(table.len()), 1usize.checked_shl(x.k), "an element for each of the ring");
        let at_once = (AT_ONCE / table.len().max(1)).max(1);
        let elements: Vec<usize> = (0..x.len()).collect();
        let mut parts = Vec::new();
        for elements in elements.chunks(at_once) {
            parts.push(self.picked(&x.gather(elements), table, k)?);
        }
        Ok(Share::concat(&parts.iter().collect::<Vec<_>>()).in_ring(k))
    }

    fn picked(&mut self, x: &Share, table: &[u64], k: u32) -> Result<Share, Abort> {
        let size = table.len();
        let each: Vec<usize> = (0..x.len()).flat_map(|i| std::iter::repeat_n(i, size)).collect();
        let places = self.known(x.k, (0..size as u64).collect::<Vec<_>>().repeat(x.len()));
        let hit = self.zero(&x.gather(&each).minus(&places))?;
        let hit = self.as_integers(&hit, k)?;
        let inner = |hit: &[u64]| {
            let products = hit.iter().zip(table).map(|(hit, value)| hit.wrapping_mul(*value));
            products.fold(0, u64::wrapping_add)
        };
        Ok(hit.map(|hit| hit.chunks_exact(size).map(inner).collect()))
    }
}
