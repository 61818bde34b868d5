//! What this machine can do at best, measured beside the benchmark: a round trip, bytes over TLS, and the operations that
//! a linear model needs.
//!
//! The limit of a request is one round trip of a small message to all its servers at once, and after that the processor
//! time of its bytes and operations, spread over all cores without a gap: client and roles share this machine. Every
//! probe uses what ships (the same TLS, generator, hash and kernels), with nothing around it.

mod kernels;
mod transport;

use privet_he::packing::Packing;
use privet_he::parameters::Parameters;
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
    /// Butterflies of transforms modulo a prime of 50 bits per second of one core, data in cache. Records of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub butterflies_per_s: Option<f64>,
    /// Products modulo such a prime by a factor that is used many times, per second of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residue_products_per_s: Option<f64>,
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
    /// Butterflies of transforms, client and server together.
    pub butterflies: f64,
    /// Products modulo a prime.
    pub residue_products: f64,
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
            ..Self::default()
        }
    }

    /// Of a linear request on ciphertexts. For each ciphertext, the client transforms what it encrypts, and for each product the
    /// server transforms its own randomness forth and both halves of the answer back; both expand the public polynomial. The key
    /// is there already.
    pub fn ciphertexts(parameters: &Parameters, columns: usize, scores: usize, rows: usize) -> Self {
        let packing = Packing::of(parameters, columns, scores, rows);
        let (ciphertexts, products) = (packing.ciphertexts(rows) as f64, packing.products() as f64);
        let (degree, primes) = (parameters.degree as f64, parameters.moduli.len() as f64);
        let answer = parameters.answer_bytes(parameters.degree) as f64;
        let residues = ciphertexts * degree * primes;
        Self {
            servers: 1,
            bytes: ciphertexts * (parameters.polynomial_bytes() as f64 + products * answer),
            hashed: 2.0 * 8.0 * residues,
            // A word for each error of the client, and for u and e1 of the server.
            expansions: ciphertexts * degree * (1.0 + 2.0 * products),
            encodings: (columns * rows) as f64,
            packings: residues + 2.0 * ciphertexts * products * degree,
            unpackings: residues + 2.0 * ciphertexts * products * degree,
            butterflies: residues * degree.log2() / 2.0 * (1.0 + 3.0 * products),
            residue_products: residues * (1.0 + 4.0 * products),
            ..Self::default()
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
            butterflies_per_s: Some(kernels::butterflies()),
            residue_products_per_s: Some(kernels::residue_products()),
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
        let on_residues =
            |work: f64, rate: Option<f64>| if work == 0.0 { 0.0 } else { work / rate.unwrap_or(f64::NAN) };
        let processor = processor
            + on_residues(work.butterflies, self.butterflies_per_s)
            + on_residues(work.residue_products, self.residue_products_per_s);
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
