//! Parties of `replicated3-malicious` that change what they tell the client, or what they hold: no wrong answer is released, whatever the
//! change and whoever made it; the same changes pass unnoticed where parties are only curious.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{entropy, linear_model, network, rows};
use privet_deploy::bundle::{Choices, PartyFile, PartySecret, PublicBundle, for_parties};
use privet_deploy::caller::{Asked, Caller as _};
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::{Host as _, InferReply, InferRequest, RawTensor};
use privet_deploy::prepared::prepare;
use privet_deploy::{Blame, Error};
use privet_model::graph::Graph;
use privet_model::tensor::{Data, Tensor};
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{Header, replicated3, replicated3_malicious};
use privet_mpc::role::Role;
use privet_mpc::unverified::CHECKS;
use privet_mpc::world::World;

const COLUMNS: usize = 5;
const ROWS: usize = 3;

struct Parties {
    graph: Graph,
    public: PublicBundle,
    files: Vec<PartyFile>,
    caller: Arc<MpcCaller>,
}

impl Parties {
    fn new(graph: Graph, protocol: &'static Header) -> Self {
        let sample = vec![Tensor::new(1, COLUMNS, Data::F32(vec![3.5; COLUMNS])).unwrap()];
        let prepared = prepare(&graph, Reveal::Score, 1e-3, Some(&sample)).map_err(Error::from).unwrap();
        let parties = vec![String::new(); 3];
        let choices =
            Choices { name: "m".into(), protocol, protect: Protect::Both, reveal: Reveal::Score, parties };
        let (public, files) = for_parties(&prepared, choices, &mut entropy(1)).unwrap();
        let caller = MpcCaller::new(&public).unwrap();
        Self { graph, public, files, caller }
    }

    /// The hosts, where `change` may change the share of the model that a party has.
    fn hosts(&self, change: impl Fn(Role, &mut PartySecret)) -> Vec<PartyHost> {
        let needs_peers = self.public.mpc().unwrap().numbers.needs_peers();
        let peers = meeting(World::new(4).deadline(Duration::from_millis(400)));
        let all = self.files.iter().zip(World::new(4).keys()).zip(peers);
        let host = |((file, keys), peers): ((&PartyFile, _), _)| {
            let (public, role, mut secret) = file.open().unwrap();
            change(role, &mut secret);
            let peers = needs_peers.then_some(peers);
            PartyHost::new(&public, role, secret, keys, peers, Box::new(|| Box::new(entropy(5)))).unwrap()
        };
        all.map(host).collect()
    }

    fn ask(&self, rows: &[Tensor], seed: u64) -> Asked {
        let mut jobs = self.caller.jobs(Arc::new(rows.to_vec()), &mut entropy(seed)).unwrap();
        jobs.remove(0).ask(&mut entropy(seed + 1000)).unwrap()
    }

    fn expected(&self, rows: &[Tensor]) -> Vec<f64> {
        privet_model::eval::evaluate(&self.graph, rows).unwrap()[0].to_f64().unwrap()
    }
}

fn replies(hosts: &[PartyHost], messages: &[InferRequest]) -> Result<Vec<InferReply>, Error> {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            hosts.iter().zip(messages).map(|(host, m)| scope.spawn(|| host.infer(m.clone()))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A party's reply with one byte of it changed.
fn altered(reply: &InferReply, at: usize, by: u8) -> InferReply {
    let mut reply = reply.clone();
    let mut data = reply.outputs[0].data.to_vec();
    let at = 32 + at % (data.len() - 32);
    data[at] ^= by;
    reply.outputs[0] = RawTensor::bytes("answer", data);
    reply
}

/// How many of so many changed answers of every party were released, and wrong.
fn wrong_answers(graph: Graph, protocol: &'static Header, trials: usize) -> usize {
    let parties = Parties::new(graph, protocol);
    let (hosts, x) = (parties.hosts(|_, _| {}), rows(1, ROWS, COLUMNS));
    let (expected, bound) = (parties.expected(&x), parties.caller.bound().unwrap());
    let mut wrong = 0;
    for trial in 0..trials {
        let asked = parties.ask(&x, trial as u64);
        let mut replies = replies(&hosts, &asked.messages).unwrap();
        let (liar, at) = (trial % 3, trial / 3 * 7);
        replies[liar] = altered(&replies[liar], at, 1 << (trial % 8));
        match asked.pending.answer(replies) {
            Ok(answer) => {
                let got = answer.outputs[0].to_f64().unwrap();
                // A sigmoid hides some of a large error, so any difference at all counts.
                wrong += usize::from(got.iter().zip(&expected).any(|(a, b)| (a - b).abs() > bound));
            }
            Err(e) => {
                assert!(matches!(e.code, "E514" | "E515") && e.blame == Blame::Integrity, "{e}");
                if e.code == "E515" {
                    assert!(e.message.contains(&format!("P{liar}")), "{e}");
                }
            }
        }
    }
    wrong
}

#[test]
fn no_changed_answer_is_released() {
    for graph in [linear_model(COLUMNS, 2), network(COLUMNS, 4, None)] {
        assert_eq!(wrong_answers(graph, &replicated3_malicious::HEADER, 600), 0);
    }
}

/// The judge finds what it looks for: where parties are only curious the same changes give wrong answers.
#[test]
fn where_parties_are_only_curious_most_changed_answers_are_wrong() {
    for graph in [linear_model(COLUMNS, 2), network(COLUMNS, 4, None)] {
        let wrong = wrong_answers(graph, &replicated3::HEADER, 120);
        assert!(wrong > 30, "{wrong} of 120");
    }
}

/// A party that computes with other weights than it was given.
#[test]
fn a_party_with_other_weights_is_found_out() {
    for graph in [linear_model(COLUMNS, 2), network(COLUMNS, 4, None)] {
        let parties = Parties::new(graph, &replicated3_malicious::HEADER);
        for liar in Role::ALL {
            let hosts = parties.hosts(|role, secret| {
                if role == liar {
                    match secret {
                        PartySecret::Linear(weights) => weights.factors[0][1] ^= 1 << 20,
                        PartySecret::Program(constants) => constants.tensors[0][0][1] ^= 1 << 20,
                    }
                }
            });
            let asked = parties.ask(&rows(3, ROWS, COLUMNS), 5);
            let answer = replies(&hosts, &asked.messages).and_then(|replies| asked.pending.answer(replies));
            let error = answer.map(drop).unwrap_err();
            assert!(
                matches!(error.code, "E514" | "E515") && error.blame == Blame::Integrity,
                "{liar}: {error}"
            );
        }
    }
}

#[test]
fn honest_answers_are_the_models_and_repeated_questions_too() {
    for graph in [linear_model(COLUMNS, 2), network(COLUMNS, 4, None)] {
        let parties = Parties::new(graph, &replicated3_malicious::HEADER);
        let hosts = parties.hosts(|_, _| {});
        for n in [1, 2, 9, 64] {
            let x = rows(n as u64, n, COLUMNS);
            let (first, second) = (parties.ask(&x, 7), parties.ask(&x, 7));
            for asked in [first, second] {
                let answer = asked.pending.answer(replies(&hosts, &asked.messages).unwrap()).unwrap();
                let (got, bound) = (answer.outputs[0].to_f64().unwrap(), parties.caller.bound().unwrap());
                let worst =
                    got.iter().zip(parties.expected(&x)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert_eq!(got.len(), 2 * n);
                assert!(worst <= bound, "{worst} over {bound}");
            }
        }
    }
}

/// What a party is sent for a check is shared like everything else, and there are as many for one row as for many.
#[test]
fn a_linear_request_has_forty_rows_more() {
    let parties = Parties::new(linear_model(COLUMNS, 1), &replicated3_malicious::HEADER);
    let layout = parties.public.layout().unwrap();
    assert_eq!((layout.columns, layout.check_rows), (COLUMNS + 1, CHECKS));
    for n in [1, 100] {
        let asked = parties.ask(&rows(1, n, COLUMNS), 1);
        let head = &asked.messages[0].inputs[0].data;
        assert_eq!(u32::from_le_bytes(*head[8..].first_chunk().unwrap()) as usize, n + CHECKS);
    }
}
