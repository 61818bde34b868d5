//! A client's side: replies that were changed are refused, or are an answer in which nobody is blamed wrongly.

use std::sync::{Arc, LazyLock};

use privet_deploy::caller::{Asked, Caller as _};
use privet_deploy::check::planned;
use privet_deploy::he::bundle::for_he;
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::{Host, InferReply, InferRequest};
use privet_deploy::plain::{PlainCaller, PlainHost};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3_malicious;
use privet_mpc::world::World;

use super::world::{bundle, entropy, linear, made, rows};
use crate::edits::edit;
use crate::target::{Target, split, theirs};

pub(super) const TARGETS: &[Target] =
    &[Target::new("replies", replies, || vec![vec![0], vec![1], vec![2], vec![0, 15, 0, 40, 0, 1, 1]])
        .with_memory(32, 4096)];

const COLUMNS: usize = 4;

type Ask = Box<dyn Fn() -> Asked + Send + Sync>;

/// A question that can be asked again, and the honest replies to it.
static CASES: LazyLock<Vec<(Ask, Vec<InferReply>)>> =
    LazyLock::new(|| vec![plain(), parties(), ciphertexts()]);

fn replies(bytes: &[u8]) {
    let (which, rest) = split(bytes);
    let (at, edits) = split(rest);
    let (ask, honest) = &CASES[which % CASES.len()];
    let mut replies = honest.clone();
    if at % 16 == 15 {
        replies.pop();
    } else {
        let at = at % replies.len();
        let reply = &mut replies[at];
        // The tensors of a reply, changed as those of a call are.
        let mut call = InferRequest { inputs: std::mem::take(&mut reply.outputs), ..InferRequest::default() };
        edit(&mut call, edits);
        reply.outputs = call.inputs;
    }
    if let Some(answer) = theirs(ask().pending.answer(replies)) {
        assert!(answer.outputs.iter().all(|tensor| tensor.rows == ROWS), "an answer of other rows");
    }
}

const ROWS: usize = 3;

fn case(ask: Ask, hosts: &[Box<dyn Host>]) -> (Ask, Vec<InferReply>) {
    let messages = ask().messages;
    let replies = hosts.iter().zip(messages).map(|(host, message)| made(host.infer(message))).collect();
    (ask, replies)
}

fn plain() -> (Ask, Vec<InferReply>) {
    let graph = linear(COLUMNS, 2);
    let outputs = graph.outputs.iter().map(|(port, _)| port.clone()).collect();
    let caller = PlainCaller::new("m".into(), graph.inputs.clone(), outputs);
    case(Box::new(move || one(&caller)), &[Box::new(PlainHost::new("m", graph))])
}

fn parties() -> (Ask, Vec<InferReply>) {
    let (public, files) = bundle(&linear(COLUMNS, 2), &replicated3_malicious::HEADER, Protect::Both);
    let keys = World::new(4).keys();
    let host = |file: &privet_deploy::bundle::PartyFile| {
        let (public, role, secret) = made(file.open());
        let source = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
        let host = PartyHost::new(&public, role, secret, keys[role.index()].clone(), None, source);
        Box::new(made(host)) as Box<dyn Host>
    };
    let hosts: Vec<_> = files.iter().map(host).collect();
    let caller = made(MpcCaller::new(&public));
    case(Box::new(move || one(&caller)), &hosts)
}

fn ciphertexts() -> (Ask, Vec<InferReply>) {
    let planned = made(planned(&linear(COLUMNS, 2), 1e-4, Some(&rows(COLUMNS, 9))));
    let (public, file) = made(for_he(&planned, "m", Reveal::Score, &mut entropy(1)));
    let (_, integers, secret) = made(file.open());
    let source = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
    let host = made(HeHost::new(&public, integers, secret, source));
    // A client each time, as a key is used for one question after the other.
    let ask = move || one(&made(HeCaller::new(&public)));
    case(Box::new(ask), &[Box::new(host)])
}

fn one<C>(caller: &Arc<C>) -> Asked
where
    Arc<C>: privet_deploy::caller::Caller,
{
    let mut jobs = made(caller.jobs(Arc::new(rows(COLUMNS, ROWS)), &mut entropy(3)));
    let job = jobs.pop().unwrap_or_else(|| panic!("rows make no job"));
    made(job.ask(&mut entropy(4)))
}
