//! What is in force now, and may be replaced while others use what was.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that is replaced as a whole.
pub struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// In force from the beginning.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// What is in force. Whoever has it keeps it, also when another is set.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on, this one. What was in force, which others may still use.
    pub fn set(&self, value: T) -> Arc<T> {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut place, Arc::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_force_stays_with_whoever_has_it() {
        let current = Current::new(1);
        let before = current.get();
        assert_eq!(*current.set(2), 1);
        assert_eq!((*before, *current.get()), (1, 2));
    }
}
