//! A group of keys that are worked at together, level by level: what a group needs stays in the nearest cache, its blocks fill the widest
//! instructions of AES, and loops over its planes become vector instructions.

#![allow(clippy::inline_always)] // so that all is compiled for the instructions of its caller

use std::ops::{Deref, DerefMut, Range};

use zeroize::Zeroize;

use super::hash::{Part, tweak};

/// Keys of a group at most: as many blocks as those instructions encrypt at a time.
pub(super) const GROUP: usize = 64;

/// Some keys, next to one another, of all.
#[derive(Clone, Copy)]
pub(super) struct Group {
    first: usize,
    count: usize,
    all: usize,
}

/// A word of each key, where lines of the cache begin.
#[derive(Clone, Copy, Zeroize)]
#[repr(align(64))]
pub(super) struct Plane([u64; GROUP]);

/// A block of each key, the halves apart, the high one first.
pub(super) type Blocks = [Plane; 2];

impl Group {
    /// All of so many keys, in order.
    pub(super) fn of(all: usize) -> impl Iterator<Item = Self> {
        (0..all).step_by(GROUP).map(move |first| Self { first, count: GROUP.min(all - first), all })
    }

    /// Keys in it.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        self.count.min(GROUP)
    }

    /// Where so many words of each key lie, by level, by key.
    #[inline(always)]
    pub(super) fn at(self, level: u32, words: usize) -> Range<usize> {
        let first = level as usize * self.all + self.first;
        words * first..words * (first + self.count)
    }

    /// The tweak of its key number `i`, for the part that is numbered zero.
    #[inline(always)]
    pub(super) fn tweak(self, i: usize, level: u32) -> u128 {
        tweak((self.first + i) as u64, level, Part::Left)
    }
}

impl Plane {
    /// Nothing yet.
    pub(super) const EMPTY: Self = Self([0; GROUP]);

    /// A word of each key by its number.
    #[inline(always)]
    pub(super) fn fill(&mut self, count: usize, word: impl Fn(usize) -> u64) {
        self[..count.min(GROUP)].iter_mut().enumerate().for_each(|(i, to)| *to = word(i));
    }
}

impl Deref for Plane {
    type Target = [u64; GROUP];

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Plane {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Planes of what lies key by key, W words of each.
#[inline(always)]
pub(super) fn apart<const W: usize>(words: &[u64], planes: &mut [Plane; W]) {
    for (i, of) in words.as_chunks::<W>().0.iter().take(GROUP).enumerate() {
        planes.iter_mut().zip(of).for_each(|(plane, word)| plane[i] = *word);
    }
}

/// Key by key, as many as there is room for.
#[inline(always)]
pub(super) fn together<const W: usize>(planes: &[Plane; W], words: &mut [u64]) {
    for (i, of) in words.as_chunks_mut::<W>().0.iter_mut().take(GROUP).enumerate() {
        of.iter_mut().zip(planes).for_each(|(word, plane)| *word = plane[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_one_group() {
        for all in [0, 1, 64, 65, 200] {
            let levels = (0..3).flat_map(|level| Group::of(all).flat_map(move |group| group.at(level, 2)));
            assert!(levels.eq(0..6 * all));
            assert_eq!(Group::of(all).map(Group::count).sum::<usize>(), all);
        }
    }

    #[test]
    fn planes_hold_what_they_were_made_of() {
        let words: Vec<u64> = (0..2 * 37).collect();
        let (mut planes, mut back) = ([Plane::EMPTY; 2], vec![0; words.len()]);
        apart(&words, &mut planes);
        assert_eq!((planes[0][36], planes[1][36], planes[0][37]), (72, 73, 0));
        together(&planes, &mut back);
        assert_eq!(back, words);
    }
}
