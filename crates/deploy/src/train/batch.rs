//! The shares of a batch: an owner's row after the other, or side by side, and a column of ones where the model has a constant.

use std::sync::{Mutex, MutexGuard, PoisonError};

use privet_model::training::numbers::{Numbers, RING, ROWS};
use privet_mpc::protocols::replicated3::Replicated;
use privet_mpc::role::Role;

use super::agreement::Agreement;
use super::align::Alignment;
use super::offer::Offer;
use super::order::Order;
use super::store::Store;
use crate::error::Error;

/// All rows of a training at a party.
pub(super) struct Data {
    /// Of all that came from all owners.
    pub(super) digest: [u8; 32],
    pub(super) offers: Vec<Offer>,
    pub(super) alignment: Alignment,
    /// Shuffled once, and again for each epoch.
    order: Mutex<Order>,
}

/// Rows and labels of some aligned rows.
pub(super) struct Shares {
    pub(super) rows: Replicated,
    pub(super) labels: Replicated,
}

privet_ring::not_shown!(Shares);

impl Data {
    /// Once all offers are complete.
    pub(super) fn of(agreement: &Agreement, offers: Vec<Offer>) -> Result<Self, (Vec<Offer>, Error)> {
        let rows: Vec<u32> = offers.iter().map(Offer::rows).collect();
        let tags: Vec<_> = offers.iter().map(Offer::tags).collect();
        let alignment = match Alignment::of(agreement, &rows, &tags) {
            Ok(alignment) => alignment,
            Err(error) => return Err((offers, error)),
        };
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 all rows of a training");
        hasher.update(&agreement.digest());
        for offer in &offers {
            offer.hash(&mut hasher);
        }
        let order = Mutex::new(Order::new(&agreement.training, alignment.len()));
        Ok(Self { digest: *hasher.finalize().as_bytes(), offers, alignment, order })
    }

    /// Which rows a step has, and which judge.
    pub(super) fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shares of these rows.
    pub(super) fn shares(
        &self,
        agreement: &Agreement,
        numbers: &Numbers,
        role: Role,
        rows: &[u32],
        store: &dyn Store,
    ) -> Result<Shares, Error> {
        let columns = numbers.recipe.columns;
        let mut into = Into::new(rows.len(), columns);
        for (at, &row) in rows.iter().enumerate() {
            let mut column = at * columns;
            for (owner, own) in self.alignment.parts(self.offers.len(), row) {
                column =
                    into.take(agreement, owner, column, |out| self.offers[owner].row(own, store, out))?;
            }
        }
        if numbers.recipe.intercept {
            into.ones(role, columns);
        }
        let replicated = |[own, next]: &mut [Vec<u64>; 2]| {
            let [own, next] = [own, next].map(std::mem::take);
            Replicated { k: RING, own, next }
        };
        Ok(Shares { rows: replicated(&mut into.rows), labels: replicated(&mut into.labels) })
    }
}

/// Shares on their way into a batch, by component. Wiped where they do not get there.
struct Into {
    rows: [Vec<u64>; 2],
    labels: [Vec<u64>; 2],
    /// An owner's row as it was read, with its label.
    row: [Vec<u64>; 2],
}

impl Drop for Into {
    fn drop(&mut self) {
        let all = self.rows.iter_mut().chain(&mut self.labels).chain(&mut self.row);
        all.for_each(zeroize::Zeroize::zeroize);
    }
}

impl Into {
    fn new(rows: usize, columns: usize) -> Self {
        let zeros = || vec![0; rows * columns];
        let labels = [Vec::with_capacity(rows), Vec::with_capacity(rows)];
        // An owner has at most all columns, and the label.
        let row = [vec![0; columns + 1], vec![0; columns + 1]];
        Self { rows: [zeros(), zeros()], labels, row }
    }

    /// An owner's columns from that place on; where the next owner's begin.
    fn take(
        &mut self,
        agreement: &Agreement,
        owner: usize,
        column: usize,
        read: impl FnOnce([&mut [u64]; 2]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let (own, has_label) = (agreement.columns_of(owner).len(), agreement.label_of(owner).is_some());
        let width = own + usize::from(has_label);
        let [first, second] = &mut self.row;
        read([&mut first[..width], &mut second[..width]])?;
        for (i, row) in self.row.iter().enumerate() {
            self.rows[i][column..column + own].copy_from_slice(&row[..own]);
            if has_label {
                self.labels[i].push(row[own]);
            }
        }
        Ok(column + own)
    }

    /// The last column is one: x2, as everyone knows it.
    fn ones(&mut self, role: Role, columns: usize) {
        let component = match role.index() {
            1 => 1,
            2 => 0,
            _ => return,
        };
        for row in self.rows[component].chunks_exact_mut(columns) {
            row[columns - 1] = 1 << ROWS;
        }
    }
}
