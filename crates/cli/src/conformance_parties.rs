//! The whole way of a prediction between a client and parties, by whatever protocol, without sockets.

use privet_deploy::caller::{Caller, Opening};
use privet_deploy::dealer2::caller::DealtCaller;
use privet_deploy::dealer2::dealer::DealerHost;
use privet_deploy::dealer2::pool::{Memory, Supply};
use privet_deploy::dealer2::server::ServerHost;
use privet_deploy::oip::Host;

use super::*;

const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);
/// Bytes of what a server prepares ahead.
const POOL: usize = 64 << 20;

/// A client, and the hosts that it asks.
type Roles = (Box<dyn Caller>, Vec<Arc<dyn Host>>);

pub(super) fn ask(public: &PublicBundle, files: &[PartyFile], rows: &[Tensor]) -> Answer {
    ask_and_look(public, files, rows, |_| {})
}

/// The same, while somebody looks at what the parties reply.
pub(super) fn ask_and_look(
    public: &PublicBundle,
    files: &[PartyFile],
    rows: &[Tensor],
    mut look: impl FnMut(&[InferReply]),
) -> Answer {
    let mut entropy = DangerousSeededEntropy::new(2);
    let (caller, hosts) = roles(public, files);
    let mut whole: Option<Answer> = None;
    let jobs = caller.jobs(Arc::new(rows.to_vec()), &mut entropy).unwrap();
    for mut job in jobs {
        while !job.is_ready() {
            let Opening { messages, pending } = caller.missing(&mut entropy).unwrap().unwrap();
            pending.open(replies(&hosts, messages), 0, &mut entropy).unwrap();
        }
        let Asked { messages, pending, .. } = job.ask(&mut entropy).unwrap();
        let replies = replies(&hosts, messages);
        look(&replies);
        let answer = pending.answer(replies).unwrap();
        match &mut whole {
            Some(whole) => whole.append(answer),
            None => whole = Some(answer),
        }
    }
    whole.unwrap()
}

/// All hosts at once, as on machines of their own.
fn replies(hosts: &[Arc<dyn Host>], messages: Vec<InferRequest>) -> Vec<InferReply> {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            hosts.iter().zip(messages).map(|(host, m)| scope.spawn(|| host.infer(m).unwrap())).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn roles(public: &PublicBundle, files: &[PartyFile]) -> Roles {
    if public.mpc().unwrap().has_dealer() {
        return (Box::new(DealtCaller::new(public).unwrap()), servers(files));
    }
    let hosts = hosts(public, files).into_iter().map(|host| Arc::new(host) as Arc<dyn Host>);
    (Box::new(MpcCaller::new(public).unwrap()), hosts.collect())
}

/// The three parties of a bundle.
pub(super) fn hosts(public: &PublicBundle, files: &[PartyFile]) -> Vec<PartyHost> {
    let needs_peers = public.mpc().unwrap().numbers.needs_peers();
    files
        .iter()
        .zip(World::new(1).keys())
        .zip(meeting(World::new(1).deadline(DEADLINE)))
        .map(|((file, keys), peers)| {
            let (public, role, secret) = file.open().unwrap();
            PartyHost::new(
                &public,
                role,
                secret,
                keys,
                needs_peers.then_some(peers),
                Box::new(|| Box::new(DangerousSeededEntropy::new(4))),
            )
            .unwrap()
        })
        .collect()
}

/// The two servers of a bundle, with their dealer behind them.
fn servers(files: &[PartyFile]) -> Vec<Arc<dyn Host>> {
    let (keys, peers) = (World::new(1).keys(), meeting(World::new(1).deadline(DEADLINE)));
    let mut entropy = DangerousSeededEntropy::new(3);
    let (public, _, secret) = files[0].open().unwrap();
    let dealer = Arc::new(DealerHost::new(&public, secret, keys[0].clone(), &mut entropy).unwrap());
    let server = |at: usize| {
        let (public, role, secret) = files[at].open().unwrap();
        let (dealer, peers) = (Arc::clone(&dealer), Arc::clone(&peers[at]));
        let to_dealer = Arc::new(move |call| dealer.infer(call));
        let supply = Supply { to_dealer, bytes: POOL, place: Arc::new(Memory) };
        let own = (role, secret);
        let host = ServerHost::new(&public, own, keys[at].clone(), peers, supply, &mut entropy).unwrap();
        Arc::new(host) as Arc<dyn Host>
    };
    [1, 2].map(server).into()
}
