//! The kinds of evidence, and what a verdict may call itself.

use serde::{Deserialize, Serialize};

/// A kind of evidence. A simulated one is another kind on the wire, not a vendor's format with another root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Intel SGX, a DCAP quote.
    SgxDcap,
    /// Intel TDX, a DCAP quote.
    TdxDcap,
    /// AMD SEV-SNP, an attestation report.
    SevSnp,
    /// AWS Nitro Enclaves, an attestation document.
    Nitro,
    /// A quote of a TPM 2.0 over the measured boot of a machine. It isolates nothing by itself.
    Tpm2,
    /// The simulator: an ordinary process. Proves nothing.
    SimProcess,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::SgxDcap, Self::TdxDcap, Self::SevSnp, Self::Nitro, Self::Tpm2, Self::SimProcess];

    /// As it is written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::SgxDcap => "sgx-dcap",
            Self::TdxDcap => "tdx-dcap",
            Self::SevSnp => "sev-snp",
            Self::Nitro => "nitro",
            Self::Tpm2 => "tpm2",
            Self::SimProcess => "sim-process",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::SgxDcap => "Intel SGX enclave",
            Self::TdxDcap => "Intel TDX virtual machine",
            Self::SevSnp => "AMD SEV-SNP virtual machine",
            Self::Nitro => "AWS Nitro enclave",
            Self::Tpm2 => "machine with a measured boot (TPM 2.0)",
            Self::SimProcess => "SIMULATED enclave (an ordinary process)",
        }
    }

    /// What evidence of this kind can show at best, when every check passes on a live channel.
    pub fn assurance(self) -> Assurance {
        match self {
            Self::SgxDcap | Self::TdxDcap | Self::SevSnp | Self::Nitro => Assurance::Hardware,
            Self::Tpm2 => Assurance::MeasuredBoot,
            Self::SimProcess => Assurance::Simulated,
        }
    }
}

/// What a verdict, a reply, a record or a table says it ran under. Ordered: more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// Nothing was shown.
    None,
    /// A simulator answered: the whole protocol ran, and nothing was proven.
    Simulated,
    /// A TPM vouches for what booted; the machine's owner can still read its memory.
    MeasuredBoot,
    /// A vendor's key vouches for the evidence, which was recorded: nobody is bound to a channel.
    HardwareUnbound,
    /// A vendor's key vouches for the evidence, which is bound to this channel.
    Hardware,
}

impl Assurance {
    /// As it is written in replies and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Simulated => "simulated",
            Self::MeasuredBoot => "measured-boot",
            Self::HardwareUnbound => "hardware-unbound",
            Self::Hardware => "hardware",
        }
    }

    /// What evidence shows that was not asked for on a live channel.
    #[must_use]
    pub fn unbound(self) -> Self {
        if self == Self::Hardware { Self::HardwareUnbound } else { self }
    }
}
