//! The number-theoretic transform of `Z_q[X]/(X^N + 1)`: after it, products are element by element.
//!
//! Place `i` of a transformed polynomial holds its value at `ψ^(2·reverse(i) + 1)`, where `reverse` turns the `log2 N` bits
//! of `i` around and ψ is the *least* primitive 2N-th root of one, so that every implementation has the same order.
//! Butterflies by Harvey, "Faster arithmetic for number-theoretic transforms" (2014), algorithms 4 and 5: values stay below
//! 4q (forward) and 2q (backward), and nothing branches on them.

use privet_ring::residues::{self, Wide};

use crate::modulus::{Factors, Modulus};

/// The transform for one modulus.
pub struct Ntt {
    modulus: Modulus,
    forward: Factors,
    backward: Factors,
    /// 1/N.
    shrink: Factors,
    /// Where the processor works on eight numbers at a time.
    wide: Option<Wide>,
}

impl Ntt {
    /// For a prime that is 1 modulo `2·degree`; `degree` a power of two.
    pub fn new(modulus: Modulus, degree: usize) -> Self {
        let root = least_root(&modulus, degree);
        let table = |root: u64| {
            let mut powers = vec![1; degree];
            for i in 1..degree {
                powers[i] = modulus.mul(powers[i - 1], root);
            }
            Factors::of(&modulus, (0..degree).map(|i| powers[reverse(i, degree)]).collect())
        };
        Self {
            modulus,
            forward: table(root),
            backward: table(modulus.inverse(root)),
            shrink: Factors::of(&modulus, vec![modulus.inverse(degree as u64)]),
            wide: modulus.wide().filter(|_| degree >= 16),
        }
    }

    /// The modulus.
    pub fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// From coefficients to values.
    pub fn forward(&self, a: &mut [u64]) {
        match self.wide {
            Some(wide) => residues::forward(wide, a, self.forward.lists(), self.modulus.value()),
            None => self.forward_by_one(a),
        }
    }

    /// From values to coefficients.
    pub fn backward(&self, a: &mut [u64]) {
        match self.wide {
            Some(wide) => {
                let q = self.modulus.value();
                residues::backward(wide, a, self.backward.lists(), self.shrink.lists(), q);
            }
            None => self.backward_by_one(a),
        }
    }

    fn forward_by_one(&self, a: &mut [u64]) {
        let (m, q2) = (self.modulus, 2 * self.modulus.value());
        let mut roots = self.forward.iter().skip(1);
        let mut half = a.len() / 2;
        while half > 0 {
            for (block, root) in a.chunks_exact_mut(2 * half).zip(&mut roots) {
                let (left, right) = block.split_at_mut(half);
                for (x, y) in left.iter_mut().zip(right) {
                    let u = (*x).min(x.wrapping_sub(q2));
                    let v = m.mul_lazy(*y, root);
                    (*x, *y) = (u + v, u + q2 - v);
                }
            }
            half /= 2;
        }
        for x in a {
            *x = m.once((*x).min(x.wrapping_sub(q2)));
        }
    }

    fn backward_by_one(&self, a: &mut [u64]) {
        let (m, q2) = (self.modulus, 2 * self.modulus.value());
        let mut half = 1;
        while half < a.len() {
            let first = a.len() / (2 * half);
            for (block, root) in a.chunks_exact_mut(2 * half).zip(self.backward.iter().skip(first)) {
                let (left, right) = block.split_at_mut(half);
                for (x, y) in left.iter_mut().zip(right) {
                    let (u, v) = (*x + *y, *x + q2 - *y);
                    (*x, *y) = (u.min(u.wrapping_sub(q2)), m.mul_lazy(v, root));
                }
            }
            half *= 2;
        }
        let shrink = self.shrink.iter().next().unwrap_or_default();
        for x in a {
            *x = m.mul_fixed(*x, shrink);
        }
    }
}

fn reverse(i: usize, degree: usize) -> usize {
    if degree == 1 { 0 } else { i.reverse_bits() >> (usize::BITS - degree.trailing_zeros()) }
}

/// The least primitive `2·degree`-th root of one.
fn least_root(modulus: &Modulus, degree: usize) -> u64 {
    let (q, order) = (modulus.value(), 2 * degree as u64);
    // x^((q - 1)/order) has the right order exactly when its degree-th power is -1.
    let candidates = (2..).map(|x| modulus.pow(x, (q - 1) / order));
    let mut some = candidates.filter(|&root| modulus.pow(root, degree as u64) == q - 1);
    let root = some.next().unwrap_or(1);
    let square = modulus.mul(root, root);
    // All others are its odd powers.
    let odd_powers = std::iter::successors(Some(root), |&power| Some(modulus.mul(power, square)));
    odd_powers.take(degree).min().unwrap_or(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modulus::primes;

    fn numbers(seed: u64, n: usize, q: u64) -> Vec<u64> {
        let mut x = seed;
        let mut next = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 3) % q
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn products_are_those_of_polynomials_modulo_x_n_plus_one() {
        for (degree, bits) in [(8, 30), (64, 49), (256, 59)] {
            let m = Modulus::new(primes(degree, bits, 1)[0]);
            let ntt = Ntt::new(m, degree);
            for (a, b) in
                [(1, 2), (3, 4)].map(|(s, t)| (numbers(s, degree, m.value()), numbers(t, degree, m.value())))
            {
                let mut expected = vec![0; degree];
                for (i, &x) in a.iter().enumerate() {
                    for (j, &y) in b.iter().enumerate() {
                        let (at, product) = ((i + j) % degree, m.mul(x, y));
                        expected[at] = if i + j < degree {
                            m.add(expected[at], product)
                        } else {
                            m.sub(expected[at], product)
                        };
                    }
                }
                let (mut x, mut y) = (a.clone(), b);
                ntt.forward(&mut x);
                ntt.forward(&mut y);
                let mut product: Vec<u64> = x.iter().zip(&y).map(|(&x, &y)| m.mul(x, y)).collect();
                ntt.backward(&mut product);
                assert_eq!(product, expected);
                ntt.backward(&mut x);
                assert_eq!(x, a);
            }
        }
    }

    #[test]
    fn values_stand_where_the_text_says() {
        let degree = 16;
        let m = Modulus::new(primes(degree, 40, 1)[0]);
        let root = least_root(&m, degree);
        let all: Vec<u64> = (1..2 * degree as u64).step_by(2).map(|odd| m.pow(root, odd)).collect();
        assert!(all.iter().all(|&r| r >= root && m.pow(r, degree as u64) == m.value() - 1));
        let a = numbers(9, degree, m.value());
        let mut transformed = a.clone();
        Ntt::new(m, degree).forward(&mut transformed);
        for (i, &value) in transformed.iter().enumerate() {
            let x = m.pow(root, 2 * reverse(i, degree) as u64 + 1);
            let expected = a.iter().rev().fold(0, |sum, &c| m.add(m.mul(sum, x), c));
            assert_eq!(value, expected, "place {i}");
        }
    }

    #[test]
    fn eight_at_a_time_gives_the_same_as_one_at_a_time() {
        for (degree, bits) in [(16, 20), (32, 50), (4096, 30), (8192, 49), (16384, 50)] {
            let Some(&q) = primes(degree, bits, 1).first() else { continue };
            let m = Modulus::new(q);
            let ntt = Ntt::new(m, degree);
            if ntt.wide.is_none() {
                println!("SKIPPED: this processor has no 52-bit multiply-add");
                return;
            }
            let largest = vec![q - 1; degree];
            for a in [numbers(3, degree, q), largest, vec![0; degree]] {
                let (mut wide, mut narrow) = (a.clone(), a.clone());
                ntt.forward(&mut wide);
                ntt.forward_by_one(&mut narrow);
                assert_eq!(wide, narrow, "forward, {degree}, {bits}");
                let b = numbers(4, degree, q);
                let (mut product, by) = (wide.clone(), Factors::of(&m, b.clone()));
                m.multiply(&mut product, &b);
                assert!(product.iter().zip(&wide).zip(&b).all(|((p, x), y)| *p == m.mul(*x, *y)), "product");
                let mut fixed = wide.clone();
                m.multiply_by(&mut fixed, &by);
                assert_eq!(fixed, product, "product by fixed factors");
                ntt.backward(&mut wide);
                ntt.backward_by_one(&mut narrow);
                assert_eq!(wide, narrow, "backward, {degree}, {bits}");
                assert_eq!(wide, a);
            }
        }
    }

    #[test]
    fn the_largest_values_do_not_overflow() {
        let degree = 1024;
        let m = Modulus::new(primes(degree, 59, 1)[0]);
        let ntt = Ntt::new(m, degree);
        let a = vec![m.value() - 1; degree];
        let mut b = a.clone();
        ntt.forward(&mut b);
        assert!(b.iter().all(|&x| x < m.value()));
        ntt.backward(&mut b);
        assert_eq!(a, b);
    }
}
