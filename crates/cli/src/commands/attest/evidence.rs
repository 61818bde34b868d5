//! Files of evidence: explained, verified, and what of them runs out.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use privet_deploy::{Blame, Error};
use privet_serve::belief::{read_collateral, read_policy};
use privet_tee::evidence::Evidence;
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, Time, appraise_file, inspect, recognise, rfc3339, seconds_of};
use serde_json::json;

use crate::args_attest::{InspectArgs, PolicyArgs, VerifyArgs};
use crate::commands::time;
use crate::failure::Failure;
use crate::output::print;

const DAY: i128 = 24 * 3600;

/// What was given on the command line.
struct Given {
    file: Vec<u8>,
    collateral: Collateral,
    at: Time,
}

impl Given {
    fn read(args: &InspectArgs) -> Result<Self, Error> {
        // Evidence is a small file too, and so is read as collateral is.
        let mut files = read_collateral(std::iter::once(args.evidence.clone()))?.files;
        let collateral = read_collateral(args.collateral.iter().cloned())?;
        Ok(Self { file: files.pop().unwrap_or_default(), collateral, at: at(args.at.as_deref())? })
    }

    fn recognised(&self, args: &InspectArgs) -> Result<Evidence, Error> {
        let refused = |what| Error::refused("E380", format!("`{}`: {what}.", args.evidence.display()));
        recognise(&self.file).map_err(refused)
    }
}

/// The time at which evidence is judged: as given, else now.
fn at(given: Option<&str>) -> Result<Time, Error> {
    match given {
        Some(text) => time("--at", text),
        None => SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).map_err(|_| {
            Error::usage("E381", "This machine's clock is before 1970; say the time with `--at`.")
        }),
    }
}

pub(super) fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let policy = read_policy(&args.policy)?;
    let given = Given::read(&args.inspect)?;
    conclude(&appraise_file(&given.file, &policy, &given.collateral, given.at), args.inspect.json)
}

/// Shows a verdict; refused is exit code 3.
pub(super) fn conclude(verdict: &Verdict, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print(&serde_json::to_string(verdict).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        show(verdict);
    }
    let refused = Blame::Refused.exit_code();
    Ok(if verdict.is_accepted() { ExitCode::SUCCESS } else { ExitCode::from(refused) })
}

fn show(verdict: &Verdict) {
    for check in &verdict.checks {
        print(&format!("{:<5}{:<28}{}", if check.ok { "ok" } else { "NO" }, check.code, check.detail));
    }
    verdict.notes.iter().for_each(|note| print(&format!("     {note}")));
    let kind = verdict.kind.map_or("evidence of no known kind", |kind| kind.title());
    let outcome = if verdict.is_accepted() { "ACCEPTED" } else { "REFUSED" };
    let (at, assurance) = (&verdict.at, verdict.assurance.name());
    print(&format!("{outcome}: {kind}, at {at}, assurance {assurance}, policy {}", verdict.policy));
}

pub(super) fn explain(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let given = Given::read(args)?;
    let evidence = given.recognised(args)?;
    let found = inspect(&evidence, &given.collateral, given.at);
    let said = privet_tee::explain::explain(evidence.kind, &found);
    if args.json {
        let object = json!({
            "kind": evidence.kind, "title": evidence.kind.title(), "at": found.at, "words": said, "checks": found.checks,
            "measurements": found.measurements, "platform": found.platform, "expires": found.expires,
            "advisories": found.advisories, "limits": privet_tee::explain::limits(evidence.kind),
        });
        print(&object.to_string());
    } else {
        for line in &said {
            print(line);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn status(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let given = Given::read(args)?;
    let evidence = given.recognised(args)?;
    let found = inspect(&evidence, &given.collateral, given.at);
    let left = |until: &str| seconds_of(until).map(|until| i128::from(until) - i128::from(given.at));
    let items: Vec<_> = found.expires.iter().map(|(what, until)| (what, until, left(until))).collect();
    let over = items.iter().any(|(_, _, left)| left.is_some_and(|left| left < 0));
    if args.json {
        let days =
            |left: &Option<i128>| left.map(|left| i64::try_from(left.div_euclid(DAY)).unwrap_or(i64::MAX));
        let list: Vec<_> = items
            .iter()
            .map(|(what, until, left)| json!({ "what": what, "until": until, "days_left": days(left) }))
            .collect();
        print(
            &json!({ "kind": evidence.kind, "at": found.at, "expired": over, "expires": list }).to_string(),
        );
    } else {
        print(&format!("{}, at {}", evidence.kind.title(), rfc3339(given.at)));
        for (what, until, left) in &items {
            print(&format!("{until}  {:<20}{what}", left.map_or_else(String::new, in_words)));
        }
        if items.is_empty() {
            print("Nothing in it runs out, as far as it could be read.");
        }
    }
    Ok(if over { ExitCode::from(Blame::Refused.exit_code()) } else { ExitCode::SUCCESS })
}

fn in_words(left: i128) -> String {
    match left {
        ..0 => "EXPIRED".into(),
        0..DAY => format!("{} hours left", left / 3600),
        _ => format!("{} days left", left / DAY),
    }
}

pub(super) fn policy(args: &PolicyArgs) -> Result<ExitCode, Failure> {
    let policy = read_policy(&args.policy)?;
    let (digest, said) = (policy.digest().to_string(), policy.explain());
    if args.json {
        print(&json!({ "digest": digest, "words": said }).to_string());
    } else {
        for line in &said {
            print(line);
        }
        print(&format!("SHA-256 of the file, as it stands in verdicts: {digest}"));
    }
    Ok(ExitCode::SUCCESS)
}
