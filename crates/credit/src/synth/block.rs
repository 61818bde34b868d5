//! One block of applicants: all its rows in all tables.

use super::application::{Applications, Cells, Logit, probability};
use super::auc::Auc;
use super::columns::Rows;
use super::history::{History, Subject};
use super::plan::Plan;
use super::random::{Draws, Purpose};
use super::statistics::Statistics;
use super::tables::{Batch, Table};
use crate::failure::Failure;

/// Draws blocks, in any order and from several threads.
pub(super) struct Generator {
    statistics: Statistics,
    plan: Plan,
    applications: Applications,
    logit: Logit,
    history: History,
    seed: u64,
}

/// A drawn block.
pub(super) struct Block {
    /// Rows by table, in the order of the tables.
    pub(super) tables: [Rows; 8],
    /// How well the log odds that TARGET was drawn from rank it.
    pub(super) auc: Auc,
    /// The same for the application's part of the log odds.
    pub(super) application_auc: Auc,
}

impl Generator {
    /// Resolves statistics, solves the intercept and plans all keys.
    pub(super) fn new(applicants: u64, seed: u64) -> Result<Self, Failure> {
        let statistics = Statistics::embedded()?;
        let plan = Plan::new(&statistics, applicants, seed)?;
        let applications = Applications::new(&statistics)?;
        let logit = Logit::new(&statistics, &applications)?;
        let history = History::new(&statistics)?;
        Ok(Self { statistics, plan, applications, logit, history, seed })
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> u64 {
        self.plan.blocks()
    }

    /// The statistics that the generator follows.
    pub(super) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Draws block number `block`: always the same rows.
    pub(super) fn draw(&self, block: u64) -> Result<Block, Failure> {
        let mut draws = Draws::new(self.seed, Purpose::Values, block);
        let mut batch = Batch::new(&self.statistics)?;
        let mut keys = self.plan.keys(block);
        let (mut auc, mut application_auc) = (Auc::new(), Auc::new());
        let mut cells = Cells::new();
        for applicant in self.plan.block(block) {
            let subject = Subject { applicant, risk: draws.normal() };
            self.applications.draw(applicant.train, &mut draws, &mut cells);
            let (application_odds, odds) = self.logit.log_odds(&cells, subject.risk);
            let defaults = draws.chance(probability(odds));
            let (table, target) =
                if applicant.train { (Table::Train, Some(i64::from(defaults))) } else { (Table::Test, None) };
            self.applications.write(applicant.id, target, &cells, batch.rows(table).row());
            if applicant.train {
                auc.add(odds, defaults);
                application_auc.add(application_odds, defaults);
            }
            self.history.draw(subject, &mut keys, &mut draws, &mut batch);
        }
        Ok(Block { tables: batch.into_tables(), auc, application_auc })
    }
}
