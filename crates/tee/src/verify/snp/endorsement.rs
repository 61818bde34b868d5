//! Whether AMD vouches for the key that signed a report, and for this chip with this firmware.

use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use webpki::ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY;

use super::report::{Report, Tcb};
use crate::policy::{Product, Signer};
use crate::verdict::Check;
use crate::verify::x509::{Found, Parsed, Path};
use crate::verify::{Time, roots};

/// Who is believed: AMD, or in tests somebody SIMULATED.
pub(super) struct Authorities<'a> {
    pub(super) root: &'a dyn Fn(Product) -> Option<CertificateDer<'static>>,
    pub(super) intermediates: &'a dyn Fn(Product, Signer) -> Vec<CertificateDer<'static>>,
    pub(super) algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
}

/// AMD.
pub(super) const AMD: Authorities<'static> = Authorities {
    root: &|product| roots::amd_root(product).certificate(),
    intermediates: &roots::amd_intermediates,
    algorithms: &[&TrailerWritten, RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
};

/// RSA-PSS with SHA-384, its parameters written as AMD does: with the trailer field, which is the default and need not be there.
#[derive(Debug)]
struct TrailerWritten;

impl SignatureVerificationAlgorithm for TrailerWritten {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(
            b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x39\
            \xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
            \xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08\
            \x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
            \xa2\x03\x02\x01\x30\xa3\x03\x02\x01\x01",
        )
    }

    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        RSA_PSS_2048_8192_SHA384_LEGACY_KEY.verify_signature(key, message, signature)
    }
}

/// A key that AMD vouches for.
pub(super) struct Endorsed {
    pub(super) signer: Signer,
    pub(super) product: Product,
    /// Of a VLEK.
    provider: Option<String>,
    tcb: Tcb,
    pub(super) not_after: Time,
}

impl std::fmt::Display for Endorsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.product.name(), self.tcb)?;
        match &self.provider {
            Some(provider) => write!(f, ", signed by the VLEK of {provider}, which names no chip"),
            None => write!(f, ", signed by the chip's VCEK"),
        }
    }
}

const STRUCTURE: &str = "1.3.6.1.4.1.3704.1.1";
const PRODUCT_NAME: &str = "1.3.6.1.4.1.3704.1.2";
const BOOTLOADER: &str = "1.3.6.1.4.1.3704.1.3.1";
const TEE: &str = "1.3.6.1.4.1.3704.1.3.2";
const SNP: &str = "1.3.6.1.4.1.3704.1.3.3";
const MICROCODE: &str = "1.3.6.1.4.1.3704.1.3.8";
const FMC: &str = "1.3.6.1.4.1.3704.1.3.9";
const HARDWARE_ID: &str = "1.3.6.1.4.1.3704.1.4";
const PROVIDER: &str = "1.3.6.1.4.1.3704.1.5";

/// Most certificates of the signer's kind that are tried.
const MOST: usize = 8;

/// Finds the certificate of the key that signed, and adds checks: one passing certificate is enough, otherwise the reasons against
/// the one that came closest.
pub(super) fn endorse(
    authorities: &Authorities<'_>,
    report: &Report<'_>,
    found: &Found,
    lists_required: bool,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Endorsed> {
    let Some(signer) = report.signer() else {
        checks.push(Check::failed("signature-invalid", "the report says that no key signed it"));
        return None;
    };
    let product = match report.product() {
        Ok(product) => product,
        Err(check) => {
            checks.push(check);
            return None;
        }
    };
    let subject = format!("SEV-{}", signer.name());
    let candidates = found.certificates.iter().filter(|c| c.common_name() == subject).take(MOST);
    let tried = candidates.map(|certificate| {
        Candidate { authorities, report, found, lists_required, now, signer, product, certificate }.try_it()
    });
    let Some((best, endorsed)) = tried.min_by_key(|(checks, _)| checks.iter().filter(|c| !c.ok).count())
    else {
        checks.push(Check::failed("collateral-missing", missing(signer)));
        return None;
    };
    let passed = best.iter().all(|c| c.ok);
    checks.extend(best);
    endorsed.filter(|_| passed)
}

fn missing(signer: Signer) -> String {
    match signer {
        Signer::Vcek => "the report is signed by a VCEK and its certificate is not there; get it from AMD's key distribution \
                         service by chip id and reported TCB, and give it as `--collateral`"
            .into(),
        Signer::Vlek => "the report is signed by a VLEK and its certificate is not there; get it from the cloud provider, and \
                         give it as `--collateral`"
            .into(),
    }
}

struct Candidate<'a> {
    authorities: &'a Authorities<'a>,
    report: &'a Report<'a>,
    found: &'a Found,
    lists_required: bool,
    now: Time,
    signer: Signer,
    /// By the report.
    product: Option<Product>,
    certificate: &'a Parsed,
}

impl Candidate<'_> {
    fn try_it(&self) -> (Vec<Check>, Option<Endorsed>) {
        let Some(product) = self.certified_product() else {
            let detail = "the certificate names none of the lines Milan, Genoa, Turin";
            return (vec![Check::failed("certificate-invalid", detail)], None);
        };
        let mut checks = vec![self.chain(product)];
        checks.push(self.same_product(product));
        checks.push(self.chip());
        let certified = self.certified_tcb(product);
        let reported = Tcb::read(self.report.reported_tcb(), product);
        checks.push(match certified {
            Some(tcb) if tcb == reported => {
                Check::passed("tcb", format!("the certificate is for the reported firmware: {tcb}"))
            }
            Some(tcb) => Check::failed(
                "certificate-other-tcb",
                format!("the certificate is for firmware {tcb}, the report has {reported}"),
            ),
            None => {
                Check::failed("certificate-invalid", "the certificate does not say for which firmware it is")
            }
        });
        checks.push(self.signature());
        let provider = self.certificate.extension(PROVIDER).and_then(text);
        let not_after = self.certificate.not_after();
        let endorsed = Endorsed { signer: self.signer, product, provider, tcb: reported, not_after };
        (checks, Some(endorsed))
    }

    fn certified_product(&self) -> Option<Product> {
        let name = text(self.certificate.extension(PRODUCT_NAME)?)?;
        let line = name.split('-').next()?;
        Product::ALL.into_iter().find(|p| p.name() == line)
    }

    fn chain(&self, product: Product) -> Check {
        let roots: Vec<_> = (self.authorities.root)(product).into_iter().collect();
        let path = Path {
            roots: &roots,
            intermediates: &(self.authorities.intermediates)(product, self.signer),
            algorithms: self.authorities.algorithms,
            lists: &self.found.lists,
            lists_required: self.lists_required,
            every_issuer: false,
        };
        let vouched = format!("AMD's root for {} vouches for the {}", product.name(), self.signer.name());
        path.check(self.certificate, self.now)
            .map_or_else(|refusal| refusal, |()| Check::passed("certificate", vouched))
    }

    fn same_product(&self, certified: Product) -> Check {
        let detail = |reported: &str| {
            format!("the certificate is for {}, the report comes from {reported}", certified.name())
        };
        match self.product {
            Some(reported) if reported == certified => Check::passed("product", detail(reported.name())),
            Some(reported) => Check::failed("product-mismatch", detail(reported.name())),
            // Version 2 does not say, and no Turin ever wrote it.
            None if certified == Product::Turin => Check::failed("product-mismatch", detail("an older line")),
            None => Check::passed("product", format!("{}, by the certificate", certified.name())),
        }
    }

    fn chip(&self) -> Check {
        let chip = self.report.chip_id();
        let named = self.certificate.extension(HARDWARE_ID);
        match (self.signer, named) {
            (Signer::Vlek, None) => Check::passed("chip", "a VLEK is for no chip"),
            (Signer::Vcek, Some(id)) if same_chip(id, &chip) => {
                Check::passed("chip", "the certificate is for the chip that the report names")
            }
            _ => Check::failed(
                "certificate-other-chip",
                "the certificate is not for the chip that the report names (a host may also have masked the chip id)",
            ),
        }
    }

    fn certified_tcb(&self, product: Product) -> Option<Tcb> {
        let part = |oid| small(self.certificate.extension(oid)?);
        // Of the structure: all that were published so far are 0 or 1, and mean the same by these names.
        small(self.certificate.extension(STRUCTURE)?).filter(|&version| version <= 1)?;
        let fmc = if product == Product::Turin { Some(part(FMC)?) } else { None };
        Some(Tcb {
            fmc,
            bootloader: part(BOOTLOADER)?,
            tee: part(TEE)?,
            snp: part(SNP)?,
            microcode: part(MICROCODE)?,
        })
    }

    fn signature(&self) -> Check {
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, self.certificate.key());
        match key.verify(self.report.signed(), &self.report.signature()) {
            Ok(()) => Check::passed("signature", format!("signed by the {}", self.signer.name())),
            Err(_) => Check::failed(
                "signature-invalid",
                format!("not signed by this {}: altered, or of another chip or firmware", self.signer.name()),
            ),
        }
    }
}

/// Turin's chips have 8 bytes, and zeros in the rest of the report's field. Zeros alone name no chip.
pub(super) fn same_chip(id: &[u8], chip: &[u8; 64]) -> bool {
    let Some((begins, rest)) = chip.split_at_checked(id.len()) else { return false };
    matches!(id.len(), 8 | 64) && id == begins && rest.iter().all(|&b| b == 0) && id.iter().any(|&b| b != 0)
}

/// A DER `INTEGER` from 0 to 255.
fn small(der: &[u8]) -> Option<u8> {
    match *der {
        [2, 1, n @ 0..=0x7F] | [2, 2, 0, n @ 0x80..=0xFF] => Some(n),
        _ => None,
    }
}

/// A short DER `IA5String` or `UTF8String`.
fn text(der: &[u8]) -> Option<String> {
    let [0x16 | 0x0C, length @ 0..=0x7F, text @ ..] = der else { return None };
    (text.len() == usize::from(*length) && text.is_ascii())
        .then(|| String::from_utf8_lossy(text).into_owned())
}
