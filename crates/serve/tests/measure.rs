//! What the transport itself costs, on loopback, with a host that does nothing:
//! `cargo test --release --test measure -- --ignored --nocapture`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use std::time::{Duration, Instant};

use common::{World, floats, request, soon, tensor};

fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check"]
async fn round_trip_of_one_row() {
    let world = World::new();
    let client = world.client().await;
    let call = request("sum", vec![tensor("x", "FP32", &[1, 3], floats(&[1., 2., 3.]))]);
    let mut times = Vec::new();
    let (up, down) = (client.bytes_up(), client.bytes_down());
    for _ in 0..5000 {
        let start = Instant::now();
        client.infer(call.clone(), soon()).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 1000].as_micros();
    println!("1 row: median {} us, 90 % {} us, 99 % {} us", at(500), at(900), at(990));
    println!(
        "bytes per call: {} up, {} down",
        (client.bytes_up() - up) / 5000,
        (client.bytes_down() - down) / 5000
    );
    let start = Instant::now();
    for _ in 0..200 {
        world.client().await;
    }
    println!("connect: {} us", start.elapsed().as_micros() / 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check"]
async fn throughput_of_large_requests() {
    let world = World::new();
    for (name, size, calls) in
        [("64 KiB", 64 << 10, 4000), ("1 MiB", 1 << 20, 1000), ("16 MiB", 16 << 20, 60)]
    {
        let client = world.client().await;
        let call = request("echo", vec![tensor("x", "UINT8", &[i64::from(size)], vec![7; size as usize])]);
        let start = Instant::now();
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (client, call) = (client.clone(), call.clone());
                tokio::spawn(async move {
                    for _ in 0..calls / 4 {
                        client.infer(call.clone(), far()).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let seconds = start.elapsed().as_secs_f64();
        let rate = f64::from(calls) * f64::from(size) / f64::from(1 << 20) / seconds;
        println!(
            "{name}, 4 in flight, echoed: {:.0} calls/s, {rate:.0} MiB/s each way",
            f64::from(calls) / seconds
        );
    }
}
