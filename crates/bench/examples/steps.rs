//! Where the time of one chunk goes, step by step, in one thread: `cargo run --release -p privet-bench --example steps`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use privet_mpc::commitment::{Salt, of_bytes};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3;
use privet_mpc::request::{Layout, Request};
use privet_mpc::session::Session;
use privet_mpc::weights::share;
use privet_mpc::world::{DangerousSeededEntropy, World};
use privet_model::plan::Integers;
use privet_ring::fixed::encode;
use privet_ring::pack::{pack, unpack};
use privet_ring::prg::{Seed, Stream};

fn time(what: &str, elements: usize, mut step: impl FnMut()) {
    let best = (0..50).map(|_| { let s = Instant::now(); step(); s.elapsed().as_secs_f64() }).fold(f64::INFINITY, f64::min);
    println!("{what:28} {:8.1} µs   {:.3} ns per element", best * 1e6, best * 1e9 / elements as f64);
}

fn main() {
    let (columns, k) = (528, 52);
    let layout = Layout { bundle: [0; 32], protect: Protect::Both, k, encoded_bits: 24, columns };
    let rows = layout.chunk_rows();
    let n = rows * columns;
    println!("{rows} rows, {n} elements");
    let values: Vec<f64> = (0..n).map(|i| (i % 1000) as f64 / 1000.0).collect();
    let mut out = vec![0u64; n];
    let mut entropy = DangerousSeededEntropy::new(1);
    let scales = vec![1048576.0; columns];
    time("encode", n, || privet_ring::kernels::encode_rows(&values, &scales, &mut out));
    let _ = encode(0.5, 2.0);
    let mut block = vec![0u64; 8 * columns];
    time("expand (block)", n, || { let mut s = Stream::of_chunk(&Seed::from_bytes([1; 16]), 0); for _ in 0..rows / 8 { s.fill(&mut block); } });
    let mut packed = Vec::new();
    time("pack", n, || { packed.clear(); pack(k, &out, &mut packed); });
    time("unpack", n, || { for first in (0..n).step_by(8 * columns) { let m = (n - first).min(8 * columns); unpack(k, &packed, first, &mut block[..m]); } });
    let salt = Salt::draw(&mut entropy).unwrap();
    time("commit", n, || { std::hint::black_box(of_bytes(&salt, &packed)); });
    let weights = Integers { weights: vec![3; columns], bias: vec![0] };
    let w = vec![3u64; columns];
    time("products", n, || { let mut z = vec![0; rows]; privet_ring::kernels::add_products(&out, &w, &mut z); std::hint::black_box(z); });
    time("split", n, || {
        let mut request = Request::draw(&mut entropy).unwrap();
        let ticket = request.ticket().unwrap();
        let split = request.split(ticket, &layout, rows as u32, |first, o| {
            privet_ring::kernels::encode_rows(&values[first * columns..first * columns + o.len()], &scales, o);
            Ok::<(), ()>(())
        });
        std::hint::black_box(split.unwrap().point);
    });
    let shares = share(&weights, Protect::Both, &mut entropy).unwrap();
    let keys = World::new(1).keys();
    for party in 0..3 {
        time(&format!("party {party}"), n, || {
            let mut request = Request::draw(&mut DangerousSeededEntropy::new(3)).unwrap();
            let ticket = request.ticket().unwrap();
            let small = Layout { ..layout };
            let split = request.split(ticket, &small, 8, |_, o| { o.fill(1); Ok::<(), ()>(()) }).unwrap();
            std::hint::black_box(split.point);
            let mut request = Request::draw(&mut DangerousSeededEntropy::new(3)).unwrap();
            let ticket = request.ticket().unwrap();
            let split = request.split(ticket, &layout, rows as u32, |_, o| { o.fill(1); Ok::<(), ()>(()) }).unwrap();
            let role = privet_mpc::role::Role::new(party).unwrap();
            let point = split.point;
            let message = split.messages.into_iter().nth(party).unwrap();
            let start = Instant::now();
            let session = Session::new(role, privet_mpc::link::Links::none(), keys[party].clone(), point);
            let z = replicated3::linear(&session, &layout, &shares[party], message).unwrap();
            std::hint::black_box(session.finish(z, k).packed().len());
            LAST.with(|l| l.set(l.get().min(start.elapsed().as_secs_f64())));
        });
        println!("   of which linear {:.1} µs", LAST.with(|l| l.replace(f64::INFINITY)) * 1e6);
    }
}
thread_local! { static LAST: std::cell::Cell<f64> = const { std::cell::Cell::new(f64::INFINITY) }; }
