//! `privet gateway`.

use std::path::Path;
use std::process::ExitCode;

use privet_deploy::Error;
use privet_serve::access::Token;
use privet_serve::config::read_text;
use privet_serve::deployed::{Deployed, wait_of};
use privet_serve::gateway::{Batching, Gateway};
use privet_serve::roles;
use privet_serve::server::Door;
use privet_serve::telemetry;
use privet_serve::tls::pem_server_config;
use zeroize::Zeroizing;

use crate::args::GatewayArgs;
use crate::commands::predict::remark;
use crate::commands::up::stop_signal;
use crate::failure::Failure;
use crate::output::print;

pub(crate) async fn run(args: &GatewayArgs) -> Result<ExitCode, Failure> {
    let deadline = wait_of(args.deadline)?;
    let delay = wait_of(args.batch_delay / 1000.0)?;
    let batching = Batching { rows: args.batch_rows, delay, calls: args.batch_calls };
    telemetry::start("gateway")?;
    let deployed = Deployed::open_with(&args.to, deadline, &(&args.belief).into())?;
    // What an enclave runs under is known once it was asked. Roles that are not there yet may come later.
    if let Err(e) = deployed.opened().await {
        eprintln!("{e}");
    }
    if let Err(e) = deployed.prepare_ahead(args.tickets).await {
        eprintln!("{e}");
    }
    if let Some(remark) = remark(&deployed) {
        eprintln!("{remark}");
    }
    let door = door(args)?;
    let scheme = if door.is_some() { "https" } else { "http" };
    let prepared = roles::gateway(Gateway::new(deployed, batching)?, &args.listen, door, deadline).await?;
    let stop = stop_signal()?;
    print(&format!("ready {scheme}://{}", prepared.address()));
    prepared.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// For callers from elsewhere: TLS, and a token.
fn door(args: &GatewayArgs) -> Result<Option<Door>, Error> {
    let (Some(token), Some(certificate), Some(key)) = (&args.caller_token, &args.certificate, &args.key)
    else {
        return Ok(None);
    };
    let secret = |path: &Path| read_text(path).map(Zeroizing::new);
    let token = Token::new(&secret(token)?)?;
    Ok(Some(Door::tls(pem_server_config(&read_text(certificate)?, &secret(key)?)?).with_token(token)))
}
