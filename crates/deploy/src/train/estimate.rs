//! What a training costs, before it begins: a step is made in this process on zeros, and what the parties say to each other is counted.

use privet_model::training::numbers::RING;
use privet_mpc::ledger::Ledger;
use privet_mpc::protocols::replicated3::{Replicated, Replicated3};
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::role::PARTIES;
use privet_mpc::session::Session;
use privet_mpc::train::{Batch, State, Trains, settle, step};
use privet_mpc::world::{DangerousSeededEntropy, World};

use super::agreement::Agreement;
use super::offer::layout;
use crate::error::Error;
use crate::mpc::aborted;

/// What so many steps cost all parties together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Rounds.
    pub rounds: u32,
    /// Bytes that all parties sent to each other.
    pub bytes: u64,
}

/// Makes so many steps on zeros between three threads of this process, at once and as parties do, and counts.
pub fn dry_run(agreement: &Agreement, steps: u64) -> Result<Said, Error> {
    let ledgers = if agreement.header()?.finds_cheats {
        run::<Malicious3>(agreement, steps)
    } else {
        run::<Replicated3>(agreement, steps)
    }?;
    Ok(Said {
        rounds: ledgers.iter().map(|ledger| ledger.rounds).max().unwrap_or(0),
        bytes: ledgers.iter().map(|ledger| ledger.bytes_between() as u64).sum(),
    })
}

fn run<P: Trains>(agreement: &Agreement, steps: u64) -> Result<Vec<Ledger>, Error> {
    let numbers = agreement.numbers()?;
    let party = |session: Session| {
        // There is nothing to hide: all is zero.
        let mut entropy = DangerousSeededEntropy::new(session.me().index() as u64);
        let (mut p, _) = P::begin(session, &mut entropy)?;
        let zeros = |n: usize| P::share(Replicated { k: RING, own: vec![0; n], next: vec![0; n] });
        let (columns, batch) = (numbers.recipe.columns, numbers.recipe.batch);
        let mut state = State::new(&p, columns);
        let batch = Batch { rows: zeros(columns * batch), labels: zeros(batch) };
        for _ in 0..steps {
            step(&mut p, &numbers, &mut state, &batch, &mut entropy)?;
        }
        settle(&mut p, &numbers, &mut state)?;
        p.end()
    };
    let done = World::new(0).deadline(std::time::Duration::from_secs(60)).run([0; 32], party);
    done.into_iter().map(|ledger| ledger.map_err(aborted)).collect()
}

/// Bytes that an owner sends for each of its rows, to all parties together, and that the two parties which keep any keep of it.
pub fn bytes_per_row(agreement: &Agreement, owner: usize) -> (usize, usize) {
    let layout = layout(agreement, owner);
    let one = layout.explicit_len(1).unwrap_or(0);
    (one * layout.protect.explicit_copies(), one * (PARTIES - 1))
}
