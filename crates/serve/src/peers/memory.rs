//! What became of computations that are over: as many as fit, the oldest forgotten first.

use std::collections::HashMap;

use super::frame::Point;

/// How many are remembered at least, and half of how many at most.
pub(super) const MOST: usize = 1 << 16;

/// Points, and what is remembered of each, in two halves: where the newer one is full, the older one is forgotten at once. A half has all its
/// room from its first point on, and nothing is ever taken out of it, so that it needs no more than that however long it is used.
pub(super) struct Memory<T> {
    newer: HashMap<Point, T>,
    older: HashMap<Point, T>,
}

impl<T: Copy> Memory<T> {
    pub(super) fn new() -> Self {
        Self { newer: HashMap::new(), older: HashMap::new() }
    }

    pub(super) fn get(&self, point: &Point) -> Option<T> {
        self.newer.get(point).or_else(|| self.older.get(point)).copied()
    }

    pub(super) fn keep(&mut self, point: Point, what: T) {
        if self.newer.len() >= MOST && !self.newer.contains_key(&point) {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        if self.newer.is_empty() {
            self.newer.reserve(MOST);
        }
        self.newer.insert(point, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(i: usize) -> Point {
        let mut point = [0; 32];
        point[..8].copy_from_slice(&i.to_le_bytes());
        point
    }

    #[test]
    fn the_latest_are_remembered_and_twice_is_once() {
        let mut memory = Memory::new();
        for i in 0..2 * MOST {
            memory.keep(point(i), i);
            memory.keep(point(i), i);
            let oldest = i.saturating_sub(MOST - 1);
            assert_eq!((memory.get(&point(i)), memory.get(&point(oldest))), (Some(i), Some(oldest)));
        }
        memory.keep(point(2 * MOST), 7);
        assert_eq!((memory.get(&point(0)), memory.get(&point(MOST))), (None, Some(MOST)));
    }

    #[test]
    fn it_takes_no_more_room_however_long_it_is_used() {
        let mut memory = Memory::new();
        memory.keep(point(0), 0);
        let room = memory.newer.capacity();
        for i in 0..8 * MOST {
            memory.keep(point(i), i);
            assert_eq!(memory.newer.capacity(), room, "after {i}");
        }
        assert_eq!(memory.older.capacity(), room);
    }
}
