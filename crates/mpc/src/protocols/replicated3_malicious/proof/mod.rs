//! That everything so far was computed as it should: proofs by each party to both others, all at once.
//!
//! Of z = x·y, `P_i` sent `z_i = x_i·y_i + x_i·y_{i+1} + x_{i+1}·y_i + r_i - r_{i+1}`, of bits ([`ands`]) or of integers ([`integers`]). With
//!
//! > X = x_i + x_{i+1}, Y = y_i + y_{i+1}, Z = z_i - r_i + r_{i+1} + x_{i+1}·y_{i+1}
//!
//! that is X·Y = Z. P_{i-1}, the *first* verifier, knows `x_i`, `y_i`, and `z_i - r_i`; P_{i+1}, the *second*, knows `x_{i+1}`, `y_{i+1}`
//! and `r_{i+1} + x_{i+1}·y_{i+1}`: summands of X, Y and Z, so that linear functions of these need no message. A proof on what is
//! shared between two verifiers is that of Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai: Zero-knowledge proofs on secret-shared data
//! via fully linear PCPs, CRYPTO 2019; that it makes this protocol secure against a cheating party, over rings too, Boyle,
//! Gilboa, Ishai, Nof: Practical fully secure three-party computation via sublinear distributed zero-knowledge proofs, CCS 2019.
//!
//! **Steps.** X and Y become polynomials in v variables, and the prover tells their product G, summed over groups of 2^v elements
//! each with a random weight `w_b`, coefficient by coefficient on the [grid](grid); at the elements themselves G is `Σ_b w_b·Z_b`, which
//! the verifiers add up. At a random point each group becomes one element, and G the claim `Σ_b w_b·X_b·Y_b`; of such a claim a
//! like step makes a shorter one ([`claim`]), until one X, one Y and one claim are left: the first verifier tells the second its
//! summands, which checks X·Y. What is told of G is a summand, of which the second verifier's is drawn with the prover.
//!
//! **Soundness.** Both verifiers draw weights and points from a key that the prover does not have, and tell it each only when it has
//! said what they are for. Of bits all happens in the field of 2^64 elements, of integers in the Galois ring of degree 48
//! ([`algebra`]), whose challenges are 2^48 elements no two of which differ by a divisor of zero. Let S be their number. A wrong Z
//! passes the weights with probability at most 1/S, 2/S where there are two for each element; a wrong G is right at the random
//! point with probability at most 2v/S (of bits 4v/S, as 2 stands for the challenges 0 and 1 as well). The pair that is added,
//! below, counts ρ times its product, where ρ is drawn after the prover told that product: a wrong one makes up for nothing but with
//! probability 1/S (3/S). Steps have at most 6 variables, and together fewer than 50: less than 2^-56 of bits, less than 2^-41 of
//! integers. Where something wrong was sent, one proof at least is wrong, and it must pass.
//!
//! **What the verifiers learn.** The first is told summands that are uniform, as the second's are drawn; the second at the end X and Y,
//! to which one pair was added that is random and that neither verifier knows, times what divides 1 (challenges are neither 0
//! nor 1), and a claim that is their product; all others whether it is. A first verifier that told other weights or challenges
//! than both drew would learn from that whether what they change is zero: so the prover tells the second what it heard (a hash, once it
//! has said all), and where that is not what was drawn the verdict is no, whatever the rest. A first verifier that tells false
//! summands at the end is found out whatever the secrets, as X and Y are uniform to it. A prover is told challenges and a verdict.
//!
//! | | |
//! |---|---|
//! | rounds | 3, and 2 for each step |
//! | bytes from each party, of bits | 16; 8·212 and 6·8; 8·(3^v - 1) and 8v for each step after; 24 |
//! | of integers | 16; 384·(3^v - 2^v + 1) and 8(v+1); 384·(3^v - 1) and 8v for each step after; 1152 |
//! | of both | 32, and twice 1 |
//!
//! Both go side by side. Steps have as many variables as their lengths say ([`algebra`], [`integers`]).

#![allow(clippy::inline_always)] // so that loops are compiled for the instructions of their caller

mod algebra;
pub(super) mod ands;
mod claim;
mod grid;
pub(super) mod integers;

use std::mem::take;

use privet_ring::prg::{Seed, Stream};

use crate::Abort;
use crate::role::Role;
use crate::session::Session;

use self::algebra::{Algebra, Binary, Integral};
use self::ands::Ands;
use self::claim::{Opening, Prover, Proves, Verifier, Verifies};
use self::integers::Integers;
pub(super) use self::integers::Statement;
use super::party::Malicious3;
use super::share::Pair;

/// What is to be proven.
#[derive(Default)]
pub(super) struct Record {
    pub(super) ands: Ands,
    statements: Vec<Statement>,
    /// Products of integers.
    products: usize,
}

impl Record {
    /// Words of bits, after which all is to be proven, so that what is kept is bounded by what one step of a program sends.
    const WORDS: usize = 1 << 18;
    /// Products of integers, likewise.
    const PRODUCTS: usize = 1 << 21;

    pub(super) fn is_full(&self) -> bool {
        self.ands.len() >= Self::WORDS || self.products >= Self::PRODUCTS
    }

    pub(super) fn push(&mut self, statement: Statement) {
        self.products += statement.size();
        self.statements.push(statement);
    }

    /// Those of a lane.
    pub(super) fn append(&mut self, mut other: Self) {
        self.ands.append(&other.ands);
        self.statements.append(&mut other.statements);
        self.products += other.products;
    }
}

/// What one of three parties knows of a shared tensor, as far as one proof is concerned.
#[derive(Clone, Copy)]
enum Part {
    /// The prover, both of its components.
    Both,
    /// The first verifier, its next component.
    Next,
    /// The second verifier, its own component.
    Own,
}

impl Part {
    fn of(self, x: &Pair, plus: impl Fn(u64, u64) -> u64) -> Vec<u64> {
        match self {
            Self::Both => x.own.iter().zip(&x.next).map(|(&a, &b)| plus(a, b)).collect(),
            Self::Next => x.next.clone(),
            Self::Own => x.own.clone(),
        }
    }
}

impl Malicious3 {
    /// Proves all since the last time, and checks the proofs of both others.
    pub(super) fn prove(&mut self) -> Result<(), Abort> {
        let record = take(&mut self.record);
        if record.ands.len() == 0 && record.statements.is_empty() {
            return Ok(());
        }
        self.step("prove", |p| {
            let mut proofs = Proofs::of(&mut p.session, &record);
            drop(record);
            proofs.weigh(&mut p.session)?;
            while !proofs.are_done() {
                proofs.step(&mut p.session)?;
            }
            proofs.end(&mut p.session)
        })
    }
}

/// All proofs that a party has a part in.
struct Proofs {
    /// Its own.
    own: Vec<Box<dyn Proves>>,
    /// Of the next party, whose first verifier it is.
    firsts: Vec<Box<dyn Verifies>>,
    /// Of the previous party, whose second verifier it is.
    seconds: Vec<Box<dyn Verifies>>,
    /// Weights and challenges that this party was told.
    heard: blake3::Hasher,
    /// Those that the previous party was to be told.
    drawn: blake3::Hasher,
}

impl Proofs {
    fn of(session: &mut Session, record: &Record) -> Self {
        let me = session.me();
        let hasher = || blake3::Hasher::new_derive_key("privet 2026 replicated3-malicious challenges");
        let (heard, drawn) = (hasher(), hasher());
        let mut proofs = Self { own: Vec::new(), firsts: Vec::new(), seconds: Vec::new(), heard, drawn };
        if record.ands.len() > 0 {
            let of = |part| Some(Box::new(record.ands.opening(part)) as Box<dyn Opening<Binary>>);
            proofs.add(session, [of(Part::Both), of(Part::Next), of(Part::Own)]);
        }
        let of = |prover: Role, part| {
            let integers = Integers::of(&record.statements, prover.index(), part)?;
            Some(Box::new(integers) as Box<dyn Opening<Integral>>)
        };
        proofs.add(session, [of(me, Part::Both), of(me.next(), Part::Next), of(me.previous(), Part::Own)]);
        proofs
    }

    /// This party's proof, the next one's, and the previous one's.
    fn add<A: Algebra + 'static>(&mut self, session: &mut Session, openings: [Option<Box<dyn Opening<A>>>; 3])
    where
        A::Element: PartialEq,
    {
        let [of_first, of_second] = session.random();
        let [mut with_first, mut as_first] = session.random();
        let [as_second, with_second] = session.random();
        let [own, first, second] = openings;
        if let Some(own) = own {
            self.own.push(Box::new(Prover::of(own, &mut with_first, with_second)));
        }
        if let Some(first) = first {
            self.firsts.push(Box::new(Verifier::first(first, &mut as_first, of_first)));
        }
        if let Some(second) = second {
            self.seconds.push(Box::new(Verifier::second(second, as_second, of_second)));
        }
    }

    /// Everyone learns the weights of its own proofs.
    fn weigh(&mut self, session: &mut Session) -> Result<(), Abort> {
        let seeds: Vec<u64> = self.firsts.iter_mut().flat_map(|first| first.weigh()).collect();
        for second in &mut self.seconds {
            add(&mut self.drawn, &second.weigh());
        }
        let me = session.me();
        let own = passed(session, &seeds, (me.next(), me.previous()), 2 * self.own.len())?;
        add(&mut self.heard, &own);
        let seeds = own.as_chunks::<2>().0;
        self.own.iter_mut().zip(seeds).for_each(|(own, seed)| own.weigh(expanded(seed)));
        Ok(())
    }

    fn are_done(&self) -> bool {
        self.own.iter().all(|own| own.is_done())
            && self.firsts.iter().chain(&self.seconds).all(|verifier| verifier.is_done())
    }

    /// Provers tell their first verifiers, and are told a challenge.
    fn step(&mut self, session: &mut Session) -> Result<(), Abort> {
        let me = session.me();
        let message: Vec<u64> = self.own.iter_mut().flat_map(|own| own.say()).collect();
        let told: Vec<usize> = self.firsts.iter().map(|first| first.told()).collect();
        let heard = passed(session, &message, (me.previous(), me.next()), told.iter().sum())?;
        let (mut rest, mut challenges) = (&heard[..], Vec::new());
        for (first, words) in self.firsts.iter_mut().zip(told) {
            let (told, others) = rest.split_at(words);
            challenges.extend(first.step(told));
            rest = others;
        }
        for second in &mut self.seconds {
            add(&mut self.drawn, &second.step(&[]));
        }
        let wanted: Vec<usize> = self.own.iter().map(|own| own.wanted()).collect();
        let heard = passed(session, &challenges, (me.next(), me.previous()), wanted.iter().sum())?;
        add(&mut self.heard, &heard);
        let mut rest = &heard[..];
        for (own, words) in self.own.iter_mut().zip(wanted) {
            let (challenge, others) = rest.split_at(words);
            own.hear(challenge);
            rest = others;
        }
        Ok(())
    }

    /// First verifiers tell the second ones what is left, and provers what they heard; all learn whether it is right.
    fn end(&self, session: &mut Session) -> Result<(), Abort> {
        let me = session.me();
        session.give(me.next(), self.heard.finalize().as_bytes())?;
        let last: Vec<u64> = self.firsts.iter().flat_map(|first| first.last()).collect();
        let lengths: Vec<usize> = self.seconds.iter().map(|second| second.last().len()).collect();
        let others = passed(session, &last, (me.previous(), me.next()), lengths.iter().sum())?;
        let heard = session.take(me.previous(), blake3::OUT_LEN)?;
        // Compared in constant time, and whatever comes of the rest.
        let mut right = blake3::Hash::from_slice(&heard).is_ok_and(|heard| heard == self.drawn.finalize());
        let mut rest = &others[..];
        for (second, words) in self.seconds.iter().zip(lengths) {
            let (other, others) = rest.split_at(words);
            right &= second.agrees(other);
            rest = others;
        }
        // All hear of it: where one knows better, nobody goes on.
        let verdicts = session.exchange_both(&[u8::from(right)])?;
        if right && verdicts.iter().all(|verdict| verdict == &[1]) { Ok(()) } else { Err(cheated()) }
    }
}

fn cheated() -> Abort {
    Abort::Cheated(
        "One of the three parties cheated: what was computed failed its check, and was discarded.".into(),
    )
}

fn add(hasher: &mut blake3::Hasher, words: &[u64]) {
    for word in words {
        hasher.update(&word.to_le_bytes());
    }
}

pub(super) fn drawn(stream: &mut Stream, n: usize) -> Vec<u64> {
    let mut words = vec![0; n];
    stream.fill(&mut words);
    words
}

/// Weights from a seed of two words.
fn expanded(seed: &[u64; 2]) -> Stream {
    let bytes: Vec<u8> = seed.iter().flat_map(|word| word.to_le_bytes()).collect();
    Stream::of_chunk(&Seed::from_bytes(bytes.try_into().unwrap_or_default()), 0)
}

/// Words told to one party, and so many heard from the other.
pub(super) fn passed(
    session: &mut Session,
    words: &[u64],
    (to, from): (Role, Role),
    n: usize,
) -> Result<Vec<u64>, Abort> {
    if words.is_empty() && n == 0 {
        return Ok(Vec::new());
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let received = session.pass(to, &bytes, from, 8 * n)?;
    Ok(received.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests;
