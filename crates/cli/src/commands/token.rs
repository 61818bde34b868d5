//! `privet token`.

use std::path::Path;
use std::process::ExitCode;

use privet_deploy::Error;
use privet_ring::entropy::draw;
use privet_serve::config::read_text;
use privet_serve::entropy::OsEntropy;
use privet_serve::keys::write_new;
use privet_tee::statement::Hex;
use privet_tee::token::{OwnerKey, TokenClaims};
use privet_tee::verify::rfc3339;
use zeroize::Zeroizing;

use crate::args::TokenArgs;
use crate::commands::{read_bundle, time};
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &TokenArgs) -> Result<ExitCode, Failure> {
    let key = read_owner_key(&args.token_key)?;
    let bundle = read_bundle(&args.bundle)?;
    if bundle.tee()?.tokens != Some(key.public()) {
        let (bundle, key) = (args.bundle.display(), args.token_key.display());
        let what = format!(
            "`{bundle}` was not made with the key in `{key}`, so that no enclave of it would take its tokens."
        );
        return Err(Error::refused("E382", what).into());
    }
    let claims = TokenClaims {
        id: Hex(draw(&mut OsEntropy)
            .map_err(|_| Failure::ours("The operating system gave no randomness.".into()))?),
        bundle: Hex(bundle.digest()),
        client: client(&args.client)?,
        rows: args.rows,
        not_after: args.until.as_deref().map(|until| time("--until", until)).transpose()?,
    };
    let token = key.sign(&claims);
    if let Some(path) = &args.output {
        write_new(path, &format!("{token}\n"))?;
    }
    show(args, &claims, &token);
    Ok(ExitCode::SUCCESS)
}

/// The key that signs tokens.
pub(crate) fn read_owner_key(path: &Path) -> Result<OwnerKey, Error> {
    let text = Zeroizing::new(read_text(path)?);
    OwnerKey::from_text(&text)
        .ok_or_else(|| Error::usage("E141", format!("`{}` is no key that signs tokens.", path.display())))
}

fn client(name: &str) -> Result<String, Error> {
    if (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.into());
    }
    Err(Error::usage("E383", "`--client` has 1 to 64 letters, none of which is a control character."))
}

fn show(args: &TokenArgs, claims: &TokenClaims, token: &str) {
    let until = claims.not_after.map(rfc3339);
    let limit = until
        .as_deref()
        .map_or_else(String::new, |until| format!(", until {until} by the key service's clock"));
    eprintln!(
        "For `{}`: {} rows{limit}. Whoever holds the token may ask: send it as you would a password.",
        claims.client, claims.rows
    );
    if args.json {
        let file = args.output.as_ref().map(|path| path.display().to_string());
        let shown = file.is_none().then_some(token);
        let (id, client, rows) = (claims.id.to_string(), &claims.client, claims.rows);
        let facts = serde_json::json!({ "id": id, "client": client, "rows": rows, "until": until, "token": shown, "file": file });
        print(&facts.to_string());
    } else if args.output.is_none() {
        print(token);
    }
}
