//! How long a message between two parties on this machine takes, and how much goes through:
//! `cargo bench -p privet-serve --bench peers`. The second figure of each is of a plain socket, as what is possible.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/parties/mod.rs"]
mod parties;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use parties::Trio;
use privet_mpc::role::Role;

const TRIPS: usize = 10_000;
const MESSAGES: usize = 2_000;
const MIB: usize = 1 << 20;

fn main() {
    let trio = Trio::new(Duration::from_secs(120));
    println!("round trip, median of {TRIPS}: {:?}", round_trip(&trio));
    println!("round trip of a plain socket: {:?}", plain_round_trip());
    println!("1 MiB messages, one way: {:.0} MB/s", throughput(&trio));
    println!("1000 computations of ten rounds, 16 at a time: {:?}", many(&trio));
}

fn round_trip(trio: &Trio) -> Duration {
    let [mut p0, mut p1] = [0, 1].map(|at| trio.mesh_meet(Role::ALL[at], 1));
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..TRIPS {
                let message = p1.previous.recv("", 8).unwrap();
                p1.previous.send("", &message).unwrap();
            }
        });
        median(|| {
            p0.next.send("", &[7; 8]).unwrap();
            p0.next.recv("", 8).unwrap();
        })
    })
}

fn plain_round_trip() -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    thread::spawn(move || {
        let mut message = [0; 8];
        while far.read_exact(&mut message).is_ok() {
            far.write_all(&message).unwrap();
        }
    });
    median(|| {
        near.write_all(&[7; 8]).unwrap();
        near.read_exact(&mut [0; 8]).unwrap();
    })
}

fn median(mut trip: impl FnMut()) -> Duration {
    let mut trips: Vec<Duration> = (0..TRIPS)
        .map(|_| {
            let start = Instant::now();
            trip();
            start.elapsed()
        })
        .collect();
    trips.sort_unstable();
    trips[TRIPS / 2]
}

/// Eight on their way at most, as a program of many rounds would have.
fn throughput(trio: &Trio) -> f64 {
    let [mut p0, mut p1] = [0, 1].map(|at| trio.mesh_meet(Role::ALL[at], 2));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..MESSAGES {
                p1.previous.recv("", MIB).unwrap();
                p1.previous.send("", &[1]).unwrap();
            }
        });
        let message = vec![3; MIB];
        for sent in 0..MESSAGES {
            p0.next.send("", &message).unwrap();
            if sent >= 8 {
                p0.next.recv("", 1).unwrap();
            }
        }
        (0..8).for_each(|_| drop(p0.next.recv("", 1).unwrap()));
    });
    (MESSAGES * MIB) as f64 / 1e6 / start.elapsed().as_secs_f64()
}

/// All three parties, each sending to its previous one in each round.
fn many(trio: &Trio) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for lane in 0..16 {
            for role in Role::ALL {
                scope.spawn(move || {
                    for seed in (lane..1000).step_by(16) {
                        let mut links = trio.mesh_meet(role, 1000 + seed);
                        for _ in 0..10 {
                            links.previous.send("", &[1; 64]).unwrap();
                            links.next.recv("", 64).unwrap();
                        }
                    }
                });
            }
        }
    });
    start.elapsed()
}
