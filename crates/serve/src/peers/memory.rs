//! What became of computations that are over: as many as fit, the oldest forgotten first.

use std::collections::{HashMap, VecDeque};

use super::frame::Point;

/// How many are remembered.
const MOST: usize = 1 << 16;

/// Points, and what is remembered of each.
pub(super) struct Memory<T> {
    of: HashMap<Point, T>,
    order: VecDeque<Point>,
}

impl<T: Copy> Memory<T> {
    pub(super) fn new() -> Self {
        Self { of: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn get(&self, point: &Point) -> Option<T> {
        self.of.get(point).copied()
    }

    pub(super) fn keep(&mut self, point: Point, what: T) {
        if self.of.insert(point, what).is_none() {
            self.order.push_back(point);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.of.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_twice_is_once() {
        let mut memory = Memory::new();
        let point = |i: usize| {
            let mut point = [0; 32];
            point[..8].copy_from_slice(&i.to_le_bytes());
            point
        };
        for i in 0..MOST {
            memory.keep(point(i), i);
            memory.keep(point(i), i);
        }
        assert_eq!((memory.get(&point(0)), memory.order.len()), (Some(0), MOST));
        memory.keep(point(MOST), 7);
        assert_eq!((memory.get(&point(0)), memory.get(&point(1))), (None, Some(1)));
        assert_eq!((memory.of.len(), memory.order.len()), (MOST, MOST));
    }
}
