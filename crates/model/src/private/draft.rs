//! Steps in the making, with the owner's constants as real numbers.

use privet_ring::not_shown;

use super::action::{Action, SecretId, Step, StepId};
use super::outputs::Shown;
use crate::graph::Origin;

/// A tensor of the owner's constants.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) values: Vec<f64>,
    /// How far folding in float64 may have moved each; empty where nothing was folded.
    pub(crate) errors: Vec<f64>,
    /// Whether the values are whole numbers that must stay exact.
    pub(crate) whole: bool,
}

/// Steps and secrets so far.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) steps: Vec<Step>,
    pub(crate) secrets: Vec<Secret>,
}

not_shown!(Secret, Draft);

impl Secret {
    pub(crate) fn of(values: Vec<f64>) -> Self {
        Self { values, errors: Vec::new(), whole: false }
    }

    pub(crate) fn whole(values: Vec<f64>) -> Self {
        Self { values, errors: Vec::new(), whole: true }
    }

    pub(crate) fn error(&self, at: usize) -> f64 {
        self.errors.get(at).copied().unwrap_or(0.0)
    }
}

impl Draft {
    pub(crate) fn secret(&mut self, secret: Secret) -> SecretId {
        self.secrets.push(secret);
        self.secrets.len() - 1
    }

    pub(crate) fn push(
        &mut self,
        action: Action,
        inputs: Vec<StepId>,
        width: usize,
        origin: &Origin,
    ) -> StepId {
        self.steps.push(Step { action, inputs, width, origin: origin.clone() });
        self.steps.len() - 1
    }

    pub(crate) fn width(&self, id: StepId) -> usize {
        self.steps[id].width
    }

    /// `x` at the scale of values: cut first where it is wide.
    pub(crate) fn narrow(&mut self, x: StepId) -> StepId {
        if !self.steps[x].action.is_wide() {
            return x;
        }
        let known = self.steps.iter().position(|s| s.action == Action::Cut && s.inputs == [x]);
        let (width, origin) = (self.width(x), self.steps[x].origin.clone());
        known.unwrap_or_else(|| self.push(Action::Cut, vec![x], width, &origin))
    }

    /// Drops steps that nothing shown needs, and secrets that no step uses.
    pub(crate) fn prune(&mut self, shown: &mut [Shown]) {
        let mut needed: Vec<bool> = self.steps.iter().map(Step::is_columns).collect();
        for s in shown.iter() {
            needed[s.step] = true;
        }
        for at in (0..self.steps.len()).rev() {
            if needed[at] {
                self.steps[at].inputs.iter().for_each(|&i| needed[i] = true);
            }
        }
        self.drop_unneeded(&needed, shown);
    }

    fn drop_unneeded(&mut self, needed: &[bool], shown: &mut [Shown]) {
        let before = |at: usize| needed[..at].iter().filter(|&&n| n).count();
        let renumbered: Vec<StepId> = (0..needed.len()).map(before).collect();
        let mut secrets = Vec::new();
        let mut steps = Vec::new();
        let all = std::mem::take(&mut self.steps).into_iter().zip(needed);
        for mut step in all.filter(|(_, needed)| **needed).map(|(step, _)| step) {
            step.inputs.iter_mut().for_each(|i| *i = renumbered[*i]);
            for id in step.action.secrets_mut() {
                secrets.push(self.secrets[*id].clone());
                *id = secrets.len() - 1;
            }
            steps.push(step);
        }
        for s in shown {
            s.step = renumbered[s.step];
        }
        (self.steps, self.secrets) = (steps, secrets);
    }
}
