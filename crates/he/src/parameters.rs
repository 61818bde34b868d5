//! Parameters from the plan: which ring, which modulus, how much flood; and the proof that no honest answer can fail.
//!
//! With plaintexts modulo t = 2^k, ciphertexts modulo Q and Δ = Q/t, an answer decrypts to the right integer if everything
//! that is not the message stays below Δ/2. The server's answer carries
//!
//! ```text
//!   (fresh error + rounding of Δ·x)·w     at most (21 + 1/2)·‖w‖₁         client's encryption times centred weights; where one
//!                                                                       product answers several scores, those of all of them
//! + e_key·u + e_1·s + e_0                 at most 21·(2N + 1)             the fresh encryption of zero
//! + rounding of Δ·bias                    at most 1/2
//!   = noise                               at most 2^noise_bits
//! + flood                                 at most 2^flood_bits, uniform
//! ```
//!
//! and switching to 2^d instead of Q rounds both polynomials: at most (N + 1)/2 + 2 of Δ' = 2^(d-k). With d = k + log2 N + 2 that is
//! an eighth and a bit; [`Parameters::choose`] takes a Q of which noise and flood are less than the rest of the half.
//!
//! Security: `log2 Q` is at most what the homomorphic encryption standard (Albrecht and others, 2018, table 1) allows for a
//! ternary secret at 128 bits against classical attacks. A client that lies about its public key can make every answer tell about
//! `log2(Q/2^(flood_bits + 1))` bits of the server's ephemeral secret `u`, instead of a score; so as many answers are put into one
//! ciphertext as leave enough of `u`: the standard's line is held for the degree that is left.

use serde::{Deserialize, Serialize};

use crate::modulus::{Modulus, is_prime, primes};

/// Largest error of the centred binomial distribution that is sampled; its variance is 10.5.
pub const MOST_ERROR: u64 = 21;

/// The flood is this many bits above noise times answers: statistical security.
pub const STATISTICAL_BITS: u32 = 40;

/// Answers that one key may decrypt, as a power of two. A client draws a new key before.
pub const ANSWERS_PER_KEY_BITS: u32 = 12;

/// Answers that one key may decrypt.
pub const ANSWERS_PER_KEY: u32 = 1 << ANSWERS_PER_KEY_BITS;

/// Degrees, and the most bits of Q at 128-bit security for a ternary secret: table 1 of the standard.
const STANDARD: [(usize, u32); 3] = [(4096, 109), (8192, 218), (16384, 438)];

/// What a model asks for. All of it is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Bits of a score, sign included: t = 2^this.
    pub plaintext_bits: u32,
    /// The sum of the absolute weights of a score is at most 2^this.
    pub norm_bits: u32,
    /// Columns of a row.
    pub columns: usize,
    /// Scores of a row.
    pub scores: usize,
}

impl Needs {
    /// The bits of the noise of a ring of this degree; `None` for what no ring serves.
    fn noise_bits(self, degree: usize) -> Option<u32> {
        let served = (1..=64).contains(&self.plaintext_bits)
            && self.norm_bits <= 64
            && (1..=ANSWERS_PER_KEY as usize).contains(&self.scores)
            && (1..=degree).contains(&self.columns);
        // A ciphertext's error is in all coefficients, and so every answer of a product has that of all its weights.
        let together = if self.scores.saturating_mul(self.columns) <= degree { self.scores } else { 1 };
        let noise = (u128::from(MOST_ERROR + 1) * together as u128).checked_shl(self.norm_bits)?;
        let zero = u128::from(MOST_ERROR) * (2 * degree as u128 + 1) + 1;
        served.then(|| u128::BITS - (noise + zero - 1).leading_zeros())
    }

    /// The most rows that may share a ciphertext: as many as fit, and as a lying key may ask about.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and the degree
    fn most_rows(self, degree: usize, q_bits: f64, flood_bits: u32, standard_bits: u32) -> usize {
        let left = 1.0 - q_bits / f64::from(standard_bits);
        // What an answer can tell of u, in coefficients of log2(3) bits.
        let told = (q_bits - f64::from(flood_bits)) / 3f64.log2();
        let safe = (left.max(0.0) * degree as f64 / told) as usize;
        safe.min(degree / self.columns.max(1)).min(ANSWERS_PER_KEY as usize)
    }
}

/// A ring, a modulus and a flood that suit a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// N: coefficients of a polynomial.
    pub degree: usize,
    /// The primes whose product is Q, largest first.
    pub moduli: Vec<u64>,
    /// k.
    pub plaintext_bits: u32,
    /// Everything that is wrong with an answer before flooding is at most 2^this.
    pub noise_bits: u32,
    /// The flood is uniform between -2^this and 2^this.
    pub flood_bits: u32,
    /// d: answers travel modulo 2^d.
    pub answer_bits: u32,
    /// Answers that one product gives at most, and so rows that one ciphertext holds where each score has its own product.
    pub rows: usize,
}

impl Parameters {
    /// The smallest ring that suits, or `None` where none does.
    pub fn choose(needs: Needs) -> Option<Self> {
        let mut found = STANDARD.iter().filter_map(|&(degree, limit)| Self::of(needs, degree, limit));
        // Many small rows in a small ring would cost a ciphertext for a few of them.
        let enough = |p: &Self| p.rows >= 8.min(p.degree / needs.columns);
        found.find(enough)
    }

    fn of(needs: Needs, degree: usize, standard_bits: u32) -> Option<Self> {
        let noise_bits = needs.noise_bits(degree)?;
        let flood_bits = noise_bits + STATISTICAL_BITS + ANSWERS_PER_KEY_BITS;
        if flood_bits > MOST_FLOOD_BITS {
            return None;
        }
        let moduli = narrowest(degree, needs.plaintext_bits, noise_bits, flood_bits)?;
        let rows = needs.most_rows(degree, log2(&moduli), flood_bits, standard_bits);
        let answer_bits = (needs.plaintext_bits + degree.trailing_zeros() + 2).max(LOW_BITS + 1);
        let parameters = Self {
            degree,
            moduli,
            plaintext_bits: needs.plaintext_bits,
            noise_bits,
            flood_bits,
            answer_bits,
            rows,
        };
        (rows > 0 && parameters.largest_answer(needs) <= MOST_ANSWER_BYTES).then_some(parameters)
    }

    /// Whether these parameters keep every promise for a model that asks for this: to be asked of parameters that came from outside.
    pub fn suit(&self, needs: Needs) -> bool {
        let Some(standard_bits) = self.standard_bits() else { return false };
        let prime = |&q: &u64| {
            (20..=MOST_PRIME_BITS).contains(&(u64::BITS - q.leading_zeros()))
                && q % (2 * self.degree as u64) == 1
                && is_prime(q)
        };
        let descending = self.moduli.windows(2).all(|pair| pair[0] > pair[1]);
        let noise = needs.noise_bits(self.degree);
        (1..=MOST_PRIMES).contains(&self.moduli.len())
            && descending
            && self.moduli.iter().all(prime)
            && self.plaintext_bits == needs.plaintext_bits
            && noise.is_some_and(|noise| (noise..=100).contains(&self.noise_bits))
            && (self.noise_bits + STATISTICAL_BITS + ANSWERS_PER_KEY_BITS..=MOST_FLOOD_BITS)
                .contains(&self.flood_bits)
            && (LOW_BITS + 1..=LOW_BITS + 64).contains(&self.answer_bits)
            && self.answer_bits > self.plaintext_bits
            && (1..=needs.most_rows(self.degree, log2(&self.moduli), self.flood_bits, standard_bits))
                .contains(&self.rows)
            && self.worst_share() < 1.0
            && self.largest_answer(needs) <= MOST_ANSWER_BYTES
    }

    /// The most bits of Q that the standard allows for N; `None` for a degree that it does not have.
    pub fn standard_bits(&self) -> Option<u32> {
        STANDARD.iter().find(|(degree, _)| *degree == self.degree).map(|(_, bits)| *bits)
    }

    /// The moduli with their arithmetic.
    pub fn arithmetic(&self) -> impl Iterator<Item = Modulus> {
        self.moduli.iter().map(|&q| Modulus::new(q))
    }

    /// Bits of Q, rounded up.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some hundreds
    pub fn modulus_bits(&self) -> u32 {
        log2(&self.moduli).ceil() as u32
    }

    /// How much of Δ/2 the worst honest answer takes: below 1, or it could fail.
    pub fn worst_share(&self) -> f64 {
        let delta = log2(&self.moduli) - f64::from(self.plaintext_bits);
        let noise = noise_log2(self.noise_bits, self.flood_bits) - delta;
        let rounding = f64::midpoint(self.degree as f64, 5.0);
        let switched = rounding.log2() - f64::from(self.answer_bits - self.plaintext_bits);
        2.0 * (noise.exp2() + switched.exp2())
    }

    /// Bytes of a polynomial modulo Q.
    pub fn polynomial_bytes(&self) -> usize {
        self.arithmetic().map(|m| self.degree / 8 * m.bits() as usize).sum()
    }

    /// Bytes of the answer to a full ciphertext, each score by a product of its own.
    pub fn largest_answer(&self, needs: Needs) -> usize {
        needs.scores.saturating_mul(self.answer_bytes(self.degree) + self.answer_bytes(self.rows))
    }

    /// Bytes of `count` numbers of an answer.
    pub fn answer_bytes(&self, count: usize) -> usize {
        let part = |bits: u32| (count * bits as usize).div_ceil(8);
        part(LOW_BITS) + part(self.answer_bits - LOW_BITS)
    }
}

/// Numbers of an answer travel as so many low bits and the rest.
pub(crate) const LOW_BITS: u32 = 48;

/// The widest flood: what is drawn has 128 bits.
const MOST_FLOOD_BITS: u32 = 126;

/// The longest answer to one ciphertext: half of what servers and clients take as one message.
pub const MOST_ANSWER_BYTES: usize = 32 << 20;

/// Most primes of a modulus.
const MOST_PRIMES: usize = 6;

/// Most bits of one prime: values of the transform stay below 2^62.
const MOST_PRIME_BITS: u32 = 59;

/// The fewest primes, and of those the smallest, with room for noise and flood in three eighths of Δ.
fn narrowest(degree: usize, plaintext_bits: u32, noise_bits: u32, flood_bits: u32) -> Option<Vec<u64>> {
    // Three eighths, less what rounding takes beyond an eighth: (N + 1)/2 + 2 of 4N.
    let room = (0.375 - 2.5 / (4.0 * degree as f64)).log2();
    let least = f64::from(plaintext_bits) + noise_log2(noise_bits, flood_bits) - room;
    (1..=MOST_PRIMES).find_map(|count| {
        let fits = |bits: u32| {
            if f64::from(bits) * (count as f64) < least {
                return None;
            }
            let found = primes(degree, bits, count);
            // Logarithms are right to far less than this.
            (found.len() == count && log2(&found) >= least + 1e-9).then_some(found)
        };
        (20..=MOST_PRIME_BITS).find_map(fits)
    })
}

fn noise_log2(noise_bits: u32, flood_bits: u32) -> f64 {
    f64::from(flood_bits) + f64::exp2(f64::from(noise_bits) - f64::from(flood_bits)).ln_1p() / 2f64.ln()
}

fn log2(moduli: &[u64]) -> f64 {
    moduli.iter().map(|&q| (q as f64).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = (Needs, Option<Parameters>)> {
        let sizes = [1, 2, 4, 7, 30, 100, 528, 1000, 4096, 5000, 8192, 16384];
        let bits = (10..=64).flat_map(|k| [8, 20, 30, 45].map(|norm| (k, norm)));
        bits.flat_map(move |(plaintext_bits, norm_bits)| {
            sizes.map(|columns| {
                let needs = Needs { plaintext_bits, norm_bits, columns, scores: 1 };
                (needs, Parameters::choose(needs))
            })
        })
    }

    #[test]
    fn every_choice_keeps_the_standard_and_cannot_fail() {
        let mut chosen = 0;
        for (needs, parameters) in all() {
            let Some(p) = parameters else { continue };
            chosen += 1;
            let standard_bits = p.standard_bits().unwrap_or(0);
            assert!(p.modulus_bits() <= standard_bits && p.worst_share() < 1.0, "{needs:?} {p:?}");
            assert!(p.suit(needs), "{needs:?} {p:?}");
            assert!(p.flood_bits >= p.noise_bits + 52 && p.rows * needs.columns <= p.degree);
            // An answer tells hardly more bits than a score has.
            assert!(p.modulus_bits() - p.flood_bits - 1 <= p.plaintext_bits + 5, "{needs:?} {p:?}");
            // What a lying key can learn of u leaves a ring for which the standard allows this Q.
            let told = p.rows as f64 * f64::from(p.modulus_bits() - p.flood_bits - 1) / 3f64.log2();
            let left = (p.degree as f64 - told) / p.degree as f64;
            assert!(left * f64::from(standard_bits) >= f64::from(p.modulus_bits()) - 2.0, "{needs:?} {p:?}");
        }
        assert!(chosen > 2000, "{chosen}");
    }

    #[test]
    fn parameters_that_break_a_promise_suit_nobody() {
        type Change = fn(&mut Parameters);
        let needs = Needs { plaintext_bits: 40, norm_bits: 20, columns: 100, scores: 1 };
        let good = Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits"));
        let changes: [Change; 14] = [
            |p| p.degree = 1024,
            |p| p.degree *= 2,
            |p| p.moduli.clear(),
            |p| p.moduli.reverse(),
            |p| p.moduli.truncate(1),
            |p| p.moduli[0] += 2,
            |p| p.moduli[1] = p.moduli[0],
            |p| p.plaintext_bits -= 1,
            |p| p.noise_bits -= 1,
            |p| p.flood_bits -= 1,
            |p| p.flood_bits += 40,
            |p| p.answer_bits = 200,
            |p| p.answer_bits -= 4,
            |p| p.rows += 1,
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(!bad.suit(needs), "change {at}: {bad:?}");
        }
        assert!(good.suit(needs) && !good.suit(Needs { norm_bits: 40, ..needs }));
        assert!(!good.suit(Needs { columns: 9000, ..needs }));
    }

    #[test]
    fn the_modulus_is_no_wider_than_the_proof_needs() {
        for (_, parameters) in all() {
            let Some(p) = parameters else { continue };
            // Primes have whole bits, so up to a bit each is lost.
            assert!(p.worst_share() > 0.7 / f64::exp2(p.moduli.len() as f64), "{p:?}");
        }
    }

    #[test]
    fn the_reference_workload_fits_the_ring_of_8192() {
        let needs = Needs { plaintext_bits: 57, norm_bits: 30, columns: 528, scores: 1 };
        let p = Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits"));
        assert_eq!((p.degree, p.rows, p.moduli.len()), (8192, 15, 3));
        assert!((140..150).contains(&p.modulus_bits()));
    }

    #[test]
    fn what_fits_no_ring_is_refused() {
        let needs = Needs { plaintext_bits: 40, norm_bits: 20, columns: 16385, scores: 1 };
        assert_eq!(Parameters::choose(needs), None);
        assert_eq!(Parameters::choose(Needs { columns: 0, ..needs }), None);
        assert_eq!(Parameters::choose(Needs { columns: 5, plaintext_bits: 65, ..needs }), None);
        // A flood of more than 126 bits, and an answer of hundreds of megabytes.
        assert_eq!(Parameters::choose(Needs { columns: 5, norm_bits: 64, scores: 1500, ..needs }), None);
        assert_eq!(Parameters::choose(Needs { columns: 500, scores: 4096, ..needs }), None);
        assert!(Parameters::choose(Needs { columns: 500, scores: 300, ..needs }).is_some());
    }
}
