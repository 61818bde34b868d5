//! `privet-credit prepare`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::train::Bar;
use crate::failure::Failure;
use crate::output::{count, print};
use crate::train::{ModelFile, Table, Which, write_rows};

/// Makes the rows that a model takes of a table of features.
#[derive(Args)]
#[command(after_help = "Examples:
  privet-credit prepare --features features.parquet --preparation model.preparation.json --out rows.parquet
  privet-credit prepare --features features.parquet --preparation model.preparation.json --out rows.parquet --rows held-out")]
pub(crate) struct Prepare {
    /// The table of features, as `privet-credit features` writes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) features: PathBuf,
    /// What lies beside the model.
    #[arg(long, value_name = "FILE")]
    pub(crate) preparation: PathBuf,
    /// The Parquet file to write.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Which applicants.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) rows: Which,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(args: &Prepare) -> Result<ExitCode, Failure> {
    let file = ModelFile::read(&args.preparation)?;
    let table = Table::open(&args.features)?;
    let bar = Bar::new();
    let rows = write_rows(&table, &file, args.rows, &args.out, &|progress| bar.show(progress))?;
    bar.finish();
    let features = file.preparation.features.len();
    if args.json {
        print(&json!({ "rows": rows, "features": features, "out": args.out }).to_string());
    } else {
        print(&format!("{}: {} rows of {features} features.", args.out.display(), count(rows as u64)));
    }
    Ok(ExitCode::SUCCESS)
}
