//! Vendors' roots, compiled in, each with its fingerprint. There is no way to add one: no argument, no file, no variable.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::policy::{Product, Signer};
use crate::statement::{Hex, sha256};

/// A certificate that nobody signs but its owner.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    /// As its subject calls it.
    pub name: &'static str,
    /// SHA-256 of the certificate, in hexadecimal, from the vendor.
    pub fingerprint: &'static str,
    /// PEM, or DER.
    file: &'static [u8],
}

/// AMD, for Milan.
pub const ARK_MILAN: Root = Root {
    name: "ARK-Milan",
    fingerprint: "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
    file: include_bytes!("../../../../tee-vectors/roots/amd_ask_ark_milan.pem"),
};

/// AMD, for Genoa.
pub const ARK_GENOA: Root = Root {
    name: "ARK-Genoa",
    fingerprint: "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
    file: include_bytes!("../../../../tee-vectors/roots/amd_ask_ark_genoa.pem"),
};

/// AMD, for Turin.
pub const ARK_TURIN: Root = Root {
    name: "ARK-Turin",
    fingerprint: "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
    file: include_bytes!("../../../../tee-vectors/roots/amd_ask_ark_turin_vcek.pem"),
};

/// AWS, for Nitro Enclaves.
pub const AWS_NITRO_G1: Root = Root {
    name: "aws.nitro-enclaves",
    fingerprint: "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b",
    file: include_bytes!("../../../../tee-vectors/roots/aws_nitro_root_g1.pem"),
};

/// Intel, for SGX and TDX.
pub const INTEL_SGX: Root = Root {
    name: "Intel SGX Root CA",
    fingerprint: "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
    file: include_bytes!("../../../../tee-vectors/roots/intel_sgx_root_ca.der"),
};

impl Root {
    /// The certificate: the one of this file that has the fingerprint. `None` only if somebody changed the file.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        let fingerprint: Hex<32> = self.fingerprint.parse().ok()?;
        let itself = std::iter::once(CertificateDer::from_slice(self.file));
        chain(self.file).chain(itself).find(|der| sha256(der) == fingerprint.0)
    }
}

/// AMD's root for a line.
pub const fn amd_root(product: Product) -> Root {
    match product {
        Product::Milan => ARK_MILAN,
        Product::Genoa => ARK_GENOA,
        Product::Turin => ARK_TURIN,
    }
}

/// Certificates that AMD publishes between its root for a line and the keys that sign reports. The root vouches for them.
pub(super) fn amd_intermediates(product: Product, signer: Signer) -> Vec<CertificateDer<'static>> {
    let pem: &[u8] = match (product, signer) {
        (Product::Milan, Signer::Vcek) => ARK_MILAN.file,
        (Product::Genoa, Signer::Vcek) => ARK_GENOA.file,
        (Product::Turin, Signer::Vcek) => ARK_TURIN.file,
        (Product::Milan, Signer::Vlek) => {
            include_bytes!("../../../../tee-vectors/roots/amd_ask_ark_milan_vlek.pem")
        }
        (Product::Genoa, Signer::Vlek) => {
            include_bytes!("../../../../tee-vectors/roots/amd_ask_ark_genoa_vlek.pem")
        }
        (Product::Turin, Signer::Vlek) => {
            include_bytes!("../../../../tee-vectors/roots/amd_ask_ark_turin_vlek.pem")
        }
    };
    let root = amd_root(product).certificate();
    chain(pem).filter(|der| Some(der) != root.as_ref()).collect()
}

fn chain(pem: &'static [u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_of_the_fingerprints() {
        for root in [ARK_MILAN, ARK_GENOA, ARK_TURIN, AWS_NITRO_G1, INTEL_SGX] {
            let der = root.certificate().unwrap_or_else(|| panic!("{} has another fingerprint", root.name));
            assert_eq!(Hex(sha256(&der)).to_string(), root.fingerprint, "{}", root.name);
            let sources = include_str!("../../../../tee-vectors/SOURCES.md").replace(':', "").to_lowercase();
            assert!(sources.contains(root.fingerprint), "{} stands in SOURCES.md", root.name);
        }
    }

    #[test]
    fn each_line_has_one_intermediate_for_each_signer() {
        for product in Product::ALL {
            for signer in [Signer::Vcek, Signer::Vlek] {
                assert_eq!(amd_intermediates(product, signer).len(), 1, "{product:?} {signer:?}");
            }
        }
    }
}
