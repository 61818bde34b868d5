//! How many keys of shared functions one core deals and evaluates in a second, beside what it would be if AES were all there is to do:
//! `cargo bench -p privet-mpc --bench fss`, and `-- --json docs/bench/fss.json` after it for a record, whose path is seen from the workspace.
//!
//! Dealing is up to the words of a message. The calls that a key takes are those of the modules' headers; the rate of calls is that of
//! `encrypt_blocks` on blocks in cache, in the same run.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fs::read_to_string;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Block};
use privet_mpc::fss::comparison::{self, Words};
use privet_mpc::fss::hash::Hash;
use privet_mpc::fss::{Roots, Side, point};
use privet_ring::prg::{Seed, Stream};
use privet_ring::reduce;
use serde::Serialize;

const KEYS: usize = 4096;
const WIDTHS: [u32; 4] = [16, 32, 43, 64];

#[derive(Serialize)]
struct Record {
    format: u32,
    processor: String,
    load: String,
    keys: usize,
    aes_blocks_per_s: f64,
    results: Vec<Measured>,
}

#[derive(Serialize)]
struct Measured {
    function: &'static str,
    bits: u32,
    deal: Rate,
    evaluate: Rate,
}

/// Keys in a second, and how many there would be if AES were all.
#[derive(Serialize)]
struct Rate {
    per_s: f64,
    limit_per_s: f64,
}

fn main() {
    // From here on the allocator keeps memory that was given back, as that of a dealer does after its first large message.
    drop(black_box(vec![1u8; 31 << 20]));
    let aes = aes_rate();
    let mut results = Vec::new();
    results.extend(WIDTHS.map(|bits| compared::<1>("comparison, one word", bits, aes)));
    results.extend(WIDTHS.map(|bits| compared::<2>("comparison, two words", bits, aes)));
    results.extend(WIDTHS.map(|bits| pointed(bits, aes)));
    let info = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    let record = Record {
        format: 1,
        processor: processor.map_or("unknown", |(_, name)| name).to_owned(),
        load: load.split(' ').next().unwrap_or_default().to_owned(),
        keys: KEYS,
        aes_blocks_per_s: aes.round(),
        results,
    };
    print(&record);
    let mut arguments = std::env::args().skip_while(|argument| argument != "--json").skip(1);
    if let Some(path) = arguments.next() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        std::fs::write(path, serde_json::to_string_pretty(&record).unwrap() + "\n").unwrap();
    }
}

/// The best of many runs in half a second, as limits are of what the machine can do when nothing disturbs it.
fn best(of_one_run: usize, mut run: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut least = Duration::MAX;
    while began.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed());
    }
    of_one_run as f64 / least.as_secs_f64()
}

fn aes_rate() -> f64 {
    let (cipher, mut blocks) = (Aes128::new(&[7; 16].into()), vec![Block::default(); 1024]);
    best(100 * blocks.len(), || (0..100).for_each(|_| cipher.encrypt_blocks(black_box(&mut blocks))))
}

fn random(count: usize, seed: u8) -> Vec<u64> {
    let mut words = vec![0; count];
    Stream::of_chunk(&Seed::from_bytes([seed; 16]), 0).fill(&mut words);
    words
}

fn numbers(bits: u32, seed: u8) -> Vec<u64> {
    random(KEYS, seed).into_iter().map(|x| reduce(x, bits)).collect()
}

fn roots() -> [Roots; 2] {
    [Roots::new(Side::Zero, &random(2 * KEYS, 1)), Roots::new(Side::One, &random(2 * KEYS, 2))]
}

fn rate(aes: f64, calls: u32, run: impl FnMut()) -> Rate {
    Rate { per_s: best(KEYS, run).round(), limit_per_s: (aes / f64::from(calls)).round() }
}

fn compared<const W: usize>(function: &'static str, bits: u32, aes: f64) -> Measured {
    let hash = Hash::new(&[3; 16]);
    let (alphas, xs) = (numbers(bits, 4), numbers(bits, 5));
    let betas: Vec<Words<W>> = random(W * KEYS, 6).as_chunks::<W>().0.to_vec();
    let both = roots();
    let deal = || comparison::deal(&hash, bits, &alphas, &betas, both.each_ref());
    let dealt = rate(aes, 8 * bits + 2, || drop(black_box(deal().into_words())));
    let [zero, _] = roots();
    let keys = comparison::Keys::new(bits, Side::Zero, zero, deal());
    let evaluated = rate(aes, 2 * bits + 1, || drop(black_box(keys.below(&hash, black_box(&xs)))));
    Measured { function, bits, deal: dealt, evaluate: evaluated }
}

fn pointed(bits: u32, aes: f64) -> Measured {
    let hash = Hash::new(&[3; 16]);
    let (alphas, xs) = (numbers(bits, 4), numbers(bits, 5));
    let both = roots();
    let deal = || point::deal(&hash, bits, &alphas, both.each_ref());
    let dealt = rate(aes, 2 * (bits - 6), || drop(black_box(deal().into_words())));
    let [zero, _] = roots();
    let keys = point::Keys::new(bits, zero, deal());
    let evaluated = rate(aes, bits - 6, || drop(black_box(keys.up_to(&hash, black_box(&xs)))));
    Measured { function: "point", bits, deal: dealt, evaluate: evaluated }
}

fn print(record: &Record) {
    println!(
        "AES-128: {:.0} million blocks/s; {KEYS} keys at a time, one core\n",
        record.aes_blocks_per_s / 1e6
    );
    println!(
        "| function | bits | dealt/s | if AES were all | times | evaluated/s | if AES were all | times |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for Measured { function, bits, deal, evaluate } in &record.results {
        let of = |rate: &Rate| {
            let Rate { per_s, limit_per_s } = rate;
            format!("{:.0}k | {:.0}k | {:.2}", per_s / 1e3, limit_per_s / 1e3, limit_per_s / per_s)
        };
        println!("| {function} | {bits} | {} | {} |", of(deal), of(evaluate));
    }
}
