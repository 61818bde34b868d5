//! Messages of parties, servers and dealers: what is read is written again to the same bytes.

use bytes::Bytes;
use privet_deploy::dealer2::epoch::Epoch;
use privet_deploy::dealer2::wire::{Ask, Dealt, Order, Question, read_tickets, write_tickets};
use privet_deploy::he::wire as he;
use privet_deploy::oip::{InferRequest, RawTensor};
use privet_deploy::wire;
use privet_mpc::role::Role;
use privet_mpc::tape::Tape;

use crate::target::{Target, joined, parts, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("party_message", party_message, party_seeds),
    Target::new("dealer2_question", dealer2_question, || vec![ask(), compute()]),
    Target::new("dealer2_order", dealer2_order, || vec![[&[1; 100][..], b"tapes"].concat(), order()]),
    Target::new("dealer2_tickets", dealer2_tickets, || vec![[&[3; 40][..], &[1; 48], &[2; 48]].concat()]),
    Target::new("dealer2_tape", dealer2_tape, || vec![tape()]),
    Target::new("ciphertext_message", ciphertext_message, ciphertext_seeds),
];

fn party_seeds() -> Vec<Vec<u8>> {
    let head = |role: u8, protect: u8, secrets: usize| {
        let fixed = [&b"PVT1"[..], &[role, protect, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], &[4; 128]].concat();
        [fixed, vec![5; 16 * secrets]].concat()
    };
    let mut all = Vec::new();
    for role in 0..3 {
        for (protect, secrets) in [(0, 2), (1, 1), (2, 1)] {
            all.push(joined(&[&head(role, protect, secrets), &[6; 30]]));
            all.push(joined(&[&head(role, protect, secrets)]));
        }
    }
    all
}

fn party_message(bytes: &[u8]) {
    let parts = parts(bytes);
    let Some(head) = parts.first() else { return };
    let body = parts.get(1).map(|body| Bytes::copy_from_slice(body));
    for role in Role::ALL {
        if let Some(request) = theirs(wire::decode(role, head, body.clone())) {
            assert!(
                wire::encode(role, &request) == (Bytes::copy_from_slice(head), body.clone()),
                "written otherwise"
            );
        }
    }
}

fn ask() -> Vec<u8> {
    joined(&[&Ask { rows: 4, count: 2, bundle: [7; 32], nonce: [8; 16] }.head(1)])
}

fn compute() -> Vec<u8> {
    let head = [&b"PVC1"[..], &[2, 0, 0, 0, 4, 0, 0, 0], &[1; 8], &[9; 128], &[3; 16]].concat();
    joined(&[&head, b"masked rows"])
}

fn dealer2_question(bytes: &[u8]) {
    let parts = parts(bytes);
    let Some(head) = parts.first() else { return };
    let body = parts.get(1).map(|body| Bytes::copy_from_slice(body));
    for me in [1, 2] {
        let again = match theirs(Question::decode(me, head, body.clone())) {
            Some(Question::Tickets(ask)) => ask.head(me),
            Some(Question::Compute(compute)) => compute.head(me),
            None => continue,
        };
        assert_eq!(again, *head, "what was read is written otherwise");
    }
}

const KEY: [u8; 32] = [11; 32];

fn order() -> Vec<u8> {
    let order = Order { server: 1, rows: 4, count: 2, first: 0, bundle: [7; 32], nonce: [8; 32] };
    order.seal(&KEY)
}

/// As it comes; and the same content with a seal that fits.
fn dealer2_order(bytes: &[u8]) {
    let key = |server| (server == 1).then_some(&KEY);
    if let Some((order, seal)) = theirs(Order::open(bytes, key)) {
        let again = order.seal(&KEY);
        assert!(again == bytes && again.ends_with(&seal), "what was read is written otherwise");
    }
    let _ = theirs(Dealt::open(bytes, &KEY, &KEY));
    let Some((epoch, tapes)) = bytes.split_first_chunk::<96>() else { return };
    let nonce = |at: usize| {
        let mut nonce = [0; 32];
        nonce.copy_from_slice(&epoch[32 * at..32 * (at + 1)]);
        nonce
    };
    let epoch = Epoch { dealer: nonce(0), servers: [nonce(1), nonce(2)] };
    let tapes: Vec<_> = parts(tapes).into_iter().map(|tape| tape.to_vec().into()).collect();
    let sealed = Dealt { epoch, tapes: tapes.clone() }.seal(&KEY, &KEY);
    let opened = Dealt::open(&sealed, &KEY, &KEY);
    assert!(opened.is_ok_and(|opened| opened.tapes == tapes), "what a dealer sent is not what came");
}

/// Of at most so many tickets.
const TICKETS: usize = 64;

fn dealer2_tickets(bytes: &[u8]) {
    let Some((epoch, first, given)) = read_tickets(bytes, TICKETS) else { return };
    assert!(given.len() <= TICKETS, "more tickets were read than are taken");
    assert_eq!(write_tickets(&epoch, first, &given), bytes, "what was read is written otherwise");
}

fn tape() -> Vec<u8> {
    let lane = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes()[..], bytes].concat();
    [lane(b"one lane"), lane(b""), lane(&[1; 40])].concat()
}

fn dealer2_tape(bytes: &[u8]) {
    if let Some(tape) = Tape::from_bytes(bytes) {
        assert_eq!(&tape.to_bytes()[..], bytes, "what was read is written otherwise");
    }
}

fn ciphertext_seeds() -> Vec<Vec<u8>> {
    let question = |mark: &[u8]| [mark, &[2, 0, 0, 0, 1, 0, 0, 0], &[5; 96]].concat();
    let masked = [&b"PVO1"[..], &[2, 0, 0, 0, 1, 0, 0, 0], &[5; 64]].concat();
    vec![
        joined(&[&[1, 2, 4], &question(b"PVH1"), b"the key", b"ciphertexts"]),
        joined(&[&[1, 4], &question(b"PVM1"), b"ciphertexts"]),
        joined(&[&[1, 8], &masked, b"masked rows"]),
    ]
}

const NAMES: [&str; 5] = [he::HEAD, he::KEY, he::CIPHERTEXTS, he::MASKED, "another"];

/// Names of tensors, and their bytes.
fn ciphertext_message(bytes: &[u8]) {
    let parts = parts(bytes);
    let Some((names, tensors)) = parts.split_first() else { return };
    let tensor = |(&name, data): (&u8, &&[u8])| {
        let mut raw = RawTensor::bytes(NAMES[name.trailing_zeros() as usize % NAMES.len()], data.to_vec());
        raw.datatype = if name & 1 == 1 && name > 128 { "FP32".into() } else { raw.datatype };
        raw
    };
    let inputs: Vec<RawTensor> = names.iter().zip(tensors).map(tensor).collect();
    let head = inputs.iter().find(|raw| raw.name == he::HEAD).map(|raw| raw.data.clone());
    let request = InferRequest { model: "m".into(), inputs, ..InferRequest::default() };
    let Some((message, digest)) = theirs(he::Message::read(request)) else { return };
    let again = match &message {
        he::Message::Question(question) => question.head(),
        he::Message::UnderTicket(question) => question.head(),
    };
    assert!(Some(&again[..]) == head.as_deref() && digest == he::digest(&again), "written otherwise");
}
