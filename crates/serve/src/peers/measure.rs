//! How far a peer is: a round trip, and how much goes through.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use privet_deploy::Error;

use super::dial::Target;
use super::frame::{Head, Purpose};
use super::reader::{read_head, skip};
use super::wire::{Outgoing, why, write_frame};
use super::{Identity, Side};

/// Round trips, of which the median counts.
const TRIPS: usize = 101;
/// Messages of this size, as many as go in this time.
const MESSAGE: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(1);
/// Messages that may be on their way at once.
const WINDOW: u32 = 8;
/// How long an answering party goes on.
const MOST: Duration = Duration::from_secs(20);

/// The way to a peer.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The median time of a tiny message and its answer.
    pub round_trip: Duration,
    /// Bytes in a second, in messages of 1 MiB.
    pub bytes_per_second: f64,
}

/// Measures the way to a peer at `HOST:PORT`, as the party of this identity; that party may be running.
pub fn measure(identity: &Identity<'_>, side: Side, address: &str) -> Result<Measured, Error> {
    let target = Target::new(identity, side, address)?;
    let mut stream = target.dial(Purpose::Measure)?;
    let measured = round_trip(&mut stream)
        .and_then(|round_trip| Ok(Measured { round_trip, bytes_per_second: throughput(&mut stream)? }));
    measured.map_err(|e| crate::link::unreachable(target.who(), address, &why(&e)))
}

fn round_trip(stream: &mut Outgoing) -> io::Result<Duration> {
    let mut trips = Vec::with_capacity(TRIPS);
    let mut first = Vec::new();
    for _ in 0..TRIPS {
        let start = Instant::now();
        write_frame(stream, &mut first, tiny(1), &[0])?;
        read_head(stream)?;
        trips.push(start.elapsed());
    }
    trips.sort_unstable();
    Ok(trips[TRIPS / 2])
}

fn throughput(stream: &mut Outgoing) -> io::Result<f64> {
    let (message, mut first) = (vec![0; MESSAGE], Vec::new());
    let start = Instant::now();
    let (mut sent, mut answered) = (0_u32, 0_u32);
    while start.elapsed() < PATIENCE || sent < WINDOW {
        write_frame(stream, &mut first, tiny(1 << 20), &message)?;
        sent += 1;
        if sent - answered >= WINDOW {
            read_head(stream)?;
            answered += 1;
        }
    }
    for _ in answered..sent {
        read_head(stream)?;
    }
    Ok(f64::from(sent) * MESSAGE as f64 / start.elapsed().as_secs_f64())
}

fn tiny(length: u32) -> Head {
    Head { point: [1; 32], lane: 0, number: 0, length }
}

/// The other side: an empty frame for each, until who measures goes, or for long enough.
pub(super) fn answer(stream: &mut (impl Read + Write)) {
    let (start, mut spare, mut first) = (Instant::now(), Vec::new(), Vec::new());
    while start.elapsed() < MOST {
        let answered = read_head(stream).and_then(|head| {
            skip(stream, head.length as usize, &mut spare)?;
            write_frame(stream, &mut first, tiny(0), &[])
        });
        if answered.is_err() {
            return;
        }
    }
}
