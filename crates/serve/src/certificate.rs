//! A machine's own certificate: for clients that know certificates but not pinned keys.

use std::time::{Duration, SystemTime};

use privet_deploy::{Blame, Error};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use zeroize::Zeroize as _;

use crate::keys::MachineKey;

impl MachineKey {
    /// A self-signed certificate, as PEM, for `localhost`, both loopback addresses and these names (DNS or IP).
    /// Valid for ten years. Every call signs anew: keep the text, and give the same one to server and clients.
    pub fn certificate(&self, names: &[String]) -> Result<String, Error> {
        let params = params(self.public().name(), names)?;
        let mut pair = self.pair()?;
        let signed = params.self_signed(&pair);
        pair.zeroize();
        let unsigned = |_| {
            Error::new(
                Blame::Ours,
                "E903",
                "The certificate could not be signed; that is a bug of this program. Please report it.",
            )
        };
        Ok(signed.map_err(unsigned)?.pem())
    }
}

/// The certificates of a PEM text, at least one.
pub fn read_pem(text: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| {
        Error::usage("E316", "This is not a certificate: expected PEM text with at least one `BEGIN CERTIFICATE`. Give the file that `keygen` or your certificate authority wrote.")
    })
}

fn params(name: &str, names: &[String]) -> Result<CertificateParams, Error> {
    let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
    for extra in names.iter().filter(|extra| !["localhost", "127.0.0.1", "::1"].contains(&extra.as_str())) {
        ServerName::try_from(extra.as_str()).map_err(|_| bad_name(extra))?;
        all.push(extra.clone());
    }
    let mut params = CertificateParams::new(all).map_err(|_| bad_name(&names.join(", ")))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // Not a certificate authority: it vouches for this machine only. Being its own root is enough for clients.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    // Clocks differ: it is valid since yesterday.
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + 3652 * DAY).into();
    Ok(params)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn bad_name(name: &str) -> Error {
    Error::usage(
        "E316",
        format!(
            "`{name}` is neither a host name nor an address, so no certificate can name it. Give names such as `scores.example.org` or `10.0.0.7`."
        ),
    )
}
