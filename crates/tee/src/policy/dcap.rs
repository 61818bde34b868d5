//! `kind = "sgx-dcap"` and `kind = "tdx-dcap"`: Intel's quotes.

use serde::Deserialize;

use super::values::{Bytes, expect_some};

/// What Intel says of a machine's firmware, microcode and quoting enclave; the names are Intel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TcbStatus {
    /// Everything that Intel asks for is there.
    UpToDate,
    /// Software must defend itself against something.
    SWHardeningNeeded,
    /// The machine's settings may be unsafe.
    ConfigurationNeeded,
    /// Both.
    ConfigurationAndSWHardeningNeeded,
    /// Firmware or microcode is too old.
    OutOfDate,
    /// And the settings may be unsafe.
    OutOfDateConfigurationNeeded,
    /// The machine was updated below a TD that was launched before.
    TDRelaunchAdvised,
    /// And the settings may be unsafe.
    TDRelaunchAdvisedConfigurationNeeded,
}

impl TcbStatus {
    /// As Intel writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SWHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSWHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::TDRelaunchAdvised => "TDRelaunchAdvised",
            Self::TDRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
        }
    }
}

/// `platform`: which machines; every list that is there must name it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntelPlatform {
    /// SHA-256 of the public key (65 bytes, uncompressed) of the machine's PCK certificate, which changes with its firmware.
    #[serde(default)]
    pub pck_key: Option<Vec<Bytes>>,
    /// The machine's id in that certificate (PPID), 16 bytes, which does not change.
    #[serde(default)]
    pub ppid: Option<Vec<Bytes>>,
}

impl IntelPlatform {
    fn check(&self) -> Result<(), String> {
        if self.pck_key.is_none() && self.ppid.is_none() {
            return Err("`platform` names neither `pck_key` nor `ppid`; leave it out or fill it".into());
        }
        optional(self.pck_key.as_ref(), "platform pck_key", 32)?;
        optional(self.ppid.as_ref(), "platform ppid", 16)
    }
}

/// Which state of which machine; the same for SGX and TDX.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) tcb_status: &'a [TcbStatus],
    pub(crate) allow_advisories: &'a [String],
    pub(crate) platform: Option<&'a IntelPlatform>,
}

impl Machine<'_> {
    fn check(&self, debug: bool) -> Result<(), String> {
        if debug {
            return Err(
                "`debug = true`: the machine's owner reads the memory of such a program; it is never believed".into(),
            );
        }
        if self.tcb_status.is_empty() {
            return Err(
                "`tcb_status` is empty, so nothing could be believed; the strictest is `[\"UpToDate\"]`"
                    .into(),
            );
        }
        if let Some(wrong) = self.allow_advisories.iter().find(|a| !a.starts_with("INTEL-SA-")) {
            return Err(format!("`{wrong}` is no advisory of Intel; expected one like `INTEL-SA-00828`"));
        }
        self.platform.map_or(Ok(()), IntelPlatform::check)
    }
}

fn up_to_date() -> Vec<TcbStatus> {
    vec![TcbStatus::UpToDate]
}

/// A list that may be left out; what is in it is chosen by people or by the machine.
fn optional(list: Option<&Vec<Bytes>>, what: &str, length: usize) -> Result<(), String> {
    match list {
        None => Ok(()),
        Some(list) if list.is_empty() => {
            Err(format!("`{what}` is an empty list, which nothing matches; leave it out or fill it"))
        }
        Some(list) => match list.iter().find(|b| b.0.len() != length) {
            Some(wrong) => Err(format!("a {what} has {} bytes, expected {length}", wrong.0.len())),
            None => Ok(()),
        },
    }
}

/// Which SGX enclave: by `mrenclave`, or by `mrsigner` with `isv_prod_id` and `min_isv_svn`; where both are there, both must match.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgxRule {
    /// Measurements of enclaves, 32 bytes.
    #[serde(default)]
    pub mrenclave: Vec<Bytes>,
    /// SHA-256 of the keys that enclaves are signed with.
    #[serde(default)]
    pub mrsigner: Vec<Bytes>,
    /// The signer's number for the program.
    #[serde(default)]
    pub isv_prod_id: Option<u16>,
    /// Lowest security version that the signer gave it.
    #[serde(default)]
    pub min_isv_svn: Option<u16>,
    /// Configurations that the host gave at launch, 64 bytes; nothing: not compared.
    #[serde(default)]
    pub config_id: Option<Vec<Bytes>>,
    /// What Intel may say of the machine; without it only `UpToDate`.
    #[serde(default = "up_to_date")]
    pub tcb_status: Vec<TcbStatus>,
    /// Advisories (`INTEL-SA-…`) that may be open on it; without it none.
    #[serde(default)]
    pub allow_advisories: Vec<String>,
    /// There for readers: only `false`.
    #[serde(default)]
    pub debug: bool,
    /// Which machines; nothing: any genuine one.
    #[serde(default)]
    pub platform: Option<IntelPlatform>,
}

impl SgxRule {
    pub(crate) fn machine(&self) -> Machine<'_> {
        Machine {
            tcb_status: &self.tcb_status,
            allow_advisories: &self.allow_advisories,
            platform: self.platform.as_ref(),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.mrsigner.is_empty() {
            expect_some(&self.mrenclave, "mrenclave", &[32])?;
        } else {
            expect_some(&self.mrsigner, "mrsigner", &[32])?;
            self.mrenclave.iter().try_for_each(|m| m.expect("mrenclave", &[32]))?;
            if self.mrenclave.is_empty() && (self.isv_prod_id.is_none() || self.min_isv_svn.is_none()) {
                return Err(
                    "`mrsigner` alone is every program of that signer in every version; name `isv_prod_id` and `min_isv_svn` too".into(),
                );
            }
        }
        optional(self.config_id.as_ref(), "config_id", 64)?;
        self.machine().check(self.debug)
    }

    pub(super) fn pins_platform(&self) -> bool {
        self.platform.is_some()
    }
}

/// What was measured into one register of a TD, event by event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxEventRule {
    /// 0 to 3.
    pub rtmr: u8,
    /// SHA-384 digests of all its events, in their order.
    pub digests: Vec<Bytes>,
}

/// Which TDX virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxRule {
    /// Measurements of what the TD was launched with, 48 bytes: its firmware, unless the kernel is loaded with it.
    #[serde(default)]
    pub mrtd: Vec<Bytes>,
    /// Configuration of the firmware; nothing: not compared.
    #[serde(default)]
    pub rtmr0: Option<Vec<Bytes>>,
    /// What firmware started: boot loader, kernel; nothing: not compared.
    #[serde(default)]
    pub rtmr1: Option<Vec<Bytes>>,
    /// Command line and initial file system; nothing: not compared.
    #[serde(default)]
    pub rtmr2: Option<Vec<Bytes>>,
    /// What the running system measured, zeros where it shall measure nothing; nothing: not compared.
    #[serde(default)]
    pub rtmr3: Option<Vec<Bytes>>,
    /// Registers by what was measured into them; needs the event log beside the evidence.
    #[serde(default)]
    pub events: Vec<TdxEventRule>,
    /// Digests of configuration that the host gave at launch, 48 bytes; nothing: not compared.
    #[serde(default)]
    pub mr_config_id: Option<Vec<Bytes>>,
    /// What Intel may say of the machine; without it only `UpToDate`.
    #[serde(default = "up_to_date")]
    pub tcb_status: Vec<TcbStatus>,
    /// Advisories (`INTEL-SA-…`) that may be open on it; without it none.
    #[serde(default)]
    pub allow_advisories: Vec<String>,
    /// There for readers: only `false`.
    #[serde(default)]
    pub debug: bool,
    /// Which machines; nothing: any genuine one.
    #[serde(default)]
    pub platform: Option<IntelPlatform>,
}

impl TdxRule {
    pub(crate) fn machine(&self) -> Machine<'_> {
        Machine {
            tcb_status: &self.tcb_status,
            allow_advisories: &self.allow_advisories,
            platform: self.platform.as_ref(),
        }
    }

    /// The registers that it names, by number.
    pub(crate) fn registers(&self) -> [Option<&Vec<Bytes>>; 4] {
        [self.rtmr0.as_ref(), self.rtmr1.as_ref(), self.rtmr2.as_ref(), self.rtmr3.as_ref()]
    }

    /// Whether it says what runs, and not only which firmware starts it.
    pub(crate) fn pins_system(&self) -> bool {
        let named = |n: u8| {
            self.registers().get(usize::from(n)).is_some_and(Option::is_some)
                || self.events.iter().any(|e| e.rtmr == n)
        };
        named(1) && named(2)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        expect_some(&self.mrtd, "mrtd", &[48])?;
        for (list, what) in self.registers().into_iter().zip(["rtmr0", "rtmr1", "rtmr2"]) {
            list.map_or(Ok(()), |list| expect_some(list, what, &[48]))?;
        }
        optional(self.rtmr3.as_ref(), "rtmr3", 48)?;
        optional(self.mr_config_id.as_ref(), "mr_config_id", 48)?;
        for (at, rule) in self.events.iter().enumerate() {
            expect_some(&rule.digests, &format!("event of rtmr{}", rule.rtmr), &[48])?;
            if rule.rtmr > 3 || self.events.iter().take(at).any(|r| r.rtmr == rule.rtmr) {
                return Err(format!(
                    "`events` names rtmr{} twice, or there is none of that number",
                    rule.rtmr
                ));
            }
        }
        self.machine().check(self.debug)
    }

    pub(super) fn pins_platform(&self) -> bool {
        self.platform.is_some()
    }
}
