//! `privet predict`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use privet_model::graph::Port;
use privet_serve::deployed::{Deployed, wait_of};
use privet_tee::kind::Assurance;

use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::output::{print, progress};
use crate::rows;

pub(crate) async fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let deployed = Deployed::open_with(&args.to, wait_of(args.deadline)?, &(&args.belief).into())?;
    let read = rows::read(&args.rows, deployed.caller().inputs())?;
    read.notes.iter().for_each(|note| eprintln!("{note}"));
    let count = read.tensors.first().map_or(0, |t| t.rows);
    let bar = progress(count as u64, "rows");
    // Evidence first: who is not believed gets no rows, and what it is said before any answer is.
    deployed.opened().await?;
    if let Some(remark) = remark(&deployed) {
        eprintln!("{remark}");
    }
    let start = Instant::now();
    let answer = deployed.predict_with(Arc::new(read.tensors), |done| bar.set_position(done as u64)).await?;
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let ports = deployed.caller().outputs().iter().cloned();
    let outputs: Vec<(Port, _)> = ports.zip(answer.outputs).collect();
    rows::write(args.output.as_deref(), read.format, &outputs)?;
    if args.json {
        let (up, down) = deployed.bytes();
        let facts = serde_json::json!({
            "rows": count, "seconds": seconds, "bytes_up": up, "bytes_down": down,
            "bytes_between": answer.between.bytes, "bytes_dealt": answer.between.dealt, "rounds": 1 + answer.between.rounds,
            "bound": deployed.caller().bound(), "assurance": deployed.caller().assurance(),
        });
        let answers_are_printed = args.output.as_deref().is_none_or(|path| path == "-");
        if answers_are_printed {
            eprintln!("{facts}");
        } else {
            print(&facts.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the user must be told before anything else.
pub(crate) fn remark(deployed: &Deployed) -> Option<&'static str> {
    (deployed.caller().assurance() == Assurance::Simulated.name()).then_some(
        "SIMULATED enclave: the whole protocol runs, and nothing is proven; the owner of that machine can read these rows.",
    )
}
