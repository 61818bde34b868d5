//! `privet doctor --links`: how far a party's peers are, and what is wrong with the way to them.

use std::path::Path;
use std::process::ExitCode;

use privet_deploy::Error;
use privet_serve::config::PeersConfig;
use privet_serve::peers::{Measured, Side, measure};
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
    if json {
        let report = serde_json::json!({ "party": identity.me.index(), "links": ways });
        print(&report.to_string());
    } else {
        print(&format!("The way from party {} to its peers", identity.me.index()));
        let rows =
            ways.iter().map(|w| [format!("{} at {}", w.party, w.address), yes(w.here), w.detail.clone()]);
        print(&table(&["party", "reached", "how far, or what is wrong"], rows));
    }
    Ok(ExitCode::from(ways.iter().map(|w| w.exit).max().unwrap_or(0)))
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
