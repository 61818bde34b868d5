//! Clients of parties that talk to each other to answer: on the same port, more at once than the server has threads.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::pedantic)]

mod parties;

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use parties::{Trio, assert_right};
use privet_deploy::oip::{InferRequest, RawTensor};
use privet_mpc::protocols::replicated3::Replicated;
use privet_mpc::role::Role;
use privet_serve::{Client, Endpoint, Trust};

const REQUESTS: u64 = 150;

fn client(trio: &Trio, role: Role) -> Client {
    let trust = Trust::Pinned(trio.pins[role.index()].clone());
    Client::new(&Endpoint::new(role.to_string(), trio.address(role), trust)).unwrap()
}

fn request(seed: u64) -> InferRequest {
    let inputs = vec![RawTensor::bytes("seed", seed.to_le_bytes().to_vec())];
    InferRequest { model: "product".into(), inputs, ..InferRequest::default() }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn more_requests_than_threads_are_answered_right() {
    let trio = Trio::new(Duration::from_secs(20));
    run(all_are_right(&trio));
}

/// Each party gets the requests in another order, so that all of them wait for each other.
async fn all_are_right(trio: &Trio) {
    let deadline = Instant::now() + Duration::from_secs(15);
    let of_party = |role: Role| {
        let client = client(trio, role);
        async move {
            let turned = (0..REQUESTS).map(|i| (i + 50 * u64::from(u8::from(role))) % REQUESTS);
            let ask = async |seed: u64| (seed, client.infer(request(10 * seed), deadline).await.unwrap());
            let mut replies = join_all(turned.map(ask)).await;
            replies.sort_by_key(|(seed, _)| *seed);
            replies
        }
    };
    let replies = join_all(Role::ALL.map(of_party)).await;
    for seed in 0..REQUESTS {
        let parts = Role::ALL.map(|role| {
            let data = &replies[role.index()][seed as usize].1.outputs[0].data;
            let own = data.chunks_exact(8).map(|z| u64::from_le_bytes(z.try_into().unwrap())).collect();
            Replicated { k: 64, own, next: Vec::new() }
        });
        assert_right(10 * seed, &parts);
    }
}

#[test]
fn a_client_that_asks_one_party_only_is_told_whom_it_waits_for() {
    let trio = Trio::new(Duration::from_millis(500));
    run(one_waits(&trio));
}

async fn one_waits(trio: &Trio) {
    let client = client(trio, Role::ALL[0]);
    let error = client.infer(request(1), Instant::now() + Duration::from_secs(10)).await.err().unwrap();
    assert!(error.message.contains("party 1 did not begin the same computation in time"), "{error}");
    assert!(client.ready(Instant::now() + Duration::from_secs(1)).await.unwrap());
}
