//! The native client, and what it says when the other side is not as expected.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::{Duration, Instant};

use common::{Relay, Running, World, floats, request, soon, tensor};
use privet_deploy::oip::Parameter;
use privet_deploy::{Blame, Error};
use privet_serve::{Client, Endpoint, Limits, MachineKey, Trust};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

fn doing(what: &str) -> privet_deploy::oip::InferRequest {
    let mut request = request("echo", vec![tensor("x", "FP32", &[1], floats(&[1.0]))]);
    request.parameters = vec![("do".into(), Parameter::Text(what.into()))];
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_in_and_answers_come_out() {
    let world = World::new();
    let client = world.client().await;
    assert!(client.ready(soon()).await.unwrap());
    let call = request("sum", vec![tensor("x", "FP32", &[2, 3], floats(&[1., 2., 3., -4., 0., 1.]))]);
    let reply = client.infer(call, soon()).await.unwrap();
    assert_eq!(reply.id, "7");
    assert_eq!(reply.parameters, [("bound".to_owned(), Parameter::Double(0.5))]);
    let [score, label] = reply.outputs.as_slice() else { panic!("two outputs") };
    assert_eq!((score.name.as_str(), score.data.to_vec()), ("score", floats(&[6., -3.])));
    assert_eq!((label.name.as_str(), &label.data[..8]), ("label", 1_i64.to_le_bytes().as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_keeps_its_parameters() {
    let world = World::new();
    let metadata = world.client().await.metadata("sum", soon()).await.unwrap();
    assert_eq!(&metadata, common::hosts()[1].metadata());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_error_arrives_unchanged() {
    let world = World::new();
    let client = world.client().await;
    for (what, blame) in [
        ("ours", Blame::Ours),
        ("usage", Blame::Usage),
        ("refused", Blame::Refused),
        ("not_found", Blame::NotFound),
        ("unreachable", Blame::Unreachable),
        ("integrity", Blame::Integrity),
    ] {
        let error = client.infer(doing(what), soon()).await.err().unwrap();
        assert_eq!(error, Error::new(blame, "E105", format!("Row 17 asked for `{what}`.")));
    }
    let error = client.infer(doing("panic"), soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Ours, "E901"));
    assert!(client.ready(soon()).await.unwrap(), "the server lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_refused_with_both_fingerprints() {
    let world = World::new();
    let other = MachineKey::generate("party-1").unwrap();
    let endpoint = Endpoint { trust: Trust::Pinned(other.public().clone()), ..world.endpoint() };
    let error = Client::connect(&endpoint, soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Integrity, "E311"));
    let short = |key: &MachineKey| privet_serve::public_key::fingerprint(key.public().tls());
    let sentence = format!(
        "The key offered at {} is not the one pinned for `party-1` (expected {}, got {}). ",
        world.server.address,
        short(&other),
        short(&world.key)
    );
    assert!(error.message.starts_with(&sentence), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_accepted_under_its_names_only() {
    let world = World::new();
    let port = world.server.address.port();
    let reach = |address: String, pem: &str| Endpoint::new("party-1", address, Trust::Authority(pem.into()));
    for host in ["127.0.0.1", "localhost"] {
        let endpoint = reach(format!("{host}:{port}"), &world.certificate);
        assert!(Client::connect(&endpoint, soon()).await.unwrap().ready(soon()).await.unwrap());
    }
    let strange = MachineKey::generate("party-1").unwrap().certificate(&[]).unwrap();
    let untrusted = reach(format!("127.0.0.1:{port}"), &strange);
    let error = Client::connect(&untrusted, soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Integrity, "E311"));
    // Elsewhere only one loopback address exists.
    if cfg!(target_os = "linux") {
        let relay = Relay::at("127.0.0.2:0", world.server.address).await;
        let unnamed = reach(relay.address.to_string(), &world.certificate);
        let error = Client::connect(&unnamed, soon()).await.err().unwrap();
        assert_eq!((error.blame, error.code), (Blame::Integrity, "E311"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_in_the_middle_is_noticed_at_once() {
    let world = World::new();
    let relay = Relay::to(world.server.address).await;
    let endpoint = Endpoint { address: relay.address.to_string(), ..world.endpoint() };
    let client = Client::connect(&endpoint, soon()).await.unwrap();
    let waiting = tokio::spawn(async move { client.infer(doing("sleep"), soon()).await.err().unwrap() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    relay.cut();
    let error = waiting.await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(300), "{:?}", start.elapsed());
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E304"), "{error}");
    assert!(error.message.contains("`party-1`") && error.message.contains("was lost"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_vanished_without_a_word_is_noticed_before_the_deadline() {
    let world = World::new();
    let relay = Relay::to(world.server.address).await;
    let endpoint = Endpoint { address: relay.address.to_string(), ..world.endpoint() };
    let client = Client::connect(&endpoint, soon()).await.unwrap();
    let late = Instant::now() + Duration::from_secs(600);
    let waiting = tokio::spawn(async move { client.infer(doing("sleep"), late).await.err().unwrap() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    relay.fall_silent();
    let error = waiting.await.unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E304"), "{error}");
    assert!(error.message.contains("`party-1`") && error.message.contains("was lost"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_found_again_after_its_restart() {
    let mut world = World::new();
    let client = world.client().await;
    assert!(client.ready(soon()).await.unwrap());
    let port = world.server.address.port();
    world.server.kill();
    for _ in 0..3 {
        let start = Instant::now();
        let error = client.ready(soon()).await.err().unwrap();
        assert!(start.elapsed() < Duration::from_millis(500));
        assert_eq!((error.blame, error.code), (Blame::Unreachable, "E304"), "{error}");
    }
    world.server = Running::start(&world.key, &world.certificate, Limits::default(), port);
    assert!(client.ready(soon()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_that_was_cut_is_made_again_unnoticed() {
    let mut world = World::new();
    let client = world.client().await;
    assert!(client.ready(soon()).await.unwrap());
    let port = world.server.address.port();
    world.server.kill();
    world.server = Running::start(&world.key, &world.certificate, Limits::default(), port);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client.ready(soon()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_costs_no_more_than_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            kept.push(listener.accept().await);
        }
    });
    let key = MachineKey::generate("party-2").unwrap();
    let endpoint = Endpoint::new("party-2", address, Trust::Pinned(key.public().clone()));
    let start = Instant::now();
    let error = Client::connect(&endpoint, start + Duration::from_millis(300)).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E305"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(600));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_not_waited_for_past_the_deadline() {
    let world = World::new();
    let client = world.client().await;
    let start = Instant::now();
    let error = client.infer(doing("sleep"), start + Duration::from_millis(300)).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E305"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(900));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_said_so() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let key = MachineKey::generate("party-2").unwrap();
    let endpoint = Endpoint::new("party-2", free.to_string(), Trust::Pinned(key.public().clone()));
    let error = Client::connect(&endpoint, soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E304"));
    assert!(error.message.contains("connection refused") && error.message.contains("`party-2`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_tls_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_u8().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let key = MachineKey::generate("party-2").unwrap();
    let endpoint = Endpoint::new("party-2", address, Trust::Pinned(key.public().clone()));
    let error = Client::connect(&endpoint, soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E304"));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_go_both_ways_and_too_large_ones_nowhere() {
    let world = World::new();
    let client = world.client().await;
    let (up, down) = (client.bytes_up(), client.bytes_down());
    let data = vec![7; 40 << 20];
    let size = data.len() as u64;
    let call = request("echo", vec![tensor("x", "UINT8", &[40 << 20], data)]);
    let reply = client.infer(call, soon()).await.unwrap();
    assert!(
        reply.outputs[0].data.iter().all(|byte| *byte == 7) && reply.outputs[0].data.len() as u64 == size
    );
    let (up, down) = (client.bytes_up() - up, client.bytes_down() - down);
    for counted in [up, down] {
        assert!((size..size + size / 100).contains(&counted), "{counted} of {size}");
    }

    let call = request("echo", vec![tensor("x", "UINT8", &[65 << 20], vec![0; 65 << 20])]);
    let error = client.infer(call, soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Usage, "E155"));
    assert!(error.message.contains("67108864"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_smaller_limit_says_both_numbers() {
    let world = World::with(Limits { message: 1 << 20, ..Limits::default() });
    let client = world.client().await;
    let call = request("echo", vec![tensor("x", "UINT8", &[2 << 20], vec![0; 2 << 20])]);
    let error = client.infer(call, soon()).await.err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Usage, "E155"), "{error}");
    assert!(error.message.contains(" 20971") && error.message.contains(" 1048576."), "{error}");
    assert!(client.ready(soon()).await.unwrap(), "the connection lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_finishes_what_it_has() {
    let mut world = World::new();
    let client = world.client().await;
    let running = tokio::spawn({
        let client = client.clone();
        async move { client.infer(doing("sleep"), soon()).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.server.stop();
    let reply = running.await.unwrap();
    assert!(reply.is_ok(), "{}", reply.err().unwrap());
    let World { server, .. } = world;
    tokio::task::spawn_blocking(move || server.join()).await.unwrap();
    assert_eq!(client.ready(soon()).await.err().unwrap().code, "E304");
}
