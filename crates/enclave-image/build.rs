//! Builds the measured program with a cargo call of its own: other flags, another panic strategy and fewer features than the
//! program that embeds it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program's sources are; nothing else goes into it.
const SOURCES: &[&str] = &["enclave", "tee", "deploy", "model", "mpc", "ring"];
/// What is meant for this script, or for the outer call: flags, another target folder, clippy's wrapper, profiles.
const OUTER: &[&str] = &[
    "CARGO",
    "CLIPPY_",
    "DEBUG",
    "DEP_",
    "HOST",
    "MAKEFLAGS",
    "MFLAGS",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "TARGET",
];
/// Beginning so too, but about where cargo finds things.
const KEPT: &[&str] = &["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_"];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = PathBuf::from(env("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let out = PathBuf::from(env("OUT_DIR")?);
    for source in SOURCES {
        for part in ["src", "Cargo.toml"] {
            println!(
                "cargo::rerun-if-changed={}",
                workspace.join("crates").join(source).join(part).display()
            );
        }
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    let image = out.join("privet-enclave");
    if env("CARGO_CFG_TARGET_OS")? != "linux" {
        std::fs::write(image, [])?;
        return Ok(());
    }
    let target = env("TARGET")?;
    let folder = inner_folder(&out);
    build(&workspace, &target, &folder)?;
    std::fs::copy(folder.join(&target).join("enclave/privet-enclave"), image)?;
    Ok(())
}

/// One for every way in which cargo calls this script (`build`, `check` and clippy have an output folder each), so that the program is
/// built once for all of them.
fn inner_folder(out: &Path) -> PathBuf {
    let build = out.ancestors().find(|folder| folder.ends_with("build"));
    build.and_then(Path::parent).map_or_else(|| out.join("enclave"), |profile| profile.join("enclave"))
}

fn build(workspace: &Path, target: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env("CARGO")?);
    for (name, _) in std::env::vars_os() {
        let begins = |with: &&str| name.to_str().is_some_and(|name| name.starts_with(with));
        if OUTER.iter().any(begins) && !KEPT.iter().any(begins) {
            cargo.env_remove(name);
        }
    }
    // The compiler and the linker of the outer call, which may build for another machine.
    cargo.env("RUSTC", env("RUSTC")?);
    if let Ok(linker) = env("RUSTC_LINKER") {
        cargo.env(format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_")), linker);
    }
    let status = cargo
        .current_dir(workspace)
        .args([
            "build",
            "--locked",
            "--profile",
            "enclave",
            "--package",
            "privet-enclave",
            "--target",
            target,
        ])
        .arg("--target-dir")
        .arg(folder)
        // With the character between them that no path has.
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace, folder)?.join("\u{1f}"))
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!(
            "the measured program was not built: {status}; its own messages are above. It is linked statically: where the linker \
             misses the C library, install its static half (`glibc-static` on Fedora; Debian has it with gcc)"
        )
        .into())
    }
}

/// Static, and without a word of where it was built.
fn flags(workspace: &Path, folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let home = std::env::home_dir().ok_or("there is no home folder")?;
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    // The last that fits is taken.
    let mut flags = vec!["-Ctarget-feature=+crt-static".into(), remap(&cargo, "/cargo")];
    // The folder's own name says which mirror the packages came by.
    for registry in std::fs::read_dir(cargo.join("registry/src")).into_iter().flatten() {
        flags.push(remap(&registry?.path(), "/cargo/registry"));
    }
    flags.extend([remap(workspace, "/privet"), remap(folder, "/target")]);
    Ok(flags)
}

fn env(name: &str) -> Result<String, Box<dyn Error>> {
    Ok(std::env::var(name).map_err(|e| format!("{name}: {e}"))?)
}
