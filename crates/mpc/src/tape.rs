//! What a dealer says ahead of time: its messages to one server, in their order, kept until a computation needs them.
//!
//! A tape stands in for the link to the dealer on both ends: the dealer's end records, a server's plays. Lanes have tapes of their own within.
//! A tape is of one use: [`Tape::play`] takes it. It holds functions of masks, so it is wiped on drop and shown to nobody but its server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::link::{LANES, Link, LinkError, Links};
use crate::role::Role;

/// Messages of a dealer to one server, by lane.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct Tape {
    /// Of lane 0, the main one, and so on.
    lanes: Vec<Vec<u8>>,
}

privet_ring::not_shown!(Tape);

impl Tape {
    /// Bytes that were said.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For a message: lane by lane, its length (8 bytes, little-endian) and its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() + 8 * self.lanes.len());
        for lane in &self.lanes {
            bytes.extend_from_slice(&(lane.len() as u64).to_le_bytes());
            bytes.extend_from_slice(lane);
        }
        bytes
    }

    /// From a message, if it is one.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut lanes = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_first_chunk()?;
            let (lane, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            lanes.push(lane.to_vec());
            bytes = rest;
        }
        (lanes.len() <= usize::from(LANES) + 1).then_some(Self { lanes })
    }

    /// A server's links: the tape in the dealer's place, and the link to the other server.
    pub fn play(mut self, me: Role, to_server: Box<dyn Link>) -> Links {
        let lanes = std::mem::take(&mut self.lanes).into_iter().map(Playing::new);
        let lanes = Arc::new(Mutex::new((0..).zip(lanes).collect()));
        let dealer: Box<dyn Link> = Box::new(Player { lane: 0, lanes });
        match me.previous().index() {
            0 => Links { previous: dealer, next: to_server },
            _ => Links { previous: to_server, next: dealer },
        }
    }
}

/// What a dealer says to both servers in one computation.
#[derive(Clone, Default)]
pub struct Recording([Recorded; 2]);

type Recorded = Arc<Mutex<BTreeMap<u8, Vec<u8>>>>;

privet_ring::not_shown!(Recording);

impl Recording {
    /// The dealer's links.
    pub fn links(&self) -> Links {
        let end = |server: usize| Box::new(Recorder { lane: 0, tape: Arc::clone(&self.0[server]) });
        Links { next: end(0), previous: end(1) }
    }

    /// What was said, to P1 and to P2. Lanes that said nothing are there too.
    pub fn tapes(self) -> [Tape; 2] {
        self.0.map(|recorded| {
            let mut said = std::mem::take(&mut *recorded.lock().unwrap_or_else(PoisonError::into_inner));
            let count = said.last_key_value().map_or(0, |(&last, _)| last + 1);
            Tape { lanes: (0..count).map(|lane| said.remove(&lane).unwrap_or_default()).collect() }
        })
    }
}

/// The dealer's end: it says, and hears nothing.
struct Recorder {
    lane: u8,
    tape: Recorded,
}

impl Link for Recorder {
    fn send(&mut self, _: &str, bytes: &[u8]) -> Result<(), LinkError> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.entry(self.lane).or_default().extend_from_slice(bytes);
        Ok(())
    }

    fn recv(&mut self, _: &str, _: usize) -> Result<Vec<u8>, LinkError> {
        Err(LinkError::Closed)
    }

    fn lane(&mut self, number: u8) -> Box<dyn Link> {
        Box::new(Self { lane: number, tape: Arc::clone(&self.tape) })
    }
}

/// One lane of a tape, and how much of it was heard.
struct Playing {
    bytes: Vec<u8>,
    at: usize,
}

impl Playing {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// A server's end: it hears, and says nothing.
struct Player {
    lane: u8,
    lanes: Arc<Mutex<BTreeMap<u8, Playing>>>,
}

impl Link for Player {
    fn send(&mut self, _: &str, _: &[u8]) -> Result<(), LinkError> {
        Err(LinkError::Closed)
    }

    fn recv(&mut self, _: &str, exact_len: usize) -> Result<Vec<u8>, LinkError> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(playing) = lanes.get_mut(&self.lane) else {
            return if exact_len == 0 { Ok(Vec::new()) } else { Err(LinkError::Ended) };
        };
        let rest = playing.bytes.len() - playing.at;
        let end = playing.at.checked_add(exact_len).filter(|&end| end <= playing.bytes.len());
        let end = end.ok_or(LinkError::Length { expected: exact_len, got: rest })?;
        let heard = playing.bytes[playing.at..end].to_vec();
        playing.at = end;
        Ok(heard)
    }

    fn lane(&mut self, number: u8) -> Box<dyn Link> {
        Box::new(Self { lane: number, lanes: Arc::clone(&self.lanes) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn nobody() -> Box<dyn Link> {
        Links::none().next
    }

    #[test]
    fn each_server_hears_what_was_said_to_it_in_its_lane() {
        let recording = Recording::default();
        let mut dealer = recording.links();
        dealer.next.send("", b"to P1").unwrap();
        dealer.previous.send("", b"to P2").unwrap();
        let mut lane = dealer.lane(2);
        lane.next.send("", b"in lane 2").unwrap();
        dealer.next.send("", b", more").unwrap();
        assert!(dealer.next.recv("", 1).is_err());
        let [one, two] = recording.tapes().map(|tape| Tape::from_bytes(&tape.to_bytes()).unwrap());
        assert_eq!((one.len(), two.len()), (20, 5));
        let mut p1 = one.play(Role::ALL[1], nobody());
        assert_eq!(p1.previous.recv("", 11).unwrap(), b"to P1, more");
        assert_eq!(p1.lane(2).previous.recv("", 9).unwrap(), b"in lane 2");
        assert_eq!(p1.lane(1).previous.recv("", 1), Err(LinkError::Length { expected: 1, got: 0 }));
        assert_eq!(p1.previous.recv("", 1), Err(LinkError::Length { expected: 1, got: 0 }));
        assert!(p1.previous.send("", b"back").is_err());
        let mut p2 = two.play(Role::ALL[2], nobody());
        assert_eq!(p2.next.recv("", 5).unwrap(), b"to P2");
        assert_eq!(p2.lane(3).next.recv("", 1), Err(LinkError::Ended));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tape_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(tape) = Tape::from_bytes(&bytes) {
                prop_assert_eq!(tape.to_bytes(), bytes);
            }
        }

        #[test]
        fn a_tape_is_read_as_it_was_written(lanes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..9)) {
            let tape = Tape { lanes: lanes.clone() };
            prop_assert_eq!(&Tape::from_bytes(&tape.to_bytes()).unwrap().lanes, &lanes);
        }
    }
}
