//! `privet check --train`: what a training costs before it begins, and who sees what.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use privet_deploy::check::estimate::{LAN, WAN};
use privet_deploy::train::agreement::Agreement;
use privet_deploy::train::course::Course;
use privet_deploy::train::estimate::{Said, bytes_per_row, dry_run};
use privet_deploy::train::trust::card;
use privet_serve::training::read_agreement;
use serde_json::{Value, json};

use crate::args::CheckArgs;
use crate::failure::Failure;
use crate::output::{bytes, count, print, seconds};

/// Steps that are tried at most.
const TRIED: u64 = 64;

/// What one step costs.
struct Step {
    said: Said,
    /// Seconds, with all parties on this machine.
    here: f64,
}

pub(super) fn run(path: &Path, args: &CheckArgs) -> Result<ExitCode, Failure> {
    let agreement = read_agreement(path)?;
    let course = Course::of(&agreement, args.count);
    let step = step(&agreement, &course)?;
    if args.json {
        print(&report(&agreement, &step, args.count, &course).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{}   agreement {}", agreement.name, agreement.digest_hex()));
    print(&format!(
        "{} rows, of which {} judge; {} columns; {} steps of an epoch, {} in all",
        count(args.count as f64),
        count(course.judging as f64),
        agreement.feature_names().len(),
        count(course.batches as f64),
        count(course.steps as f64)
    ));
    print(&format!(
        "a step: {} rounds, {} between the parties, {} here with all parties on one machine (tried on zeros)",
        step.said.rounds,
        bytes(step.said.bytes as f64),
        seconds(step.here)
    ));
    for (name, per_step) in networks(&step) {
        print(&format!(
            "{name:<44} {} a step, {} in all",
            seconds(per_step),
            duration(per_step * course.steps as f64)
        ));
    }
    for (at, owner) in agreement.owners.iter().enumerate() {
        let (sent, kept) = bytes_per_row(&agreement, at);
        print(&format!(
            "`{}` sends {} for each row; each of two parties keeps {}",
            owner.name,
            bytes(sent as f64),
            bytes(kept as f64 / 2.0)
        ));
    }
    print(&card(&agreement).to_string());
    Ok(ExitCode::SUCCESS)
}

/// As many steps as are made at once, by which proofs and settling are in it.
fn step(agreement: &Agreement, course: &Course) -> Result<Step, Failure> {
    let steps = agreement.training.steps_at_once.min(course.every).clamp(1, TRIED);
    let start = Instant::now();
    let said = dry_run(agreement, steps)?;
    let here = start.elapsed().as_secs_f64() / steps as f64;
    let rounds = (f64::from(said.rounds) / steps as f64).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few rounds
    let said = Said { rounds: rounds as u32, bytes: said.bytes / steps };
    Ok(Step { said, here })
}

/// Seconds of a step where parties are farther from each other: half a round trip for each round, and the bytes of three ways side by side.
fn networks(step: &Step) -> [(String, f64); 3] {
    let far = |(round_trip, bits): (f64, f64)| {
        step.here + 0.5 * round_trip * f64::from(step.said.rounds) + 8.0 * step.said.bytes as f64 / 3.0 / bits
    };
    [
        ("parties on this machine".into(), step.here),
        (format!("1 Gbit/s, a round trip of {}", seconds(LAN.0)), far(LAN)),
        (format!("100 Mbit/s, a round trip of {}", seconds(WAN.0)), far(WAN)),
    ]
}

fn duration(s: f64) -> String {
    match s {
        s if s < 120.0 => seconds(s),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn report(agreement: &Agreement, step: &Step, rows: usize, course: &Course) -> Value {
    let owners = agreement.owners.iter().enumerate().map(|(at, owner)| {
        let (sent, kept) = bytes_per_row(agreement, at);
        json!({ "name": owner.name, "bytes_sent_per_row": sent, "bytes_kept_per_row": kept })
    });
    let networks =
        networks(step).map(|(name, seconds)| json!({ "network": name, "seconds_per_step": seconds }));
    json!({
        "agreement": agreement.digest_hex(),
        "rows": rows,
        "judging": course.judging,
        "steps": course.steps,
        "rounds_per_step": step.said.rounds,
        "bytes_per_step": step.said.bytes,
        "networks": networks,
        "owners": owners.collect::<Vec<_>>(),
        "epsilon": agreement.epsilon(),
        "trust": card(agreement),
    })
}
