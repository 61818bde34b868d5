//! `privet check`.

use std::path::Path;
use std::process::ExitCode;

use privet_deploy::Error;
use privet_deploy::check::{
    Cost, KindReport, Options, PublicFacts, Report, RingReport, RowsReport, StepReport, check, unusable,
};
use privet_deploy::kind::Reveal;
use privet_deploy::reveal::revealing;
use privet_deploy::trust::TrustCard;
use privet_import::ImportError;
use privet_model::encode::shown_range;
use privet_model::plan::RangeSource;
use privet_serve::roles::unread;

use crate::args::CheckArgs;
use crate::commands::{check_train, model_name, sample};
use crate::failure::Failure;
use crate::output::{bytes, print, seconds};

pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let model = match (&args.model, &args.train) {
        (Some(model), _) => model,
        (None, Some(training)) => return check_train::run(training, args),
        (None, None) => {
            return Err(Error::usage("E149", "Name a model, or a training with `--train`.").into());
        }
    };
    let name = model_name(args.plan.served.name.as_deref(), model);
    let report = report(args, model, &name)?;
    if args.json {
        print(&serde_json::to_string(&report).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        show(&report, args.plan.accuracy, args.plan.reveal.into());
    }
    Ok(if report.any_ready() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn report(args: &CheckArgs, path: &Path, name: &str) -> Result<Report, Failure> {
    let model = match privet_import::open(path) {
        Ok(model) => model,
        Err(ImportError::Problems(problems)) => return Ok(unusable(name, &problems)),
        Err(error) => return Err(unread(path, &error).into()),
    };
    let graph = match revealing(model.graph, args.plan.reveal.into(), args.plan.served.threshold) {
        Ok(graph) => graph,
        Err(problems) => return Ok(unusable(name, &problems)),
    };
    let rows = sample(args.plan.served.rows.as_deref(), &graph)?;
    let options = Options {
        accuracy: args.plan.accuracy,
        protect: args.plan.served.protect.into(),
        reveal: args.plan.reveal.into(),
        steps: args.verbose,
    };
    let report = check(name, &graph, options, rows.as_deref())?;
    Ok(Report { format: Some(model.format.named()), ..report })
}

fn show(report: &Report, accuracy: f64, reveal: Reveal) {
    let widths: usize = report.inputs.iter().map(|p| p.width).sum();
    print(&format!(
        "{}   {}   {} inputs, {} values a row   accuracy {accuracy:e}",
        report.model,
        report.format.unwrap_or("not readable"),
        report.inputs.len(),
        widths
    ));
    for (kind, part) in &report.kinds {
        show_kind(kind, part, reveal);
    }
    if let Some(public) = &report.public {
        show_public(public);
    }
    if let Some(rows) = &report.rows {
        print(&format!("\nOn your {} rows: {}", rows.rows, on_rows(rows, reveal)));
    }
}

fn show_steps(steps: &[StepReport]) {
    if steps.is_empty() {
        return;
    }
    let head = "    what                values   within  fraction  ring   error ≤  rounds  bytes between";
    print(&format!("{head}  for which node"));
    for s in steps {
        print(&format!(
            "    {:<18} {:>7}  {:>7}  {:>8}  {:>4}  {:>8.1e}  {:>6}  {:>13}  {} ({})",
            s.does,
            s.width,
            format!("±2^{}", s.exponent),
            s.fraction,
            s.ring,
            s.error,
            s.rounds,
            s.bytes_between,
            s.node,
            s.op
        ));
    }
}

fn on_rows(rows: &RowsReport, reveal: Reveal) -> String {
    let changed = format!("{} labels changed", rows.label_changes);
    if reveal == Reveal::Label {
        let each = rows.labels.iter().map(|(label, count)| format!("{count} get `{label}`"));
        return format!("{}, {changed}", each.collect::<Vec<_>>().join(", "));
    }
    format!("worst error {:.1e}, {changed}", rows.worst_error)
}

fn show_public(public: &PublicFacts) {
    print("\nWhat the plan tells everyone");
    let (columns, features, scores) = (public.columns, public.features, public.scores);
    print(&format!(
        "  {columns} columns made from {features} features, {scores} scores a row, within ±{:e}",
        public.score_range
    ));
    let (inputs, weights) = public.fraction_bits;
    print(&format!("  {inputs} fraction bits of inputs, {weights} of weights"));
    let from = match public.ranges {
        RangeSource::Rows => "your rows, widened twofold",
        RangeSource::Model => "the model itself; `--rows` makes them, and messages, smaller",
    };
    print(&format!("  ranges, from {from}:"));
    let mut by_range: Vec<((f64, f64), Vec<&str>)> = Vec::new();
    for (name, range) in &public.limits {
        match by_range.iter_mut().find(|(known, _)| known == range) {
            Some((_, names)) => names.push(name),
            None => by_range.push((*range, vec![name])),
        }
    }
    by_range.sort_by(|((_, a), _), ((_, b), _)| a.total_cmp(b));
    for ((low, high), names) in by_range {
        print(&format!("    {:11} {}", shown_range(low, high), some_of(&names)));
    }
    print(&format!("  {}", public.answers));
}

/// A few names, and how many more.
fn some_of(names: &[&str]) -> String {
    const FEW: usize = 6;
    let shown = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{shown} and {} more", names.len() - FEW) } else { shown }
}

/// The ring of ciphertexts, and why no answer fails.
fn show_ring(ring: &RingReport) {
    let RingReport {
        degree, modulus_bits, standard_bits, noise_bits, flood_bits, rows_per_ciphertext, ..
    } = ring;
    print(&format!(
        "    ring of {degree} coefficients modulo {modulus_bits} bits; 128-bit security allows {standard_bits} (homomorphic \
         encryption standard, ternary secret)"
    ));
    print(&format!(
        "    noise ≤ 2^{noise_bits} in the worst case, hidden in a flood of 2^{flood_bits}: together {:.2} of what decryption bears",
        ring.worst_share
    ));
    print(&format!(
        "    {rows_per_ciphertext} row{} share a ciphertext of {}, answered by {}; a key of the first size comes once",
        if *rows_per_ciphertext == 1 { "" } else { "s" },
        bytes(ring.ciphertext_bytes as f64),
        bytes(ring.answer_bytes as f64)
    ));
}

/// What goes between the roles, before and while one row is asked about, and how long that takes.
fn on_networks(cost: &Cost) -> String {
    let between = match (cost.bytes_between, cost.bytes_dealt) {
        (0, 0) => String::new(),
        (online, 0) => format!("{} between the parties; ", bytes(online as f64)),
        (online, dealt) => {
            format!(
                "{} between the servers, {} dealt ahead of time; ",
                bytes(online as f64),
                bytes(dealt as f64)
            )
        }
    };
    let [lan, wan] = [cost.lan_s, cost.wan_s].map(seconds);
    format!(
        "{between}the network alone takes {lan} within a site (1 ms, 1 Gbit/s), {wan} between distant ones (40 ms, 100 Mbit/s)"
    )
}

/// One trust card, or one of each protocol.
fn show_trust(part: &KindReport) {
    let cards: Vec<&TrustCard> = part.protocols.values().filter_map(|cost| cost.trust.as_ref()).collect();
    for card in if cards.is_empty() { vec![&part.trust] } else { cards } {
        print(&format!("    {}", card.title));
        for (who, what) in &card.lines {
            print(&format!("      {who}: {what}"));
        }
    }
}

fn show_kind(kind: &str, part: &KindReport, reveal: Reveal) {
    print(&format!("\n{kind:6} {}", part.status));
    for problem in &part.problems {
        let at = if problem.node.is_empty() {
            String::new()
        } else {
            format!("`{}` ({}): ", problem.node, problem.op)
        };
        print(&format!("  {at}{} {}", problem.reason, problem.hint));
    }
    for (protocol, cost) in &part.protocols {
        let exact = match (cost.k, reveal) {
            (Some(k), Reveal::Label) => {
                format!(
                    "the model's label wherever its score is not within {:.1e} of the border, {k} bits",
                    cost.bound
                )
            }
            (Some(k), _) => format!("error ≤ {:.1e}, {k} bits", cost.bound),
            (None, _) => "as the model is defined".into(),
        };
        let (up, more) = (bytes(cost.bytes_up as f64), bytes(cost.bytes_up_per_row as f64));
        print(&format!(
            "  {protocol}: {} round trip{}, {up} for one row, {more} for each of many, {exact}",
            cost.rounds,
            if cost.rounds == 1 { "" } else { "s" }
        ));
        print(&format!("    {}", on_networks(cost)));
        cost.ring.as_ref().into_iter().for_each(show_ring);
        show_steps(&cost.steps);
    }
    if part.status == "ready" {
        print(&format!("    reveals: {}", part.reveals));
        show_trust(part);
    }
}
