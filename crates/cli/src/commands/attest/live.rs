//! Evidence of a deployment that runs.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_deploy::tee::attestation::Presented;
use privet_deploy::tee::caller::TeeCaller;
use privet_deploy::tee::{EVIDENCE, reply_bytes};
use privet_ring::entropy::draw;
use privet_serve::Client;
use privet_serve::belief::Belief;
use privet_serve::deployed::now;
use privet_serve::deployment::DeploymentFile;
use privet_serve::entropy::OsEntropy;

use super::evidence::conclude;
use crate::args_attest::ShowArgs;
use crate::failure::Failure;

const DEADLINE: Duration = Duration::from_secs(30);

pub(super) async fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let (file, public) = DeploymentFile::read(&args.to)?;
    let folder = args.to.parent().unwrap_or(Path::new(""));
    let caller = TeeCaller::new(&public, Belief::from(&args.belief).trust(&file, folder)?)?;
    let endpoint =
        file.endpoints.first().ok_or_else(|| Error::usage("E142", "The deployment has no endpoint."))?;
    let client = Client::new(&endpoint.endpoint(folder, &file.shown(folder)?)?)?;
    let nonce =
        draw(&mut OsEntropy).map_err(|_| Failure::ours("The operating system gave no randomness.".into()))?;
    let reply = client.infer(caller.challenge(nonce), Instant::now() + DEADLINE).await?;
    let presented = reply_bytes(reply, EVIDENCE)
        .and_then(|bytes| Presented::parse(&bytes))
        .ok_or_else(|| Error::integrity("E362", "What came where evidence was asked for is none."))?;
    if let Some(path) = &args.output {
        write_new(path, &presented.evidence.0)?;
    }
    let (verdict, _) = caller.appraise(&presented, nonce, now());
    conclude(&verdict, args.json)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    use std::io::Write as _;
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| Error::usage("E144", format!("`{}` cannot be written: {e}.", path.display())))
}
