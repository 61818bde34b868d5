//! What this machine can do at best, measured beside the benchmark: bytes through the loopback device, and the
//! operations that a linear model needs.
//!
//! The limit of a request is the larger of two times: its bytes over the loopback rate, and its operations over the
//! rates of all cores together (client and roles share this machine).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use privet_mpc::protect::Protect;
use privet_ring::kernels::{add_products, float_products};
use privet_ring::prg::{Seed, Stream};
use serde::{Deserialize, Serialize};

/// Rates of one core, and of the loopback device.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes per second through one TCP connection on loopback, without TLS.
    pub loopback_bytes_per_s: f64,
    /// Ring elements per second that one core expands from a seed.
    pub expansions_per_s: f64,
    /// Multiply-accumulates modulo 2^64 per second of one core, data in cache.
    pub products_per_s: f64,
    /// Multiply-accumulates in float64 per second of one core, data in cache.
    pub float_products_per_s: f64,
    /// Cores that share the work.
    pub cores: usize,
}

/// Operations and bytes that a request cannot do without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// Bytes from the client and back.
    pub bytes: f64,
    /// Expanded elements, client and parties together.
    pub expansions: f64,
    /// Products modulo 2^64.
    pub products: f64,
    /// Products in float64.
    pub float_products: f64,
}

impl Work {
    /// Of a plain request: every value once over the wire, once through a product.
    pub fn plain(elements: f64, scores: f64) -> Self {
        Self { bytes: 4.0 * elements, float_products: elements * scores, ..Self::default() }
    }

    /// Of a request to three parties. The client expands x0 and x1; each party expands or reads what it holds.
    pub fn parties(elements: f64, scores: f64, protect: Protect, explicit_bytes: f64) -> Self {
        let held: Vec<_> = privet_mpc::role::Role::ALL.iter().flat_map(|&r| protect.components(r)).collect();
        let seeded = held.iter().filter(|c| c.is_seeded()).count();
        let at_client = if protect == Protect::Model { 0.0 } else { 2.0 };
        Self {
            bytes: explicit_bytes,
            expansions: elements * (at_client + seeded as f64),
            products: elements * scores * held.len() as f64,
            float_products: 0.0,
        }
    }
}

impl Limits {
    /// Measures; takes about a second.
    pub fn measure() -> Self {
        Self {
            loopback_bytes_per_s: loopback().unwrap_or(f64::NAN),
            expansions_per_s: expansions(),
            products_per_s: products(),
            float_products_per_s: float_rate(),
            cores: thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// The least seconds for this work.
    pub fn seconds(&self, work: &Work) -> f64 {
        let bytes = work.bytes / self.loopback_bytes_per_s;
        let operations = work.expansions / self.expansions_per_s
            + work.products / self.products_per_s
            + work.float_products / self.float_products_per_s;
        bytes.max(operations / self.cores as f64)
    }
}

/// The best of several runs: a limit is what the machine can do when nothing disturbs it.
fn best(per_run: f64, mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        per_run / start.elapsed().as_secs_f64()
    };
    (0..40).map(|_| once(&mut run)).fold(0.0, f64::max)
}

const ELEMENTS: usize = 528 * 64;

fn expansions() -> f64 {
    let mut out = vec![0; ELEMENTS];
    let seed = Seed::from_bytes([1; 16]);
    best(ELEMENTS as f64, || Stream::of_chunk(&seed, 0).fill(std::hint::black_box(&mut out)))
}

fn products() -> f64 {
    let (x, w, mut out) = (vec![3; ELEMENTS], vec![5; 528], vec![0; 64]);
    best(ELEMENTS as f64, || add_products(std::hint::black_box(&x), &w, std::hint::black_box(&mut out)))
}

fn float_rate() -> f64 {
    let (x, w, mut out) = (vec![3.0; ELEMENTS], vec![5.0; 528], vec![0.0; 64]);
    best(ELEMENTS as f64, || {
        float_products(std::hint::black_box(&x), &w, 0.0, std::hint::black_box(&mut out));
    })
}

fn loopback() -> std::io::Result<f64> {
    const BYTES: usize = 256 << 20;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let sender = thread::spawn(move || -> std::io::Result<()> {
        let (mut socket, block) = (TcpStream::connect(address)?, vec![0u8; 1 << 20]);
        (0..BYTES / block.len()).try_for_each(|_| socket.write_all(&block))
    });
    let (mut socket, _) = listener.accept()?;
    let (mut block, mut got) = (vec![0u8; 1 << 20], 0);
    let start = Instant::now();
    while got < BYTES {
        match socket.read(&mut block)? {
            0 => break,
            n => got += n,
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let _ = sender.join();
    Ok(got as f64 / seconds)
}
