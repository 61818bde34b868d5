//! What this machine can do at best, measured beside the benchmark: a round trip, bytes over TLS, and the operations that
//! a linear model needs.
//!
//! The limit of a request is one round trip of a small message to all its servers at once, and after that the processor
//! time of its bytes and operations, spread over all cores without a gap: client and roles share this machine. Every
//! probe uses what ships (the same TLS, generator, hash and kernels), with nothing around it.

mod kernels;
mod transport;

use privet_mpc::protect::Protect;
use privet_mpc::request::Layout;
use privet_mpc::role::Role;
use serde::{Deserialize, Serialize};

/// Rates of one core, and of connections on this machine.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes per second through one TCP connection on loopback, without TLS.
    pub loopback_bytes_per_s: f64,
    /// Seconds until a small request over TLS to one server is answered, by blocking sockets.
    pub round_trip_s: f64,
    /// The same to three servers at once.
    pub three_round_trips_s: f64,
    /// Bytes over TLS per second of processor time, sender and receiver together.
    pub tls_bytes_per_cpu_s: f64,
    /// Bytes that one core hashes in a second.
    pub hashed_bytes_per_s: f64,
    /// Ring elements per second that one core expands from a seed.
    pub expansions_per_s: f64,
    /// Input values per second that one core checks and encodes as ring elements.
    pub encodings_per_s: f64,
    /// Ring elements per second that one core packs into the wire's bits, and as many that it unpacks.
    pub packings_per_s: f64,
    /// See [`packings_per_s`](Self::packings_per_s).
    pub unpackings_per_s: f64,
    /// Multiply-accumulates modulo 2^64 per second of one core, data in cache.
    pub products_per_s: f64,
    /// Input values per second that one core widens to float64 and multiplies, data in cache.
    pub float_products_per_s: f64,
    /// Cores that share the work.
    pub cores: usize,
}

/// Operations and bytes that a request cannot do without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// Servers that are asked at once.
    pub servers: usize,
    /// Bytes from the client and back.
    pub bytes: f64,
    /// Bytes hashed, client and parties together.
    pub hashed: f64,
    /// Expanded elements, client and parties together.
    pub expansions: f64,
    /// Values that the client encodes.
    pub encodings: f64,
    /// Elements that the client packs.
    pub packings: f64,
    /// Elements that the parties unpack.
    pub unpackings: f64,
    /// Products modulo 2^64.
    pub products: f64,
    /// Products in float64.
    pub float_products: f64,
}

impl Work {
    /// Of a plain request: every value once over the wire, once through a product.
    pub fn plain(elements: f64, scores: f64) -> Self {
        Self { servers: 1, bytes: 4.0 * elements, float_products: elements * scores, ..Self::default() }
    }

    /// Of a linear request to three parties. The client expands x0 and x1, encodes, packs and commits; each party expands
    /// or reads what it holds, and checks it.
    pub fn parties(layout: &Layout, rows: usize) -> Self {
        let (elements, scores) = ((layout.columns * rows) as f64, layout.scores as f64);
        let explicit = layout.explicit_len(rows).unwrap_or(0) as f64;
        let copies = layout.protect.explicit_copies() as f64;
        let held: Vec<_> = Role::ALL.iter().flat_map(|&role| layout.protect.components(role)).collect();
        let seeded = held.iter().filter(|component| component.is_seeded()).count() as f64;
        let at_client = if layout.protect == Protect::Model { 0.0 } else { 2.0 };
        Self {
            servers: Role::ALL.len(),
            bytes: explicit * copies,
            hashed: explicit * (1.0 + copies),
            expansions: elements * (at_client + seeded),
            encodings: elements,
            packings: elements,
            unpackings: elements * copies,
            products: elements * scores * held.len() as f64,
            float_products: 0.0,
        }
    }
}

impl Limits {
    /// Measures; takes about two seconds.
    pub fn measure() -> Self {
        let transport = transport::Tls::new();
        let probe = |measured: Option<f64>| measured.unwrap_or(f64::NAN);
        Self {
            loopback_bytes_per_s: probe(transport::loopback().ok()),
            round_trip_s: probe(transport.as_ref().and_then(|tls| tls.round_trip(1))),
            three_round_trips_s: probe(transport.as_ref().and_then(|tls| tls.round_trip(3))),
            tls_bytes_per_cpu_s: probe(transport.as_ref().and_then(transport::Tls::bytes_per_cpu_s)),
            hashed_bytes_per_s: kernels::hashing(),
            expansions_per_s: kernels::expansion(),
            encodings_per_s: kernels::encoding(),
            packings_per_s: kernels::packing(),
            unpackings_per_s: kernels::unpacking(),
            products_per_s: kernels::products(),
            float_products_per_s: kernels::float_products(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// The least seconds for this work.
    pub fn seconds(&self, work: &Work) -> f64 {
        let first = if work.servers > 1 { self.three_round_trips_s } else { self.round_trip_s };
        let processor = work.bytes / self.tls_bytes_per_cpu_s
            + work.hashed / self.hashed_bytes_per_s
            + work.expansions / self.expansions_per_s
            + work.encodings / self.encodings_per_s
            + work.packings / self.packings_per_s
            + work.unpackings / self.unpackings_per_s
            + work.products / self.products_per_s
            + work.float_products / self.float_products_per_s;
        first + processor / self.cores as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_measures_something() {
        let limits = serde_json::to_value(Limits::measure()).unwrap_or_default();
        let fields = limits.as_object().map(|fields| fields.values().cloned().collect::<Vec<_>>());
        for field in fields.unwrap_or_default() {
            assert!(field.as_f64().is_some_and(|rate| rate > 0.0 && rate.is_finite()), "{limits}");
        }
    }
}
