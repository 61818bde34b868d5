//! What may be typed after `privet bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use privet_bench::record::Prices;
use privet_serve::up::network::Network;

use crate::args::{KindArg, RevealArg, ServedArgs, at_least_one, protocol_parser};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BenchCommand>,
    /// The exported model.
    #[arg(required = true)]
    pub(crate) model: Option<PathBuf>,
    /// Which kinds.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "plain,mpc,tee,he")]
    pub(crate) kinds: Vec<KindArg>,
    /// Which protocols, for the mpc kind, side by side.
    #[arg(long, value_delimiter = ',', default_value = "replicated3", value_parser = protocol_parser())]
    pub(crate) protocols: Vec<String>,
    /// What the client gets, one after the other.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "score")]
    pub(crate) reveal: Vec<RevealArg>,
    /// Largest error of what is revealed, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "1e-4")]
    pub(crate) accuracy: Vec<f64>,
    #[command(flatten)]
    pub(crate) served: ServedArgs,
    /// Rows per request.
    #[arg(long, value_delimiter = ',', default_value = "1,16,128,1024,8192,65536", value_parser = at_least_one())]
    pub(crate) batch_sizes: Vec<usize>,
    /// Requests in flight at a time.
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = at_least_one())]
    pub(crate) concurrency: Vec<usize>,
    /// Requests per place; fewer where they take more than ten seconds together, but at least 20 of them, or five in a minute.
    #[arg(long, default_value_t = 200, value_parser = at_least_one())]
    pub(crate) repeats: usize,
    /// What lies between the roles, and between them and the client: `loopback`, which is this machine's own; `lan` (1 ms there and
    /// back, 1000 Mbit/s), `wan` (40 ms, 100 Mbit/s), or numbers as `10ms` or `10ms/100`, which relays imitate.
    #[arg(long, value_delimiter = ',', default_value = "loopback", value_parser = network)]
    pub(crate) networks: Vec<(String, Network)>,
    /// Dollars for one core of a server for an hour.
    #[arg(long, default_value_t = Prices::default().core_hour)]
    pub(crate) price_core_hour: f64,
    /// Dollars for 10^9 bytes that leave a server.
    #[arg(long, default_value_t = Prices::default().gigabyte)]
    pub(crate) price_gigabyte: f64,
    /// Where the record goes; written after every place.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Goes on with the record that is there, and measures only what it lacks.
    #[arg(long, requires = "json")]
    pub(crate) resume: bool,
}

fn network(text: &str) -> Result<(String, Network), String> {
    privet_bench::networks::parse(text).map(|network| (text.to_owned(), network))
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Makes one page with plots from records, or Markdown with plots beside it.
    #[command(
        after_help = "Examples:\n  privet bench report record.json peers.json -o report.html\n  privet bench report record.json --markdown BENCHMARKS.md --plots docs/bench/plots"
    )]
    Report(ReportArgs),
    /// Sets two records side by side: what changed, and by how much more than noise.
    #[command(after_help = "Example:\n  privet bench compare before.json after.json")]
    Compare(CompareArgs),
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Records, as `--json` wrote them.
    #[arg(required = true)]
    pub(crate) records: Vec<PathBuf>,
    /// One HTML page, with its plots in it and nothing from elsewhere.
    #[arg(short, long, required_unless_present_any = ["markdown", "plots"])]
    pub(crate) output: Option<PathBuf>,
    /// The same as Markdown, which shows the plots that `--plots` writes.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// A folder for every plot as an SVG file of its own.
    #[arg(long)]
    pub(crate) plots: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The record before.
    pub(crate) before: PathBuf,
    /// The record after.
    pub(crate) after: PathBuf,
    /// Prints one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}
