//! `privet serve plain|party`.

use std::process::ExitCode;

use privet_serve::roles::{party, plain};

use crate::args::ServeRole;
use crate::commands::up::stop_signal;
use crate::failure::Failure;
use crate::output::print;

pub(crate) async fn run(role: &ServeRole) -> Result<ExitCode, Failure> {
    let prepared = match role {
        ServeRole::Plain(args) => plain(&args.config).await?,
        ServeRole::Party(args) => party(&args.config).await?,
    };
    let stop = stop_signal()?;
    print(&format!("ready https://{}", prepared.address()));
    prepared.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
