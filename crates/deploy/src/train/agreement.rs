//! `training.toml`: what owners and parties agreed on before a training. Everything that follows is bound to its digest, so that parties with
//! different agreements never meet.

use privet_model::training::numbers::{LARGEST_LABEL, Numbers, ROWS};
use privet_model::training::privacy::{Privacy, epsilon};
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::protocols::{Header, named};
use privet_mpc::role::PARTIES;
use privet_ring::fixed::power_of_two;
use privet_tee::statement::hex;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Version of the format.
pub const FORMAT: u32 = 1;
/// The most rows of one owner: a party counts them in 32 bits.
pub const MOST_ROWS: usize = 1 << 28;
/// And without a word of it.
pub const USUAL_ROWS: usize = 1 << 24;

/// The whole agreement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// [`FORMAT`].
    pub format: u32,
    /// Random, so that no two trainings have the same digest.
    pub id: String,
    /// What the model will be called.
    pub name: String,
    /// Which protocol the parties run: `replicated3`, or `replicated3-malicious`.
    #[serde(default = "default_protocol")]
    pub protocol: String,
    /// How the owners' rows belong together.
    pub arrangement: Arrangement,
    /// The owner that drives the training. It is shown how good the model is on validation rows.
    pub lead: String,
    /// With `horizontal`: the column with the answer that is to be predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// With `horizontal`: the columns, which every owner has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// No owner may give more rows: parties keep them on their disks.
    #[serde(default = "default_most_rows")]
    pub most_rows: usize,
    /// What is trained.
    pub model: ModelChoice,
    /// How it is trained.
    pub training: Schedule,
    /// Who gets it.
    pub result: Outcome,
    /// Noise, so that the model tells little of any one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyChoice>,
    /// Who has rows.
    pub owners: Vec<OwnerEntry>,
    /// Who computes, P0 first.
    pub parties: Vec<PartyEntry>,
}

/// How the owners' rows belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrangement {
    /// Each owner has other rows, with the same columns.
    Horizontal,
    /// Each owner has other columns of the same rows, in the same order: a given alignment.
    VerticalInOrder,
    /// Each owner has other columns of rows of which some are the same: found by keyed tags of an identifier.
    VerticalByTags,
}

/// What is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChoice {
    /// What is made small.
    pub loss: Loss,
    /// Whether there is a constant besides the columns.
    #[serde(default)]
    pub intercept: bool,
    /// No prepared value is greater in magnitude; owners refuse what is.
    #[serde(default = "default_largest")]
    pub largest: f64,
    /// Weights are brought back to this magnitude.
    #[serde(default = "default_most_weight")]
    pub most_weight: f64,
}

/// How it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How weights follow gradients.
    pub optimiser: Optimiser,
    /// How fast.
    pub rate: f64,
    /// Rows of a batch. What is left over at the end of an epoch is not used in it.
    pub batch: usize,
    /// How often each row is used.
    pub epochs: u64,
    /// Half of this times the sum of squared weights is added to the loss; the constant is left out.
    #[serde(default)]
    pub l2: f64,
    /// Decides the order of rows, which everyone knows.
    #[serde(default)]
    pub seed: u64,
    /// The part of the rows that only judges.
    #[serde(default = "default_validation")]
    pub validation: f64,
    /// Steps between two judgements; once an epoch without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_every: Option<u64>,
    /// So many judgements without a lower loss end the training; without, it ends with its epochs. The best model is the result either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// Steps that parties make before they keep what they have: more is faster, less is lost by a crash.
    #[serde(default = "default_at_once")]
    pub steps_at_once: u64,
}

/// Who gets the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// It is opened to this owner, and to nobody else.
    OpenTo(String),
    /// Nobody: each party keeps its share, as its half of a bundle.
    KeptAsShares,
}

/// Differential privacy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyChoice {
    /// The noise of a step over what one row can change.
    pub multiplier: f64,
    /// Owners scale rows down to this Euclidean norm.
    pub norm: f64,
    /// The δ for which ε is told.
    #[serde(default = "default_delta")]
    pub delta: f64,
}

/// Someone who has rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerEntry {
    /// As it is called here.
    pub name: String,
    /// The one-line public key of its machine.
    pub key: String,
    /// With vertical arrangements: its columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// With vertical arrangements: the column with the answer, at the one owner who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Someone who computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyEntry {
    /// The one-line public key of its machine.
    pub key: String,
    /// `https://HOST:PORT`.
    pub url: String,
}

fn default_protocol() -> String {
    "replicated3".into()
}

fn default_most_rows() -> usize {
    USUAL_ROWS
}

fn default_largest() -> f64 {
    8.0
}

fn default_most_weight() -> f64 {
    16.0
}

fn default_validation() -> f64 {
    0.1
}

fn default_at_once() -> u64 {
    64
}

fn default_delta() -> f64 {
    1e-5
}

impl Agreement {
    /// Checks that it can be followed.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != FORMAT {
            return Err(unfit(format!("it has format {}, this program reads {FORMAT}", self.format)));
        }
        self.header()?;
        self.check_people()?;
        self.check_columns()?;
        self.check_schedule()?;
        self.numbers().map(drop)
    }

    /// The protocol.
    pub fn header(&self) -> Result<&'static Header, Error> {
        match named(&self.protocol) {
            Some(header) if !header.has_dealer => Ok(header),
            Some(_) => Err(unfit(format!(
                "`{}` does not train: what its dealer would have to send ahead for one epoch is more than all rows. In `replicated3` party 0 \
                 has the dealer's part already, and holds no explicit share of any row",
                self.protocol
            ))),
            None => Err(unfit(format!("there is no protocol `{}`", self.protocol))),
        }
    }

    fn check_people(&self) -> Result<(), Error> {
        if self.parties.len() != PARTIES {
            return Err(unfit(format!("{} parties are named; there are three", self.parties.len())));
        }
        if self.owners.is_empty() || self.owners.len() > 64 {
            return Err(unfit(format!("{} owners are named; expected 1 to 64", self.owners.len())));
        }
        for (at, owner) in self.owners.iter().enumerate() {
            let is_named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if owner.name.is_empty() || owner.name.len() > 64 || !owner.name.chars().all(is_named) {
                return Err(unfit(format!(
                    "`{}` is no name: letters, digits, `-`, `_` and `.` only",
                    owner.name
                )));
            }
            if self.owners[..at].iter().any(|other| other.name == owner.name || other.key == owner.key) {
                return Err(unfit(format!("the owner `{}` or its key is there twice", owner.name)));
            }
        }
        let mut wanted = vec![("lead", &self.lead)];
        if let Outcome::OpenTo(owner) = &self.result {
            wanted.push(("result.open-to", owner));
        }
        for (field, name) in wanted {
            self.owner(name).ok_or_else(|| unfit(format!("`{field}` is `{name}`, who is no owner")))?;
        }
        Ok(())
    }

    fn check_columns(&self) -> Result<(), Error> {
        let is_horizontal = self.arrangement == Arrangement::Horizontal;
        if is_horizontal != self.label.is_some() || is_horizontal == self.columns.is_empty() {
            let what = "with `horizontal`, `label` and `columns` stand at the top; with the others each owner has `columns`, and one has `label`";
            return Err(unfit(what.into()));
        }
        for owner in &self.owners {
            let own = !owner.columns.is_empty() || owner.label.is_some();
            if own == is_horizontal {
                return Err(unfit(format!(
                    "the owner `{}` has {} columns of its own",
                    owner.name,
                    if own { "" } else { "no" }
                )));
            }
        }
        let labels = self.owners.iter().filter(|owner| owner.label.is_some()).count();
        if !is_horizontal && labels != 1 {
            return Err(unfit(format!("{labels} owners have a `label`; expected one")));
        }
        let mut names: Vec<&String> = self.feature_names();
        if names.is_empty() {
            return Err(unfit("there is no column to learn from".into()));
        }
        names.extend(self.label.iter().chain(self.owners.iter().filter_map(|o| o.label.as_ref())));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() != count {
            return Err(unfit("a column is named twice".into()));
        }
        if [&self.id, &self.name].into_iter().chain(names).any(|name| name.chars().any(char::is_control)) {
            return Err(unfit("a name has characters that are not printed".into()));
        }
        Ok(())
    }

    fn check_schedule(&self) -> Result<(), Error> {
        let Schedule { validation, epochs, judge_every, steps_at_once, patience, .. } = &self.training;
        if !(0.0..=0.9).contains(validation) {
            return Err(unfit(format!("`validation` is {validation}; expected 0 to 0.9")));
        }
        if *validation == 0.0 && patience.is_some() {
            return Err(unfit("`patience` needs validation rows; `validation` is 0".into()));
        }
        let fine = (1..=100_000).contains(epochs)
            && (1..=4096).contains(steps_at_once)
            && judge_every.is_none_or(|every| every > 0)
            && patience.is_none_or(|patience| patience > 0);
        if !fine {
            return Err(unfit(
                "expected `epochs` from 1 to 100000, `steps_at_once` from 1 to 4096, `judge_every` and `patience` from 1".into(),
            ));
        }
        if !(1..=MOST_ROWS).contains(&self.most_rows) {
            return Err(unfit(format!("`most_rows` is {}; expected 1 to {MOST_ROWS}", self.most_rows)));
        }
        if self.privacy.is_some_and(|privacy| !(privacy.delta > 0.0 && privacy.delta < 1.0)) {
            return Err(unfit("`privacy.delta` is no number between 0 and 1".into()));
        }
        if self.epsilon().is_some_and(|epsilon| !epsilon.is_finite()) {
            return Err(unfit("`privacy.multiplier` is so small that the noise is worth nothing".into()));
        }
        if self.norm_of_part() == Some(0.0) {
            return Err(unfit(
                "`privacy.norm` leaves no room beside the constant's 1; expected more than 1".into(),
            ));
        }
        if self.privacy.is_some() && self.header()?.finds_cheats {
            return Err(unfit(
                "where a party may cheat, noise is not offered: a party could leave its own out, and nobody would see it".into(),
            ));
        }
        Ok(())
    }

    /// An owner by its name.
    pub fn owner(&self, name: &str) -> Option<usize> {
        self.owners.iter().position(|owner| owner.name == name)
    }

    /// The columns of an owner, without its label.
    pub fn columns_of(&self, owner: usize) -> &[String] {
        match self.arrangement {
            Arrangement::Horizontal => &self.columns,
            _ => self.owners.get(owner).map_or(&[], |owner| &owner.columns),
        }
    }

    /// The label of an owner, if it has one.
    pub fn label_of(&self, owner: usize) -> Option<&str> {
        match self.arrangement {
            Arrangement::Horizontal => self.label.as_deref(),
            _ => self.owners.get(owner)?.label.as_deref(),
        }
    }

    /// Values of an owner's row, with its label.
    pub fn width_of(&self, owner: usize) -> usize {
        self.columns_of(owner).len() + usize::from(self.label_of(owner).is_some())
    }

    /// All columns of the model, in the order of its weights; a constant comes after them.
    pub fn feature_names(&self) -> Vec<&String> {
        match self.arrangement {
            Arrangement::Horizontal => self.columns.iter().collect(),
            _ => self.owners.iter().flat_map(|owner| &owner.columns).collect(),
        }
    }

    /// Whether owners send tags of identifiers with their rows.
    pub fn has_tags(&self) -> bool {
        self.arrangement == Arrangement::VerticalByTags
    }

    /// What everyone knows of the numbers.
    pub fn numbers(&self) -> Result<Numbers, Error> {
        let ModelChoice { loss, intercept, largest, most_weight } = self.model.clone();
        let Schedule { optimiser, rate, batch, l2, steps_at_once, .. } = self.training.clone();
        let privacy = self.privacy.map(|p| Privacy { multiplier: p.multiplier, norm: p.norm });
        let columns = self.feature_names().len() + usize::from(intercept);
        let recipe = Recipe {
            columns,
            intercept,
            batch,
            run: steps_at_once,
            largest,
            most_weight,
            loss,
            optimiser,
            rate,
            l2,
            privacy,
        };
        Numbers::plan(recipe).map_err(|e| unfit(e.to_string().trim_end_matches('.').to_owned()))
    }

    /// Whether labels are 0 and 1.
    pub fn has_classes(&self) -> bool {
        self.model.loss == Loss::Logistic
    }

    /// With noise: ε, for this agreement's δ.
    pub fn epsilon(&self) -> Option<f64> {
        let epochs = u32::try_from(self.training.epochs).unwrap_or(u32::MAX);
        self.privacy.map(|privacy| epsilon(privacy.multiplier, epochs, privacy.delta))
    }

    /// With noise: to which Euclidean norm an owner scales its part of a row down, so that whole rows keep to the agreed one, with what rounding
    /// may add to each value.
    pub fn norm_of_part(&self) -> Option<f64> {
        let parts = if self.arrangement == Arrangement::Horizontal { 1 } else { self.owners.len() };
        let ones = f64::from(u8::from(self.model.intercept));
        let rounding = (self.feature_names().len() as f64).sqrt() * power_of_two(-i64::from(ROWS) - 1);
        self.privacy.map(|privacy| {
            let whole = (privacy.norm.powi(2) - ones).max(0.0).sqrt();
            (whole - rounding).max(0.0) / (parts as f64).sqrt()
        })
    }

    /// No label is greater.
    pub fn largest_label(&self) -> f64 {
        if self.has_classes() { 1.0 } else { LARGEST_LABEL }
    }

    /// BLAKE3 over all of it: everything is bound to this.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 agreement of a training");
        // An agreement is plain data with text keys, which always can be written.
        hasher.update(&serde_json::to_vec(self).unwrap_or_default());
        *hasher.finalize().as_bytes()
    }

    /// The same in hexadecimal.
    pub fn digest_hex(&self) -> String {
        hex(&self.digest())
    }
}

/// An agreement that cannot be followed.
#[allow(clippy::needless_pass_by_value)] // what is said is made for this
fn unfit(what: String) -> Error {
    Error::refused("E350", format!("This training cannot be agreed on: {what}."))
}
