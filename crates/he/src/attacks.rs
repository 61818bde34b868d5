//! What a dishonest client can do, and what stops it. Each test has a server without one rule, from which the weights are read, and
//! then does the same with the server as it is.

// Numbers of tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::many_single_char_names)]

use crate::client::Key;
use crate::packing::Packing;
use crate::parameters::{Needs, Parameters};
use crate::ring::{Poly, Ring};
use crate::sample::{errors, flood, stream, ternary};
use crate::server::{Added, PublicKey, hide};
use crate::worst_case::Fixed;

const COLUMNS: usize = 16;
const WEIGHTS: [i64; COLUMNS] = [3, -500, 17, 88, 0, -1, 256, -77, 401, 5, -5, 64, -300, 12, 99, -250];

/// A ring, an honest key, and the weights in values.
struct Scene {
    ring: Ring,
    packing: Packing,
    key: Key,
    public: PublicKey,
    weights: Poly,
    entropy: Fixed,
}

impl Scene {
    fn new() -> Self {
        let needs = Needs { plaintext_bits: 24, norm_bits: 12, columns: COLUMNS, scores: 1 };
        let ring = Ring::new(Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits")));
        let packing = Packing::of(ring.parameters(), COLUMNS, 1, 1);
        let mut entropy = Fixed::of(11);
        let key = Key::draw(&ring, [0; 32], &mut entropy).unwrap_or_else(|_| unreachable!());
        let public = PublicKey::read(&ring, *key.seed(), key.public()).unwrap_or_else(|_| unreachable!());
        let unsigned = WEIGHTS.map(i64::cast_unsigned);
        let mut weights = ring.of_signed(&packing.weights(&unsigned, ring.degree()));
        ring.forward(&mut weights);
        Self { ring, packing, key, public, weights, entropy }
    }

    /// A ciphertext, in values, of which the phase is this polynomial: Δ·x for an honest client, anything for another.
    fn ciphertext(&mut self, phase: Poly) -> (Poly, Poly) {
        let mut sent = Vec::new();
        let zero = vec![0; self.ring.degree()];
        self.key
            .encrypt(&self.ring, 1, &zero, &mut self.entropy, &mut sent)
            .unwrap_or_else(|_| unreachable!());
        let mut c0 = self.ring.read(&sent).unwrap_or_else(|_| unreachable!());
        let mut phase = phase;
        self.ring.forward(&mut phase);
        self.ring.add(&mut c0, &phase);
        (c0, self.key.seed().polynomial(&self.ring, 1))
    }

    fn times_weights(&self, of: &Poly) -> Poly {
        let mut product = Poly(of.0.clone());
        self.ring.multiply(&mut product, &self.weights);
        product
    }

    /// The answer of the server as it is, before it is switched and cut.
    fn answer(&mut self, (c0, c1): &(Poly, Poly), places: &[usize]) -> (Poly, Poly) {
        let (mut c0, mut c1) = (self.times_weights(c0), self.times_weights(c1));
        hide(&self.ring, &self.public, &mut c0, &mut c1, places, &mut self.entropy)
            .unwrap_or_else(|_| unreachable!());
        (c0, c1)
    }

    /// c0 + c1·s of an answer in coefficients, as fractions of Q.
    fn phase(&self, c0: &Poly, c1: &Poly) -> Vec<f64> {
        let mut values = Poly(c1.0.clone());
        self.ring.forward(&mut values);
        // The secret in values: an encryption of zero under a public polynomial of one would be minus it; here the key lends it.
        self.key.multiply_by_secret(&self.ring, &mut values);
        self.ring.backward(&mut values);
        self.ring.add(&mut values, c0);
        let fraction = |at| self.ring.fraction(&values, at).cast_signed() as f64 / 2f64.powi(128);
        (0..self.ring.degree()).map(fraction).collect()
    }

    /// 2^bits of Q, as a fraction.
    fn of_q(&self, bits: u32) -> f64 {
        let q: f64 = self.ring.parameters().moduli.iter().map(|&q| (q as f64).log2()).sum();
        f64::exp2(f64::from(bits) - q)
    }
}

/// Weights stand in reverse.
fn reversed(found: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut found: Vec<i64> = found.take(COLUMNS).collect();
    found.reverse();
    found
}

#[test]
fn without_an_encryption_of_zero_in_c1_division_gives_the_weights() {
    let mut scene = Scene::new();
    let honest = scene.ciphertext(scene.ring.zero());
    let divided = |scene: &Scene, c1: &Poly| {
        let (ring, n) = (&scene.ring, scene.ring.degree());
        let first = ring.parameters().arithmetic().next().unwrap_or_else(|| unreachable!());
        let mut quotient = Poly(c1.0.clone());
        for (x, &by) in quotient.0[..n].iter_mut().zip(&honest.1.0) {
            *x = first.mul(*x, first.inverse(by));
        }
        ring.backward(&mut quotient);
        let centred =
            |&x: &u64| x.cast_signed() - if x > first.value() / 2 { first.value().cast_signed() } else { 0 };
        reversed(quotient.0.iter().map(centred))
    };
    assert_eq!(divided(&scene, &scene.times_weights(&honest.1)), WEIGHTS);
    let (_, mut c1) = scene.answer(&honest, &[COLUMNS - 1]);
    scene.ring.forward(&mut c1);
    let found = divided(&scene, &c1);
    assert!(found.iter().zip(WEIGHTS).all(|(a, b)| *a != b), "{found:?}");
}

#[test]
fn without_a_flood_a_hostile_phase_reads_many_weights_from_one_answer() {
    let mut scene = Scene::new();
    let (bits, first) = (11, 30);
    // Weight j has 2^(first + 11·j) for its row's value: answers are their digits, above all noise.
    let digits = 4;
    let mut hostile = scene.ring.zero();
    for j in 0..digits {
        scene.ring.add_at(&mut hostile, j as usize, 1 << (first + bits * j));
    }
    let sent = scene.ciphertext(hostile);
    let read = |scene: &Scene, c0: &Poly, c1: &Poly| -> Vec<i64> {
        // From the highest digit down; what is below the flood is no digit of anything.
        let mut rest = scene.phase(c0, c1)[COLUMNS - 1];
        let mut found = vec![0; digits as usize];
        for j in (0..digits).rev() {
            let unit = scene.of_q(first + bits * j);
            let digit = (rest / unit).round();
            found[j as usize] = digit as i64;
            rest -= digit * unit;
        }
        found
    };
    let (mut c0, mut c1) = (scene.times_weights(&sent.0), scene.times_weights(&sent.1));
    // A fresh encryption of zero, but no flood.
    {
        let mut stream = stream(&mut scene.entropy).unwrap_or_else(|_| unreachable!());
        let mut u = scene.ring.of_small(&ternary(&mut stream, scene.ring.degree()));
        scene.ring.forward(&mut u);
        let (mut zero0, mut zero1) = (Poly(u.0.clone()), u);
        scene.ring.multiply(&mut zero0, &scene.public.b);
        scene.ring.multiply(&mut zero1, &scene.public.a);
        scene.ring.add(&mut c0, &zero0);
        scene.ring.add(&mut c1, &zero1);
        scene.ring.backward(&mut c0);
        scene.ring.backward(&mut c1);
        scene.ring.add(&mut c1, &scene.ring.of_small(&errors(&mut stream, scene.ring.degree())));
    }
    assert_eq!(read(&scene, &c0, &c1), &WEIGHTS[..digits as usize]);
    let (c0, c1) = scene.answer(&sent, &[COLUMNS - 1]);
    let found = read(&scene, &c0, &c1);
    assert!(found.iter().zip(WEIGHTS).all(|(a, b)| *a != b), "{found:?}");
    // What is above the flood can be read: as many bits as an answer has, and a few that are the proof's reserve.
    let parameters = scene.ring.parameters();
    assert!(first + bits * digits <= parameters.flood_bits + bits);
    assert!(parameters.modulus_bits() - parameters.flood_bits - 1 <= parameters.plaintext_bits + 3);
}

#[test]
fn public_polynomials_that_a_client_chooses_show_the_weights() {
    let mut scene = Scene::new();
    let n = scene.ring.degree();
    let read = |scene: &Scene, c1: &Poly| {
        let weight = |at| {
            (scene.ring.fraction(c1, at).cast_signed() as f64 / 2f64.powi(128) / scene.of_q(40)).round()
                as i64
        };
        reversed((0..n).map(weight))
    };
    // With a = 0 in the key and c1 = 2^40, the answer's c1 is 2^40·w + e1.
    let mut chosen = scene.ring.zero();
    scene.ring.add_at(&mut chosen, 0, 1 << 40);
    scene.ring.forward(&mut chosen);
    let sent = (scene.ring.zero(), chosen);
    let honest_a = std::mem::replace(&mut scene.public.a, scene.ring.zero());
    let (_, c1) = scene.answer(&sent, &[COLUMNS - 1]);
    assert_eq!(read(&scene, &c1), WEIGHTS);
    // The server expands a from a seed: nothing of it is the client's choice, and even a chosen c1 shows nothing.
    scene.public.a = honest_a;
    let (_, c1) = scene.answer(&sent, &[COLUMNS - 1]);
    assert!(read(&scene, &c1).iter().zip(WEIGHTS).all(|(a, b)| *a != b));
}

#[test]
fn coefficients_that_are_no_answers_show_the_weights() {
    let mut scene = Scene::new();
    let parameters = scene.ring.parameters().clone();
    // One value of 1 and nothing else: the product is the polynomial of the weights.
    let mut one = scene.ring.zero();
    scene.ring.add_scaled(&mut one, &[1]);
    let sent = scene.ciphertext(one);
    let every: Vec<usize> = (0..COLUMNS).collect();
    let (c0, c1) = scene.answer(&sent, &every);
    let delta = f64::exp2(-f64::from(parameters.plaintext_bits));
    let all: Vec<i64> = scene.phase(&c0, &c1).iter().map(|x| (x / delta).round() as i64).collect();
    assert_eq!(reversed(all.into_iter()), WEIGHTS);
    // The real answer has one coefficient of c0, and that is the answer.
    let (mut ciphertext, mut answer) = (Vec::new(), Vec::new());
    let mut row = vec![0; scene.ring.degree()];
    row[0] = 1;
    scene
        .key
        .encrypt(&scene.ring, 2, &row, &mut scene.entropy, &mut ciphertext)
        .unwrap_or_else(|_| unreachable!());
    let unsigned = WEIGHTS.map(i64::cast_unsigned);
    let model = crate::server::Model::new(&scene.ring, COLUMNS, 12, &unsigned, &[0])
        .unwrap_or_else(|| unreachable!());
    model
        .answer(
            &scene.ring,
            &scene.packing,
            &scene.public,
            2,
            &ciphertext,
            1,
            Added::Bias,
            &mut scene.entropy,
            &mut answer,
        )
        .unwrap_or_else(|_| unreachable!());
    assert_eq!(answer.len(), parameters.answer_bytes(scene.ring.degree()) + parameters.answer_bytes(1));
    let scores = scene.key.decrypt(&scene.ring, &scene.packing, 1, &answer).unwrap_or_default();
    assert_eq!(scores, [[WEIGHTS[0].cast_unsigned()]]);
}

#[test]
fn a_key_that_lies_reads_the_servers_secret_where_too_many_answers_share_a_ciphertext() {
    // One column: as many answers as coefficients, if only the ring limited them.
    let needs = Needs { plaintext_bits: 24, norm_bits: 12, columns: 1, scores: 1 };
    let ring = Ring::new(Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits")));
    let (p, n) = (ring.parameters(), ring.degree());
    let mut entropy = Fixed::of(12);
    let key = Key::draw(&ring, [0; 32], &mut entropy).unwrap_or_else(|_| unreachable!());
    let mut public = PublicKey::read(&ring, *key.seed(), key.public()).unwrap_or_else(|_| unreachable!());
    // b is no encryption of zero, but a number above the flood: c0 = b·u shows u, digit by digit.
    public.b = ring.zero();
    ring.add_at(&mut public.b, 0, 1 << (p.flood_bits + 2));
    ring.forward(&mut public.b);
    let weight = -1234;
    let known = key.seed().polynomial(&ring, 1);
    let (mut c0, mut c1) = (ring.zero(), Poly(known.0.clone()));
    let mut weights = ring.of_signed(&[&[weight][..], &vec![0; n - 1]].concat());
    ring.forward(&mut weights);
    ring.multiply(&mut c1, &weights);
    let every: Vec<usize> = (0..n).collect();
    hide(&ring, &public, &mut c0, &mut c1, &every, &mut entropy).unwrap_or_else(|_| unreachable!());
    let q: f64 = p.moduli.iter().map(|&q| (q as f64).log2()).sum();
    let unit = f64::exp2(f64::from(p.flood_bits) + 2.0 - q);
    let u: Vec<i64> = every
        .iter()
        .map(|&i| (ring.fraction(&c0, i).cast_signed() as f64 / 2f64.powi(128) / unit).round() as i64)
        .collect();
    assert!(u.iter().all(|u| (-1..=1).contains(u)));
    // With all of u, a·u is taken away, and c1·w + e1 is left: dividing two coefficients tells w.
    let mut zero = ring.of_small(&u);
    ring.forward(&mut zero);
    ring.multiply(&mut zero, &public.a);
    ring.backward(&mut zero);
    ring.subtract(&mut c1, &zero);
    let (mut known, m) = (known, p.arithmetic().next().unwrap_or_else(|| unreachable!()));
    ring.backward(&mut known);
    let candidates = |at: usize| -> std::collections::HashSet<i64> {
        let of_error = |e| m.mul(m.sub(c1.0[at], m.of_small(e)), m.inverse(known.0[at]));
        let centred = |x: u64| {
            if x > m.value() / 2 { x.cast_signed() - m.value().cast_signed() } else { x.cast_signed() }
        };
        (-21..=21).map(of_error).map(centred).filter(|w| w.abs() < 1 << 12).collect()
    };
    assert!(candidates(0).contains(&weight) && candidates(1).contains(&weight));
    assert_eq!(candidates(0).intersection(&candidates(1)).count(), 1);
    // As many rows as parameters allow leave a ring in which the standard allows this modulus.
    let digits_of_u = p.rows as f64 * (q - f64::from(p.flood_bits) - 1.0) / 3f64.log2();
    assert!(p.rows < n && q / f64::from(p.standard_bits().unwrap_or(0)) <= 1.0 - digits_of_u / n as f64);
}

#[test]
fn the_same_ciphertext_is_answered_with_fresh_randomness() {
    let mut scene = Scene::new();
    let sent = scene.ciphertext(scene.ring.zero());
    let (first0, first1) = scene.answer(&sent, &[COLUMNS - 1]);
    let (again0, again1) = scene.answer(&sent, &[COLUMNS - 1]);
    assert!(first1.0.iter().zip(&again1.0).filter(|(a, b)| a == b).count() < 10);
    // The flood differs by about its own size: its edges, which are as sharp as the noise is small, take about 2^52 answers to find.
    let apart =
        (scene.phase(&first0, &first1)[COLUMNS - 1] - scene.phase(&again0, &again1)[COLUMNS - 1]).abs();
    assert!(apart > scene.of_q(scene.ring.parameters().flood_bits - 20));
    let mut stream = stream(&mut scene.entropy).unwrap_or_else(|_| unreachable!());
    let bits = scene.ring.parameters().flood_bits;
    assert!((0..100).all(|_| flood(&mut stream, bits).unsigned_abs() <= 1 << bits));
}
