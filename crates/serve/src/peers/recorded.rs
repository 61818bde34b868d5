//! What a peer sends, from bytes instead of a connection: for whoever tries this protocol with bytes that no party would send.

use std::io::Read;
use std::time::Duration;

use privet_mpc::role::Role;

use super::Side;
use super::frame::{self, Head, Point, Verdict};
use super::hub::Hub;
use super::reader::read_all;

/// Reads a connection's frames to their end, at a party that computes at these points; gives how many bytes of messages it kept
/// for them.
pub fn frames(points: &[[u8; 32]], mut sent: impl Read) -> usize {
    let side = Side::Previous;
    let Some(me) = Role::new(0) else { return 0 };
    let hub = Hub::new(me, &[side], Duration::from_secs(1));
    for point in points {
        let _ = hub.begin(point);
    }
    read_all(&hub, side, 1, &mut sent);
    points.iter().map(|point| kept(&hub, point, side)).sum()
}

fn kept(hub: &Hub, point: &Point, side: Side) -> usize {
    let mut state = hub.state();
    let next = || match state.sessions.take(point, 0, side) {
        super::inbox::Waiting::Message(message) => Some(message.len()),
        _ => None,
    };
    std::iter::from_fn(next).sum()
}

/// Whether what is said in the beginning, in both directions, and before a frame, is written as it is read.
pub fn heads_travel(mut bytes: &[u8]) -> bool {
    let hello = take(&mut bytes).is_none_or(|hello| {
        frame::parse_hello(hello)
            .is_none_or(|(purpose, me, bundle)| frame::hello(purpose, me, &bundle) == *hello)
    });
    let reply = take(&mut bytes).and_then(Verdict::parse);
    let reply = reply.is_none_or(|verdict| Verdict::parse(&verdict.to_bytes()) == Some(verdict));
    hello && reply && take(&mut bytes).is_none_or(|head| Head::parse(head).to_bytes() == *head)
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}
