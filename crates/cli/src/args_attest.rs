//! What a person may type after `privet attest`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::BeliefArgs;

#[derive(Subcommand)]
pub(crate) enum AttestCommand {
    /// Says in words what a file of evidence is, who signed it, what it shows and what it does not.
    #[command(
        after_help = "Examples:\n  privet attest explain quote.bin\n  privet attest explain report.hex --collateral vcek.der --at 2026-01-31T12:00:00Z"
    )]
    Explain(InspectArgs),
    /// Appraises a file of evidence by a policy: every check, and whether it is accepted. Exit code 3 where it is refused.
    #[command(
        after_help = "Examples:\n  privet attest verify quote.bin --policy policy.toml --collateral collateral.json\n  privet attest verify report.bin --policy policy.toml --collateral vcek.der --at 2026-01-31T12:00:00Z --json"
    )]
    Verify(VerifyArgs),
    /// Says what of a file of evidence and its collateral runs out when.
    #[command(
        after_help = "Examples:\n  privet attest status quote.bin --collateral collateral.json\n  privet attest status document.cose --at 2026-01-31 --json"
    )]
    Status(InspectArgs),
    /// Asks a deployment for its evidence, appraises it by the deployment's policy, and shows every check. No row is sent.
    #[command(
        after_help = "Examples:\n  privet attest show --to run/deployment.toml\n  privet attest show --to run/deployment.toml -o evidence.json"
    )]
    Show(ShowArgs),
    /// Says in words whom a policy believes.
    #[command(
        after_help = "Examples:\n  privet attest policy policy.toml\n  privet attest policy policy.toml --json"
    )]
    Policy(PolicyArgs),
    /// Shows the log of a key service: which enclaves got which model's key, and whether a line was edited, dropped or moved.
    /// Exit code 5 where one was.
    #[command(
        after_help = "Examples:\n  privet attest log state/releases.jsonl --bundle deployment.toml\n  privet attest log state/releases.jsonl --json"
    )]
    Log(LogArgs),
}

#[derive(Args)]
pub(crate) struct InspectArgs {
    /// A quote, a report, a document (raw, hexadecimal or base64), or this program's envelope; its content says which.
    pub(crate) evidence: PathBuf,
    /// What the vendor publishes beside it: Intel's collateral (JSON), AMD's certificates and lists (DER or PEM). Repeatable.
    #[arg(long)]
    pub(crate) collateral: Vec<PathBuf>,
    /// The time to appraise it at, as 2026-01-31T12:00:00Z; now if left out.
    #[arg(long)]
    pub(crate) at: Option<String>,
    /// Prints one JSON object instead of words.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Whom to believe.
    #[arg(long)]
    pub(crate) policy: PathBuf,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// The deployment's file.
    #[arg(long)]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) belief: BeliefArgs,
    /// Where the evidence goes, for `verify`, `explain` and `status`; never overwritten.
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Prints one JSON object instead of words.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct PolicyArgs {
    /// The policy file.
    pub(crate) policy: PathBuf,
    /// Prints one JSON object instead of words.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct LogArgs {
    /// `releases.jsonl` in the key service's folder, or a copy.
    pub(crate) log: PathBuf,
    /// A bundle (`deployment.toml` or `public.json`) that names the key service's key: lines signed by any other are refused.
    /// Repeatable, where a log has lines of several models.
    #[arg(long)]
    pub(crate) bundle: Vec<PathBuf>,
    /// Prints one JSON object instead of a line per entry.
    #[arg(long)]
    pub(crate) json: bool,
}

impl AttestCommand {
    /// Whether errors are wanted as JSON too.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Explain(a) | Self::Status(a) => a.json,
            Self::Verify(a) => a.inspect.json,
            Self::Show(a) => a.json,
            Self::Policy(a) => a.json,
            Self::Log(a) => a.json,
        }
    }
}
