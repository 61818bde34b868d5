//! What lies between the roles, and between them and the client, by name.

use std::time::Duration;

use privet_deploy::check::estimate::{LAN, WAN};
use privet_serve::up::network::Network;

use crate::record::NetworkUsed;

/// The names that need no numbers: name, round trip in milliseconds, megabits a second of each connection.
pub const NAMED: [(&str, f64, Option<f64>); 3] = [
    ("loopback", 0.0, None),
    ("lan", LAN.0 * 1e3, Some(LAN.1 / 1e6)),
    ("wan", WAN.0 * 1e3, Some(WAN.1 / 1e6)),
];

const LONGEST: Duration = Duration::from_secs(10);

/// A network by its name, or by its round trip and, after a slash, its megabits a second: `10ms`, `10ms/100`.
pub fn parse(text: &str) -> Result<Network, String> {
    if let Some((_, milliseconds, megabits)) = NAMED.iter().find(|(name, ..)| *name == text) {
        return Ok(network(milliseconds / 1e3, *megabits));
    }
    let (time, rate) = text.split_once('/').map_or((text, None), |(time, rate)| (time, Some(rate)));
    let round_trip = seconds(time).filter(|s| (0.0..=LONGEST.as_secs_f64()).contains(s));
    let rate = rate.map(|rate| rate.parse().ok().filter(|m: &f64| *m > 0.0 && m.is_finite()));
    match (round_trip, rate) {
        (Some(round_trip), None) => Ok(network(round_trip, None)),
        (Some(round_trip), Some(Some(megabits))) => Ok(network(round_trip, Some(megabits))),
        _ => Err("expected `loopback`, `lan`, `wan`, or a round trip up to 10s and the megabits a second of a connection, as \
                  `10ms` or `10ms/100`"
            .into()),
    }
}

fn network(round_trip_s: f64, megabits: Option<f64>) -> Network {
    Network { round_trip: Duration::from_secs_f64(round_trip_s), bits_per_s: megabits.map(|m| m * 1e6) }
}

fn seconds(text: &str) -> Option<f64> {
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => number.parse().ok().map(|ms: f64| ms / 1e3),
        (None, Some(number)) => number.parse().ok(),
        (None, None) => None,
    }
}

/// What the record says of it.
pub fn used(name: &str, network: Network) -> NetworkUsed {
    let here = "TLS 1.3, every role its own process on this machine";
    let how = if network.is_this_machines() {
        "this machine's own"
    } else {
        "imitated by relays between the roles"
    };
    NetworkUsed {
        name: name.into(),
        round_trip_s: network.round_trip.as_secs_f64(),
        bits_per_s: network.bits_per_s,
        how: format!("{how}; {here}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_from_its_name_or_numbers() {
        assert_eq!(parse("loopback").ok(), Some(Network::default()));
        assert_eq!(parse("wan").ok(), parse("40ms/100").ok());
        assert_eq!(parse("0.5s").ok(), Some(network(0.5, None)));
        for wrong in ["", "moon", "10", "11s", "-1ms", "10ms/", "10ms/0", "10ms/-4", "10ms/inf", "10ms/5/5"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
