//! Which refusals get a line in the log. Every release does; refusals cost whoever asks for them nothing, so that of many only
//! some do, and the next line says how many did not.

use crate::verify::Time;

/// Seconds of a window.
const WINDOW: u64 = 60;
/// Refusals that are logged in each.
const LOGGED: u64 = 60;

#[derive(Default)]
pub(super) struct Refusals {
    since: Time,
    logged: u64,
    unlogged: u64,
}

impl Refusals {
    /// A release is logged, with so many refusals before it that were not.
    pub(super) fn release(&mut self) -> u64 {
        std::mem::take(&mut self.unlogged)
    }

    /// The same for a refusal, where it is logged itself.
    pub(super) fn refusal(&mut self, now: Time) -> Option<u64> {
        if now.abs_diff(self.since) >= WINDOW {
            (self.since, self.logged) = (now, 0);
        }
        if self.logged >= LOGGED {
            self.unlogged += 1;
            return None;
        }
        self.logged += 1;
        Some(self.release())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_refusals_some_are_logged_and_the_rest_is_counted() {
        let mut refusals = Refusals::default();
        let logged = (0..1000).filter(|_| refusals.refusal(1_000_000).is_some()).count();
        assert_eq!(logged as u64, LOGGED);
        assert_eq!(refusals.release(), 1000 - LOGGED);
        assert_eq!(refusals.refusal(1_000_059), None);
        assert_eq!(refusals.refusal(1_000_060), Some(1));
        assert_eq!(refusals.refusal(1_000_060), Some(0));
    }
}
