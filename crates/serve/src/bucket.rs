//! So much in a minute: what is taken comes back evenly, up to a minute's worth.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: f64 = 60.0;

/// So much in a minute.
pub struct Bucket {
    per_minute: u32,
    /// What may be taken now, and since when that is so.
    left: Mutex<(f64, Instant)>,
}

/// Why something was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// More than there ever is.
    Never,
    /// It will be there in so many seconds.
    In(u32),
}

impl Bucket {
    /// A full one.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, left: Mutex::new((per_minute.into(), Instant::now())) }
    }

    /// What there is in a minute.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Takes so much, or nothing.
    pub fn take(&self, wanted: usize, now: Instant) -> Result<(), Empty> {
        let (most, wanted) = (f64::from(self.per_minute), wanted as f64);
        if wanted > most {
            return Err(Empty::Never);
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let have = at(*left, most, now);
        if wanted > have {
            *left = (have, now);
            let wait = Duration::from_secs_f64((wanted - have) * MINUTE / most).as_secs() + 1;
            return Err(Empty::In(u32::try_from(wait).unwrap_or(u32::MAX)));
        }
        *left = (have - wanted, now);
        Ok(())
    }

    /// Gives back what was taken in vain.
    pub fn give_back(&self, count: usize) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.0 = (left.0 + count as f64).min(self.per_minute.into());
    }

    /// Whether all has come back: then a new one would be the same.
    pub fn is_full(&self, now: Instant) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let most = f64::from(self.per_minute);
        at(*left, most, now) >= most
    }
}

fn at((left, since): (f64, Instant), most: f64, now: Instant) -> f64 {
    (left + now.saturating_duration_since(since).as_secs_f64() * most / MINUTE).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_evenly_and_never_more_than_a_minute_of_it() {
        let bucket = Bucket::new(60);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(bucket.take(60, at(0)), Ok(()));
        assert_eq!(bucket.take(10, at(4)), Err(Empty::In(7)));
        assert_eq!(bucket.take(10, at(11)), Ok(()));
        assert!(bucket.take(2, at(11)).is_err() && !bucket.is_full(at(11)) && bucket.is_full(at(80)));
        // A long pause gives a minute's worth and no more.
        assert!(bucket.take(60, at(4000)).is_ok() && bucket.take(1, at(4000)).is_err());
        // No wait is long enough for these.
        assert_eq!(bucket.take(61, at(9000)), Err(Empty::Never));
        assert_eq!(bucket.take(60, at(9000)), Ok(()));
        bucket.give_back(1000);
        assert!(bucket.take(60, at(9000)).is_ok() && bucket.take(1, at(9000)).is_err());
    }
}
