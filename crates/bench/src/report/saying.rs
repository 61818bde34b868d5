//! What the numbers say, and what they do not.

use crate::record::{Measured, Record};
use crate::report::document::Block;
use crate::report::panel::{Named, Panel, Series};

/// The first sentences.
pub const LEAD: &str = "One exported model, served in several ways that differ in who can see what. Each number is of what \
                        ships: processes of their own, TLS, fresh randomness and every check, with no switch that only a \
                        benchmark uses.";
/// What a star beside a ratio means.
pub const STAR: &str = "* against the plain of another run on the same machine.";
/// The section's heading.
pub const HEADING: &str = "What these numbers say, and what they do not";

/// Above this load for each core, something else ran.
const QUIET: f64 = 0.25;

/// The points of that section: those that hold for these records.
pub fn says(sources: &[Named], panels: &[Panel<'_>]) -> Vec<String> {
    let all: Vec<&Measured> = panels.iter().flat_map(|p| &p.series).flat_map(|s| s.points.clone()).collect();
    let has_peers = all.iter().any(|m| m.system != "privet");
    let is_simulated = panels.iter().flat_map(|p| &p.series).any(Series::is_simulated);
    let is_imitated = sources.iter().flat_map(|s| &s.record.networks).any(|n| n.round_trip_s > 0.0);
    let points = [
        Some(machines(sources)),
        Some(LOOPBACK.to_owned()),
        is_imitated.then(|| IMITATED.to_owned()),
        Some(RATIOS.to_owned()),
        (!all.is_empty()).then(|| noise(&all)),
        load(sources),
        is_simulated.then(|| SIMULATED.to_owned()),
        Some(ERRORS.to_owned()),
        Some(LIMITS.to_owned()),
        Some(COSTS.to_owned()),
        has_peers.then(|| PEERS.to_owned()),
        Some(ARTICLE.to_owned()),
    ];
    points.into_iter().flatten().collect()
}

const LOOPBACK: &str = "On loopback no byte leaves the machine: a round trip takes microseconds, and bandwidth is that of \
                        memory. Parties that are run by different organisations are further apart, and a protocol with many \
                        round trips pays for each.";
const IMITATED: &str = "Networks with a round trip are imitated by relays: each delays and paces bytes as its line says. They \
                        lose no packets, and nobody else uses them.";
const RATIOS: &str = "Ratios to plain are of one run: the kinds are asked in turn, a few requests each, so that what disturbs \
                      the machine disturbs all of them. Plain is privet's own plain server over the same TLS, not the \
                      fastest way to evaluate the model.";
const SIMULATED: &str = "What is marked SIMULATED ran in an ordinary process with simulated evidence. It shows what our own code \
                         costs, and proves nothing about hardware: neither that anything is protected, nor how fast a real \
                         enclave is, whose memory encryption and transitions cost extra.";
const ERRORS: &str = "The worst error is the largest that was found over these rows; the bound is proven for all rows that the \
                      plan accepts. An error of 0 is exact equality with float64 on these rows. Systems without a bound \
                      prove none.";
const LIMITS: &str = "A limit is the least time that this machine's measured rates allow for the bytes and operations that a \
                      request cannot do without, spread over all cores without a gap. No program reaches it. It is given for \
                      linear models, on loopback, with one request in flight.";
const COSTS: &str = "Costs count the servers' processor time and the bytes that leave them, at the prices above. Idle servers, memory, \
                     special hardware and people are not in them.";
const PEERS: &str = "Other systems answer on other terms: who may collude, how numbers are held, what is encrypted and what is proven differ. \
                     Their terms are listed, and a number without its terms means little. \
                     They were measured by themselves, not in turn with plain.";
const ARTICLE: &str = "The line at 10x is the claim of the article of 2019 about its own system, \"about one order of magnitude\", \
                       on its machines and at its batch sizes. It is drawn for orientation; nothing here repeats that \
                       experiment.";

fn machines(sources: &[Named]) -> String {
    let mut machines: Vec<String> = Vec::new();
    for Record { machine, .. } in sources.iter().map(|source| &source.record) {
        let text = format!("{} with {} cores", machine.processor, machine.cores);
        if !machines.contains(&text) {
            machines.push(text);
        }
    }
    let machines = machines.join("; ");
    format!(
        "Measured on {machines}. The client and all roles share one machine and its cores, so a kind with three servers has no \
         more processors than one with a single server: between machines of their own it would be faster, but for the network."
    )
}

/// How far the slow requests are from the median.
fn noise(all: &[&Measured]) -> String {
    let mut spreads: Vec<f64> = all.iter().map(|m| m.p95_s / m.median_s).filter(|x| x.is_finite()).collect();
    spreads.sort_by(f64::total_cmp);
    let least = all.iter().map(|m| m.samples_s.len()).min().unwrap_or(0);
    let [low, middle, high] = [0.0, 0.5, 1.0].map(|p| crate::measure::percentile(&spreads, p));
    format!(
        "Noise: the 95th percentile is {low:.2} to {high:.2} times the median, {middle:.2} times in the middle; the fewest \
         requests behind a number are {least}. The interval beside a median of six or more requests holds it with 95 % certainty (between order \
         statistics) within this run; another day, or another neighbour on the machine, may differ by more. A 99th percentile \
         of fewer than a few hundred requests is about their maximum."
    )
}

/// Says so where the machine was busy already.
fn load(sources: &[Named]) -> Option<String> {
    let load = |r: &Record| r.machine.load.parse::<f64>().ok();
    let is_busy = |r: &Record| load(r).is_some_and(|load| load > QUIET * r.machine.cores as f64);
    let busy = sources.iter().filter(|source| is_busy(&source.record));
    let busy: Vec<String> = busy.map(|s| format!("{} (load {})", s.name, s.record.machine.load)).collect();
    (!busy.is_empty()).then(|| {
        let names = busy.join(", ");
        format!("Other work ran on the machine when these began: {names}. Their times are too long, and noisier than they need be.")
    })
}

/// What was typed for each record that says it.
pub fn commands(sources: &[Named]) -> Vec<Block> {
    let typed: Vec<&str> = sources.iter().flat_map(|s| &s.record.commands).map(String::as_str).collect();
    if typed.is_empty() {
        return Vec::new();
    }
    let lead = "Typed for these records, in this order. Numbers will differ as machines do.";
    vec![Block::Text(lead.into()), Block::Code(typed.join("\n"))]
}
