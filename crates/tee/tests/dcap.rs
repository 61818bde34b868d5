//! Recorded quotes of real SGX and TDX machines, each at its own time.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod recorded;

use privet_tee::kind::{Assurance, Kind};
use privet_tee::policy::hex;
use recorded::{Case, vector};

/// A quote, the time it is put before the verifier, and what is believed of its machine.
struct Recorded {
    folder: &'static str,
    name: &'static str,
    collateral: &'static [&'static str],
    at: &'static str,
    more: &'static str,
    reasons: &'static [&'static str],
}

const STATE: &str = "tcb_status = [\"UpToDate\"]";

const ALL: [Recorded; 11] = [
    Recorded {
        folder: "sgx",
        name: "phala_sgx_quote_v3.bin",
        collateral: &["sgx/phala_sgx_quote_v3.collateral.json"],
        at: "2025-07-01T00:00:00Z",
        more: "tcb_status = [\"ConfigurationAndSWHardeningNeeded\"]\nallow_advisories = [\"INTEL-SA-00289\", \"INTEL-SA-00615\"]",
        reasons: &[],
    },
    Recorded {
        folder: "sgx",
        name: "trustee_occlum_sgx_quote_v3.bin",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "debug-enabled"],
    },
    Recorded {
        folder: "tdx",
        name: "phala_tdx_quote_v4.bin",
        collateral: &["tdx/phala_tdx_quote_v4.collateral.json"],
        at: "2025-07-01T00:00:00Z",
        more: STATE,
        reasons: &[],
    },
    Recorded {
        folder: "tdx",
        name: "phala_tdx_quote_v5_td15_outdated.bin",
        collateral: &["tdx/phala_tdx_quote_v5_td15_outdated.collateral.json"],
        at: "2026-03-01T00:00:00Z",
        more: STATE,
        reasons: &["tcb-level-unmatched"],
    },
    Recorded {
        folder: "tdx",
        name: "gotdx_quote_v5_sample.dat",
        collateral: &["tdx/phala_tdx_quote_v5_td15_outdated.collateral.json"],
        at: "2026-03-01T00:00:00Z",
        more: STATE,
        reasons: &[],
    },
    Recorded {
        folder: "tdx",
        name: "gotdx_tdx_prod_quote_SPR_E4.dat",
        collateral: &[
            "tdx/gotdx_sample_tcbInfo_response",
            "tdx/gotdx_sample_qeIdentity_response",
            "tdx/gotdx_pckcrl",
            "tdx/gotdx_rootcrl.der",
        ],
        at: "2023-07-01T00:00:00Z",
        more: STATE,
        reasons: &["trailing-bytes", "collateral-missing", "sept-ve-enabled"],
    },
    Recorded {
        folder: "tdx",
        name: "gotdx_ccel_cos-113-tdx-quote.dat",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing"],
    },
    Recorded {
        folder: "tdx",
        name: "trustee_tdx_quote_4.dat",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "debug-enabled"],
    },
    Recorded {
        folder: "tdx",
        name: "trustee_tdx_quote_5.dat",
        collateral: &["tdx/phala_tdx_quote_v5_td15_outdated.collateral.json"],
        at: "2026-03-01T00:00:00Z",
        more: STATE,
        reasons: &[],
    },
    Recorded {
        folder: "tdx",
        name: "trustee_tdx_quote_6.dat",
        collateral: &[],
        at: "2026-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing"],
    },
    Recorded {
        folder: "vtpm",
        name: "az-tdx-vtpm_td-quote.bin",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "sept-ve-enabled"],
    },
];

impl Recorded {
    fn kind(&self) -> Kind {
        if self.folder == "sgx" { Kind::SgxDcap } else { Kind::TdxDcap }
    }

    fn case(&self) -> Case {
        let body = vector(self.folder, self.name);
        let entry = format!("{}\n{}", entry(self.kind(), &body), self.more);
        let mut case = Case::new(self.kind(), body, &entry, self.at);
        for file in self.collateral {
            let (folder, name) = file.split_once('/').expect("a folder");
            case = case.with(vector(folder, name));
        }
        case
    }
}

fn named(name: &str) -> Recorded {
    ALL.into_iter().find(|r| r.name == name).expect("a vector")
}

/// An entry that names all that a quote measures.
fn entry(kind: Kind, body: &[u8]) -> String {
    if kind == Kind::SgxDcap {
        return format!("[[accept]]\nkind = \"sgx-dcap/3\"\nmrenclave = [\"{}\"]", hex(&body[112..144]));
    }
    let version = body[0];
    let report = &body[if version == 5 { 54 } else { 48 }..];
    let register = |n: usize| hex(&report[328 + 48 * n..376 + 48 * n]);
    let used = |n: &usize| register(*n).contains(|digit| digit != '0');
    let registers: String =
        (0..4).filter(used).map(|n| format!("\nrtmr{n} = [\"{}\"]", register(n))).collect();
    format!("[[accept]]\nkind = \"tdx-dcap/{version}\"\nmrtd = [\"{}\"]{registers}", hex(&report[136..184]))
}

#[test]
fn every_recorded_quote_at_its_own_time() {
    for recorded in ALL {
        let verdict = recorded.case().verdict();
        assert_eq!(recorded::reasons(&verdict), recorded.reasons, "{}: {:#?}", recorded.name, verdict);
        for topic in ["quoting-enclave", "attestation-key", "signature", "certificate", "measurement"] {
            assert!(verdict.checks.iter().any(|c| c.ok && c.code == topic), "{}: {topic}", recorded.name);
        }
        let assurance =
            if recorded.reasons.is_empty() { Assurance::HardwareUnbound } else { Assurance::None };
        assert_eq!(verdict.assurance, assurance, "{}", recorded.name);
    }
}
