//! Products: any bilinear map of two tensors, as one summand from each party.
//!
//! `z_i = x_i·(y_i + y_{i+1}) + x_{i+1}·y_i` (Araki et al., CCS 2016). Where components are zero, parties have no summand. Exact.
//!
//! | operation | rounds | bits an element, over all parties |
//! |---|---|---|
//! | product of any kind | 0 | 0 |

use privet_ring::conv::Conv2d;
use privet_ring::kernels::add_convolution;

use crate::protocols::protocol::{Matrices, Operand};
use crate::protocols::replicated3::multiply::{elements, matrices, rows};
use crate::role::Role;

use super::party::Malicious3;
use super::share::{Components, Share};
use super::sum::{Sum, Summed};

/// A bilinear map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Map {
    /// Element by element.
    Each,
    /// Inner products of so many neighbours.
    Rows(usize),
    /// x times the transpose of y.
    Matrices(Matrices),
    /// x under the filters y.
    Convolution(Conv2d),
}

impl Map {
    /// Adds the map of x and y.
    pub(super) fn add(&self, x: &[u64], y: &[u64], out: &mut [u64]) {
        match *self {
            Self::Each => elements(x, y, out),
            Self::Rows(length) => rows(length)(x, y, out),
            Self::Matrices(shape) => matrices(shape)(x, y, out),
            Self::Convolution(shape) => add_convolution(&shape, x, y, out),
        }
    }
}

/// A part of a sum: a factor times a map of two tensors.
#[derive(Clone)]
pub(super) struct Term {
    pub(super) factor: u64,
    pub(super) map: Map,
    pub(super) x: Share,
    pub(super) y: Share,
}

impl Term {
    /// Whose summands may be other than zero.
    pub(super) fn active(&self) -> Components {
        Role::ALL.map(|role| {
            let (own, next) = (role.index(), role.next().index());
            let (x, y) = (self.x.kept, self.y.kept);
            x[own] && (y[own] || y[next]) || x[next] && y[own]
        })
    }

    /// This party's summand.
    fn summand(&self, me: Role, n: usize) -> Vec<u64> {
        let mut z = vec![0; n];
        if self.active()[me.index()] {
            let (x, y) = (&self.x.value, &self.y.value);
            let both: Vec<u64> = y.own.iter().zip(&y.next).map(|(a, b)| a.wrapping_add(*b)).collect();
            if self.x.kept[me.index()] {
                self.map.add(&x.own, &both, &mut z);
            }
            if self.x.kept[me.next().index()] && self.y.kept[me.index()] {
                self.map.add(&x.next, &y.own, &mut z);
            }
        }
        z
    }

    /// Of those elements of the result.
    pub(super) fn gathered(&self, elements: &[usize]) -> Self {
        let (map, x, y) = match self.map {
            Map::Each => (Map::Each, self.x.gather(elements), self.y.gather(elements)),
            Map::Rows(length) => {
                let row = |r: usize| (0..length).map(move |i| Some(r * length + i));
                (self.map, picked(&self.x, elements, row), picked(&self.y, elements, row))
            }
            Map::Matrices(Matrices { inner, columns, .. }) => {
                let of_x = |e: usize| (0..inner).map(move |i| Some(e / columns * inner + i));
                let of_y = |e: usize| (0..inner).map(move |i| Some(e % columns * inner + i));
                (Map::Rows(inner), picked(&self.x, elements, of_x), picked(&self.y, elements, of_y))
            }
            Map::Convolution(shape) => {
                let window = Windows::of(shape);
                let of_x = |e: usize| window.under(e).map(|(x, _)| x);
                let of_y = |e: usize| window.under(e).map(|(_, y)| Some(y));
                let (x, y) = (picked(&self.x, elements, of_x), picked(&self.y, elements, of_y));
                (Map::Rows(window.length()), x, y)
            }
        };
        Self { factor: self.factor, map, x, y }
    }
}

/// Elements of a tensor, or zeros, for each of those of a result.
fn picked<I: Iterator<Item = Option<usize>>>(
    x: &Share,
    elements: &[usize],
    of: impl Fn(usize) -> I,
) -> Share {
    x.map(|x| elements.iter().flat_map(|&e| of(e)).map(|at| at.map_or(0, |at| x[at])).collect())
}

/// Which elements of a convolution meet.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    shape: Conv2d,
    out: [usize; 2],
    /// Channels of an image under one filter.
    pub(super) depth: usize,
    /// Positions of a filter.
    pub(super) taps: usize,
}

impl Windows {
    pub(super) fn of(shape: Conv2d) -> Self {
        let depth = shape.channels / shape.groups.max(1);
        Self { shape, out: shape.out(), depth, taps: shape.kernel[0] * shape.kernel[1] }
    }

    /// Elements under a filter.
    fn length(&self) -> usize {
        self.depth * self.taps
    }

    /// Which group of channels a filter sees.
    pub(super) fn group(&self, filter: usize) -> usize {
        filter / (self.shape.filters / self.shape.groups.max(1)).max(1)
    }

    /// The element of a channel that a tap of the filter sees at a position, if it is inside.
    pub(super) fn seen(&self, position: usize, tap: usize) -> Option<usize> {
        let (shape, columns) = (&self.shape, self.out[1].max(1));
        let place = |side: usize, at: usize, tap: usize| {
            let padded = at * shape.strides[side] + tap * shape.dilations[side];
            padded.checked_sub(shape.pads_before[side]).filter(|&at| at < shape.size[side])
        };
        let row = place(0, position / columns, tap / shape.kernel[1])?;
        let column = place(1, position % columns, tap % shape.kernel[1])?;
        Some(row * shape.size[1] + column)
    }

    /// For an element of the result all of x and of the filters that meet.
    fn under(self, element: usize) -> impl Iterator<Item = (Option<usize>, usize)> {
        let area = (self.out[0] * self.out[1]).max(1);
        let (position, filter) = (element % area, element / area % self.shape.filters);
        let image = element / area / self.shape.filters;
        let first = image * self.shape.channels + self.group(filter) * self.depth;
        let plane = self.shape.size[0] * self.shape.size[1];
        (0..self.depth).flat_map(move |channel| {
            (0..self.taps).map(move |tap| {
                let x = self.seen(position, tap).map(|at| (first + channel) * plane + at);
                (x, (filter * self.depth + channel) * self.taps + tap)
            })
        })
    }
}

impl Malicious3 {
    /// A bilinear map of x and y, of so many elements.
    pub(super) fn product(&self, x: &Share, y: &Share, elements: usize, map: Map) -> Sum {
        debug_assert_eq!(x.k, y.k, "another ring");
        let term = Term { factor: 1, map, x: x.clone(), y: y.clone() };
        let z = term.summand(self.me(), elements);
        Summed { k: x.k, z, terms: vec![term], linear: None }.into()
    }

    /// Element by element.
    pub(super) fn times(&self, x: &Share, y: &Share) -> Sum {
        debug_assert_eq!((x.k, x.len()), (y.k, y.len()), "another ring or length");
        self.product(x, y, x.len(), Map::Each)
    }

    /// A bilinear map, where everyone may know a side, or both.
    pub(super) fn bilinear(
        &self,
        x: Operand<'_, Share>,
        y: Operand<'_, Share>,
        k: u32,
        elements: usize,
        map: Map,
    ) -> Sum {
        let of = |x: &[u64], y: &[u64]| {
            let mut out = vec![0; elements];
            map.add(x, y, &mut out);
            out
        };
        match (x, y) {
            (Operand::Secret(x), Operand::Secret(y)) => self.product(x, y, elements, map),
            (Operand::Secret(x), Operand::Public(y)) => x.map(|x| of(x, y)).in_ring(k).into(),
            (Operand::Public(x), Operand::Secret(y)) => y.map(|y| of(x, y)).in_ring(k).into(),
            (Operand::Public(x), Operand::Public(y)) => self.known(k, of(x, y)).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::PARTIES;

    /// Whatever the map, some elements of it are those of the whole.
    #[test]
    fn what_is_gathered_is_what_was_computed() {
        let words = |n: usize, seed: u64| -> Vec<u64> {
            (1..=n as u64).map(|i| (i ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)).collect()
        };
        let shape = Conv2d {
            batch: 2,
            channels: 4,
            size: [6, 5],
            filters: 6,
            kernel: [3, 2],
            strides: [2, 1],
            dilations: [1, 2],
            pads_before: [1, 2],
            pads_after: [1, 0],
            groups: 2,
        };
        let matrices = Matrices { rows: 3, inner: 5, columns: 4 };
        for (map, x, y, n) in [
            (Map::Each, 12, 12, 12),
            (Map::Rows(3), 36, 36, 12),
            (Map::Matrices(matrices), 15, 20, 12),
            (Map::Convolution(shape), shape.input_len(), shape.weights_len(), shape.output_len()),
        ] {
            let given = |n, seed| {
                Share::of(
                    64,
                    super::super::share::Pair { own: words(n, seed), next: words(n, !seed) },
                    [true; PARTIES],
                )
            };
            let term = Term { factor: 1, map, x: given(x, 1), y: given(y, 2) };
            let all = term.summand(Role::ALL[0], n);
            let indices = [n - 1, 0, 7, 7, 3];
            let some = term.gathered(&indices).summand(Role::ALL[0], indices.len());
            assert_eq!(some, indices.map(|i| all[i]));
        }
    }
}
