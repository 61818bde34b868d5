//! The Galois ring of 2^64 and degree 48: integers modulo 2^64, and a root of X^48 + X^5 + X^3 + X^2 + 1, which is irreducible
//! modulo 2.
//!
//! Integers modulo 2^64 are no field: half of them divide zero, so that a random one proves little. Here are 2^48 elements of which
//! no two differ by a divisor of zero: those whose coordinates are 0 and 1 ([`Element::of_bits`]). A polynomial of degree d has at
//! most d roots among them. Wan: Lectures on finite fields and Galois rings, 2003.

#![allow(clippy::inline_always)] // so that loops are compiled for the instructions of their caller

mod rows;
mod vector;

use std::array::from_fn;

pub use rows::{Rows, combined_rows, padded_points};
pub use vector::Vector;

use crate::lanes::Lanes;

/// Coordinates of an element.
pub const DEGREE: usize = 48;

/// An element: coordinate i counts X^i.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element(pub [u64; DEGREE]);

crate::not_shown!(Element);

impl Default for Element {
    fn default() -> Self {
        Self([0; DEGREE])
    }
}

impl Element {
    /// The one whose coordinates are the lowest bits of a word.
    pub fn of_bits(bits: u64) -> Self {
        Self(from_fn(|i| bits >> i & 1))
    }

    /// An integer.
    pub fn of_integer(x: u64) -> Self {
        let mut element = Self::default();
        element.0[0] = x;
        element
    }

    /// x + y.
    #[must_use]
    pub fn plus(&self, y: &Self) -> Self {
        Self(from_fn(|i| self.0[i].wrapping_add(y.0[i])))
    }

    /// x - y.
    #[must_use]
    pub fn minus(&self, y: &Self) -> Self {
        Self(from_fn(|i| self.0[i].wrapping_sub(y.0[i])))
    }

    /// x·y.
    #[must_use]
    pub fn times(&self, y: &Self) -> Self {
        Vector::of(&[*self]).inner_product(&Vector::of(&[*y]))
    }
}

/// Coordinates of a tile: the sums of a tile stay in registers.
const TILE: usize = 8;

/// Adds a product that is not reduced, tile by tile.
#[inline(always)]
fn add_product<L: Lanes>(x: &[L; DEGREE], y: &[L; DEGREE], sums: &mut [L; 2 * DEGREE]) {
    for x_at in (0..DEGREE).step_by(TILE) {
        for y_at in (0..DEGREE).step_by(TILE) {
            let mut tile = [L::all(0); 2 * TILE - 1];
            tile.copy_from_slice(&sums[x_at + y_at..x_at + y_at + 2 * TILE - 1]);
            for i in 0..TILE {
                for j in 0..TILE {
                    tile[i + j] = tile[i + j].plus(x[x_at + i].times(y[y_at + j]));
                }
            }
            sums[x_at + y_at..x_at + y_at + 2 * TILE - 1].copy_from_slice(&tile);
        }
    }
}

/// Adds the product with an element whose coordinates are bits, which all know: no products but sums of what is shifted.
#[inline(always)]
fn add_multiples<L: Lanes>(x: &[L; DEGREE], bits: u64, sums: &mut [L; 2 * DEGREE]) {
    for shift in (0..DEGREE).step_by(TILE) {
        for at in (0..DEGREE).step_by(TILE) {
            let mut tile = [L::all(0); 2 * TILE - 1];
            tile.copy_from_slice(&sums[shift + at..shift + at + 2 * TILE - 1]);
            for i in 0..TILE {
                if bits >> (shift + i) & 1 == 1 {
                    for j in 0..TILE {
                        tile[i + j] = tile[i + j].plus(x[at + j]);
                    }
                }
            }
            sums[shift + at..shift + at + 2 * TILE - 1].copy_from_slice(&tile);
        }
    }
}

/// X^48 = -(X^5 + X^3 + X^2 + 1), from the highest down: the lowest coordinates are the product's then.
#[inline(always)]
fn reduce<L: Lanes>(sums: &mut [L; 2 * DEGREE]) {
    for i in (DEGREE..2 * DEGREE - 1).rev() {
        for low in [0, 2, 3, 5] {
            sums[i - DEGREE + low] = sums[i - DEGREE + low].minus(sums[i]);
        }
    }
}

/// What stands on a grid: values of which two have a difference.
pub trait Value: Copy {
    /// That of the value at 1 and the one at 0.
    fn difference(at_0: &Self, at_1: &Self) -> Self;
}

/// A vector of 2^v values, as the multilinear polynomial in v variables that takes them on {0, 1}^v, in place on the grid {0, 1, ∞}^v,
/// where ∞ stands for what a variable is multiplied by: point p has digit t in base 3 for variable t, 2 standing for ∞; value
/// j has bit t. The slice has 3^v places, of which the first 2^v are filled.
#[inline(always)]
pub fn extend<T: Value>(x: &mut [T], v: u32) {
    for t in 0..v {
        let length = 3usize.pow(t);
        // From the last pair on, as the result is longer.
        for pair in (0..1 << (v - t - 1)).rev() {
            let (from, to) = (2 * pair * length, 3 * pair * length);
            for i in 0..length {
                let (at_0, at_1) = (x[from + i], x[from + length + i]);
                x[to + 2 * length + i] = T::difference(&at_0, &at_1);
                x[to + length + i] = at_1;
                x[to + i] = at_0;
            }
        }
    }
}

/// Some registers that stand on a grid together.
#[derive(Clone, Copy)]
struct Registers<L, const N: usize>([L; N]);

impl<L: Lanes, const N: usize> Registers<L, N> {
    #[inline(always)]
    fn zeros() -> Self {
        Self([L::all(0); N])
    }
}

impl<L: Lanes, const N: usize> Value for Registers<L, N> {
    #[inline(always)]
    fn difference(at_0: &Self, at_1: &Self) -> Self {
        let mut difference = *at_1;
        for (x, low) in difference.0.iter_mut().zip(&at_0.0) {
            *x = x.minus(*low);
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lanes::tests::with_all_registers;

    fn any_element() -> impl Strategy<Value = Element> {
        proptest::collection::vec(any::<u64>(), DEGREE).prop_map(|x| Element(from_fn(|i| x[i])))
    }

    /// By Horner's rule, as the ring is defined.
    fn defined(x: &Element, y: &Element) -> Element {
        x.0.iter().rev().fold(Element::default(), |sum, &x| {
            let top = sum.0[DEGREE - 1];
            let mut next = Element(from_fn(|i| if i == 0 { 0 } else { sum.0[i - 1] }));
            for low in [0, 2, 3, 5] {
                next.0[low] = next.0[low].wrapping_sub(top);
            }
            Element(from_fn(|i| next.0[i].wrapping_add(y.0[i].wrapping_mul(x))))
        })
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_ring(x in any_element(), y in any_element()) {
            prop_assert!(x.times(&y) == defined(&x, &y));
            prop_assert!(x.times(&y) == y.times(&x));
        }

        #[test]
        fn products_are_bilinear(x in any_element(), y in any_element(), z in any_element()) {
            prop_assert!(x.times(&y.plus(&z)) == x.times(&y).plus(&x.times(&z)));
            prop_assert!(x.times(&y).minus(&x.times(&z)) == x.times(&y.minus(&z)));
        }
    }

    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        (1u64..).map(move |i| (i ^ seed << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31))
    }

    fn elements(n: usize, seed: u64) -> Vec<Element> {
        let mut words = numbers(seed);
        (0..n).map(|_| Element(from_fn(|_| words.next().unwrap_or(0)))).collect()
    }

    fn all(x: &Vector) -> Vec<Element> {
        (0..x.len()).map(|i| x.get(i)).collect()
    }

    fn sum(x: impl Iterator<Item = Element>) -> Element {
        x.fold(Element::default(), |sum, x| sum.plus(&x))
    }

    #[test]
    fn vectors_are_their_elements() {
        with_all_registers(|| {
            for n in [1, 2, 7, 8, 9, 30] {
                let (x, y) = (elements(n, 1), elements(n, 2));
                let (of_x, of_y) = (Vector::of(&x), Vector::of(&y));
                let products: Vec<Element> = x.iter().zip(&y).map(|(x, y)| defined(x, y)).collect();
                assert!(all(&of_x.times(&of_y)) == products);
                assert!(of_x.inner_product(&of_y) == sum(products.into_iter()));
                let bits: Vec<u64> = numbers(3).take(n).collect();
                let mut weighed = of_x.clone();
                weighed.weigh(&bits);
                let expected: Vec<Element> =
                    x.iter().zip(&bits).map(|(x, w)| defined(x, &Element::of_bits(*w))).collect();
                assert!(
                    all(&weighed) == expected && all(&Vector::of_bits(&bits))[0] == Element::of_bits(bits[0])
                );
                let mut longer = Vector::zeros(n + 3);
                of_x.copy_into(&mut longer, 2);
                assert!(all(&longer)[2..n + 2] == x[..] && longer.get(0) == Element::default());
            }
        });
    }

    /// Of halves that are as long, and of a second that is shorter.
    #[test]
    fn folding_is_a_linear_polynomial() {
        with_all_registers(|| {
            for (n, half) in [(16, 8), (13, 8), (9, 8), (20, 10), (1, 1), (19, 10)] {
                let x = elements(n, 4);
                let bits = 0x9E37_79B9_7F4A;
                let r = Element::of_bits(bits);
                let at = |i: usize| x.get(i).copied().unwrap_or_default();
                let expected: Vec<Element> =
                    (0..half).map(|i| at(i).plus(&defined(&at(half + i).minus(&at(i)), &r))).collect();
                assert!(all(&Vector::of(&x).folded(half, bits)) == expected, "{n}");
            }
        });
    }

    /// The value of a multilinear polynomial on a point of the grid.
    fn on_point<T: Copy>(x: &[T], v: u32, point: usize, minus: impl Fn(T, T) -> T + Copy) -> T {
        if v == 0 {
            return x[0];
        }
        let (low, high) = x.split_at(x.len() / 2);
        let place = 3usize.pow(v - 1);
        let of = |x: &[T]| on_point(x, v - 1, point % place, minus);
        match point / place {
            0 => of(low),
            1 => of(high),
            _ => minus(of(high), of(low)),
        }
    }

    #[test]
    fn products_on_the_grid_are_summed_over_groups() {
        with_all_registers(|| {
            for (v, groups, n) in [(0, 5, 5), (2, 3, 12), (2, 3, 10), (3, 9, 72), (3, 9, 65)] {
                let (x, y) = (elements(n, 5), elements(n, 6));
                let got = Vector::of(&x).on_grid(&Vector::of(&y), v, groups);
                for (point, got) in got.iter().enumerate() {
                    let of_group = |x: &[Element], b: usize| {
                        let values: Vec<Element> =
                            (0..1 << v).map(|j| x.get(j * groups + b).copied().unwrap_or_default()).collect();
                        on_point(&values, v, point, |x, y| x.minus(&y))
                    };
                    let expected = sum((0..groups).map(|b| defined(&of_group(&x, b), &of_group(&y, b))));
                    assert!(*got == expected, "{v} {groups} {n} {point}");
                }
            }
        });
    }

    #[test]
    fn rows_on_the_grid_are_weighed_by_group() {
        with_all_registers(|| {
            for (v, n, rows) in [(0, 3, 2), (2, 12, 1), (2, 33, 3), (3, 100, 2), (1, 129, 1)] {
                let (mut x, mut y) = (Rows::of(n, v), Rows::of(n, v));
                for row in 0..rows {
                    x.push(numbers(row).take(n));
                    y.push(numbers(row + 9).take(n));
                }
                let groups = x.groups();
                let weights: Vec<u64> = numbers(7).take(groups).collect();
                let padded = padded_points(v);
                let mut sums = vec![0; DEGREE * padded];
                x.add_on_grid(&y, &weights, &mut sums);
                for point in 0..3usize.pow(v) {
                    let of_group = |x: &[u64], b: usize| {
                        let values: Vec<u64> = (0..1 << v).map(|j| x[j * groups + b]).collect();
                        on_point(&values, v, point, u64::wrapping_sub)
                    };
                    let products =
                        (0..x.rows()).flat_map(|row| (0..groups).map(move |b| (row, b))).map(|(row, b)| {
                            let product = of_group(x.row(row), b).wrapping_mul(of_group(y.row(row), b));
                            defined(&Element::of_bits(weights[b]), &Element::of_integer(product))
                        });
                    let expected = sum(products);
                    assert!(
                        (0..DEGREE).all(|i| sums[i * padded + point] == expected.0[i]),
                        "{v} {n} {point}"
                    );
                }
                let of_elements = elements(1 << v, 8);
                let mut combined = Vector::zeros(groups * x.rows() + 1);
                x.combine_into(&of_elements, &mut combined, 0);
                for (row, b) in (0..x.rows()).flat_map(|row| (0..groups).map(move |b| (row, b))) {
                    let terms = of_elements.iter().enumerate();
                    let expected =
                        sum(terms.map(|(j, w)| defined(w, &Element::of_integer(x.row(row)[j * groups + b]))));
                    assert!(combined.get(row * groups + b) == expected);
                }
            }
        });
    }

    #[test]
    fn rows_are_combined_by_weights_of_bits() {
        with_all_registers(|| {
            for (rows, length) in [(1, 1), (3, 8), (32, 9), (33, 20), (70, 3)] {
                let x: Vec<u64> = numbers(1).take(rows * length).collect();
                let weights: Vec<u64> = numbers(2).take(rows).collect();
                let fill =
                    |row: usize, to: &mut [u64]| to.copy_from_slice(&x[row * length..(row + 1) * length]);
                let got = combined_rows(rows, length, &weights, fill);
                for i in 0..length {
                    let terms = (0..rows).map(|r| {
                        defined(&Element::of_bits(weights[r]), &Element::of_integer(x[r * length + i]))
                    });
                    assert!(got.get(i) == sum(terms), "{rows} {length} {i}");
                }
            }
        });
    }

    /// Modulo 2 X^(2^48) = X, and neither X^(2^24) nor X^(2^16) is, nor is X - X^(2^24) or X - X^(2^16) a divisor of zero: by
    /// Rabin's test the modulus is irreducible.
    #[test]
    fn the_modulus_is_irreducible() {
        let modulo_2 = |x: Element| Element(x.0.map(|x| x & 1));
        let frobenius = |x: &Element, times: u32| (0..times).fold(*x, |x, _| modulo_2(x.times(&x)));
        let x = Element::of_bits(2);
        assert!(frobenius(&x, 48) == x);
        for half in [24, 16] {
            // A unit modulo 2 is one whose power 2^48 - 1 is 1: the product of all its conjugates.
            let difference = modulo_2(frobenius(&x, half).minus(&x));
            let mut power = Element::of_integer(1);
            let mut conjugate = difference;
            for _ in 0..48 {
                power = modulo_2(power.times(&conjugate));
                conjugate = modulo_2(conjugate.times(&conjugate));
            }
            assert!(power == Element::of_integer(1), "{half}");
        }
    }
}
