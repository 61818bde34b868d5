//! Integers as planes of bits, 64 elements to a word, and the codes of blocks of planes.

/// Plane `i` holds bit `i` of every element, `k` planes.
pub(in crate::protocols) fn planes(x: &[u64], k: u32) -> Vec<Vec<u64>> {
    let mut planes = vec![Vec::with_capacity(x.len().div_ceil(64)); k as usize];
    for chunk in x.chunks(64) {
        let mut square = [0; 64];
        square[..chunk.len()].copy_from_slice(chunk);
        transpose(&mut square);
        planes.iter_mut().zip(square).for_each(|(plane, word)| plane.push(word));
    }
    planes
}

/// Bit c of word r becomes bit r of word c. Warren: Hacker's Delight, 7-3, with the least bit first.
fn transpose(square: &mut [u64; 64]) {
    let mut half = 32;
    let mut mask = u64::MAX >> 32;
    while half > 0 {
        for r in (0..64).filter(|r| r & half == 0) {
            let swapped = (square[r] >> half ^ square[r + half]) & mask;
            square[r] ^= swapped << half;
            square[r + half] ^= swapped;
        }
        half /= 2;
        mask ^= mask << half;
    }
}

/// The unary code of a block of planes, from the least: plane `t - 1` says whether the block is at least t, 0 < t < 2^s.
pub(super) fn unary(block: &[Vec<u64>]) -> Vec<Vec<u64>> {
    let mut code: Vec<Vec<u64>> = Vec::new();
    for bit in block {
        let below = code.iter().map(|t| zip(t, bit, |t, bit| t | bit));
        let above = code.iter().map(|t| zip(t, bit, |t, bit| t & bit));
        code = below.chain([bit.clone()]).chain(above).collect();
    }
    code
}

/// Plane `v` says whether the block of planes of `n` elements is v, 0 ≤ v < 2^s.
pub(super) fn one_hot(block: &[Vec<u64>], n: usize) -> Vec<Vec<u64>> {
    let mut code = vec![vec![u64::MAX; n.div_ceil(64)]];
    for bit in block {
        let low = code.iter().map(|e| zip(e, bit, |e, bit| e & !bit));
        let high = code.iter().map(|e| zip(e, bit, |e, bit| e & bit));
        code = low.chain(high).collect();
    }
    code
}

/// The planes of each block.
pub(super) fn split<'a>(planes: &'a [Vec<u64>], sizes: &'a [u32]) -> impl Iterator<Item = &'a [Vec<u64>]> {
    let mut at = 0;
    sizes.iter().map(move |&s| {
        at += s as usize;
        &planes[at - s as usize..at]
    })
}

/// `x ^= a & b`.
pub(super) fn add_product(x: &mut [u64], a: &[u64], b: &[u64]) {
    x.iter_mut().zip(a).zip(b).for_each(|((x, a), b)| *x ^= a & b);
}

fn zip(a: &[u64], b: &[u64], f: impl Fn(u64, u64) -> u64) -> Vec<u64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_possible_truncation)]

    use super::*;

    fn bit(plane: &[u64], element: usize) -> u64 {
        plane[element / 64] >> (element % 64) & 1
    }

    #[test]
    fn planes_hold_the_bits() {
        let x: Vec<u64> = (0..131u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ i << 7).collect();
        for k in [1, 17, 64] {
            let planes = planes(&x, k);
            assert_eq!(planes.len(), k as usize);
            for (i, plane) in planes.iter().enumerate() {
                assert!((0..x.len()).all(|e| bit(plane, e) == x[e] >> i & 1), "{k} {i}");
            }
        }
    }

    #[test]
    fn codes_say_what_the_block_is() {
        for s in 1..=6u32 {
            let x: Vec<u64> = (0..1 << s).collect();
            let planes = planes(&x, s);
            let (unary, one_hot) = (unary(&planes), one_hot(&planes, x.len()));
            assert_eq!((unary.len(), one_hot.len()), ((1 << s) - 1, 1 << s));
            for e in 0..x.len() {
                assert!((1..1 << s).all(|t| (bit(&unary[t - 1], e) == 1) == (e >= t)));
                assert!((0..1 << s).all(|v| (bit(&one_hot[v], e) == 1) == (e == v)));
            }
        }
    }

    #[test]
    fn blocks_take_the_planes_in_turn() {
        let x = planes(&[0b10_1101], 6);
        let sizes: Vec<usize> = split(&x, &[1, 3, 2]).map(<[_]>::len).collect();
        assert_eq!(sizes, [1, 3, 2]);
        assert_eq!(split(&x, &[1, 3, 2]).last(), Some(&x[4..]));
    }
}
