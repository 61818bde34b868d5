//! Two servers and a dealer, from rows to answers: right with and without tickets at hand; each ticket once; nothing of an epoch survives it.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{entropy, is_even, linear_model, network, rows};
use privet_deploy::bundle::{Choices, PartyFile, PublicBundle, for_parties};
use privet_deploy::caller::{Answer, Asked, Caller as _, Job, OPEN_AGAIN};
use privet_deploy::dealer2::caller::DealtCaller;
use privet_deploy::dealer2::dealer::DealerHost;
use privet_deploy::dealer2::pool::{Memory, Supply};
use privet_deploy::dealer2::server::ServerHost;
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{Host as _, InferReply, InferRequest, RawTensor};
use privet_deploy::prepared::{Prepared, prepare};
use privet_deploy::{Blame, Error};
use privet_model::graph::{Function, Graph};
use privet_model::tensor::{Data, Tensor};
use privet_mpc::link::Peers;
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::dealer2::HEADER;
use privet_mpc::role::PARTIES;
use privet_mpc::world::World;
use privet_ring::pack::unpack;
use privet_ring::reduce;

const COLUMNS: usize = 6;
const PATIENCE: Duration = Duration::from_millis(500);
const POOL: usize = 8 << 20;

struct Roles {
    graph: Graph,
    public: PublicBundle,
    files: Vec<PartyFile>,
    dealer: Arc<DealerHost>,
    servers: [ServerHost; 2],
    peers: [Arc<dyn Peers>; PARTIES],
    caller: Arc<DealtCaller>,
    /// Messages of clients to a server so far.
    calls: AtomicUsize,
}

fn bundle(graph: &Graph, reveal: Reveal, protect: Protect) -> (PublicBundle, Vec<PartyFile>) {
    let sample = vec![Tensor::new(1, COLUMNS, Data::F32(vec![3.5; COLUMNS])).unwrap()];
    let prepared: Prepared = prepare(graph, reveal, 1e-3, Some(&sample)).map_err(Error::from).unwrap();
    let parties = ["key of the dealer", "key of P1", "key of P2"].map(str::to_owned).to_vec();
    let choices = Choices { name: "m".into(), protocol: &HEADER, protect, reveal, parties };
    for_parties(&prepared, choices, &mut entropy(1)).unwrap()
}

impl Roles {
    fn new(graph: Graph, reveal: Reveal, protect: Protect) -> Self {
        let (public, files) = bundle(&graph, reveal, protect);
        let dealer = Arc::new(dealer(&files, 100));
        let peers = meeting(World::new(4).deadline(PATIENCE));
        let servers = [1, 2].map(|at| server(&files, &dealer, &peers, at, 100 + at as u64));
        let caller = DealtCaller::new(&public).unwrap();
        Self { graph, public, files, dealer, servers, peers, caller, calls: AtomicUsize::new(0) }
    }

    /// Both servers at once, as on two machines.
    fn replies(&self, messages: &[InferRequest]) -> Result<Vec<InferReply>, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let [one, two] = std::thread::scope(|scope| {
            [0, 1]
                .map(|at: usize| scope.spawn(move || self.servers[at].infer(messages[at].clone())))
                .map(|thread| thread.join().unwrap())
        });
        Ok(vec![one?, two?])
    }

    fn open(&self) -> Result<(), Error> {
        while let Some(opening) =
            self.caller.missing(&mut entropy(7 + self.calls.load(Ordering::Relaxed) as u64))?
        {
            opening.pending.open(self.replies(&opening.messages)?, 0, &mut entropy(8))?;
        }
        Ok(())
    }

    fn jobs(&self, rows: &[Tensor]) -> Vec<Box<dyn Job>> {
        self.caller.jobs(Arc::new(rows.to_vec()), &mut entropy(9)).unwrap()
    }

    /// The job, with its ticket.
    fn ready(&self, mut job: Box<dyn Job>) -> Result<Box<dyn Job>, Error> {
        while !job.is_ready() {
            self.open()?;
        }
        Ok(job)
    }

    fn one(&self, job: Box<dyn Job>) -> Result<Answer, Error> {
        let job = self.ready(job)?;
        let Asked { messages, pending, again } = job.ask(&mut entropy(10))?;
        match self.replies(&messages) {
            Err(e) if e.code == OPEN_AGAIN => {
                let again = again.unwrap();
                again.forget();
                let again = self.ready(again)?;
                let Asked { messages, pending, .. } = again.ask(&mut entropy(11))?;
                pending.answer(self.replies(&messages)?)
            }
            replies => pending.answer(replies?),
        }
    }

    fn predict(&self, rows: &[Tensor]) -> Result<Answer, Error> {
        let answers = self.jobs(rows).into_iter().map(|job| self.one(job)).collect::<Result<Vec<_>, _>>()?;
        let whole = answers.into_iter().reduce(|mut all, part| {
            all.append(part);
            all
        });
        Ok(whole.unwrap())
    }

    /// Asks about rows, and compares with the model as it is defined.
    fn are_right(&self, seed: u64, n: usize) {
        let rows = rows(seed, n, COLUMNS);
        let answer = self.predict(&rows).unwrap();
        let expected = privet_model::eval::evaluate(&self.graph, &rows).unwrap();
        let bound = self.caller.bound().unwrap();
        let (got, expected) = (answer.outputs[0].to_f64().unwrap(), expected[0].to_f64().unwrap());
        assert_eq!(got.len(), expected.len());
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= bound, "{worst} beyond {bound}, {n} rows");
    }
}

fn dealer(files: &[PartyFile], seed: u64) -> DealerHost {
    let (public, _, secret) = files[0].open().unwrap();
    let [keys, ..] = World::new(4).keys();
    DealerHost::new(&public, secret, keys, &mut entropy(seed)).unwrap()
}

/// One server, from its files; the seed is in place of the operating system.
fn server(
    files: &[PartyFile],
    dealer: &Arc<DealerHost>,
    peers: &[Arc<dyn Peers>; PARTIES],
    at: usize,
    seed: u64,
) -> ServerHost {
    let (public, role, secret) = files[at].open().unwrap();
    let (keys, peers, dealer) = (World::new(4).keys(), Arc::clone(&peers[at]), Arc::clone(dealer));
    let to_dealer = Arc::new(move |call| dealer.infer(call));
    let supply = Supply { to_dealer, bytes: POOL, place: Arc::new(Memory) };
    let nonce = &mut entropy(seed);
    ServerHost::new(&public, (role, secret), keys[at].clone(), peers, supply, nonce).unwrap()
}

#[test]
fn answers_are_the_models_whatever_the_batch() {
    for protect in [Protect::Both, Protect::Input] {
        let linear = Roles::new(linear_model(COLUMNS, 3), Reveal::Score, protect);
        let network = Roles::new(network(COLUMNS, 8, Some(Function::Sigmoid)), Reveal::Probability, protect);
        for n in [1, 2, 3, 7, 8, 90, 127] {
            linear.are_right(n as u64, n);
            network.are_right(n as u64, n);
        }
    }
}

#[test]
fn with_a_ticket_at_hand_one_round_trip_and_without_two() {
    let roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    let calls = |n: usize| {
        let before = roles.calls.load(Ordering::Relaxed);
        roles.are_right(3, n);
        roles.calls.load(Ordering::Relaxed) - before
    };
    assert_eq!((calls(1), calls(1)), (2, 2));
    while let Some(preparation) = roles.caller.preparation(&mut entropy(20)).unwrap() {
        preparation.pending.keep(roles.replies(&preparation.messages)).unwrap();
    }
    assert_eq!((calls(1), calls(1), calls(4), calls(4)), (1, 1, 2, 2));
}

#[test]
fn the_linear_road_has_no_message_between_servers_and_a_network_few() {
    let linear = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    let between = linear.predict(&rows(1, 4, COLUMNS)).unwrap().between;
    assert_eq!((between.rounds, between.bytes), (0, 0));
    assert!(between.dealt > 0 && between.dealt < 100, "an answer's share: {}", between.dealt);
    let network = Roles::new(network(COLUMNS, 8, Some(Function::Sigmoid)), Reveal::Score, Protect::Both);
    let between = network.predict(&rows(1, 4, COLUMNS)).unwrap().between;
    // The product is opened, the rectifier settled.
    assert_eq!(between.rounds, 2);
    assert!(between.dealt > between.bytes);
}

#[test]
fn a_ticket_is_used_once() {
    let roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    let row = rows(1, 1, COLUMNS);
    let job = roles.ready(roles.jobs(&row).remove(0)).unwrap();
    let asked = job.ask(&mut entropy(1)).unwrap();
    let first = roles.replies(&asked.messages).unwrap();
    let error = roles.replies(&asked.messages).map(drop).unwrap_err();
    assert_eq!((error.code, error.blame), (OPEN_AGAIN, Blame::Refused));
    assert!(asked.pending.answer(first).is_ok());
    roles.are_right(2, 1);
}

/// Roles that start again from what they had on disk: old tickets are nothing to them, and no mask comes again.
#[test]
fn whatever_role_starts_again_an_epoch_ends_and_no_mask_comes_again() {
    let mut roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    let row = rows(1, 1, COLUMNS);
    let mut seen = Vec::new();
    let mut masked = |roles: &Roles| {
        let job = roles.ready(roles.jobs(&row).remove(0)).unwrap();
        let asked = job.ask(&mut entropy(1)).unwrap();
        let body = asked.messages[0].inputs.iter().find(|raw| raw.name == "share").unwrap().data.to_vec();
        assert!(!seen.contains(&body), "a mask came again");
        seen.push(body);
        asked
    };
    for started in 0..3u64 {
        // The first ticket of its epoch, number 0 each time.
        let old = masked(&roles);
        let stale = masked(&roles);
        assert!(old.pending.answer(roles.replies(&old.messages).unwrap()).is_ok());
        // Their files are as they were; what the operating system gives is not.
        let fresh = 200 + started;
        match started {
            0 => {
                roles.dealer = Arc::new(dealer(&roles.files, fresh));
                let one = |at| server(&roles.files, &roles.dealer, &roles.peers, at, 100 + at as u64);
                roles.servers = [1, 2].map(one);
            }
            at => {
                let at = at as usize;
                roles.servers[at - 1] = server(&roles.files, &roles.dealer, &roles.peers, at, fresh);
            }
        }
        let error = roles.replies(&stale.messages).map(drop).unwrap_err();
        assert_eq!(error.code, OPEN_AGAIN, "{error}");
        roles.are_right(started, 1);
    }
}

/// Two dealers behind one address would bring an epoch back, whose numbers begin again: a server refuses that.
#[test]
fn an_epoch_that_ended_does_not_come_back() {
    let mut roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    let other = Arc::new(dealer(&roles.files, 300));
    let which = Arc::new(AtomicUsize::new(0));
    let both = [Arc::clone(&roles.dealer), other];
    let (files, peers) = (&roles.files, &roles.peers);
    let servers = [1, 2].map(|at| {
        let (public, role, secret) = files[at].open().unwrap();
        let (both, which) = (both.clone(), Arc::clone(&which));
        let to_dealer = Arc::new(move |call| both[which.load(Ordering::Relaxed)].infer(call));
        let supply = Supply { to_dealer, bytes: POOL, place: Arc::new(Memory) };
        let (keys, peers) = (World::new(4).keys()[at].clone(), Arc::clone(&peers[at]));
        ServerHost::new(&public, (role, secret), keys, peers, supply, &mut entropy(100 + at as u64)).unwrap()
    });
    roles.servers = servers;
    // Each time of a size that was not asked for yet, so that servers must order.
    for (dealer, rows_asked, comes) in [(0, 8, true), (1, 16, true), (0, 32, false), (1, 64, true)] {
        which.store(dealer, Ordering::Relaxed);
        let answer = roles.predict(&rows(7, rows_asked, COLUMNS));
        assert_eq!(answer.as_ref().err().map(|e| e.code), (!comes).then_some("E347"), "dealer {dealer}");
    }
}

/// A client that sends the servers different rows gets noise: nothing of the weights.
#[test]
fn servers_that_were_told_different_things_answer_noise() {
    let roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    let n = 8192;
    let (x, y) = (rows(1, n, COLUMNS), rows(2, n, COLUMNS));
    let k = roles.public.layout().unwrap().answer_bits;
    let ask = |rows: &[Tensor]| {
        let job = roles.ready(roles.jobs(rows).remove(0)).unwrap();
        job.ask(&mut entropy(1)).unwrap().messages
    };
    let (mut told, other) = (ask(&x), ask(&y));
    // The second server is told other rows under the first one's ticket, with their own commitment.
    let head = told[1].inputs[0].data.to_vec();
    let mut mixed = other[1].inputs[0].data.to_vec();
    mixed[..116].copy_from_slice(&head[..116]);
    told[1].inputs = vec![RawTensor::bytes("request", mixed), other[1].inputs[1].clone()];
    let replies = roles.replies(&told).unwrap();
    let mut sums = vec![0u64; n];
    for reply in &replies {
        let mut share = vec![0; n];
        unpack(k, &reply.outputs[0].data[32..], 0, &mut share);
        sums.iter_mut().zip(share).for_each(|(sum, s)| *sum = reduce(sum.wrapping_add(s), k));
    }
    for shift in [0, k / 2, k - 8] {
        assert!(is_even(sums.iter().map(|s| (s >> shift) as usize & 255), 256), "bit {shift}");
    }
}

#[test]
fn servers_of_a_network_that_were_told_different_things_do_not_meet() {
    let roles = Roles::new(network(COLUMNS, 8, Some(Function::Sigmoid)), Reveal::Score, Protect::Both);
    let ask = |seed| {
        let job = roles.ready(roles.jobs(&rows(seed, 1, COLUMNS)).remove(0)).unwrap();
        job.ask(&mut entropy(1)).unwrap().messages
    };
    let (mut told, other) = (ask(1), ask(2));
    let mut mixed = other[1].inputs[0].data.to_vec();
    mixed[..116].copy_from_slice(&told[1].inputs[0].data[..116]);
    told[1].inputs = vec![RawTensor::bytes("request", mixed), other[1].inputs[1].clone()];
    let error = roles.replies(&told).map(drop).unwrap_err();
    assert_eq!((error.code, error.blame), ("E320", Blame::Unreachable));
    roles.are_right(5, 2);
}

#[test]
fn a_message_that_was_altered_is_refused_and_harms_nobody() {
    let roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    for at in 0..180 {
        let job = roles.ready(roles.jobs(&rows(1, 1, COLUMNS)).remove(0)).unwrap();
        let asked = job.ask(&mut entropy(1)).unwrap();
        let mut messages = asked.messages;
        let mut head = messages[0].inputs[0].data.to_vec();
        if at >= head.len() {
            head.push(0);
        } else {
            head[at] ^= 1;
        }
        messages[0].inputs[0] = RawTensor::bytes("request", head);
        let refused = roles.servers[0].infer(messages[0].clone());
        assert!(refused.is_err(), "byte {at}");
    }
    roles.are_right(2, 3);
}

#[test]
fn the_dealer_deals_to_servers_of_its_bundle_only() {
    let roles = Roles::new(linear_model(COLUMNS, 1), Reveal::Score, Protect::Both);
    roles.are_right(1, 1);
    let call = |head: Vec<u8>| InferRequest {
        inputs: vec![RawTensor::bytes("request", head)],
        ..InferRequest::default()
    };
    let order = privet_deploy::dealer2::wire::Order {
        server: 1,
        rows: 1,
        count: 1,
        first: 0,
        bundle: roles.public.digest(),
        nonce: [0; 32],
    };
    for (key, server) in [([0; 32], 1), (World::new(4).keys()[0].with_next, 2), ([0; 32], 3)] {
        let order = privet_deploy::dealer2::wire::Order { server, ..order.clone() };
        let error = roles.dealer.infer(call(order.seal(&key))).map(drop).unwrap_err();
        assert_eq!(error.code, "E346");
    }
    let own = World::new(4).keys()[0].with_next;
    let sealed = order.seal(&own);
    assert!(roles.dealer.infer(call(sealed.clone())).is_ok());
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 4;
        assert!(roles.dealer.infer(call(altered)).is_err(), "byte {at}");
    }
    let large = privet_deploy::dealer2::wire::Order { rows: u32::MAX, ..order };
    assert_eq!(roles.dealer.infer(call(large.seal(&own))).map(drop).unwrap_err().code, "E332");
}

#[test]
fn a_pool_is_filled_ahead_and_never_beyond_its_bytes() {
    let roles = Roles::new(network(COLUMNS, 8, Some(Function::Sigmoid)), Reveal::Score, Protect::Both);
    roles.are_right(1, 1);
    roles.are_right(1, 32);
    for server in &roles.servers {
        while server.refill().unwrap() {}
        let levels = server.levels();
        assert!(levels.iter().any(|level| level.rows == 1 && level.ready > 8), "{levels:?}");
        assert!(levels.iter().any(|level| level.rows == 32 && level.ready > 0), "{levels:?}");
        assert!(levels.iter().map(|level| level.bytes).sum::<usize>() < POOL + POOL / 2, "{levels:?}");
    }
}

#[test]
fn only_the_input_cannot_be_hidden_alone() {
    let sample = vec![Tensor::new(1, COLUMNS, Data::F32(vec![3.5; COLUMNS])).unwrap()];
    let prepared = prepare(&network(COLUMNS, 8, Some(Function::Sigmoid)), Reveal::Score, 1e-3, Some(&sample))
        .map_err(Error::from)
        .unwrap();
    let choices = Choices {
        name: "m".into(),
        protocol: &HEADER,
        protect: Protect::Model,
        reveal: Reveal::Score,
        parties: vec![String::new(); 3],
    };
    assert_eq!(for_parties(&prepared, choices, &mut entropy(1)).map(drop).unwrap_err().code, "E235");
}
