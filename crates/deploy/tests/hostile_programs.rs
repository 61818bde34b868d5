//! What a client that lies can do to parties that talk to each other: nothing but spoil its own answer. Each case ends with an
//! honest request that is answered right.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{entropy, network, rows};
use privet_deploy::bundle::{Choices, PublicBundle, for_parties};
use privet_deploy::caller::{Asked, Caller as _};
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{BODY, HEAD, MpcCaller, PartyHost};
use privet_deploy::oip::{Host as _, InferReply, InferRequest, RawTensor};
use privet_deploy::prepared::prepare;
use privet_deploy::{Blame, Error, wire};
use privet_model::eval::evaluate;
use privet_model::tensor::{Data, Tensor};
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::PROTOCOLS;
use privet_mpc::request::Request;
use privet_mpc::role::Role;
use privet_mpc::world::World;

const COLUMNS: usize = 6;
const ROWS: usize = 5;
/// How long a party waits for another one here.
const PATIENCE: Duration = Duration::from_millis(700);

struct Parties {
    public: PublicBundle,
    hosts: Vec<PartyHost>,
    caller: Arc<MpcCaller>,
}

impl Parties {
    fn new(protect: Protect) -> Self {
        let sample = vec![Tensor::new(1, COLUMNS, Data::F32(vec![3.5; COLUMNS])).unwrap()];
        let prepared = prepare(&network(COLUMNS, 8, None), Reveal::Score, 1e-3, Some(&sample))
            .map_err(Error::from)
            .unwrap();
        let parties = ["key of P0", "key of P1", "key of P2"].map(str::to_owned).to_vec();
        let choices =
            Choices { name: "m".into(), protocol: PROTOCOLS[0], protect, reveal: Reveal::Score, parties };
        let (public, files) = for_parties(&prepared, choices, &mut entropy(1)).unwrap();
        let (keys, peers) = (World::new(4).keys(), meeting(World::new(4).deadline(PATIENCE)));
        let hosts = files.iter().zip(keys).zip(peers).map(|((file, keys), peers)| {
            let (public, role, secret) = file.open().unwrap();
            PartyHost::new(&public, role, secret, keys, Some(peers), Box::new(|| Box::new(entropy(5))))
                .unwrap()
        });
        let hosts = hosts.collect();
        let caller = MpcCaller::new(&public).unwrap();
        Self { public, hosts, caller }
    }

    fn ask(&self, rows: &[Tensor], seed: u64) -> Asked {
        let mut jobs = self.caller.jobs(Arc::new(rows.to_vec()), &mut entropy(seed)).unwrap();
        jobs.remove(0).ask(&mut entropy(9)).unwrap()
    }

    /// All parties at once, as on three machines.
    fn replies(&self, messages: &[InferRequest]) -> Vec<Result<InferReply, Error>> {
        std::thread::scope(|scope| {
            let mut running = Vec::new();
            for (host, message) in self.hosts.iter().zip(messages) {
                running.push(scope.spawn(|| host.infer(message.clone())));
            }
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    /// An honest client, after whatever happened.
    fn are_unharmed(&self, seed: u64) {
        let rows = rows(seed, ROWS, COLUMNS);
        let Asked { messages, pending, .. } = self.ask(&rows, seed);
        let replies = self.replies(&messages).into_iter().map(Result::unwrap).collect();
        let (got, exact) =
            (pending.answer(replies).unwrap(), evaluate(&network(COLUMNS, 8, None), &rows).unwrap());
        let (got, exact) = (got.outputs[0].to_f64().unwrap(), exact[0].to_f64().unwrap());
        assert!(got.iter().zip(&exact).all(|(a, b)| (a - b).abs() <= 1e-3));
    }
}

/// Who gave up, and that this did not take long. A party that waits for nobody may have answered: its summand alone is noise.
fn given_up(parties: &Parties, messages: &[InferRequest]) -> Vec<(usize, Error)> {
    let start = Instant::now();
    let replies = parties.replies(messages).into_iter().enumerate();
    let errors: Vec<_> = replies.filter_map(|(at, reply)| Some((at, reply.err()?))).collect();
    assert!(start.elapsed() < 8 * PATIENCE);
    assert!(!errors.is_empty(), "no answer is complete");
    errors
}

#[test]
fn parties_that_were_told_different_things_do_not_compute() {
    for protect in Protect::ALL {
        let parties = Parties::new(protect);
        for liar in Role::ALL.map(Role::index) {
            // Same seeds and salt, other rows: only what the explicit component says differs.
            let seed = 10 + liar as u64;
            let (a, b) =
                (parties.ask(&rows(1, ROWS, COLUMNS), seed), parties.ask(&rows(2, ROWS, COLUMNS), seed));
            let mut messages = a.messages.clone();
            messages[liar] = b.messages[liar].clone();
            for (_, error) in given_up(&parties, &messages) {
                assert_eq!(error.blame, Blame::Unreachable, "{protect:?}: {error}");
            }
        }
        parties.are_unharmed(3);
    }
}

/// Any elements of the ring in the place of rows, under honest commitments.
fn any_elements(parties: &Parties, seed: u64) -> Vec<InferRequest> {
    let layout = parties.public.layout().unwrap();
    let mut request = Request::draw(&mut entropy(seed)).unwrap();
    let ticket = request.ticket().unwrap();
    let mut source = entropy(seed + 1);
    let fill = |_: usize, out: &mut [u64]| {
        let mut bytes = vec![0; 8 * out.len()];
        privet_ring::entropy::Entropy::fill(&mut source, &mut bytes).unwrap();
        out.iter_mut().zip(bytes.as_chunks().0).for_each(|(x, b)| *x = u64::from_le_bytes(*b));
        Ok::<_, Error>(())
    };
    let split = request.split(ticket, &layout, ROWS as u32, fill).unwrap();
    let message = |(role, message)| {
        let (head, body) = wire::encode(role, message);
        let bodies = body.map(|bytes| RawTensor::bytes(BODY, bytes));
        let inputs = std::iter::once(RawTensor::bytes(HEAD, head)).chain(bodies).collect();
        InferRequest { model: "m".into(), inputs, ..InferRequest::default() }
    };
    Role::ALL.into_iter().zip(&split.messages).map(message).collect()
}

fn counted(reply: &InferReply) -> Vec<String> {
    reply.parameters.iter().map(|parameter| format!("{parameter:?}")).collect()
}

/// Rows out of range make sums wrap. What that costs and how long the answer is says nothing about the model: both are those of an
/// honest request, whatever the elements are.
#[test]
fn rows_out_of_range_spoil_their_own_answer_only() {
    for protect in Protect::ALL {
        let parties = Parties::new(protect);
        let honest = parties.ask(&rows(1, ROWS, COLUMNS), 5).messages;
        let honest: Vec<_> = parties.replies(&honest).into_iter().map(Result::unwrap).collect();
        for seed in 0..40 {
            let replies = parties.replies(&any_elements(&parties, 100 + 2 * seed));
            for (reply, honest) in replies.into_iter().map(Result::unwrap).zip(&honest) {
                assert_eq!(reply.outputs[0].data.len(), honest.outputs[0].data.len());
                assert_eq!(counted(&reply), counted(honest), "{protect:?}");
            }
        }
        parties.are_unharmed(3);
    }
}

#[test]
fn a_message_of_another_length_is_refused_by_whom_it_reached_and_the_others_stop_waiting() {
    let parties = Parties::new(Protect::Both);
    for victim in 0..3 {
        for (seed, cut) in [0, 1, 31, usize::MAX].into_iter().enumerate() {
            let seed = 100 + 10 * victim as u64 + seed as u64;
            let mut messages = parties.ask(&rows(1, ROWS, COLUMNS), seed).messages;
            let last = messages[victim].inputs.last_mut().unwrap();
            let mut bytes = last.data.to_vec();
            if cut == usize::MAX {
                bytes.push(0);
            } else {
                bytes.truncate(cut);
            }
            last.data = bytes.into();
            let errors = given_up(&parties, &messages);
            assert!(errors.iter().any(|(at, _)| *at == victim));
            for (at, error) in errors {
                let expected = if at == victim { Blame::Usage } else { Blame::Unreachable };
                assert_eq!(error.blame, expected, "party {at}, {cut}: {error}");
            }
        }
    }
    parties.are_unharmed(3);
}

#[test]
fn a_request_that_reaches_one_party_only_is_given_up() {
    let parties = Parties::new(Protect::Both);
    let mut given_up = 0;
    for alone in 0..3 {
        let messages = parties.ask(&rows(1, ROWS, COLUMNS), 20 + alone as u64).messages;
        match parties.hosts[alone].infer(messages[alone].clone()) {
            Err(error) => {
                assert_eq!(error.blame, Blame::Unreachable, "{error}");
                given_up += 1;
            }
            // It waits for nobody; its summand alone is noise.
            Ok(reply) => assert_eq!(reply.outputs.len(), 1),
        }
    }
    assert!(given_up >= 2);
    parties.are_unharmed(3);
}

/// The same request once more is the same computation: it gives the same bytes, and so tells nothing new.
#[test]
fn a_replay_is_the_same_transcript() {
    let parties = Parties::new(Protect::Both);
    let messages = parties.ask(&rows(1, ROWS, COLUMNS), 5).messages;
    let answers = || -> Vec<_> {
        let replies = parties.replies(&messages).into_iter().map(Result::unwrap);
        replies.map(|reply| reply.outputs[0].data.clone()).collect()
    };
    assert_eq!(answers(), answers());
}
