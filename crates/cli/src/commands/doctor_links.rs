//! `privet doctor --links`: how far a party's peers are, what is wrong with the way to them, and what they say of their own links: of every
//! direction between three parties.

use std::path::Path;
use std::process::ExitCode;

use privet_deploy::Error;
use privet_serve::config::PeersConfig;
use privet_serve::peers::{Identity, Measured, Side, Told, ask, measure};
use privet_serve::seat::Seats;
use serde::Serialize;

use crate::commands::doctor::{table, yes};
use crate::failure::Failure;
use crate::output::print;

/// The way to one peer.
#[derive(Serialize)]
struct Way {
    party: usize,
    address: String,
    here: bool,
    round_trip_seconds: Option<f64>,
    bytes_per_second: Option<f64>,
    detail: String,
    #[serde(skip)]
    exit: u8,
}

pub(crate) fn run(config: &Path, json: bool) -> Result<ExitCode, Failure> {
    let seat = Seats::read(config)?.into_first()?;
    let PeersConfig { previous, next } = seat.peers()?;
    let identity = seat.identity();
    let ways = [(Side::Previous, previous), (Side::Next, next)].map(|(side, address)| {
        // A dealer is asked ahead of time only, so nothing of it is measured.
        let measured = if seat.has_dealer_at(side) {
            seat.ask_dealer(address).map(|()| None)
        } else {
            measure(&identity, side, address).map(Some)
        };
        way(side.role(identity.me).index(), address, &measured)
    });
    let asked = [(Side::Previous, previous), (Side::Next, next)].into_iter().zip(&ways);
    let asked = asked.filter(|((side, _), way)| way.here && !seat.has_dealer_at(*side));
    let told: Vec<Theirs> = asked.flat_map(|((side, address), _)| theirs(&identity, side, address)).collect();
    if json {
        let report = serde_json::json!({ "party": identity.me.index(), "links": ways, "told": told });
        print(&report.to_string());
    } else {
        show(identity.me.index(), &ways, &told);
    }
    let is_down = told.iter().any(|link| !link.up);
    Ok(ExitCode::from(ways.iter().map(|w| w.exit).chain(is_down.then_some(UNREACHABLE)).max().unwrap_or(0)))
}

/// The exit code where a peer could not be reached.
const UNREACHABLE: u8 = 4;

/// A link as its beginning sees it.
#[derive(Serialize)]
struct Theirs {
    from: usize,
    to: Option<usize>,
    up: bool,
    detail: String,
}

/// What a peer says of its own links. It may be measured and serve no program; then it has none.
fn theirs(identity: &Identity<'_>, side: Side, address: &str) -> Vec<Theirs> {
    let from = side.role(identity.me).index();
    let link = |Told { party, up, trouble }| {
        let silent = if up { "connected, in both directions" } else { "not connected yet" };
        Theirs { from, to: Some(party), up, detail: trouble.unwrap_or_else(|| silent.into()) }
    };
    match ask(identity, side, address) {
        Ok(told) => told.into_iter().map(link).collect(),
        Err(error) => vec![Theirs { from, to: None, up: false, detail: error.to_string() }],
    }
}

fn show(me: usize, ways: &[Way], told: &[Theirs]) {
    print(&format!("The way from party {me} to its peers"));
    let rows = ways.iter().map(|w| [format!("{} at {}", w.party, w.address), yes(w.here), w.detail.clone()]);
    print(&table(&["party", "reached", "how far, or what is wrong"], rows));
    if told.is_empty() {
        return;
    }
    print("What its peers say of their own links");
    let to = |link: &Theirs| link.to.map_or("?".into(), |party| party.to_string());
    let rows = told.iter().map(|l| [format!("{} to {}", l.from, to(l)), yes(l.up), l.detail.clone()]);
    print(&table(&["link", "connected", "what is wrong"], rows));
}

fn way(party: usize, address: &str, measured: &Result<Option<Measured>, Error>) -> Way {
    let figures = measured.as_ref().ok().and_then(Option::as_ref);
    Way {
        party,
        address: address.into(),
        here: measured.is_ok(),
        round_trip_seconds: figures.map(|m| m.round_trip.as_secs_f64()),
        bytes_per_second: figures.map(|m| m.bytes_per_second),
        exit: measured.as_ref().err().map_or(0, |e| e.blame.exit_code()),
        detail: words(measured),
    }
}

fn words(measured: &Result<Option<Measured>, Error>) -> String {
    match measured {
        Ok(None) => "the dealer, which answers; it is asked ahead of time only".into(),
        Ok(Some(Measured { round_trip, bytes_per_second })) => format!(
            "{:.3} ms there and back, {:.0} MB/s: a program of 100 rounds waits {:.0} ms for it at least",
            1e3 * round_trip.as_secs_f64(),
            bytes_per_second / 1e6,
            // A round is one way.
            1e3 * 100.0 * round_trip.as_secs_f64() / 2.0
        ),
        Err(error) => error.to_string(),
    }
}
