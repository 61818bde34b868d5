//! The document flags: three of them exclude each other and depend on the contract; 88 % have exactly one.

use super::super::random::Draws;
use super::super::statistics::TableStatistics;
use super::{Cells, code};
use crate::failure::Failure;

/// Share with document 6: pensioners, others. Measured.
const DOCUMENT_6: (f64, f64) = (0.4435, 0.009);
/// Share with document 3 among those without 6: cash, revolving. Measured.
const DOCUMENT_3: (f64, f64) = (0.8556, 0.037);
/// Share with document 8 among those without 6 and 3: cash, revolving. Measured.
const DOCUMENT_8: (f64, f64) = (0.671, 0.0082);

/// Places of the columns.
pub(super) struct Documents {
    flags: [usize; 3],
    contract: usize,
    cash: u8,
    income_type: usize,
    pensioner: u8,
}

impl Documents {
    pub(super) fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let flag = |number: u8| table.position(&format!("FLAG_DOCUMENT_{number}"));
        Ok(Self {
            flags: [flag(6)?, flag(3)?, flag(8)?],
            contract: table.position("NAME_CONTRACT_TYPE")?,
            cash: table.code("NAME_CONTRACT_TYPE", "Cash loans")?,
            income_type: table.position("NAME_INCOME_TYPE")?,
            pensioner: table.code("NAME_INCOME_TYPE", "Pensioner")?,
        })
    }

    /// Draws documents 6, 3 and 8; the rare others keep their own frequencies.
    pub(super) fn settle(&self, draws: &mut Draws, cells: &mut Cells) {
        let retired = code(cells[self.income_type]) == self.pensioner;
        let cash = code(cells[self.contract]) == self.cash;
        let pick = |pair: (f64, f64), first: bool| if first { pair.0 } else { pair.1 };
        let shares = [pick(DOCUMENT_6, retired), pick(DOCUMENT_3, cash), pick(DOCUMENT_8, cash)];
        let mut found = false;
        for (place, share) in self.flags.into_iter().zip(shares) {
            let here = !found && draws.chance(share);
            found |= here;
            cells[place] = f64::from(u8::from(here));
        }
    }
}
