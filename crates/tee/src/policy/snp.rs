//! `kind = "sev-snp"` (also written `snp`): which virtual machine, on which firmware, of which machine.

use serde::Deserialize;

use super::values::{Bytes, expect_some};

/// A line of processors. Each has certificate authorities and a layout of firmware versions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Product {
    /// EPYC 7003.
    Milan,
    /// EPYC 9004 and 8004.
    Genoa,
    /// EPYC 9005.
    Turin,
}

impl Product {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// As AMD writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }
}

/// Who signs reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signer {
    /// The chip's own key: says which chip.
    Vcek,
    /// A key that AMD gave to a cloud provider: says which provider, and not which chip.
    Vlek,
}

impl Signer {
    /// As AMD writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vcek => "VCEK",
            Self::Vlek => "VLEK",
        }
    }
}

/// Lowest versions of the firmware, part by part: a higher one in one part makes up for nothing in another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumTcb {
    /// Of which line these are; reports of another line do not match.
    pub product: Product,
    /// Turin only.
    #[serde(default)]
    pub fmc: Option<u8>,
    /// Boot loader of the secure processor.
    pub bootloader: u8,
    /// Its operating system.
    pub tee: u8,
    /// The firmware of SEV-SNP.
    pub snp: u8,
    /// Microcode.
    pub microcode: u8,
}

/// `platform`: which machines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpPlatform {
    /// Chip ids, 64 bytes (8 on Turin).
    pub chip_id: Vec<Bytes>,
}

/// Which virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpRule {
    /// Launch measurements, 48 bytes.
    #[serde(default)]
    pub measurement: Vec<Bytes>,
    /// Oldest firmware; nothing: any that AMD's key vouches for, also one with known holes, and the verdict says so.
    #[serde(default)]
    pub min_tcb: Option<MinimumTcb>,
    /// Values that the host gave at launch, 32 bytes; nothing: not compared.
    #[serde(default)]
    pub host_data: Option<Vec<Bytes>>,
    /// Privilege levels of who asked for the report; without it only 0, the highest.
    #[serde(default = "highest")]
    pub vmpl: Vec<u32>,
    /// Without it only the chip's own key.
    #[serde(default = "chip")]
    pub signer: Vec<Signer>,
    /// SHA-384 of keys that signed the identity block; nothing: not compared.
    #[serde(default)]
    pub id_key: Option<Vec<Bytes>>,
    /// SHA-384 of keys that signed those keys; nothing: not compared.
    #[serde(default)]
    pub author_key: Option<Vec<Bytes>>,
    /// Family of the image, 16 bytes; nothing: not compared.
    #[serde(default)]
    pub family_id: Option<Vec<Bytes>>,
    /// The image, 16 bytes; nothing: not compared.
    #[serde(default)]
    pub image_id: Option<Vec<Bytes>>,
    /// Lowest security version that the guest's launcher gave it.
    #[serde(default)]
    pub min_guest_svn: u32,
    /// `false`: refuse where two threads may share a core.
    #[serde(default = "yes")]
    pub smt: bool,
    /// Lowest interface version that the guest's policy asks for, as `[major, minor]`.
    #[serde(default)]
    pub min_abi: Option<[u8; 2]>,
    /// There for readers: only `false`.
    #[serde(default)]
    pub debug: bool,
    /// There for readers: only `false`.
    #[serde(default)]
    pub migration_agent: bool,
    /// Which machines; nothing: any machine of that line.
    #[serde(default)]
    pub platform: Option<SnpPlatform>,
}

fn highest() -> Vec<u32> {
    vec![0]
}

fn chip() -> Vec<Signer> {
    vec![Signer::Vcek]
}

fn yes() -> bool {
    true
}

impl SnpRule {
    pub(super) fn check(&self) -> Result<(), String> {
        expect_some(&self.measurement, "measurement", &[48])?;
        self.check_modes()?;
        let digests = [(&self.id_key, "id_key"), (&self.author_key, "author_key")];
        for (list, what) in digests {
            list.as_ref().map_or(Ok(()), |list| expect_some(list, what, &[48]))?;
        }
        // These are chosen by people, and zero is what firmware has where nobody chose: it may be asked for.
        let chosen = [
            (&self.host_data, "host_data", 32),
            (&self.family_id, "family_id", 16),
            (&self.image_id, "image_id", 16),
        ];
        for (list, what, length) in chosen {
            list.as_ref().map_or(Ok(()), |list| of_length(list, what, length))?;
        }
        self.platform.as_ref().map_or(Ok(()), |p| expect_some(&p.chip_id, "platform chip_id", &[8, 64]))
    }

    fn check_modes(&self) -> Result<(), String> {
        if self.debug {
            return Err(
                "`debug = true`: the host reads the memory of such a machine; it is never believed".into()
            );
        }
        if self.migration_agent {
            return Err(
                "`migration_agent = true`: another machine may then export its memory; it is never believed"
                    .into(),
            );
        }
        if self.vmpl.is_empty() || self.vmpl.iter().any(|&l| l > 3) {
            return Err("`vmpl` names privilege levels from 0 (the highest) to 3".into());
        }
        if self.signer.is_empty() {
            return Err(
                "`signer` is empty, so nothing could be believed; expected `VCEK`, `VLEK` or both".into()
            );
        }
        let fits = |least: &MinimumTcb| (least.product == Product::Turin) == least.fmc.is_some();
        if !self.min_tcb.as_ref().is_none_or(fits) {
            return Err("`min_tcb` has `fmc` for Turin, and only there".into());
        }
        if self.platform.is_some() && self.signer.contains(&Signer::Vlek) {
            return Err(
                "`platform` pins chips, and a VLEK vouches for none; leave `VLEK` out of `signer` or the pin out".into()
            );
        }
        Ok(())
    }

    pub(super) fn pins_platform(&self) -> bool {
        self.platform.is_some()
    }
}

fn of_length(list: &[Bytes], what: &str, length: usize) -> Result<(), String> {
    match list.iter().find(|b| b.0.len() != length) {
        Some(wrong) => Err(format!("a {what} has {} bytes, expected {length}", wrong.0.len())),
        None if list.is_empty() => {
            Err(format!("`{what}` is an empty list, which nothing matches; leave it out or fill it"))
        }
        None => Ok(()),
    }
}
