//! One party that cheats, gate by gate, in every message that it sends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::functions::extremes::{argmax, max};
use privet_mpc::protocols::protocol::{Matrices, Operand, Protocol, SeriesBits};
use privet_mpc::protocols::replicated3::{Bits, Replicated};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::session::OutputShare;
use privet_mpc::world::{Passing, World};

use super::gates::{bits, share};
use super::party::Party;

/// Bits of the ring of the values that the gates take; `n` of them.
pub const K: u32 = 12;
pub const VALUES: [u64; 3] = [77, 4096 - 300, 5];

/// What a party holds: values, other values, and bits.
pub struct Held {
    pub x: Replicated,
    pub y: Replicated,
    pub bit: Bits,
}

impl Held {
    pub fn of(me: Role) -> Self {
        let y = [3, 4096 - 9, 2];
        Self { x: share(me, K, 1, &VALUES), y: share(me, K, 2, &y), bit: bits(me, 3, &[true, false, true]) }
    }
}

type Gate<P> = fn(&mut P, &Held) -> Result<<P as Protocol>::Sum, Abort>;

/// Each gate, and what is made of it for the client.
pub fn gates<P: Party>() -> Vec<(&'static str, Gate<P>)> {
    vec![
        ("product", product::<P>),
        ("matrices", matrices::<P>),
        ("mixed", mixed::<P>),
        ("truncate", |p, held| shared::<P>(p.truncate(&P::share(&held.x), 3, 14))),
        ("narrow", |p, held| shared::<P>(p.truncate(&P::share(&held.x), 3, 8))),
        ("extend", |p, held| shared::<P>(p.truncate(&P::share(&held.x), 0, 20))),
        ("relu", |p, held| shared::<P>(p.relu(&P::share(&held.x), 4, 8))),
        ("wide relu", |p, held| shared::<P>(p.relu(&P::share(&held.x), 3, 13))),
        ("sign", |p, held| {
            let negative = p.is_negative(&P::share(&held.x), 0)?;
            shared::<P>(p.bit_to_arith(&negative, 5))
        }),
        ("and", |p, held| {
            let negative = p.is_negative(&P::share(&held.y), 9)?;
            let both = p.and(&P::bits(&held.bit), &negative)?;
            shared::<P>(p.bit_to_arith(&both, 5))
        }),
        ("select", |p, held| shared::<P>(p.select(&P::bits(&held.bit), &P::share(&held.x)))),
        ("lookup", |p, held| shared::<P>(p.lookup(&P::reduce(&P::share(&held.x), 2), &[9, 1, 8, 2], 9))),
        ("zero", |p, held| {
            let zero = p.is_zero(&P::reduce(&P::share(&held.y), 2))?;
            shared::<P>(p.bit_to_arith(&zero, 5))
        }),
        ("series", series::<P>),
        ("greatest", |p, held| shared::<P>(max(p, &P::share(&held.x), &[0, 1, 2], 3))),
        ("place", |p, held| {
            let marks = argmax(p, &P::share(&held.x), 3)?;
            shared::<P>(p.bit_to_arith(&marks, 5))
        }),
    ]
}

fn shared<P: Party>(x: Result<P::Share, Abort>) -> Result<P::Sum, Abort> {
    x.map(|x| (&x).into())
}

fn product<P: Party>(p: &mut P, held: &Held) -> Result<P::Sum, Abort> {
    let (x, y) = (P::share(&held.x), P::share(&held.y));
    let product = p.multiply(&x, &y);
    let product = p.reshare(product)?;
    Ok(p.multiply(&product, &y))
}

fn matrices<P: Party>(p: &mut P, held: &Held) -> Result<P::Sum, Abort> {
    let (x, y) = (P::share(&held.x), P::share(&held.y));
    let shape = Matrices { rows: 1, inner: 3, columns: 1 };
    let product = p.matmul(Operand::Secret(&x), Operand::Secret(&y), K, shape);
    p.reshare(product).map(|x| (&x).into())
}

fn mixed<P: Party>(p: &mut P, held: &Held) -> Result<P::Sum, Abort> {
    let (x, y) = (P::share(&held.x), P::share(&held.y));
    let product = p.multiply(&x, &y);
    let sum = P::add_sum(product, (&y).into());
    p.concat_sums(vec![sum, (&x).into()])
}

fn series<P: Party>(p: &mut P, held: &Held) -> Result<P::Sum, Abort> {
    let terms =
        vec![Term { harmonic: 1, sine: 0.5, cosine: 0.25 }, Term { harmonic: 3, sine: 0.1, cosine: 0.2 }];
    let f = Series { period_bits: 10, constant: 0.5, terms };
    let bits = SeriesBits { drop: 1, sines: 8, coefficients: 7, ring: 20 };
    let sum = p.series(&P::share(&held.x), &f, bits)?;
    shared::<P>(p.truncate(sum, 7, 14))
}

/// What a cheating party does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// One bit, anywhere.
    Flip,
    /// Adds a random number somewhere.
    Add,
    /// What it said before to the same party, if that was as long; else a flip.
    Replay,
    /// Every byte anew, from here on in every message.
    Noise,
    /// Nothing is sent.
    Silence,
    /// A byte less, or one more.
    Length,
}

/// Numbers that anyone can repeat (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// The messages of one party, and which of them it changes.
pub struct Cheat {
    pub party: Role,
    pub message: usize,
    pub change: Change,
    pub seed: u64,
}

/// Of each message that the party sent so far: to whom, and what.
type Said = Vec<(Role, Vec<u8>)>;

impl Cheat {
    /// A world in which it happens.
    pub fn world(self, deadline: Duration) -> World {
        let said: Arc<Mutex<Said>> = Arc::default();
        World::new(1).deadline(deadline).adversary(move |m| {
            if m.from != self.party {
                return Some(m.bytes);
            }
            let mut said = said.lock().unwrap();
            let at = said.len();
            said.push((m.to, m.bytes.clone()));
            let hit = at == self.message || at > self.message && self.change == Change::Noise;
            if hit { self.changed(m, &said[..at]) } else { Some(m.bytes) }
        })
    }

    fn changed(&self, m: Passing<'_>, said: &[(Role, Vec<u8>)]) -> Option<Vec<u8>> {
        let mut numbers = Numbers(self.seed);
        let mut bytes = m.bytes;
        let bit = numbers.below(8 * bytes.len());
        let flip = |bytes: &mut Vec<u8>| bytes[bit / 8] ^= 1 << (bit % 8);
        match self.change {
            Change::Flip => flip(&mut bytes),
            Change::Add => {
                let mut carry = numbers.next();
                for byte in bytes.iter_mut().skip(bit / 8).take(8) {
                    let sum = u64::from(*byte) + (carry & 255);
                    *byte = sum as u8;
                    carry = (carry >> 8) + (sum >> 8);
                }
            }
            Change::Replay => {
                let before = said.iter().rev().find(|(to, old)| *to == m.to && old.len() == bytes.len());
                match before {
                    Some((_, old)) => bytes.clone_from(old),
                    None => flip(&mut bytes),
                }
            }
            Change::Noise => bytes.iter_mut().for_each(|byte| *byte = numbers.next() as u8),
            Change::Silence => return None,
            Change::Length if numbers.below(2) == 0 => drop(bytes.pop()),
            Change::Length => bytes.push(7),
        }
        Some(bytes)
    }
}

/// Runs a gate up to what the client is given.
pub fn run<P: Party>(
    world: &World,
    gate: Gate<P>,
    held: impl Fn(Role) -> Held + Sync,
) -> [Result<OutputShare, Abort>; PARTIES] {
    P::all(world, [5; 32], |session| {
        let held = held(session.me());
        let mut p = P::begin(session)?;
        let sum = gate(&mut p, &held)?;
        let k = P::sum_ring(&sum);
        p.answer(sum, k)
    })
}

/// How many messages each party sends.
pub fn messages(run: impl FnOnce(&World)) -> [usize; PARTIES] {
    let counts: Arc<Mutex<[usize; PARTIES]>> = Arc::default();
    let seen = Arc::clone(&counts);
    run(&World::new(1).adversary(move |m| {
        seen.lock().unwrap()[m.from.index()] += 1;
        Some(m.bytes)
    }));
    *counts.lock().unwrap()
}
