//! What a person may type to train in private.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use privet_deploy::train::agreement::Arrangement;

use crate::args::protocol_parser;

#[derive(Args)]
#[command(group(ArgGroup::new("where").required(true).args(["to", "here"])))]
pub(crate) struct TrainArgs {
    /// The training that owners and parties agreed on.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) to: Option<PathBuf>,
    /// Everything on this machine: three parties as real processes, and an owner for each `--rows`. Keys, agreement and the parties' shares
    /// lie in this folder, and the same command goes on where it was ended.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) here: Option<PathBuf>,
    /// This owner's machine key, made by `privet keygen`.
    #[arg(long, value_name = "FILE", conflicts_with = "here")]
    pub(crate) key: Option<PathBuf>,
    /// The rows that this owner gives (Parquet, CSV, JSON lines); with `--here` once for each owner. An owner who gave its rows already
    /// leaves it out.
    #[arg(long)]
    pub(crate) rows: Vec<String>,
    /// How this owner's values are filled, clipped and scaled, as `privet-credit` and `privet agree` write it. Without it they are given as
    /// they are.
    #[arg(long, value_name = "FILE")]
    pub(crate) preparation: Option<PathBuf>,
    /// Makes the file of `--preparation` from these rows, if it is not there yet.
    #[arg(long, requires = "preparation")]
    pub(crate) fit: bool,
    /// Brings prepared values that are beyond the agreed range to it, where they are refused otherwise.
    #[arg(long)]
    pub(crate) clip: bool,
    /// With `vertical-by-tags`: the column that says which row is whose.
    #[arg(long, value_name = "COLUMN", requires = "alignment_key")]
    pub(crate) id: Option<String>,
    /// With `vertical-by-tags`: the key that owners share, and parties never see.
    #[arg(long, value_name = "FILE")]
    pub(crate) alignment_key: Option<PathBuf>,
    /// Where the model goes: an ONNX file, or `deployment.toml` where it is kept as shares.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Seconds that the lead waits for parties and other owners before it gives up.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// With `--here`: imitates a round trip of so many milliseconds between the parties, for measurements.
    #[arg(long, value_name = "MS", default_value_t = 0.0, conflicts_with = "to")]
    pub(crate) round_trip: f64,
    /// Prints one JSON object at the end.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
}

/// What is trained, and how. With `--to` all of it stands in the agreement.
#[derive(Args, Clone)]
#[command(next_help_heading = "What is agreed on")]
pub(crate) struct RecipeArgs {
    /// The column with the answer that is to be predicted.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Option<String>,
    /// The columns to learn from; all others without it.
    #[arg(long, value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Columns that are not learned from, as identifiers.
    #[arg(long, value_delimiter = ',', conflicts_with = "columns")]
    pub(crate) leave_out: Vec<String>,
    /// How the owners' rows belong together.
    #[arg(long, value_enum, default_value_t = ArrangementArg::Horizontal)]
    pub(crate) arrangement: ArrangementArg,
    /// What the model is called.
    #[arg(long, default_value = "model")]
    pub(crate) name: String,
    /// Which protocol the parties run.
    #[arg(long, default_value = "replicated3", value_parser = protocol_parser())]
    pub(crate) protocol: String,
    /// Logistic or linear regression.
    #[arg(long, value_enum, default_value_t = LossArg::Logistic)]
    pub(crate) loss: LossArg,
    /// With `--loss squares`: no more than so much of a residual counts.
    #[arg(long, default_value_t = 16.0)]
    pub(crate) most_residual: f64,
    /// Leaves out the constant.
    #[arg(long)]
    pub(crate) no_intercept: bool,
    /// How weights follow gradients.
    #[arg(long, value_enum, default_value_t = OptimiserArg::Adam)]
    pub(crate) optimiser: OptimiserArg,
    /// How fast; 0.001 for Adam and 0.1 for gradient descent without it.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Rows of a batch.
    #[arg(long, default_value_t = 128)]
    pub(crate) batch: usize,
    /// How often each row is used at most.
    #[arg(long, default_value_t = 5)]
    pub(crate) epochs: u64,
    /// Half of this times the sum of squared weights is added to the loss.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) l2: f64,
    /// The part of the rows that only judges.
    #[arg(long, default_value_t = 0.1)]
    pub(crate) validation: f64,
    /// So many judgements without a lower loss end the training.
    #[arg(long)]
    pub(crate) patience: Option<u64>,
    /// Steps between two judgements; once an epoch without it.
    #[arg(long)]
    pub(crate) judge_every: Option<u64>,
    /// Decides the public order of rows.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// No prepared value is greater in magnitude.
    #[arg(long, default_value_t = 8.0)]
    pub(crate) largest: f64,
    /// Weights are kept within ±this.
    #[arg(long, default_value_t = 16.0)]
    pub(crate) most_weight: f64,
    /// To whom the model is opened: the name of an owner. Without it, the lead.
    #[arg(long, value_name = "OWNER", conflicts_with = "keep_as_shares")]
    pub(crate) open_to: Option<String>,
    /// Opens the model to nobody: parties keep their shares of it, and answer with them.
    #[arg(long)]
    pub(crate) keep_as_shares: bool,
    /// Adds noise: its deviation, in what one row can change. For differential privacy.
    #[arg(long, value_name = "MULTIPLIER", requires = "norm")]
    pub(crate) noise: Option<f64>,
    /// With `--noise`: the Euclidean norm to which owners scale longer rows down.
    #[arg(long, requires = "noise")]
    pub(crate) norm: Option<f64>,
}

#[derive(Args)]
pub(crate) struct AgreeArgs {
    /// The one-line public key of an owner's machine; once for each, the lead first. Owners are called as their keys are.
    #[arg(long = "owner", value_name = "LINE", required = true)]
    pub(crate) owners: Vec<String>,
    /// The one-line public key of a party's machine; three of them.
    #[arg(long = "party", value_name = "LINE", required = true)]
    pub(crate) parties: Vec<String>,
    /// Where that machine will listen, as `https://HOST:PORT`; once for each party.
    #[arg(long = "url", required = true)]
    pub(crate) urls: Vec<String>,
    /// A file whose header names the columns; with a vertical arrangement one for each owner. Of other owners a header without rows is enough.
    #[arg(long, required = true)]
    pub(crate) rows: Vec<String>,
    /// Writes a preparation that is made from these rows, for owners of different rows to use alike. It tells them the medians, means and
    /// quantiles of these rows.
    #[arg(long, value_name = "FILE")]
    pub(crate) preparation: Option<PathBuf>,
    /// Writes a new key for owners to share, with `vertical-by-tags`.
    #[arg(long, value_name = "FILE")]
    pub(crate) alignment_key: Option<PathBuf>,
    /// Where the agreement goes.
    #[arg(long, short, default_value = "training.toml")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
}

/// How the owners' rows belong together.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArrangementArg {
    /// Each owner has other rows.
    Horizontal,
    /// Each owner has other columns of the same rows, in the same order.
    VerticalInOrder,
    /// Each owner has other columns of rows of which some are the same.
    VerticalByTags,
}

impl From<ArrangementArg> for Arrangement {
    fn from(arg: ArrangementArg) -> Self {
        match arg {
            ArrangementArg::Horizontal => Self::Horizontal,
            ArrangementArg::VerticalInOrder => Self::VerticalInOrder,
            ArrangementArg::VerticalByTags => Self::VerticalByTags,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LossArg {
    /// Logistic regression: labels are 0 and 1.
    Logistic,
    /// Linear regression.
    Squares,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OptimiserArg {
    /// By averages of gradients and of their squares.
    Adam,
    /// Gradient descent.
    Sgd,
}
