//! What parties compute together, by whichever protocol they run: steps, judgements, and the way out.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use privet_model::training::numbers::{Numbers, RING};
use privet_mpc::ledger::Ledger;
use privet_mpc::protocols::replicated3::Replicated;
use privet_mpc::role::Role;
use privet_mpc::session::{OutputShare, Session};
use privet_mpc::train::{Batch, State, Stored, Trains, areas, counts, loss, settle, step};
use privet_ring::entropy::Entropy;

use super::agreement::Agreement;
use super::batch::{Data, Shares};
use super::store::Store;
use crate::error::Error;
use crate::mpc::aborted;

/// Rows that are judged at once.
pub(super) const JUDGED: usize = 2048;

/// What a party has for a computation.
pub(super) struct Work<'a> {
    pub(super) agreement: &'a Agreement,
    pub(super) numbers: &'a Numbers,
    pub(super) role: Role,
    pub(super) data: &'a Data,
    pub(super) store: &'a dyn Store,
}

/// Steps that were made.
pub(super) struct Made {
    pub(super) stored: Stored,
    /// Of this very run.
    pub(super) id: [u8; 32],
    pub(super) ledger: Ledger,
}

impl Work<'_> {
    /// So many steps.
    pub(super) fn run<P: Trains>(
        &self,
        session: Session,
        entropy: &mut dyn Entropy,
        from: Stored,
        steps: u64,
    ) -> Result<Made, Error> {
        let (mut p, id) = P::begin(session, entropy).map_err(aborted)?;
        let first = from.step;
        let mut state = State::of_stored::<P>(from);
        thread::scope(|scope| {
            // Shares are read and expanded while the step before is computed.
            let (sender, ahead) = sync_channel(1);
            scope.spawn(move || self.read(first..first + steps, |shares| sender.send(shares).is_ok()));
            self.steps(&mut p, &mut state, &ahead, steps, entropy)
        })?;
        settle(&mut p, self.numbers, &mut state).map_err(aborted)?;
        let stored = state.stored::<P>();
        let ledger = p.end().map_err(aborted)?;
        Ok(Made { stored, id, ledger })
    }

    fn read(&self, steps: std::ops::Range<u64>, mut send: impl FnMut(Result<Shares, Error>) -> bool) {
        for step in steps {
            if !send(self.shares(self.data.order().step(step))) {
                return;
            }
        }
    }

    fn steps<P: Trains>(
        &self,
        p: &mut P,
        state: &mut State<P::Share>,
        ahead: &Receiver<Result<Shares, Error>>,
        steps: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error> {
        for _ in 0..steps {
            let shares = ahead.recv().map_err(|_| Error::usage("E355", "There is no such step."))??;
            step(p, self.numbers, state, &batch::<P>(shares), entropy).map_err(aborted)?;
        }
        Ok(())
    }

    fn shares(&self, rows: &[u32]) -> Result<Shares, Error> {
        self.data.shares(self.agreement, self.numbers, self.role, rows, self.store)
    }

    /// The sum of losses over the rows that judge, and the two counts for the area under the curve, where the loss has one.
    pub(super) fn judge<P: Trains>(
        &self,
        session: Session,
        entropy: &mut dyn Entropy,
        of: Stored,
    ) -> Result<OutputShare, Error> {
        let (mut p, _) = P::begin(session, entropy).map_err(aborted)?;
        let weights = State::of_stored::<P>(of).weights;
        let (mut lost, mut counted): (Option<P::Share>, Option<P::Share>) = (None, None);
        let plus = |sum: Option<P::Share>, x: P::Share| Some(sum.map_or(x.clone(), |sum| P::add(&sum, &x)));
        for rows in self.data.order().judging().to_vec().chunks(JUDGED) {
            let batch = batch::<P>(self.shares(rows)?);
            let sum = loss(&mut p, self.numbers, &weights, &batch).map_err(aborted)?;
            lost = plus(lost, p.reshare(sum).map_err(aborted)?);
            if self.agreement.has_classes() {
                counted = plus(counted, counts(&mut p, self.numbers, &weights, &batch).map_err(aborted)?);
            }
        }
        let lost = lost.ok_or_else(|| Error::usage("E355", "This training has no rows that judge."))?;
        let mut output = vec![P::Sum::from(&lost)];
        if let Some(counted) = counted {
            output.push(areas(&mut p, &counted).map_err(aborted)?);
        }
        let output = p.concat_sums(output).map_err(aborted)?;
        p.open(output, RING).map_err(aborted)
    }

    /// The weights.
    pub(super) fn open<P: Trains>(
        session: Session,
        entropy: &mut dyn Entropy,
        of: Stored,
    ) -> Result<OutputShare, Error> {
        let (p, _) = P::begin(session, entropy).map_err(aborted)?;
        let [weights, ..] = of.parts;
        p.open(P::Sum::from(&P::share(weights)), RING).map_err(aborted)
    }
}

fn batch<P: Trains>(shares: Shares) -> Batch<P::Share> {
    Batch { rows: P::share(shares.rows), labels: P::share(shares.labels) }
}

/// Before the first step: zeros.
pub(super) fn beginning(columns: usize) -> Stored {
    let zeros = || Replicated { k: RING, own: vec![0; columns], next: vec![0; columns] };
    Stored { parts: [zeros(), zeros(), zeros()], step: 0 }
}
