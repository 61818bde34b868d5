//! How often an epoch's keys are used, and what ends them. Evidence is the simulator's, whose signature anybody can make.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use privet_tee::channel::{Channel, ChannelError, Epoch};
use privet_tee::claims::{Appraised, Claims};
use privet_tee::evidence::{Blob, Evidence};
use privet_tee::kind::Kind;
use privet_tee::policy::Policy;
use privet_tee::simulator;
use privet_tee::statement::{Direction, Freshness, Hex, Sealing, Statement, report_data, sha256};
use privet_tee::verify::{Collateral, Question, appraise};
use world::{BUNDLE, NOW, PROGRAM, Random};

const NONCE: [u8; 32] = [9; 32];

/// Another seed at each call.
fn random() -> Random {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    Random(CALLS.fetch_add(1, Ordering::Relaxed))
}

fn evidence(epoch: &Epoch) -> Evidence {
    let statement = Statement {
        version: 1,
        direction: Direction::EnclaveToClient,
        freshness: Freshness::Full { nonce: Hex(NONCE) },
        encryption_key: Hex(epoch.public()),
        signing_key: Hex([2; 32]),
        requests: 2,
        bundle: Hex(BUNDLE),
        configuration: Hex([5; 32]),
        model: None,
        sealing: Sealing { provider: "none".into(), rollback: "none".into() },
        remarks: Vec::new(),
    }
    .to_bytes();
    let body = simulator::sign(PROGRAM, &[], &report_data(&statement));
    Evidence { statement: Blob(statement), ..Evidence::recorded(Kind::SimProcess, body) }
}

fn claims(evidence: &Evidence) -> Claims {
    let program = Hex(PROGRAM);
    let policy = format!(
        "version = 1\n[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"{program}\"]\n"
    );
    let policy = Policy::parse(&policy).expect("a policy");
    let question = Question {
        direction: Direction::EnclaveToClient,
        nonce: Hex(NONCE),
        bundle: Hex(BUNDLE),
        model: None,
        session: None,
    };
    let collateral = Collateral::default();
    match appraise(&evidence.to_bytes(), &policy, &collateral, Some(&question), NOW).1 {
        Some(Appraised::Simulated(claims)) => claims.dangerous_accept_simulated(),
        _ => panic!("a simulator"),
    }
}

/// An epoch of at most `limit` requests, and a client of it.
fn world(limit: usize) -> (Epoch, Channel) {
    let epoch = Epoch::begin(BUNDLE, limit, &mut random()).expect("an epoch");
    let evidence = evidence(&epoch);
    epoch.gave(sha256(&evidence.to_bytes())).expect("the first evidence");
    let channel = Channel::open(claims(&evidence), &mut random()).expect("a channel");
    (epoch, channel)
}

fn request(channel: &Channel) -> Vec<u8> {
    channel.request(3, &mut random(), |m| m.extend_from_slice(b"row")).expect("a request").0
}

fn refusal(epoch: &Epoch, mut request: Vec<u8>) -> Option<ChannelError> {
    epoch.open(&mut request).err()
}

#[test]
fn an_epoch_takes_as_many_requests_as_it_said_and_each_once() {
    let (epoch, channel) = world(2);
    let first = request(&channel);
    assert_eq!(refusal(&epoch, first.clone()), None);
    assert!(!epoch.is_over());
    assert_eq!(refusal(&epoch, first.clone()), Some(ChannelError::Replayed));
    assert_eq!(refusal(&epoch, request(&channel)), None);
    assert!(epoch.is_over(), "the next client is given other keys before anybody is refused");
    assert_eq!(refusal(&epoch, request(&channel)), Some(ChannelError::Ended));
    assert_eq!(refusal(&epoch, first), Some(ChannelError::Replayed), "nothing is forgotten at the end");
    assert_eq!(epoch.gave([1; 32]), Err(ChannelError::Ended));
}

#[test]
fn what_does_not_open_counts_for_nothing() {
    let (epoch, channel) = world(1);
    for _ in 0..3 {
        let mut changed = request(&channel);
        *changed.last_mut().expect("a tag") ^= 1;
        assert_eq!(refusal(&epoch, changed), Some(ChannelError::Broken));
    }
    assert!(!epoch.is_over());
    assert_eq!(refusal(&epoch, request(&channel)), None);
}

#[test]
fn an_epoch_that_gave_all_its_evidence_is_over_for_new_clients_only() {
    let (epoch, channel) = world(1 << 20);
    for given in 1..1_u32 << 16 {
        assert!(!epoch.is_over());
        epoch.gave(sha256(&given.to_be_bytes())).expect("within what an epoch gives");
    }
    assert!(epoch.is_over());
    assert_eq!(epoch.gave([1; 32]), Err(ChannelError::Ended));
    assert_eq!(refusal(&epoch, request(&channel)), None, "who attested goes on");
}
