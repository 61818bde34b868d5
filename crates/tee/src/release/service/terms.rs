//! What the owner decides, and whether it fits the models.

use std::collections::BTreeMap;

use crate::kind::Kind;
use crate::policy::Policy;
use crate::release::resource::Resource;
use crate::verify::Collateral;

/// What the owner decides.
pub struct Terms {
    /// Whom to believe.
    pub policy: Policy,
    /// What vendors publish.
    pub collateral: Collateral,
    /// By model, the lowest version whose key is released.
    pub floors: BTreeMap<String, u64>,
    /// Releases keys of `hw` to any genuine machine, not only to those that the policy names: also to one whose keys were
    /// extracted.
    pub dangerous_any_platform: bool,
}

/// Why terms and resources do not fit together: nothing is served then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub(super) String);

impl Terms {
    /// A policy that admits simulators can never serve a key of `hw`, nor one without pinned machines unless that was said.
    pub(super) fn check(&self, resource: &Resource) -> Result<(), Unfit> {
        let name = &resource.name;
        if !resource.is_sound() {
            return Err(Unfit(format!("the secret file of model `{name}` is damaged")));
        }
        if resource.is_simulated() {
            return Ok(());
        }
        if self.policy.entries(Kind::SimProcess).next().is_some() {
            return Err(Unfit(format!(
                "the policy admits simulators, and model `{name}` is for hardware (`hw`): a simulator could be given its key. Use a policy \
                 without `sim-process`, or a bundle made with `--dangerous-simulated`"
            )));
        }
        let loose = self.policy.accept.iter().find(|entry| !entry.rule.pins_platform());
        match loose {
            Some(entry) if !self.dangerous_any_platform => Err(Unfit(format!(
                "the policy's entry for `{}` names no machines (`platform`), so the key of `{name}` would go to any genuine machine, also to one \
                 whose keys were extracted. Name them, or say `dangerous_any_platform = true`",
                entry.rule.kind().name()
            ))),
            _ => Ok(()),
        }
    }
}
