//! Tapes that wait at the dealer: dealt as one server ordered, until the other one orders them too. Both order each number once, in turn, so
//! what a server is past is kept no longer: it would wait until all of the room is taken by such.

use std::collections::{BTreeMap, VecDeque};

use privet_mpc::role::Role;

use super::pool::Bytes;
use crate::error::Error;

/// Bytes of tapes that one reply aims at.
const REPLY: usize = 4 << 20;
/// Bytes that wait, at most.
const WAITING: usize = 64 << 20;

/// Whose tape, for how many rows, and its number among those.
type Place = (Role, u32, u64);

/// What the servers did not order yet, oldest first.
#[derive(Default)]
pub(super) struct Kept {
    tapes: VecDeque<(Place, Bytes)>,
    bytes: usize,
    /// What each server orders next, by rows.
    next: BTreeMap<(Role, u32), u64>,
}

impl Kept {
    /// As many of the tapes that a server orders, from this number on, as fit a reply. What does not wait here is dealt, for P1 and P2.
    pub(super) fn order(
        &mut self,
        (server, rows, first): Place,
        count: u32,
        mut dealt: impl FnMut(u64) -> Result<[Bytes; 2], Error>,
    ) -> Result<Vec<Bytes>, Error> {
        let (mut tapes, mut bytes) = (Vec::new(), 0);
        for number in (first..).take(count as usize) {
            let waits = self.take(&(server, rows, number));
            let tape = if let Some(tape) = waits {
                tape
            } else {
                let [one, two] = dealt(number)?;
                let is_first = server == Role::ALL[1];
                let (own, of_other) = if is_first { (one, two) } else { (two, one) };
                bytes += of_other.len();
                self.keep((if is_first { Role::ALL[2] } else { Role::ALL[1] }, rows, number), of_other);
                own
            };
            bytes += tape.len();
            tapes.push(tape);
            if bytes >= REPLY {
                break;
            }
        }
        if !tapes.is_empty() {
            self.has_come_to((server, rows, first.saturating_add(tapes.len() as u64)));
        }
        Ok(tapes)
    }

    /// This server has what lies before, or never wants it.
    fn has_come_to(&mut self, (server, rows, next): Place) {
        self.next.insert((server, rows), next);
        let freed = &mut self.bytes;
        self.tapes.retain(|(place, tape)| {
            let stays = (place.0, place.1) != (server, rows) || place.2 >= next;
            *freed -= if stays { 0 } else { weight(tape) };
            stays
        });
    }

    /// Gives a tape away, if it waits.
    fn take(&mut self, place: &Place) -> Option<Bytes> {
        let at = self.tapes.iter().position(|(waits, _)| waits == place)?;
        let (_, tape) = self.tapes.remove(at)?;
        self.bytes -= weight(&tape);
        Some(tape)
    }

    /// Keeps a tape, unless its server is past it or it waits already. The oldest make room.
    fn keep(&mut self, place: Place, tape: Bytes) {
        let next = self.next.get(&(place.0, place.1)).copied().unwrap_or(0);
        if place.2 < next || self.tapes.iter().any(|(waits, _)| *waits == place) {
            return;
        }
        self.bytes += weight(&tape);
        self.tapes.push_back((place, tape));
        while self.bytes > WAITING
            && let Some((_, oldest)) = self.tapes.pop_front()
        {
            self.bytes -= weight(&oldest);
        }
    }
}

/// What a tape counts: an empty one takes room too.
fn weight(tape: &Bytes) -> usize {
    tape.len() + 256
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use zeroize::Zeroizing;

    use super::*;

    const ONE: Role = Role::ALL[1];
    const TWO: Role = Role::ALL[2];

    fn tape(of: u8, length: usize) -> Bytes {
        Zeroizing::new(vec![of; length])
    }

    /// How many came, and how many were dealt for that.
    fn order(kept: &mut Kept, place: Place, count: u32) -> (usize, usize) {
        let mut dealt = 0;
        let both = |_| {
            dealt += 1;
            Ok([tape(1, 10), tape(2, 10)])
        };
        let came = kept.order(place, count, both).unwrap();
        assert!(came.iter().all(|tape| usize::from(tape[0]) == place.0.index()), "its own");
        (came.len(), dealt)
    }

    #[test]
    fn each_tape_is_dealt_once_for_both() {
        let mut kept = Kept::default();
        assert_eq!(order(&mut kept, (ONE, 4, 0), 3), (3, 3));
        assert_eq!(order(&mut kept, (TWO, 4, 0), 5), (5, 2));
        assert_eq!(order(&mut kept, (ONE, 4, 3), 2), (2, 0));
        assert_eq!(order(&mut kept, (ONE, 1, 0), 1), (1, 1));
        assert_eq!((kept.tapes.len(), kept.bytes), (1, weight(&tape(0, 10))));
    }

    #[test]
    fn nothing_waits_for_a_server_that_is_past_it() {
        let mut kept = Kept::default();
        for first in (0..100).step_by(5) {
            // Asked twice at the same time, one before and one after the other server.
            order(&mut kept, (ONE, 1, first), 5);
            order(&mut kept, (ONE, 1, first), 1);
            order(&mut kept, (TWO, 1, first), 5);
            order(&mut kept, (ONE, 1, first), 5);
            order(&mut kept, (TWO, 1, first), 1);
            assert!(kept.tapes.len() <= 5, "{} tapes after {first}", kept.tapes.len());
        }
        // What was passed over.
        order(&mut kept, (ONE, 1, 100), 50);
        order(&mut kept, (TWO, 1, 190), 1);
        order(&mut kept, (ONE, 1, 191), 1);
        assert_eq!(kept.tapes.len(), 1);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut kept = Kept::default();
        for number in 0..70 {
            kept.keep((ONE, 1, number), tape(1, (1 << 20) - 256));
        }
        assert_eq!((kept.tapes.len(), kept.bytes), (64, WAITING));
        assert!(kept.take(&(ONE, 1, 5)).is_none() && kept.take(&(ONE, 1, 6)).is_some());
    }
}
