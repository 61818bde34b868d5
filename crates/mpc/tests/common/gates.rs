//! Three parties in front of a gate: shares of known values go in, and what the parties hold comes out.

use privet_mpc::Abort;
use privet_mpc::ledger::Ledger;
use privet_mpc::protocols::replicated3::{Bits, Replicated, Replicated3, Sum};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::session::Session;
use privet_mpc::world::World;
use privet_ring::{reduce, signed};

use super::party::Party;
use super::words;

/// Three summands of each value: the first two drawn from the seed.
pub fn summands(seed: u8, x: &[u64]) -> [Vec<u64>; PARTIES] {
    let (a, b) = (words(seed, x.len()), words(seed.wrapping_add(101), x.len()));
    let c = x.iter().zip(&a).zip(&b).map(|((x, a), b)| x.wrapping_sub(*a).wrapping_sub(*b)).collect();
    [a, b, c]
}

/// Summands whose view is a|b, for P0's a as it is given; x1 is drawn.
pub fn viewed(seed: u8, a: &[u64], b: &[u64]) -> [Vec<u64>; PARTIES] {
    let x1 = words(seed, a.len());
    let x0 = a.iter().zip(&x1).map(|(a, x1)| a.wrapping_sub(*x1)).collect();
    [x0, x1, b.to_vec()]
}

/// The part of a party.
pub fn part(role: Role, k: u32, summands: &[Vec<u64>; PARTIES]) -> Replicated {
    let of = |role: Role| summands[role.index()].clone();
    Replicated { k, own: of(role), next: of(role.next()) }
}

pub fn share(role: Role, k: u32, seed: u8, x: &[u64]) -> Replicated {
    part(role, k, &summands(seed, x))
}

/// As a product leaves it: masked.
pub fn summed(role: Role, k: u32, seed: u8, x: &[u64]) -> Sum {
    Sum::Summed { k, z: summands(seed, x)[role.index()].clone() }
}

/// Bits of a party.
pub fn bit_part(role: Role, n: usize, summands: &[Vec<u64>; PARTIES]) -> Bits {
    let Replicated { own, next, .. } = &part(role, 64, summands);
    Bits { n, own: own.clone(), next: next.clone() }
}

/// Shares of bits, a plane.
pub fn bits(role: Role, seed: u8, x: &[bool]) -> Bits {
    let mut plane = vec![0u64; x.len().div_ceil(64)];
    x.iter().enumerate().for_each(|(i, &x)| plane[i / 64] |= u64::from(x) << (i % 64));
    let (a, b) = (words(seed, plane.len()), words(seed.wrapping_add(101), plane.len()));
    let c = plane.iter().zip(&a).zip(&b).map(|((x, a), b)| x ^ a ^ b).collect();
    bit_part(role, x.len(), &[a, b, c])
}

/// Values modulo 2^k; the copies of each summand must be the same.
pub fn opened(parts: &[Replicated; PARTIES]) -> Vec<u64> {
    let k = parts[0].k;
    let mod_k = |x: &[u64]| x.iter().map(|&x| reduce(x, k)).collect::<Vec<_>>();
    for role in Role::ALL {
        let (part, next) = (&parts[role.index()], &parts[role.next().index()]);
        assert_eq!((part.k, mod_k(&part.next)), (k, mod_k(&next.own)), "{role} and {} differ", role.next());
    }
    let sum = |i: usize| parts.iter().fold(0u64, |sum, part| sum.wrapping_add(part.own[i]));
    (0..parts[0].own.len()).map(|i| reduce(sum(i), k)).collect()
}

pub fn opened_signed(parts: &[Replicated; PARTIES]) -> Vec<i64> {
    opened(parts).into_iter().map(|x| signed(x, parts[0].k)).collect()
}

pub fn opened_bits(parts: &[Bits; PARTIES]) -> Vec<bool> {
    let n = parts[0].n;
    let bit = |x: &[u64], i: usize| x[i / 64] >> (i % 64) & 1;
    for role in Role::ALL {
        let (part, next) = (&parts[role.index()], &parts[role.next().index()]);
        assert!((0..n).all(|i| bit(&part.next, i) == bit(&next.own, i)), "{role} and {} differ", role.next());
    }
    (0..n).map(|i| parts.iter().fold(0, |sum, part| sum ^ bit(&part.own, i)) == 1).collect()
}

/// Runs each party's `gate`.
pub fn run<T: Send>(
    world: &World,
    gate: impl Fn(Role, &mut Replicated3) -> Result<T, Abort> + Sync,
) -> [Result<(T, Ledger), Abort>; PARTIES] {
    world.run([5; 32], |session: Session| {
        let mut protocol = Replicated3::new(session);
        let result = gate(protocol.session.me(), &mut protocol)?;
        Ok((result, protocol.session.ledger().clone()))
    })
}

/// And nothing goes wrong.
pub fn done<T: Send>(gate: impl Fn(Role, &mut Replicated3) -> Result<T, Abort> + Sync) -> [T; PARTIES] {
    run(&World::new(1), gate).map(|result| result.unwrap().0)
}

/// The same of any protocol; where one has a check, it must pass.
pub fn done_as<P: Party>(
    gate: impl Fn(Role, &mut P) -> Result<P::Share, Abort> + Sync,
) -> [Replicated; PARTIES] {
    let results = World::new(1).run([5; 32], |session: Session| {
        let me = session.me();
        let mut protocol = P::begin(session)?;
        let share = gate(me, &mut protocol)?;
        let shown = P::shown(&share);
        protocol.answer((&share).into(), shown.k)?;
        Ok(shown)
    });
    results.map(Result::unwrap)
}

/// A share of any protocol.
pub fn given<P: Party>(role: Role, k: u32, seed: u8, x: &[u64]) -> P::Share {
    P::share(&share(role, k, seed, x))
}

/// Tests of every protocol.
#[macro_export]
macro_rules! under_both {
    ($($test:ident),+ $(,)?) => {
        mod curious {
            $(#[test] fn $test() { super::$test::<privet_mpc::protocols::replicated3::Replicated3>(); })+
        }
        mod malicious {
            $(#[test] fn $test() { super::$test::<privet_mpc::protocols::replicated3_malicious::Malicious3>(); })+
        }
    };
}

/// What a gate cost each party.
pub fn costs<T: Send>(gate: impl Fn(Role, &mut Replicated3) -> Result<T, Abort> + Sync) -> [Ledger; PARTIES] {
    run(&World::new(1), gate).map(|result| result.unwrap().1)
}

/// Every a and b of the ring 2^k, in pairs.
pub fn all_pairs(k: u32) -> (Vec<u64>, Vec<u64>) {
    (0..1u64 << (2 * k)).map(|i| (i >> k, reduce(i, k))).unzip()
}

/// Signed values of a ring: the extremes named, their neighbours, and drawn ones of every magnitude, within ±limit.
pub fn extremes(seed: u8, limit: i64, n: usize) -> Vec<i64> {
    let named = [0, 1, -1, 2, -2, limit, -limit, limit - 1, 1 - limit, limit / 2, -limit / 2];
    let drawn = words(seed, n).into_iter().enumerate().map(|(i, w)| {
        let magnitude = (w >> (1 + i % 63)).cast_signed();
        let value = magnitude % limit.max(1).saturating_add(1);
        if w & 1 == 0 { value } else { -value }
    });
    named.into_iter().filter(|x| x.abs() <= limit).chain(drawn).collect()
}

pub fn unsigned(x: &[i64]) -> Vec<u64> {
    x.iter().map(|x| x.cast_unsigned()).collect()
}
