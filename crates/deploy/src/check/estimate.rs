//! What the network alone takes for one row, so that protocols compare before any is deployed.

use super::Cost;

/// A network by its name: a round trip in seconds, and bits a second of each connection. `privet bench --networks` imitates the same.
pub const LAN: (f64, f64) = (1e-3, 1e9);
/// Between distant sites.
pub const WAN: (f64, f64) = (40e-3, 100e6);

/// Seconds: the client's round trip, half a one for each time that parties wait for each other, and the bytes, one connection after the other.
pub(super) fn seconds(cost: &Cost, (round_trip, bits_per_s): (f64, f64)) -> f64 {
    let waits = 1.0 + 0.5 * f64::from(cost.rounds.saturating_sub(1));
    let bytes = (cost.bytes_up + cost.bytes_between) as f64;
    round_trip * waits + 8.0 * bytes / bits_per_s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_and_bytes_add_up() {
        let cost = Cost { rounds: 5, bytes_up: 1000, bytes_between: 249_000, ..Cost::default() };
        assert!((seconds(&cost, LAN) - (3e-3 + 2e-3)).abs() < 1e-12);
        assert!((seconds(&cost, WAN) - (0.12 + 0.02)).abs() < 1e-12);
    }
}
