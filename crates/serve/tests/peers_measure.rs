//! How far a peer is, and what is said where it cannot be reached.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::pedantic)]

mod parties;

use std::time::Duration;

use parties::Trio;
use parties::raw::{greet, shake};
use privet_deploy::{Blame, Error};
use privet_mpc::role::Role;
use privet_serve::peers::{Measured, Side, measure};

const LONG: Duration = Duration::from_secs(20);

fn to_next(trio: &Trio) -> Result<Measured, Error> {
    let p0 = Role::ALL[0];
    measure(&trio.identity(p0), Side::Next, trio.address(p0.next()))
}

#[test]
fn a_way_is_measured_while_the_parties_compute() {
    let trio = Trio::new(LONG);
    let measured = to_next(&trio).unwrap();
    assert!(measured.round_trip > Duration::ZERO && measured.bytes_per_second > 0.0);
    trio.check(1);
    // The other side takes one at a time, and may still be ending the first.
    let again = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        to_next(&trio).is_ok()
    });
    assert!(again, "also a second time");
}

#[test]
fn what_is_wrong_is_said() {
    let mut trio = Trio::stopped(LONG);
    let [p0, p1, _] = Role::ALL;
    let error = to_next(&trio).err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E304"));
    assert!(error.message.contains("`party-1 (party 1)`"), "{error}");
    trio.start(p1);
    assert!(to_next(&trio).is_ok(), "the one that measures need not run");
    let error = measure(&trio.identity(p0), Side::Previous, trio.address(p1)).err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Integrity, "E311"), "another party is there: {error}");
    trio.members[0].bundle = [9; 32];
    assert_eq!(to_next(&trio).err().unwrap().code, "E322");
}

#[test]
fn one_way_is_measured_at_a_time_and_a_hanging_one_does_not_last() {
    let mut trio = Trio::stopped(LONG);
    let (p1, p2) = (Role::ALL[1], Role::ALL[2]);
    trio.start(p1);
    let member = &trio.members[2];
    let mut hangs = shake(&trio, &member.key, &member.certificate, p1);
    assert_eq!(greet(&mut hangs, 1, p2, &member.bundle).unwrap(), 0);
    let error = to_next(&trio).err().unwrap();
    assert!(error.code == "E322" && error.message.contains("being measured"), "{error}");
    std::thread::sleep(Duration::from_millis(3500));
    assert!(to_next(&trio).is_ok(), "silence ends it");
}

#[test]
fn a_server_of_clients_only_is_no_party() {
    let trio = Trio::stopped(LONG);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let member = &trio.members[1];
    let listener = parties::bind(&member.address);
    let tls = privet_serve::tls::server_config(&member.key, &member.certificate).unwrap();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let registry = std::sync::Arc::new(privet_serve::Registry::new(Vec::new()).unwrap());
        privet_serve::serve(listener, tls, registry, privet_serve::Limits::default(), std::future::pending())
            .await
    });
    let error = to_next(&trio).err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Usage, "E321"));
    assert!(error.message.contains("no party's server"), "{error}");
    runtime.shutdown_background();
}
