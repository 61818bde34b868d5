//! A peer that holds the right key and says anything at all, thousands of times, while honest parties compute: no panic, no wrong product,
//! no error without a type, and no memory that stays.
//!
//! `FUZZ_SEED` repeats a run; the seed is in every message.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::pedantic)]

mod parties;

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parties::raw::{Raw, connect, greet, head, shake};
use parties::{Trio, assert_right, point_of};
use privet_mpc::Abort;
use privet_mpc::role::Role;

/// Bursts of what nobody should say, in each of three rounds of which the last must need no more memory than the first.
const BURSTS: usize = 1200;
/// The first message of a product: three numbers.
const HONEST: u32 = 24;
/// What the allocator and the tables that remember may add between rounds.
const STAYS: u64 = 64 << 20;

static PANICS: AtomicUsize = AtomicUsize::new(0);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    fn point(&mut self) -> [u8; 32] {
        self.bytes(32).try_into().unwrap()
    }

    /// A frame's number, with its lane above it.
    fn number(&mut self) -> u32 {
        [0, 1, 2, 1 << 24, (1 << 24) - 1, u32::MAX, self.next() as u32][self.below(7)]
    }
}

/// One burst; `running` is the seed of a product that is under way about now.
fn burst(random: &mut Random, running: u64) -> Vec<u8> {
    let honest = point_of(running + random.below(3) as u64 * 10);
    match random.below(9) {
        // Computations that nobody begins.
        0 => (0..random.below(200)).flat_map(|_| frame(random.point(), 0, random.bytes(20))).collect(),
        1 => {
            let length = random.below(3 << 20);
            frame(random.point(), 0, vec![7; length])
        }
        // One that runs: a message out of order, or of another length. What is as long as it should be, in its place, is what a
        // party may say that does not follow the protocol; what becomes of that is the protocol's concern.
        2 => frame(honest, random.number() | 1, random.bytes(HONEST as usize)),
        3 => {
            let length = [0, 1, HONEST as usize - 1, HONEST as usize + 1, 5000][random.below(5)];
            frame(honest, 0, random.bytes(length))
        }
        4 => head([honest, random.point()][random.below(2)], 0xff00_0000, 0),
        5 => head([0; 32], random.number(), 0).repeat(random.below(300)),
        // What is no frame.
        6 => {
            let length = random.below(3000);
            random.bytes(length)
        }
        7 => head(
            random.point(),
            0,
            [(64 << 20) + 1, u32::MAX, random.next() as u32 | 1 << 27][random.below(3)],
        ),
        _ => mutated(random),
    }
}

fn frame(point: [u8; 32], number: u32, body: Vec<u8>) -> Vec<u8> {
    [head(point, number, body.len() as u32), body].concat()
}

/// Good frames of an unknown computation, some bits of which were flipped, with a piece cut out.
fn mutated(random: &mut Random) -> Vec<u8> {
    let point = random.point();
    let mut bytes: Vec<u8> = (0..4).flat_map(|number| frame(point, number, random.bytes(50))).collect();
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    let cut = random.below(bytes.len());
    bytes.drain(cut..(cut + random.below(9)).min(bytes.len()));
    bytes
}

/// Greetings: most are good, so that frames follow.
fn met(trio: &Trio, random: &mut Random) -> Option<Raw> {
    let (me, to) = (Role::ALL[2], Role::ALL[random.below(2)]);
    let member = &trio.members[2];
    match random.below(12) {
        0 => {
            let mut raw = shake(trio, &member.key, &member.certificate, to);
            let greeting = random.bytes(38);
            let _ = raw.write_all(&greeting).and_then(|()| raw.flush());
            let _ = raw.read(&mut [0; 37]);
            None
        }
        1 => {
            let mut raw = shake(trio, &member.key, &member.certificate, to);
            let _ = greet(&mut raw, random.next() as u8, Role::ALL[random.below(3)], &random.point());
            None
        }
        // Half a greeting, and the connection's end.
        2 => {
            let mut raw = shake(trio, &member.key, &member.certificate, to);
            let _ = raw.write_all(&b"PVP1\0\x02\0\0\0\0"[..random.below(10)]).and_then(|()| raw.flush());
            None
        }
        _ => Some(connect(trio, me, to)),
    }
}

fn attack(trio: &Trio, random: &mut Random, running: &AtomicU64) {
    let mut bursts = 0;
    while bursts < BURSTS {
        let mut raw = met(trio, random);
        bursts += 1;
        for _ in 0..random.below(20) {
            let Some(open) = &mut raw else { break };
            let bytes = burst(random, running.load(Ordering::Relaxed));
            bursts += 1;
            if open.write_all(&bytes).and_then(|()| open.flush()).is_err() {
                break;
            }
        }
    }
}

/// Products of honest parties, one after the other: right, or ended in words.
fn compute(trio: &Trio, running: &AtomicU64, over: &AtomicBool) -> (usize, usize) {
    let (mut right, mut ended) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let seed = running.fetch_add(10, Ordering::Relaxed) + 10;
        let parts = trio.product(seed, point_of(seed));
        match parts.iter().find_map(|part| part.as_ref().err()) {
            None => {
                assert_right(seed, &parts.map(Result::unwrap));
                right += 1;
            }
            Some(Abort::Peer { .. } | Abort::Client(_) | Abort::Busy(_)) => ended += 1,
            Some(other) => panic!("no error that a peer may cause: {other}"),
        }
    }
    (right, ended)
}

/// Physical memory of this process, now.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_peer_that_says_anything_harms_nobody() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("FUZZ_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
    println!("FUZZ_SEED={seed}");
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |what| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(what);
    }));
    let trio = Trio::new(Duration::from_secs(2));
    let (mut random, running, mut needed) = (Random(seed | 1), AtomicU64::new(0), Vec::new());
    for round in 0..3 {
        let over = AtomicBool::new(false);
        let (right, ended) = thread::scope(|scope| {
            let honest = scope.spawn(|| compute(&trio, &running, &over));
            attack(&trio, &mut random, &running);
            over.store(true, Ordering::Relaxed);
            honest.join().unwrap()
        });
        trio.works_again(Duration::from_secs(10));
        trio.check(running.load(Ordering::Relaxed) + 1_000 + round);
        needed.push(memory());
        println!(
            "round {round}: {right} products right, {ended} ended, {} MiB",
            needed[round as usize] >> 20
        );
        assert!(right + ended > 0, "FUZZ_SEED={seed}: nobody computed");
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "FUZZ_SEED={seed}: a thread panicked");
    assert!(needed[2] < needed[0] + STAYS, "FUZZ_SEED={seed}: memory grows: {needed:?}");
}
