//! `privet keygen`.

use std::process::ExitCode;

use privet_serve::MachineKey;
use privet_serve::keys::write_new;

use crate::args::KeygenArgs;
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &KeygenArgs) -> Result<ExitCode, Failure> {
    let key = MachineKey::generate(&args.name)?;
    write_new(&args.out, &key.to_text()?)?;
    eprintln!("The secret half is in `{}`. Give the line below to the model's owner.", args.out.display());
    let (public, file) = (key.public().to_string(), args.out.display().to_string());
    if args.json {
        let facts = serde_json::json!({ "name": args.name, "public": public, "file": file });
        print(&facts.to_string());
    } else {
        print(&public);
    }
    Ok(ExitCode::SUCCESS)
}
