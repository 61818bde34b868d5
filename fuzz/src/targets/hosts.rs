//! Real hosts, to which calls come that were valid once: an answer or a refusal, and no refusal is the host's own fault.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use privet_deploy::caller::{Asked, Caller};
use privet_deploy::check::planned;
use privet_deploy::dealer2::caller::DealtCaller;
use privet_deploy::dealer2::dealer::DealerHost;
use privet_deploy::dealer2::pool::{Memory, Supply};
use privet_deploy::dealer2::server::ServerHost;
use privet_deploy::dealer2::wire::Order;
use privet_deploy::he::bundle::{HeFile, for_he};
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{HEAD, MpcCaller, PartyHost};
use privet_deploy::oip::{Host, InferRequest, RawTensor};
use privet_deploy::plain::PlainHost;
use privet_mpc::link::Peers;
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{Header, dealer2, replicated3, replicated3_malicious};
use privet_mpc::world::World;

use super::world::{bundle, entropy, linear, made, network, plain_request, rows};
use crate::edits::edit;
use crate::target::{Target, split, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("plain_host", |bytes| ask(&PLAIN, bytes), || choices(4)).with_memory(8, 4096),
    Target::new("party_host", |bytes| ask(&PARTIES, bytes), || [choices(9), many_rows()].concat())
        .with_memory(8, 4096),
    Target::new("program_host", |bytes| ask(&PROGRAMS, bytes), || [choices(6), many_rows()].concat())
        .with_memory(ROWS, 4096),
    Target::new("server_host", |bytes| ask(&SERVERS, bytes), || choices(4)).with_memory(64, 4096),
    Target::new("dealer_host", dealer_host, || {
        vec![[1, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].into()]
    })
    .with_memory(256, 4096),
    Target::new("ciphertext_host", ciphertext_host, || choices(2)).with_memory(64, 4096),
];

/// Hosts, each with a call that it answers.
type Hosts = LazyLock<Vec<(Box<dyn Host>, InferRequest)>>;

/// A choice of host, and no change, or one that changes nothing.
fn choices(count: u8) -> Vec<Vec<u8>> {
    (0..count).flat_map(|which| [vec![which], vec![which, 14, 0, 40, 0, 0, 1, 15, 0, 8, 0, 7, 1]]).collect()
}

/// MiB that a bundle lets a party of a program take for a chunk of rows, and a few: P0, which gets seeds alone, expands as many as a call of
/// some bytes says. Its server makes room for that (`limits.computing_bytes`). Rows of a linear model are expanded a few at a time.
const ROWS: usize = 256 + 8;

/// A call for nearly as many rows as a chunk has, to P0 of the first and of the second four hosts.
fn many_rows() -> Vec<Vec<u8>> {
    [0, 3].map(|which| vec![which, 15, 0, 8, 0, 255, 2, 15, 0, 9, 0, 255, 2]).into()
}

fn ask(hosts: &Hosts, bytes: &[u8]) {
    let (which, edits) = split(bytes);
    let (host, call) = &hosts[which % hosts.len()];
    let mut call = call.clone();
    edit(&mut call, edits);
    let _ = host.rows(&call);
    let id = call.id.clone();
    if let Some(reply) = theirs(host.infer(call)) {
        assert_eq!(reply.id, id, "a reply to another call");
    }
}

static PLAIN: Hosts = LazyLock::new(|| {
    let host = |graph| Box::new(PlainHost::new("m", graph)) as Box<dyn Host>;
    let calls = [plain_request(2), plain_request(9)];
    calls
        .into_iter()
        .flat_map(|call| [linear(3, 2), network(3)].map(|graph| (host(graph), call.clone())))
        .collect()
});

const COLUMNS: usize = 5;

/// What a client of these parties asks of each.
fn asked(caller: &dyn Caller, n: usize) -> Vec<InferRequest> {
    let jobs = made(caller.jobs(Arc::new(rows(COLUMNS, n)), &mut entropy(3)));
    let asked = jobs.into_iter().map(|job| made(job.ask(&mut entropy(4))));
    asked.take(1).flat_map(|Asked { messages, .. }| messages).collect()
}

fn parties(header: &'static Header, protect: Protect, is_linear: bool) -> Vec<(Box<dyn Host>, InferRequest)> {
    let graph = if is_linear { linear(COLUMNS, 2) } else { network(COLUMNS) };
    let (public, files) = bundle(&graph, header, protect);
    // Nobody is there to meet.
    let world = World::new(4).deadline(Duration::from_millis(1));
    let (keys, mut peers) = (world.keys(), meeting(world).into_iter());
    let calls = asked(&made(MpcCaller::new(&public)), 9);
    let hosts = files.iter().map(|file| {
        let (public, role, secret) = made(file.open());
        let peers = peers.next().filter(|_| !is_linear);
        let source = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
        let host = PartyHost::new(&public, role, secret, keys[role.index()].clone(), peers, source);
        Box::new(made(host)) as Box<dyn Host>
    });
    hosts.zip(calls).collect()
}

static PARTIES: Hosts = LazyLock::new(|| {
    Protect::ALL.into_iter().flat_map(|protect| parties(&replicated3::HEADER, protect, true)).collect()
});

static PROGRAMS: Hosts = LazyLock::new(|| {
    let headers = [&replicated3::HEADER, &replicated3_malicious::HEADER];
    headers.into_iter().flat_map(|header| parties(header, Protect::Both, false)).collect()
});

struct Dealt {
    dealer: Arc<DealerHost>,
    servers: [ServerHost; 2],
    caller: Arc<DealtCaller>,
}

fn dealt() -> Dealt {
    let (public, files) = bundle(&network(COLUMNS), &dealer2::HEADER, Protect::Both);
    let world = World::new(4).deadline(Duration::from_millis(20));
    let keys = world.keys();
    let (_, _, secret) = made(files[0].open());
    let dealer = Arc::new(made(DealerHost::new(&public, secret, keys[0].clone(), &mut entropy(1))));
    let peers = meeting(world);
    let server = |at: usize| {
        let (public, role, secret) = made(files[at].open());
        let (peers, dealer) = (Arc::clone(&peers[at]) as Arc<dyn Peers>, Arc::clone(&dealer));
        let to_dealer = Arc::new(move |call| dealer.infer(call));
        let supply = Supply { to_dealer, bytes: 1 << 20, place: Arc::new(Memory) };
        let nonce = &mut entropy(100 + at as u64);
        made(ServerHost::new(&public, (role, secret), keys[at].clone(), peers, supply, nonce))
    };
    Dealt { servers: [server(1), server(2)], dealer, caller: made(DealtCaller::new(&public)) }
}

/// A question for tickets at each server; and one with a ticket, that both gave.
static SERVERS: Hosts = LazyLock::new(|| {
    let Dealt { servers, caller, .. } = dealt();
    caller.prepare_ahead(2);
    let ahead = made(caller.preparation(&mut entropy(6)));
    let mut calls = ahead.map_or_else(Vec::new, |preparation| preparation.messages);
    calls.extend(with_ticket(&servers, &caller));
    let [one, two] = servers.map(Arc::new);
    let host = |server: &Arc<ServerHost>| Box::new(Shared(Arc::clone(server))) as Box<dyn Host>;
    let hosts = [&one, &two, &one, &two].map(host);
    hosts.into_iter().zip(calls).collect()
});

fn with_ticket(servers: &[ServerHost; 2], caller: &Arc<DealtCaller>) -> Vec<InferRequest> {
    let mut jobs = made(caller.jobs(Arc::new(rows(COLUMNS, 1)), &mut entropy(7)));
    let Some(mut job) = jobs.pop() else { return Vec::new() };
    for attempt in 0..100 {
        if job.is_ready() {
            return made(job.ask(&mut entropy(8))).messages;
        }
        let Some(opening) = made(caller.missing(&mut entropy(20 + attempt))) else { break };
        let replies = std::thread::scope(|scope| {
            let threads = [0, 1].map(|at: usize| {
                let call = opening.messages[at].clone();
                scope.spawn(move || servers[at].infer(call))
            });
            threads.map(|thread| thread.join().unwrap_or_else(|_| panic!("a server panicked")))
        });
        if let [Ok(one), Ok(two)] = replies {
            let _ = opening.pending.open(vec![one, two], 0, &mut entropy(9));
        }
    }
    panic!("servers give no tickets")
}

struct Shared(Arc<ServerHost>);

impl Host for Shared {
    fn metadata(&self) -> &privet_deploy::oip::Metadata {
        self.0.metadata()
    }

    fn infer(&self, request: InferRequest) -> Result<privet_deploy::oip::InferReply, privet_deploy::Error> {
        self.0.infer(request)
    }
}

static DEALT: LazyLock<Dealt> = LazyLock::new(dealt);

/// An order that is sealed as a server's: server, rows, how many, first number. Or any bytes.
fn dealer_host(bytes: &[u8]) {
    let Dealt { dealer, servers, .. } = &*DEALT;
    let _ = servers.iter().map(ServerHost::refill).count();
    let order = |head: Vec<u8>| InferRequest {
        model: "m".into(),
        inputs: vec![RawTensor::bytes(HEAD, head)],
        ..InferRequest::default()
    };
    let _ = theirs(dealer.infer(order(bytes.to_vec())));
    let Some((&[server, r0, r1, r2, r3, c0, c1, c2, c3, ref first @ ..], _)) =
        bytes.split_first_chunk::<17>()
    else {
        return;
    };
    let server = 1 + server % 2;
    let keys = World::new(4).keys();
    let key = if server == 1 { keys[1].with_previous } else { keys[2].with_next };
    let (rows, count) = (u32::from_le_bytes([r0, r1, r2, r3]), u32::from_le_bytes([c0, c1, c2, c3]));
    let mut number = [0; 8];
    number.copy_from_slice(first);
    let nonce = [server; 32];
    let sealed =
        Order { server, rows, count, first: u64::from_le_bytes(number), bundle: *BUNDLE, nonce }.seal(&key);
    let _ = theirs(dealer.infer(order(sealed)));
}

static BUNDLE: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let (public, _) = bundle(&network(COLUMNS), &dealer2::HEADER, Protect::Both);
    public.digest()
});

static CIPHERTEXTS: LazyLock<(HeFile, Vec<InferRequest>)> = LazyLock::new(|| {
    let sample = rows(COLUMNS, 9);
    let planned = made(planned(&linear(COLUMNS, 2), 1e-4, Some(&sample)));
    let (public, file) = made(for_he(&planned, "m", Reveal::Score, &mut entropy(1)));
    let caller = made(HeCaller::new(&public));
    let mut calls = asked(&caller, 2);
    caller.prepare_ahead(4);
    let preparation = made(caller.preparation(&mut entropy(2)));
    calls.extend(preparation.into_iter().flat_map(|preparation| preparation.messages));
    (file, calls)
});

/// A host for each input, as a question is answered once.
fn ciphertext_host(bytes: &[u8]) {
    let (file, calls) = &*CIPHERTEXTS;
    let (public, integers, secret) = made(file.open());
    let source = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
    let host = made(HeHost::new(&public, integers, secret, source));
    let (which, edits) = split(bytes);
    let mut call = calls[which % calls.len()].clone();
    edit(&mut call, edits);
    let _ = host.rows(&call);
    let _ = theirs(host.infer(call.clone()));
    let _ = theirs(host.infer(call));
}
