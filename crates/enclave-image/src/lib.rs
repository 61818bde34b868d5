//! The measured program, as this build has it inside: `crates/enclave`, static, without symbols, and the same bytes from every
//! folder it is built in. `tools/reproduce-enclave` builds it twice and compares.

use sha2::{Digest as _, Sha256};

/// The program. Empty on a machine for which it is not built: it is for Linux.
pub static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/privet-enclave"));

/// SHA-256 of the program: what a policy names.
pub fn digest() -> [u8; 32] {
    Sha256::digest(IMAGE).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_a_static_program_without_the_paths_of_its_folder() {
        assert!(IMAGE.starts_with(b"\x7fELF"), "no program was embedded");
        let has = |needle: &[u8]| IMAGE.windows(needle.len()).any(|w| w == needle);
        // A dynamic program names its loader.
        assert!(!has(b"/lib64/ld-linux") && !has(b"/lib/ld-linux"));
        let folder = env!("CARGO_MANIFEST_DIR").strip_suffix("/crates/enclave-image").unwrap();
        assert!(!has(folder.as_bytes()), "the image tells where it was built");
        if let Some(home) = std::env::home_dir() {
            assert!(
                !has(format!("{}/.cargo", home.display()).as_bytes()),
                "the image tells whose home it was built in"
            );
        }
        assert!(has(b"/cargo/registry"), "expected the remapped path of a dependency");
    }
}
