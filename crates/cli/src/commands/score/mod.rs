//! `privet score`: many rows, in memory that does not grow with them, to be taken up again wherever it was ended.

mod ask;
mod disk;
mod input;
mod pins;
mod record;
mod work;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::{self, TryStreamExt as _};
use indicatif::ProgressBar;
use privet_deploy::Error;
use privet_model::tensor::{Data, Tensor};
use privet_serve::deployed::{Deployed, wait_of};
use tokio::task::block_in_place;

use self::ask::{Answers, Asker, REFUSED};
use self::disk::Machine;
use self::input::{Input, chunk_rows, read_ahead};
use self::pins::Pins;
use self::work::{Work, part};
use crate::args_score::{Refused, ScoreArgs};
use crate::commands::predict::remark;
use crate::failure::Failure;
use crate::output::{self, print};
use crate::rows::{RowsError, Series, Stream, Wanted, growing};

pub(crate) async fn run(args: &ScoreArgs) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let (format, target) = (growing(&args.out)?, target(args)?);
    let skip = args.refused == Refused::Skip;
    let deployed = Deployed::open_with(&args.to, wait_of(args.deadline)?, &(&args.belief).into())?;
    let inputs = deployed.caller().inputs().to_vec();
    let stream = Stream::open(&args.rows, &Wanted { inputs, keep: args.keep.clone(), lenient: skip })?;
    let columns = columns(&stream, &deployed)?;
    let input = block_in_place(|| Input::look_through(&args.rows, &stream))?;
    let rows = args.part.of(input.rows);
    let work = work(args, &target, &pins(&deployed, &input, &rows, &columns))?;
    let resumed = work.done.rows;
    let asker = Arc::new(asker(args, deployed, output::rate(rows.len() as u64, resumed as u64))?);
    let mut scoring = Scoring { work, asker, resumed, start };
    let done = scoring.ask(args, stream, rows.start + resumed..rows.end).await;
    scoring.asker.bar.finish_and_clear();
    done.inspect_err(|_| scoring.say_what_is_kept(rows.len(), &target))?;
    input.refuse_changed()?;
    let shown = if skip { &columns[..] } else { &columns[..columns.len() - 1] };
    block_in_place(|| scoring.work.finish(format, shown))?;
    scoring.report(args);
    Ok(ExitCode::SUCCESS)
}

fn pins(deployed: &Deployed, input: &Input, rows: &Range<usize>, columns: &[Series]) -> Pins {
    Pins {
        deployment: deployed.file().digest.clone(),
        input: input.digest.clone(),
        rows: (rows.start, rows.end),
        columns: Pins::columns(columns),
    }
}

/// The work file. Without a column that tells, gaps would be in the answers that nobody was told of.
fn work(args: &ScoreArgs, target: &Path, pins: &Pins) -> Result<Work<Machine>, Error> {
    let work = block_in_place(|| Work::open(target, pins, args.restart, Machine))?;
    let refused = work.done.refused;
    if refused == 0 || args.refused == Refused::Skip {
        return Ok(work);
    }
    let what = format!(
        "The answers so far leave out {refused} refused rows. Go on with `--refused skip`, or begin anew with `--restart`."
    );
    Err(Error::usage("E117", what))
}

fn asker(args: &ScoreArgs, deployed: Deployed, bar: ProgressBar) -> Result<Asker, Error> {
    Ok(Asker {
        deployed,
        patience: wait_of(args.patience)?,
        skip: args.refused == Refused::Skip,
        bar,
        retries: AtomicU64::new(0),
        missing: AtomicBool::new(false),
    })
}

struct Scoring {
    work: Work<Machine>,
    asker: Arc<Asker>,
    resumed: usize,
    start: Instant,
}

impl Scoring {
    /// Asks about these rows, several questions at a time; answers are kept in the order of the rows.
    async fn ask(&mut self, args: &ScoreArgs, stream: Stream, rows: Range<usize>) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let Asker { deployed, bar, .. } = &*self.asker;
        bar.suspend(|| stream.notes().iter().for_each(|note| eprintln!("{note}")));
        // Evidence first: who is not believed gets no rows.
        self.asker.patiently(|deployed| async move { deployed.opened().await }).await?;
        if let Some(remark) = remark(deployed) {
            bar.suspend(|| eprintln!("{remark}"));
        }
        let at_a_time = chunk_rows(args.chunk_rows, deployed.caller().inputs());
        let mut chunks = read_ahead(stream, rows, at_a_time);
        let chunks = stream::poll_fn(move |context| chunks.poll_recv(context));
        let mut answers = chunks.map(|read| asked(Arc::clone(&self.asker), read)).buffered(args.in_flight);
        while let Some(Answers { columns, refused }) = answers.try_next().await? {
            block_in_place(|| self.work.append(&columns, refused))?;
            self.asker.bar.set_position(self.work.done.rows as u64);
        }
        Ok(())
    }

    /// What a person must know who finds the command ended.
    fn say_what_is_kept(&self, rows: usize, target: &Path) {
        let (done, part) = (self.work.done.rows, part(target));
        eprintln!(
            "{done} of {rows} rows are answered and kept in `{}`; the same command goes on with the rest.",
            part.display()
        );
    }

    fn report(&self, args: &ScoreArgs) {
        let Asker { deployed, retries, .. } = &*self.asker;
        let (rows, refused) = (self.work.done.rows, self.work.done.refused);
        if refused > 0 {
            eprintln!(
                "{refused} of {rows} rows were refused; the column `{REFUSED}` of `{}` says why.",
                args.out
            );
        }
        if args.json {
            let (seconds, (up, down)) = (self.start.elapsed().as_secs_f64(), deployed.bytes());
            let facts = serde_json::json!({
                "rows": rows, "refused": refused, "resumed_rows": self.resumed, "retries": retries.load(Ordering::Relaxed),
                "seconds": seconds, "rows_per_s": (rows - self.resumed) as f64 / seconds, "bytes_up": up, "bytes_down": down,
                "bound": deployed.caller().bound(), "assurance": deployed.caller().assurance(),
            });
            print(&facts.to_string());
        }
    }
}

/// A task of its own for each question, so that one is prepared while others wait.
async fn asked(asker: Arc<Asker>, read: input::Ahead) -> Result<Answers, Failure> {
    let (first, chunk) = read?;
    let task = tokio::spawn(async move { asker.about(chunk, first).await });
    Ok(task.await.map_err(|e| Failure::ours(format!("A task failed: {e}.")))??)
}

/// The columns of the answers, without rows: those that are kept, the outputs, and why a row was refused.
fn columns(stream: &Stream, deployed: &Deployed) -> Result<Vec<Series>, RowsError> {
    let mut columns = stream.kept().to_vec();
    for port in deployed.caller().outputs() {
        let none = Tensor { rows: 0, width: port.width, data: Data::empty(port.dtype) };
        columns.extend(Series::of_output(port, &none, &[]));
    }
    columns.push(Series::texts(REFUSED, Vec::new()));
    for (at, column) in columns.iter().enumerate() {
        if columns[..at].iter().any(|before| before.name == column.name) {
            return Err(RowsError::columns(format!(
                "The answers would have two columns `{}`. Keep no column of that name, and each once.",
                column.name
            )));
        }
    }
    Ok(columns)
}

/// Where the answers go, through symbolic links; only a file can be resumed, and not the rows' own.
fn target(args: &ScoreArgs) -> Result<PathBuf, RowsError> {
    let real = |path: &str| std::fs::canonicalize(path).ok();
    let there = real(&args.out);
    let refusal = match &there {
        Some(path) if !path.is_file() => Some("it is no file"),
        Some(path) if real(&args.rows).as_ref() == Some(path) => Some("it is the file of the rows"),
        _ => None,
    };
    match refusal {
        Some(why) => Err(RowsError::unwritable(why).within(&args.out)),
        None => Ok(there.unwrap_or_else(|| PathBuf::from(&args.out))),
    }
}
