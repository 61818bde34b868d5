//! A party of a program in which parties talk to each other meets its peers before it computes.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{World3, entropy};
use privet_deploy::Blame;
use privet_deploy::mpc::PartyHost;
use privet_deploy::oip::Host as _;
use privet_mpc::Abort;
use privet_mpc::link::{Links, Peers};
use privet_mpc::protect::Protect;
use privet_mpc::world::World;

/// Nobody is met; but how often it was tried is counted.
#[derive(Default)]
struct Nobody(AtomicUsize);

impl Peers for Nobody {
    fn meet(&self, _: &[u8; 32]) -> Result<Links, Abort> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(Abort::Peer { peer: 2, what: "is gone".into() })
    }
}

#[test]
fn a_peer_that_is_not_met_is_named_and_nothing_is_computed() {
    let world = World3::new(Protect::Both, 3, 1);
    let nobody = Arc::new(Nobody::default());
    let (public, role, weights) = world.files[0].open().unwrap();
    let keys = World::new(4).keys()[0].clone();
    let host = PartyHost::new(
        &public,
        role,
        weights,
        keys,
        Some(Arc::clone(&nobody) as _),
        Box::new(|| Box::new(entropy(5))),
    )
    .unwrap();
    let asked = world.ask_once(&world.rows(1, 2), 1);
    let error = host.infer(asked.messages[0].clone()).err().unwrap();
    assert_eq!((error.blame, error.code), (Blame::Unreachable, "E320"));
    assert!(error.message.contains("party 2 is gone"), "{error}");
    assert_eq!(nobody.0.load(Ordering::Relaxed), 1);
    assert!(host.waits() && !world.hosts[0].waits());
}
