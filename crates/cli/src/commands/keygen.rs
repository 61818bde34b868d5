//! `privet keygen`: a machine's key, or a client's token.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use privet_deploy::Error;
use privet_ring::entropy::Entropy as _;
use privet_serve::MachineKey;
use privet_serve::entropy::OsEntropy;
use privet_serve::keys::write_new;
use privet_serve::public_key::check_name;
use zeroize::Zeroizing;

use crate::args::KeygenArgs;
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &KeygenArgs) -> Result<ExitCode, Failure> {
    check_name(&args.name)?;
    let (secret, public) = if args.token { token()? } else { key(&args.name)? };
    let before = if args.replace { Some(put_aside(&args.out)?) } else { None };
    write_new(&args.out, &secret)?;
    tell(args, before.as_deref());
    let file = args.out.display().to_string();
    if args.json {
        let what = if args.token { "token_digest" } else { "public" };
        let mut facts = serde_json::json!({ "name": args.name, what: public, "file": file });
        if let Some(before) = before {
            facts["before"] = before.display().to_string().into();
        }
        print(&facts.to_string());
    } else {
        print(&public);
    }
    Ok(ExitCode::SUCCESS)
}

fn key(name: &str) -> Result<(Zeroizing<String>, String), Failure> {
    let key = MachineKey::generate(name)?;
    Ok((key.to_text()?, key.public().to_string()))
}

/// 32 random bytes in hexadecimal, and their digest.
fn token() -> Result<(Zeroizing<String>, String), Failure> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsEntropy.fill(&mut *bytes).map_err(|_| {
        Failure::ours("The operating system gave no randomness, so no token was made.".into())
    })?;
    let text = Zeroizing::new(privet_tee::statement::hex(&*bytes));
    let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
    Ok((text, digest))
}

fn tell(args: &KeygenArgs, before: Option<&Path>) {
    let file = args.out.display();
    match (args.token, before) {
        (true, _) => eprintln!(
            "The token is in `{file}`: give it to the client alone. The line below is its `token_digest`, for `[[clients]]` of a role."
        ),
        (false, None) => {
            eprintln!("The secret half is in `{file}`. Give the line below to the model's owner.");
        }
        (false, Some(before)) => eprintln!(
            "The new secret half is in `{file}`, the one before in `{}`. Give the line below to the model's owner, who makes a new bundle \
             with `privet bundle --from deployment.toml --replace LINE`. Until it is here, serve with the key before.",
            before.display()
        ),
    }
}

/// Moves a file to the first free name behind its own.
fn put_aside(file: &Path) -> Result<PathBuf, Failure> {
    let cannot = |e: std::io::Error| {
        Failure::from(Error::usage("E144", format!("`{}` cannot be put aside: {e}.", file.display())))
    };
    if !file.exists() {
        let what = format!(
            "`--replace` replaces a key, and there is none in `{}`. Leave it out to make the first.",
            file.display()
        );
        return Err(Error::usage("E314", what).into());
    }
    let name = |n: u32| PathBuf::from(format!("{}.before-{n}", file.display()));
    let free = (1..1000).map(name).find(|path| path.symlink_metadata().is_err());
    let to = free.unwrap_or_else(|| name(1000));
    std::fs::rename(file, &to).map_err(cannot)?;
    Ok(to)
}
