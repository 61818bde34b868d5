//! `privet top`: all roles of a deployment at a glance, again and again.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_serve::belief::Belief;
use privet_serve::client::StatusCode;
use privet_serve::deployed::{Deployed, wait_of};
use serde::Serialize;

use crate::args::TopArgs;
use crate::commands::table::table;
use crate::commands::top_counts::Counts;
use crate::commands::up::stop_signal;
use crate::failure::Failure;
use crate::output::{bytes, print, seconds};

/// The longest wait for a role.
const PATIENCE: Duration = Duration::from_secs(2);

/// One role, as it was over the last interval.
#[derive(Serialize)]
struct Line {
    role: String,
    ready: bool,
    /// Why it is not ready, or has no counts to show.
    detail: String,
    requests_per_s: f64,
    rows_per_s: f64,
    refused_per_s: f64,
    pending: f64,
    median_s: Option<f64>,
    p99_s: Option<f64>,
    /// Parties that it is connected to, of how many.
    peers: Option<[usize; 2]>,
    /// Computations that were prepared and wait.
    pool: Option<f64>,
    memory_bytes: Option<f64>,
    open_files: Option<f64>,
}

pub(crate) async fn run(args: &TopArgs) -> Result<ExitCode, Failure> {
    let every = wait_of(args.every)?.max(Duration::from_millis(100));
    // Nothing is sent but questions for counts.
    let deployed = Deployed::open_with(&args.to, PATIENCE, &Belief::dangerous_accept_simulated())?;
    let mut stop = std::pin::pin!(stop_signal()?);
    let (mut before, mut then) = (vec![Counts::default(); deployed.file().endpoints.len()], None::<Instant>);
    loop {
        let (now, looked) = (Instant::now(), look(&deployed).await?);
        let over = then.map(|then| now.duration_since(then).as_secs_f64());
        let lines: Vec<Line> =
            looked.iter().zip(&before).map(|(role, before)| line(role, before, over)).collect();
        // What happened in an interval is known after it.
        if over.is_some() || !args.once {
            show(&lines, args.json, deployed.file().name.as_str())?;
        }
        if over.is_some() && args.once {
            let all = lines.iter().all(|line| line.ready);
            return Ok(ExitCode::from(if all { 0 } else { 4 }));
        }
        before = looked.into_iter().map(|role| role.counts).collect();
        then = Some(now);
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = &mut stop => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// A role at one moment.
struct Looked {
    role: String,
    ready: Result<(), String>,
    counts: Counts,
    detail: String,
}

async fn look(deployed: &Deployed) -> Result<Vec<Looked>, Error> {
    let (health, metrics) = (deployed.texts("/v2/health/ready").await?, deployed.texts("/metrics").await?);
    let roles = deployed.file().endpoints.iter().zip(health).zip(metrics);
    Ok(roles
        .map(|((endpoint, health), metrics)| {
            let ready = said(health).map(drop);
            let (counts, detail) = match said(metrics) {
                Ok(text) => (Counts::parse(&text), String::new()),
                Err(why) => (Counts::default(), why),
            };
            Looked { role: endpoint.name.clone(), ready, counts, detail }
        })
        .collect())
}

/// The text, or why there is none in the role's own words.
fn said(answer: Result<(StatusCode, String), Error>) -> Result<String, String> {
    let (status, text) = answer.map_err(|error| error.to_string())?;
    if status.is_success() {
        return Ok(text);
    }
    let error = serde_json::from_str::<serde_json::Value>(&text).ok();
    Err(error.and_then(|e| Some(e.get("error")?.as_str()?.to_owned())).unwrap_or_else(|| status.to_string()))
}

fn line(looked: &Looked, before: &Counts, over: Option<f64>) -> Line {
    let counts = &looked.counts;
    let rate = |family: &str| over.map_or(0.0, |seconds| counts.grown(before, family) / seconds);
    let within = |share| counts.quantile(before, "privet_inference_request_duration_seconds", share);
    let peers: Vec<bool> = counts.of("privet_peer_up").map(|(_, up)| up > 0.0).collect();
    let up = peers.iter().filter(|up| **up).count();
    let pool = counts.of("privet_pool_ready").next().map(|_| counts.sum("privet_pool_ready"));
    Line {
        role: looked.role.clone(),
        ready: looked.ready.is_ok(),
        detail: looked.ready.as_ref().err().unwrap_or(&looked.detail).clone(),
        requests_per_s: rate("privet_inference_request_success_total"),
        rows_per_s: rate("privet_inference_count_total"),
        refused_per_s: rate("privet_inference_request_failure_total"),
        pending: counts.one("privet_inference_pending_requests").unwrap_or(0.0),
        median_s: within(0.5).filter(|_| over.is_some()),
        p99_s: within(0.99).filter(|_| over.is_some()),
        peers: (!peers.is_empty()).then_some([up, peers.len()]),
        pool,
        memory_bytes: counts.one("process_resident_memory_bytes"),
        open_files: counts.one("process_open_fds"),
    }
}

fn show(lines: &[Line], json: bool, name: &str) -> Result<(), Failure> {
    if json {
        let object = serde_json::json!({ "name": name, "roles": lines });
        print(&object.to_string());
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    // A new picture in the place of the one before; where nobody looks, one below the other.
    let clear = if out.is_terminal() { "\x1b[H\x1b[2J" } else { "" };
    let header = [
        "role",
        "ready",
        "req/s",
        "rows/s",
        "refused/s",
        "pending",
        "median",
        "p99",
        "peers",
        "pool",
        "memory",
        "files",
    ];
    let mut roles = table(&header);
    for line in lines {
        roles.add_row(cells(line));
    }
    let details = lines.iter().filter(|line| !line.detail.is_empty());
    let details: String = details.map(|line| [&line.role, ": ", &line.detail, "\n"].concat()).collect();
    let text = format!("{clear}{name}\n{roles}\n{details}");
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Failure::ours(format!("{e}.")))
}

fn cells(line: &Line) -> [String; 12] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let within = |s: Option<f64>| {
        or_none(s.map(|s| if s.is_finite() { format!("≤ {}", seconds(s)) } else { "> 1 min".into() }))
    };
    [
        line.role.clone(),
        if line.ready { "yes" } else { "NO" }.into(),
        format!("{:.1}", line.requests_per_s),
        format!("{:.0}", line.rows_per_s),
        format!("{:.1}", line.refused_per_s),
        format!("{:.0}", line.pending),
        within(line.median_s),
        within(line.p99_s),
        or_none(line.peers.map(|[up, of]| format!("{up} of {of}"))),
        or_none(line.pool.map(|n| format!("{n:.0}"))),
        or_none(line.memory_bytes.map(bytes)),
        or_none(line.open_files.map(|n| format!("{n:.0}"))),
    ]
}
