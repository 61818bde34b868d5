//! Recorded evidence, and how it is put before the verifier.

#![allow(dead_code)] // each test file uses some

use std::path::Path;

use privet_tee::evidence::{Auxiliary, Blob, Evidence};
use privet_tee::kind::Kind;
use privet_tee::policy::Policy;
use privet_tee::statement::from_hex;
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, Time, appraise, seconds_of};

/// A file of `tee-vectors`.
pub(crate) fn vector(folder: &str, name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tee-vectors").join(folder).join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A file of `tee-vectors`, as bytes where it is written in hexadecimal.
pub(crate) fn read(folder: &str, name: &str) -> Vec<u8> {
    let bytes = vector(folder, name);
    if Path::new(name).extension() != Some("hex".as_ref()) {
        return bytes;
    }
    from_hex(std::str::from_utf8(&bytes).expect("text").trim()).expect("hexadecimal")
}

/// The first certificate of a PEM file.
pub(crate) fn der_of_pem(pem: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let text = std::str::from_utf8(pem).expect("text");
    let body = text.split("-----").nth(2).expect("a body");
    let digits: String = body.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(digits).expect("base64")
}

/// The table in which a host's kernel hands over certificates.
pub(crate) fn table(certificates: &[&[u8]]) -> Vec<u8> {
    let mut head = Vec::new();
    let mut at = 24 * (certificates.len() + 1);
    for certificate in certificates {
        head.extend([0x63; 16]);
        head.extend(u32::try_from(at).expect("short").to_le_bytes());
        head.extend(u32::try_from(certificate.len()).expect("short").to_le_bytes());
        at += certificate.len();
    }
    head.extend([0; 24]);
    head.extend(certificates.concat());
    head
}

/// What the verifier is given.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) body: Vec<u8>,
    pub(crate) auxiliary: Vec<(&'static str, Vec<u8>)>,
    pub(crate) policy: String,
    pub(crate) collateral: Vec<Vec<u8>>,
    pub(crate) at: Time,
}

impl Case {
    pub(crate) fn new(kind: Kind, body: Vec<u8>, entry: &str, at: &str) -> Self {
        let policy = format!("version = 1\n{entry}");
        let at = seconds_of(at).expect("a time");
        Self { kind, body, auxiliary: Vec::new(), policy, collateral: Vec::new(), at }
    }

    pub(crate) fn with(mut self, file: Vec<u8>) -> Self {
        self.collateral.push(file);
        self
    }

    pub(crate) fn parsed(&self) -> Policy {
        Policy::parse(&self.policy).unwrap_or_else(|e| panic!("{e}\n{}", self.policy))
    }

    pub(crate) fn verdict_by(&self, policy: &Policy) -> Verdict {
        let mut evidence = Evidence::recorded(self.kind, self.body.clone());
        evidence.auxiliary = (self.auxiliary.iter())
            .map(|(name, data)| Auxiliary { name: (*name).into(), data: Blob(data.clone()) })
            .collect();
        let collateral = Collateral { files: self.collateral.clone() };
        let (verdict, appraised) = appraise(&evidence.to_bytes(), policy, &collateral, None, self.at);
        assert!(appraised.is_none(), "recorded evidence opens nothing");
        verdict
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict_by(&self.parsed())
    }

    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        reasons(&self.verdict())
    }
}

/// Why it was refused; nothing where it was accepted.
pub(crate) fn reasons(verdict: &Verdict) -> Vec<&'static str> {
    let reasons: Vec<&'static str> = verdict.checks.iter().filter(|c| !c.ok).map(|c| c.code).collect();
    assert_eq!(reasons.is_empty(), verdict.is_accepted(), "{:?}", verdict.checks);
    reasons
}

/// Calls it for every byte, on two threads; gives how many there were.
pub(crate) fn every_byte(length: usize, check: impl Fn(usize) + Sync) -> usize {
    let check = &check;
    std::thread::scope(|scope| {
        let half = |first: usize| scope.spawn(move || (first..length).step_by(2).map(check).count());
        let halves = [half(0), half(1)];
        halves.into_iter().map(|half| half.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).sum()
    })
}
