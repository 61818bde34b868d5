//! Reads what one peer sends, for all computations.

use std::io::{self, Read};

use super::Side;
use super::frame::{FRAME, HEAD, Head, PIECE};
use super::hub::Hub;
use super::wire::why;

/// Reads frames until the connection ends, and says so.
pub(super) fn read_all(hub: &Hub, side: Side, id: u64, stream: &mut impl Read) {
    let mut spare = Vec::new();
    let ended = loop {
        match read_head(stream) {
            Ok(head) if head.is_ping() => {}
            Ok(head) => {
                if let Err(error) = read_body(hub, side, &head, stream, &mut spare) {
                    break error;
                }
            }
            Err(error) => break error,
        }
    };
    hub.lost(side, id, &why(&ended));
}

/// The beginning of the next frame, whose length is one that a message may have.
pub(super) fn read_head(stream: &mut impl Read) -> io::Result<Head> {
    let mut bytes = [0; HEAD];
    stream.read_exact(&mut bytes)?;
    let head = Head::parse(&bytes);
    if head.length as usize > FRAME {
        let what = format!("it announced {} bytes; a message has at most {FRAME}", head.length);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(head)
}

fn read_body(
    hub: &Hub,
    side: Side,
    head: &Head,
    stream: &mut impl Read,
    spare: &mut Vec<u8>,
) -> io::Result<()> {
    let length = head.length as usize;
    if !hub.wants(&head.point) {
        return skip(stream, length, spare);
    }
    let mut body = Vec::new();
    while body.len() < length {
        read_piece(stream, length - body.len(), &mut body)?;
    }
    hub.deliver(side, head, body);
    Ok(())
}

/// Reads over what nobody waits for.
pub(super) fn skip(stream: &mut impl Read, length: usize, spare: &mut Vec<u8>) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        spare.clear();
        read_piece(stream, left, spare)?;
        left -= spare.len();
    }
    Ok(())
}

/// Appends the next piece: room is made for what is about to come, never for what was only announced.
fn read_piece(stream: &mut impl Read, left: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let piece = left.min(PIECE);
    into.reserve(piece);
    let read = stream.take(piece as u64).read_to_end(into)?;
    if read < piece { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_announced_length_makes_room_for_one_piece() {
        let mut body = Vec::new();
        let mut stream: &[u8] = &[7; 100];
        let error = read_piece(&mut stream, FRAME, &mut body).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(body.len() == 100 && body.capacity() <= 2 * PIECE);
    }

    #[test]
    fn a_length_that_no_message_has_is_refused() {
        let head = |length: usize| Head {
            point: [1; 32],
            lane: 0,
            number: 0,
            length: u32::try_from(length).unwrap(),
        };
        for (length, fine) in [(FRAME, true), (FRAME + 1, false)] {
            assert_eq!(read_head(&mut &head(length).to_bytes()[..]).is_ok(), fine);
        }
    }

    #[test]
    fn what_nobody_waits_for_is_read_over_and_not_kept() {
        let bytes = vec![1; 3 * PIECE + 5];
        let (mut stream, mut spare) = (&bytes[..], Vec::new());
        skip(&mut stream, 3 * PIECE + 4, &mut spare).unwrap();
        assert_eq!((stream.len(), spare.capacity() <= 2 * PIECE), (1, true));
    }
}
