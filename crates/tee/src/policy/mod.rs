//! Whom to believe: a strict TOML file. What it does not accept by name is refused; an empty list accepts nothing, and there is
//! no wildcard. Its digest stands in every verdict.

mod dcap;
mod error;
mod explain;
mod nitro;
mod simulator;
mod snp;
mod tpm;
mod values;

pub(crate) use dcap::Machine;
pub use dcap::{IntelPlatform, SgxRule, TcbStatus, TdxEventRule, TdxRule};
pub use error::PolicyError;
pub use nitro::{NitroRule, Registers};
use serde::{Deserialize, Deserializer};
pub use simulator::SimulatorRule;
pub use snp::{MinimumTcb, Product, Signer, SnpPlatform, SnpRule};
pub use tpm::{EventRule, TpmRule};
pub use values::{Bytes, Seconds};

use crate::kind::Kind;
use crate::statement::{Hex, sha256};

/// Version of the format below.
pub const VERSION: u32 = 1;

/// A policy, as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// [`VERSION`].
    pub version: u32,
    /// How fresh evidence must be.
    #[serde(default)]
    pub channel: ChannelRule,
    /// How fresh what vendors publish must be.
    #[serde(default)]
    pub collateral: CollateralRule,
    /// What is believed; any one of these is enough.
    #[serde(default)]
    pub accept: Vec<Accept>,
    /// Which model.
    #[serde(default)]
    pub model: Option<ModelRule>,
    /// A log of published measurements: not in this version, so requiring it is an error.
    #[serde(default)]
    pub transparency: Option<TransparencyRule>,
    /// Whether simulators are believed at all.
    #[serde(default)]
    pub simulator: SimulatorSwitch,
    /// SHA-256 of the file.
    #[serde(skip, default = "no_digest")]
    digest: Hex<32>,
}

fn no_digest() -> Hex<32> {
    Hex([0; 32])
}

/// `[channel]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelRule {
    /// `handshake`; there for readers.
    #[serde(default)]
    pub binding: Option<String>,
    /// Oldest stamp of an epoch's evidence; 0 or nothing, or no `stamp_keys`: each client asks for evidence of its own.
    #[serde(default)]
    pub max_evidence_age: Seconds,
    /// How far ahead of this machine's clock a stamp may be.
    #[serde(default)]
    pub max_clock_skew: Seconds,
    /// Ed25519 keys of the key services whose stamps are believed.
    #[serde(default)]
    pub stamp_keys: Vec<Hex<32>>,
    /// Most requests that one epoch may answer.
    #[serde(default)]
    pub max_requests: Option<u64>,
}

/// `[collateral]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollateralRule {
    /// Oldest issue date of TCB info and QE identity.
    #[serde(default)]
    pub max_age: Option<Seconds>,
    /// Lowest evaluation number of TCB info: stops older collateral from being put back.
    #[serde(default)]
    pub min_tcb_evaluation_number: Option<u32>,
    /// `required`: a revocation list must be there and be in force wherever the vendor has one.
    #[serde(default)]
    pub crl: Option<CrlRule>,
}

/// `crl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CrlRule {
    /// Refuse without one.
    Required,
    /// Look at one that is there.
    Optional,
}

/// `[model]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRule {
    /// The model's name.
    #[serde(default)]
    pub id: Option<String>,
    /// Lowest version.
    #[serde(default)]
    pub min_version: Option<u64>,
    /// Salted digests of models that are believed, as `sha256:…`.
    #[serde(default)]
    pub digest: Vec<Bytes>,
}

/// `[transparency]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransparencyRule {
    /// The log's key.
    #[serde(default)]
    pub log_key: Option<String>,
    /// Whether a proof is required.
    #[serde(default)]
    pub required: bool,
}

/// `[simulator]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatorSwitch {
    /// The first of two deliberate acts.
    #[serde(default)]
    pub accept: bool,
}

/// One way to be believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Accept {
    /// Which format of it, as in `tdx-dcap/4`; any that this program reads where none is said.
    pub format: Option<u16>,
    /// What must hold.
    pub rule: Rule,
}

/// What must hold, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// `sgx-dcap`.
    SgxDcap(SgxRule),
    /// `tdx-dcap`.
    TdxDcap(TdxRule),
    /// `sev-snp`, also written `snp`.
    SevSnp(SnpRule),
    /// `nitro`.
    Nitro(NitroRule),
    /// `tpm2`.
    Tpm2(TpmRule),
    /// `sim-process`.
    SimProcess(SimulatorRule),
}

impl Rule {
    /// For which evidence.
    pub fn kind(&self) -> Kind {
        match self {
            Self::SgxDcap(_) => Kind::SgxDcap,
            Self::TdxDcap(_) => Kind::TdxDcap,
            Self::SevSnp(_) => Kind::SevSnp,
            Self::Nitro(_) => Kind::Nitro,
            Self::Tpm2(_) => Kind::Tpm2,
            Self::SimProcess(_) => Kind::SimProcess,
        }
    }

    /// Whether it names the very machines; without, evidence of any genuine machine passes, also of one whose keys were extracted.
    pub fn pins_platform(&self) -> bool {
        match self {
            Self::SgxDcap(rule) => rule.pins_platform(),
            Self::TdxDcap(rule) => rule.pins_platform(),
            Self::SevSnp(rule) => rule.pins_platform(),
            Self::Nitro(rule) => rule.pins_platform(),
            Self::Tpm2(rule) => rule.pins_platform(),
            Self::SimProcess(_) => false,
        }
    }

    /// Versions of its evidence that this program reads.
    fn formats(&self) -> &'static [u16] {
        match self {
            Self::SgxDcap(_) => &[3],
            Self::TdxDcap(_) => &[4, 5],
            Self::SevSnp(_) => &[2, 3, 4, 5],
            Self::Nitro(_) | Self::Tpm2(_) | Self::SimProcess(_) => &[1],
        }
    }

    fn read(kind: &str, table: toml::Table) -> Result<Self, String> {
        fn rule<'de, T: Deserialize<'de>>(table: toml::Table) -> Result<T, String> {
            T::deserialize(toml::Value::Table(table)).map_err(|e| e.to_string())
        }
        Ok(match kind {
            "sgx-dcap" => Self::SgxDcap(rule(table)?),
            "tdx-dcap" => Self::TdxDcap(rule(table)?),
            "sev-snp" | "snp" => Self::SevSnp(rule(table)?),
            "nitro" => Self::Nitro(rule(table)?),
            "tpm2" => Self::Tpm2(rule(table)?),
            "sim-process" => Self::SimProcess(rule(table)?),
            other => {
                let known = Kind::ALL.map(Kind::name).join("`, `");
                return Err(format!("there is no evidence of kind `{other}`; expected one of `{known}`"));
            }
        })
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::SgxDcap(rule) => rule.check(),
            Self::TdxDcap(rule) => rule.check(),
            Self::SevSnp(rule) => rule.check(),
            Self::Nitro(rule) => rule.check(),
            Self::Tpm2(rule) => rule.check(),
            Self::SimProcess(rule) => rule.check(),
        }
    }
}

impl<'de> Deserialize<'de> for Accept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut table = toml::Table::deserialize(from)?;
        let Some(toml::Value::String(kind)) = table.remove("kind") else {
            return Err(D::Error::custom("an entry of `accept` needs `kind`, as in `kind = \"sev-snp\"`"));
        };
        let (name, format) = match kind.split_once('/') {
            None => (kind.as_str(), None),
            Some((name, format)) => {
                let format = format.parse().map_err(|_| D::Error::custom(format!("`{kind}` is no kind")))?;
                (name, Some(format))
            }
        };
        let rule = Rule::read(name, table).map_err(|e| D::Error::custom(format!("entry `{kind}`: {e}")))?;
        let known = rule.formats();
        if format.is_some_and(|format| !known.contains(&format)) {
            return Err(D::Error::custom(format!("`{kind}`: of `{name}` these formats are read: {known:?}")));
        }
        Ok(Self { format, rule })
    }
}

impl Policy {
    /// Reads a policy file.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut policy: Self = toml::from_str(text).map_err(|e| PolicyError::new(e.to_string().trim()))?;
        policy.digest = Hex(sha256(text.as_bytes()));
        policy.check()?;
        Ok(policy)
    }

    /// Believes nobody; no file can say that.
    pub(crate) fn nobody() -> Self {
        Self {
            version: VERSION,
            channel: ChannelRule::default(),
            collateral: CollateralRule::default(),
            accept: Vec::new(),
            model: None,
            transparency: None,
            simulator: SimulatorSwitch::default(),
            digest: no_digest(),
        }
    }

    /// SHA-256 of the file.
    pub fn digest(&self) -> Hex<32> {
        self.digest
    }

    /// The entries for evidence of this kind.
    pub fn entries(&self, kind: Kind) -> impl Iterator<Item = &Accept> {
        self.accept.iter().filter(move |a| a.rule.kind() == kind)
    }

    /// Whether an epoch's evidence is taken, and not only evidence that binds the asker's own nonce.
    pub fn accepts_epochs(&self) -> bool {
        self.channel.max_evidence_age.0 > 0 && !self.channel.stamp_keys.is_empty()
    }

    /// Whether it believes any simulator.
    pub fn accepts_simulators(&self) -> bool {
        self.simulator.accept && self.entries(Kind::SimProcess).next().is_some()
    }

    fn check(&self) -> Result<(), PolicyError> {
        if self.version != VERSION {
            return Err(PolicyError::new(format!(
                "it has version {}, this program reads {VERSION}",
                self.version
            )));
        }
        if self.accept.is_empty() {
            return Err(PolicyError::new("it has no `[[accept]]` entry, so nothing could ever be believed"));
        }
        for (at, entry) in self.accept.iter().enumerate() {
            let name = entry.rule.kind().name();
            let wrong = |what: String| PolicyError::new(format!("entry {} (`{name}`): {what}", at + 1));
            entry.rule.check().map_err(wrong)?;
            if self.accept[..at].contains(entry) {
                return Err(wrong("the same stands there already".into()));
            }
        }
        self.check_sections()
    }

    fn check_sections(&self) -> Result<(), PolicyError> {
        if self.transparency.as_ref().is_some_and(|t| t.required) {
            return Err(PolicyError::new(
                "`[transparency] required = true` asks for a proof that this version cannot check; leave it out or set it to false",
            ));
        }
        if self.channel.binding.as_deref().is_some_and(|b| b != "handshake") {
            return Err(PolicyError::new("`[channel] binding` has one value, `handshake`"));
        }
        let simulated = self.entries(Kind::SimProcess).next().is_some();
        if simulated && !self.simulator.accept {
            return Err(PolicyError::new(
                "an entry accepts `sim-process`, and `[simulator] accept` is not true; a simulator proves nothing, so both are needed",
            ));
        }
        if let Some(model) = &self.model {
            model
                .digest
                .iter()
                .try_for_each(|d| d.expect("model digest", &[32]))
                .map_err(PolicyError::new)?;
        }
        Ok(())
    }
}
