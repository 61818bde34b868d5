//! How far a training is at a party: offers until all are there, then all rows together, and states.

use std::sync::Arc;

use super::agreement::Agreement;
use super::batch::Data;
use super::offer::Offer;
use super::progress::Progress;
use crate::error::Error;

/// How far it is.
pub(super) struct Now {
    /// Until all are complete and fit together.
    pub(super) offers: Vec<Offer>,
    pub(super) data: Option<Arc<Data>>,
    pub(super) progress: Progress,
}

impl Now {
    pub(super) fn offers(&self) -> &[Offer] {
        self.data.as_ref().map_or(&self.offers, |data| &data.offers)
    }

    /// Offers, which may change again as long as nothing was computed: an owner whose last word reached some of the parties begins anew.
    pub(super) fn reopen(&mut self) -> Result<&mut Vec<Offer>, Error> {
        if self.progress == Progress::default()
            && let Some(data) = self.data.take()
        {
            // Nothing computes, so nobody else has it.
            match Arc::try_unwrap(data) {
                Ok(data) => self.offers = data.offers,
                Err(data) => self.data = Some(data),
            }
        }
        self.open()
    }

    /// Offers that may still change.
    pub(super) fn open(&mut self) -> Result<&mut Vec<Offer>, Error> {
        if self.data.is_some() {
            let what = "All owners have given all of their rows, and none can be changed now. For other rows, agree on a new training.";
            return Err(Error::usage("E352", what));
        }
        Ok(&mut self.offers)
    }

    /// Puts all rows together, once they are there.
    pub(super) fn gather(&mut self, agreement: &Agreement) -> Result<(), Error> {
        if self.data.is_none() && self.offers.iter().all(Offer::is_complete) {
            let offers = std::mem::take(&mut self.offers);
            match Data::of(agreement, offers) {
                Ok(data) => self.data = Some(Arc::new(data)),
                Err((offers, error)) => {
                    self.offers = offers;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn trains(&self) -> Result<(), Error> {
        match self.progress.finished {
            None => Ok(()),
            Some(state) => {
                let what = format!(
                    "This training is over, with the state of step {}. For another model, agree on a new one.",
                    state.step
                );
                Err(Error::usage("E354", what))
            }
        }
    }
}
