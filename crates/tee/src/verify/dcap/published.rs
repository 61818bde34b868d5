//! What Intel publishes: the state of firmware (TCB info), what its quoting enclave is (QE identity), revocation lists.
//!
//! As one JSON file (the shape of Intel's `sgx_ql_qve_collateral_t`, which collateral services hand out), or as the service's own
//! answers, each a file, with the certificate that signs them.

use dcap_qvl::{QuoteCollateralV3, TcbInfo};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::Value;
use webpki::BorrowedCertRevocationList;
use webpki::ring::ECDSA_P256_SHA256;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode as _;

use super::chain::signed;
use super::quote::Tee;
use crate::policy::CollateralRule;
use crate::statement::from_hex;
use crate::verdict::Check;
use crate::verify::x509::{Found, Parsed, Path};
use crate::verify::{Collateral, Time, rfc3339, seconds_of};

const SIGNER: &str = "Intel SGX TCB Signing";

/// A document of Intel's with its signature.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) signature: Vec<u8>,
}

/// Revocation lists, DER, one an issuer: of several, the latest.
#[derive(Default)]
pub(super) struct Lists(pub(super) Vec<Vec<u8>>);

/// Everything that was found in the files.
#[derive(Default)]
pub(super) struct Published {
    pub(super) states: Vec<Document>,
    pub(super) identities: Vec<Document>,
    pub(super) lists: Lists,
    signers: Vec<Parsed>,
}

/// What all documents have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dated {
    issue_date: String,
    next_update: String,
    tcb_evaluation_data_number: u32,
}

/// Which state of firmware it is about.
#[derive(Deserialize)]
struct About {
    id: String,
    #[serde(default)]
    fmspc: String,
}

impl Published {
    pub(super) fn read(collateral: &Collateral) -> Self {
        let (mut published, mut found) = (Self::default(), Found::default());
        for file in &collateral.files {
            match serde_json::from_slice::<Value>(file) {
                Ok(Value::Object(fields)) if fields.contains_key("tcb_info") => {
                    if let Ok(whole) = serde_json::from_slice(file) {
                        published.take(whole, &mut found);
                    }
                }
                Ok(Value::Object(fields)) => {
                    let text = String::from_utf8_lossy(file);
                    let read = |name| fields.get(name).and_then(|_| Document::of_service(&text, name));
                    published.states.extend(read("tcbInfo"));
                    published.identities.extend(read("enclaveIdentity"));
                }
                // Intel's service writes lists in hexadecimal too.
                _ => match std::str::from_utf8(file).ok().and_then(|text| from_hex(text.trim())) {
                    Some(bytes) => found.read(&bytes),
                    None => found.read(file),
                },
            }
        }
        published.lists = Lists(found.lists);
        published.signers = found.certificates.into_iter().filter(|c| c.common_name() == SIGNER).collect();
        published
    }

    fn take(&mut self, whole: QuoteCollateralV3, found: &mut Found) {
        found.read(whole.tcb_info_issuer_chain.as_bytes());
        found.read(whole.qe_identity_issuer_chain.as_bytes());
        found.read(&whole.root_ca_crl);
        found.read(&whole.pck_crl);
        self.states.push(Document { text: whole.tcb_info, signature: whole.tcb_info_signature });
        self.identities.push(Document { text: whole.qe_identity, signature: whole.qe_identity_signature });
    }

    /// What is missing for this kind of machine, in words.
    pub(super) fn missing(&self, tee: Tee, lists: &Lists) -> Option<String> {
        let lacks = [
            (self.states.is_empty(), "TCB info"),
            (self.identities.is_empty(), "QE identity"),
            (!lists.complete(), "the revocation lists of the root and of the machine's authority"),
            (self.signers.is_empty(), "the certificate of `Intel SGX TCB Signing`"),
        ];
        let lacks: Vec<&str> = lacks.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
        let name = tee.name();
        (!lacks.is_empty()).then(|| {
            format!(
                "without {} nobody knows whether this machine's {name} is still safe; give Intel's collateral as `--collateral FILE`",
                lacks.join(", ")
            )
        })
    }

    /// The state of firmware for this family of machines.
    pub(super) fn state(&self, tee: Tee, fmspc: &[u8]) -> Result<&Document, Check> {
        let of_kind = self.states.iter().filter_map(|d| Some((d, d.about()?)));
        let mut of_kind = of_kind.filter(|(_, about)| about.id == tee.name()).peekable();
        let other = of_kind.peek().map(|(_, about)| about.fmspc.clone());
        let one = of_kind.find(|(_, about)| from_hex(&about.fmspc).is_some_and(|f| f == fmspc));
        one.map(|(document, _)| document).ok_or_else(|| {
            let came = other.map_or_else(|| "another kind of machine".into(), |f| format!("family {f}"));
            Check::failed(
                "collateral-other-fmspc",
                format!(
                    "the TCB info is for {came}, this is {} family {}",
                    tee.name(),
                    crate::statement::hex(fmspc)
                ),
            )
        })
    }

    /// What the quoting enclave is.
    pub(super) fn identity(&self, tee: Tee) -> Result<&Document, Check> {
        let id = if tee == Tee::Sgx { "QE" } else { "TD_QE" };
        self.identities.iter().find(|d| d.about().is_some_and(|about| about.id == id)).ok_or_else(|| {
            Check::failed("qe-identity-mismatch", format!("the QE identity is not that of {}", tee.name()))
        })
    }

    /// Why it would be too old or too new, where the machine is not known and nothing else can be said of it.
    pub(super) fn stale(&self, tee: Tee, rule: &CollateralRule, now: Time) -> Vec<Check> {
        let state = self.states.iter().find(|d| d.about().is_some_and(|about| about.id == tee.name()));
        let documents = [("TCB info", state), ("QE identity", self.identity(tee).ok())];
        documents
            .into_iter()
            .filter_map(|(what, document)| document?.in_force(what, rule, now).err())
            .collect()
    }

    /// The certificate that a document is signed with, once the root vouches for it.
    pub(super) fn signer(
        &self,
        document: &Document,
        root: &CertificateDer<'_>,
        lists: &Lists,
        now: Time,
    ) -> Result<&Parsed, Check> {
        let signs = |c: &&Parsed| signed(c.key(), document.text.as_bytes(), &document.signature);
        let Some(signer) = self.signers.iter().find(signs) else {
            return Err(Check::failed(
                "collateral-signature-invalid",
                "not signed by the certificate of `Intel SGX TCB Signing` that came with it: altered",
            ));
        };
        let path = Path {
            roots: std::slice::from_ref(root),
            intermediates: &[],
            algorithms: &[ECDSA_P256_SHA256],
            lists: &lists.0,
            lists_required: true,
            every_issuer: true,
        };
        path.check(signer, now)
            .map(|()| signer)
            .map_err(|e| Check::failed(e.code, format!("the signer of Intel's collateral: {}", e.detail)))
    }
}

impl Document {
    /// From an answer of Intel's service, `{"tcbInfo":{…},"signature":"…"}`: what is signed is the text between.
    fn of_service(text: &str, name: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix(&format!("{{\"{name}\":"))?;
        let (text, signature) = inner.rsplit_once(",\"signature\":\"")?;
        Some(Self { text: text.to_owned(), signature: from_hex(signature.strip_suffix("\"}")?)? })
    }

    fn about(&self) -> Option<About> {
        serde_json::from_str(&self.text).ok()
    }

    /// Until when it is in force, if it is now and the policy takes it.
    pub(super) fn in_force(&self, what: &str, rule: &CollateralRule, now: Time) -> Result<Time, Check> {
        let unreadable =
            || Check::failed("collateral-invalid", format!("{what} has no dates that can be read"));
        let dated: Dated = serde_json::from_str(&self.text).map_err(|_| unreadable())?;
        let issued = seconds_of(&dated.issue_date).ok_or_else(unreadable)?;
        let until = seconds_of(&dated.next_update).ok_or_else(unreadable)?;
        let refused = |code, detail: String| Err(Check::failed(code, format!("{what} {detail}")));
        if now < issued {
            return refused(
                "collateral-not-yet-valid",
                format!("is of {}, which is still to come", rfc3339(issued)),
            );
        }
        if now > until {
            return refused("collateral-expired", format!("should have been renewed by {}", rfc3339(until)));
        }
        if rule.max_age.is_some_and(|age| now - issued > age.0) {
            return refused(
                "collateral-too-old",
                format!("is of {}, older than the policy takes", rfc3339(issued)),
            );
        }
        let number = dated.tcb_evaluation_data_number;
        match rule.min_tcb_evaluation_number {
            Some(least) if number < least => refused(
                "collateral-rollback",
                format!(
                    "has evaluation number {number}, the policy takes {least} and later: an older one was put back"
                ),
            ),
            _ => Ok(until),
        }
    }

    pub(super) fn state(&self) -> Result<TcbInfo, Check> {
        serde_json::from_str(&self.text)
            .map_err(|e| Check::failed("collateral-invalid", format!("TCB info cannot be read: {e}")))
    }
}

impl Lists {
    /// The root's and this authority's, where they are there.
    pub(super) fn of(&self, authority: &Parsed) -> Self {
        let of = |name: Option<Vec<u8>>| {
            let name = name?;
            let mine = self.0.iter().filter(|der| issuer(der).as_deref() == Some(name.as_slice()));
            mine.max_by_key(|der| begins(der)).cloned()
        };
        Self(of(authority.issuer()).into_iter().chain(of(authority.subject())).collect())
    }

    /// Whether both are there.
    pub(super) fn complete(&self) -> bool {
        self.0.len() == 2
    }

    /// Until when all are in force, if none begins later.
    pub(super) fn in_force(&self, now: Time) -> Result<Time, Check> {
        let mut until = Time::MAX;
        for der in &self.0 {
            if begins(der) > now {
                let detail =
                    format!("a revocation list is of {}, which is still to come", rfc3339(begins(der)));
                return Err(Check::failed("collateral-not-yet-valid", detail));
            }
            let next = read(der).and_then(|list| list.tbs_cert_list.next_update);
            until = until.min(next.map_or(Time::MAX, |t| t.to_unix_duration().as_secs()));
        }
        Ok(until)
    }
}

fn issuer(der: &[u8]) -> Option<Vec<u8>> {
    BorrowedCertRevocationList::from_der(der)
        .ok()
        .map(|l| webpki::CertRevocationList::from(l).issuer().to_vec())
}

fn read(der: &[u8]) -> Option<CertificateList> {
    CertificateList::from_der(der).ok()
}

fn begins(der: &[u8]) -> Time {
    read(der).map_or(0, |list| list.tbs_cert_list.this_update.to_unix_duration().as_secs())
}
