//! `privet-credit demo`: the whole story by the commands that a user would type, each shown before it runs.

mod deployed;
mod scores;
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use self::deployed::{Deployed, Kind};
use self::steps::{Programs, text};
use crate::failure::Failure;
use crate::output::{count, print, write_whole};

/// The whole story on this machine: tables, features, a trained model, its private deployment, and what that costs.
#[derive(Args)]
#[command(after_help = "Examples:
  privet-credit demo
  privet-credit demo --tables home-credit --dir story
  privet-credit demo --applicants 50000 --json")]
pub(crate) struct Demo {
    /// Your own download of the eight tables, instead of drawn ones.
    #[arg(long, value_name = "DIR")]
    pub(crate) tables: Option<PathBuf>,
    /// How many applicants to draw.
    #[arg(long, value_name = "N", default_value_t = 60_000, conflicts_with = "tables")]
    pub(crate) applicants: u64,
    /// What the draws and the training come from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where everything goes; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "privet-credit-demo")]
    pub(crate) dir: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What was seen.
#[derive(Serialize)]
struct Story {
    /// Where the rows came from.
    source: String,
    synth: Option<Value>,
    features: Value,
    train: Value,
    kinds: Vec<Deployed>,
    /// The page to look at.
    report: PathBuf,
    seconds: f64,
}

pub(crate) fn run(args: &Demo) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    std::fs::create_dir_all(&args.dir).map_err(|e| Failure::writing(&args.dir, e))?;
    let programs = Programs::find(args.json)?;
    let story = tell(args, &programs, start)?;
    let object = serde_json::to_string(&story).map_err(|e| Failure::ours(e.to_string()))?;
    write_whole(&args.dir.join("demo.json"), object.as_bytes())?;
    if args.json {
        print(&object);
    } else {
        conclude(&story);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &Demo, programs: &Programs, start: Instant) -> Result<Story, Failure> {
    let file = |name: &str| args.dir.join(name);
    let (tables, synth) = match &args.tables {
        Some(tables) => (tables.clone(), None),
        None => draw(args, programs)?,
    };
    let source =
        synth.as_ref().map_or_else(|| format!("Tables of `{}`.", tables.display()), |s| text(s, "note"));
    let (features, model) = (file("features.parquet"), file("model.onnx"));
    let made = programs.credit(&["features", "--tables", &path(&tables), "--out", &path(&features)])?;
    let seed = args.seed.to_string();
    let (from, to, all) = (path(&features), path(&model), path(&file("trained.parquet")));
    let flags = ["--l2", "1e-3", "--seed", &seed, "--scores", &all, "--source", &source];
    let train =
        programs.credit(&[&["train", "--features", &from, "--out", &to], flags.as_slice()].concat())?;
    let preparation = path(&file("model.preparation.json"));
    for (rows, out) in [("training", "ranges.parquet"), ("held-out", "rows.parquet")] {
        let out = path(&file(out));
        let flags = ["--features", &from, "--preparation", &preparation, "--rows", rows, "--out", &out];
        programs.credit(&[&["prepare"], flags.as_slice()].concat())?;
    }
    let trained = scores::held_out(&file("trained.parquet"))?;
    let mut kinds = Vec::new();
    for kind in [Kind::Plain, Kind::Mpc] {
        kinds.push(Deployed::run(kind, programs, &args.dir, &trained)?);
    }
    Ok(Story {
        source,
        synth,
        features: made,
        train,
        kinds,
        report: file("model.report.html"),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Draws the tables anew where an earlier demo drew them.
fn draw(args: &Demo, programs: &Programs) -> Result<(PathBuf, Option<Value>), Failure> {
    let tables = args.dir.join("drawn-tables");
    if tables.exists() {
        std::fs::remove_dir_all(&tables).map_err(|e| Failure::writing(&tables, e))?;
    }
    let (number, seed) = (args.applicants.to_string(), args.seed.to_string());
    let flags = ["synth", "--applicants", &number, "--seed", &seed, "--out", &path(&tables)];
    let drawn = programs.credit(&flags)?;
    Ok((tables, Some(drawn)))
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn conclude(story: &Story) {
    let parts = &story.train["parts"]["held-out"];
    let number = |value: &Value| value.as_f64().map_or_else(|| "not defined".into(), |x| format!("{x:.4}"));
    print("");
    print(&story.source);
    print(&format!(
        "The model: AUC {}, log loss {} on {} applicants that nothing was fitted on.",
        number(&parts["auc"]),
        number(&parts["log_loss"]),
        count(parts["rows"].as_u64().unwrap_or(0))
    ));
    print("The same applicants, asked of each deployment:");
    print("");
    print("  kind   AUC     largest difference  proven bound  seconds  bytes up     under which assurance");
    for kind in &story.kinds {
        print(&kind.line());
    }
    print("");
    print(&format!("{} shows the model; everything took {:.0} s.", story.report.display(), story.seconds));
}
