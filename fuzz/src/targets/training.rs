//! Parties of a training, to which calls come that were valid once, and what is agreed on before.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use privet_deploy::oip::{Host as _, InferRequest};
use privet_deploy::train::agreement::{Agreement, Arrangement};
use privet_deploy::train::host::TrainHost;
use privet_deploy::train::owner::{Offering, Rows};
use privet_deploy::train::store::Store;
use privet_deploy::train::trust::card;
use privet_deploy::train::wire::{Ask, Say, Status};
use privet_deploy::{Blame, Error};
use privet_mpc::meeting::meeting;
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::world::World;
use privet_tee::statement::Hex;
use zeroize::Zeroizing;

use super::world::{entropy, made};
use crate::edits::edit;
use crate::target::{Target, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("train_host", train_host, calls).with_memory(16, 4096),
    Target::new("agreement", agreement, || ARRANGEMENTS.map(|a| text(a).into_bytes()).into())
        .with_memory(16, 1024),
];

const ARRANGEMENTS: [Arrangement; 3] =
    [Arrangement::Horizontal, Arrangement::VerticalInOrder, Arrangement::VerticalByTags];
const OWNERS: [&str; 2] = ["bank", "bureau"];
/// Rows of each owner.
const ROWS: usize = 24;

/// A training's agreement, as it is written.
fn text(arrangement: Arrangement) -> String {
    let (name, top, own) = match arrangement {
        Arrangement::Horizontal => ("horizontal", "label = \"y\"\ncolumns = [\"a\", \"b\"]\n", [""; 2]),
        Arrangement::VerticalInOrder | Arrangement::VerticalByTags => {
            let name = if arrangement == Arrangement::VerticalByTags {
                "vertical-by-tags"
            } else {
                "vertical-in-order"
            };
            (name, "", ["columns = [\"a\"]\nlabel = \"y\"\n", "columns = [\"b\"]\n"])
        }
    };
    let mut text = format!(
        "format = 1\nid = \"07\"\nname = \"m\"\narrangement = \"{name}\"\nlead = \"bank\"\nmost_rows = 4000\n{top}[model]\nloss = \"logistic\"\n\
         intercept = true\nlargest = 4.0\n[training]\noptimiser = \"sgd\"\nrate = 0.5\nbatch = 4\nepochs = 2\nl2 = 0.001\nvalidation = 0.25\n\
         judge_every = 4\nsteps_at_once = 4\n[result]\nopen-to = \"bank\"\n"
    );
    for (owner, own) in OWNERS.iter().zip(own) {
        let _ = write!(text, "[[owners]]\nname = \"{owner}\"\nkey = \"key of {owner}\"\n{own}");
    }
    for party in 0..PARTIES {
        let _ = write!(text, "[[parties]]\nkey = \"key {party}\"\nurl = \"https://p{party}:1\"\n");
    }
    text
}

fn agreement(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(agreement) = toml::from_str::<Agreement>(text) else { return };
    if theirs(agreement.check()).is_none() {
        return;
    }
    let written =
        toml::to_string(&agreement).unwrap_or_else(|e| panic!("what was read cannot be written: {e}"));
    let again: Agreement =
        toml::from_str(&written).unwrap_or_else(|e| panic!("what was written is refused: {e}"));
    assert!(again == agreement && again.digest() == agreement.digest(), "it is read as another");
    assert!(!card(&agreement).to_string().is_empty());
    assert!(agreement.epsilon().is_none_or(f64::is_finite), "ε is no number");
}

/// Files in memory.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl Files {
    fn with<T>(&self, then: impl FnOnce(&mut HashMap<String, Vec<u8>>) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same files once more.
    fn copied(&self) -> Self {
        Self(Arc::new(Mutex::new(self.with(|files| files.clone()))))
    }
}

impl Store for Files {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.with(|files| files.insert(name.into(), bytes.to_vec()));
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        Ok(self.with(|files| files.get(name).cloned().map(Zeroizing::new)))
    }

    fn write_at(&self, name: &str, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        self.with(|files| {
            let file = files.entry(name.into()).or_default();
            file.resize(file.len().max(at + bytes.len()), 0);
            file[at..at + bytes.len()].copy_from_slice(bytes);
        });
        Ok(())
    }

    fn read_at(&self, name: &str, at: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let there = self.with(|files| {
            bytes.copy_from_slice(files.get(name)?.get(at..at + bytes.len())?);
            Some(())
        });
        there.ok_or_else(|| Error::new(Blame::Ours, "E144", "It is not there."))
    }

    fn keep(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        self.with(|files| drop(files.remove(name)));
        Ok(())
    }
}

fn hosts(agreement: &Agreement, stores: &[Files], deadline: Duration) -> Vec<TrainHost> {
    let world = World::new(4).deadline(deadline);
    let (keys, peers) = (world.keys(), meeting(world));
    let host = |role: Role| {
        let at = role.index();
        let source =
            Box::new(move || Box::new(entropy(5 + at as u64)) as Box<dyn privet_ring::entropy::Entropy>);
        let store = Arc::new(stores[at].clone());
        made(TrainHost::new(agreement.clone(), role, keys[at].clone(), Arc::clone(&peers[at]), store, source))
    };
    Role::ALL.map(host).into()
}

/// A training at some moment, and what may be asked of each party then.
struct Moment {
    agreement: Agreement,
    stores: Vec<Files>,
    /// By party: who asks, and what.
    calls: Vec<[(&'static str, InferRequest); PARTIES]>,
}

/// Rows of one owner are there; all are; steps were made and judged.
static MOMENTS: LazyLock<Vec<Moment>> = LazyLock::new(|| {
    [Arrangement::Horizontal, Arrangement::VerticalByTags].into_iter().flat_map(moments).collect()
});

fn moments(arrangement: Arrangement) -> Vec<Moment> {
    let agreement: Agreement = made(toml::from_str(&text(arrangement)));
    let stores = vec![Files::default(), Files::default(), Files::default()];
    let hosts = hosts(&agreement, &stores, Duration::from_secs(60));
    let mut calls = Vec::new();
    let mut moments = Vec::new();
    for (at, owner) in OWNERS.into_iter().enumerate() {
        let given = rows_of(&agreement, at);
        let complete = Ask::Complete { rows: ROWS as u64 };
        for call in [alike(&Ask::Begin), given, alike(&complete)] {
            let call = call.map(|call| (owner, call));
            all(&hosts, &call);
            calls.push(call);
        }
        moments.push(stores.iter().map(Files::copied).collect());
    }
    let mut lead = |ask: Ask| {
        let call = alike(&ask).map(|call| ("bank", call));
        let statuses = all(&hosts, &call);
        calls.push(call);
        statuses
    };
    let nonce = Hex([9; 16]);
    let standing = lead(Ask::Status);
    let from = made(standing.data.ok_or("no rows")).digest;
    let one = made(lead(Ask::Run { from, steps: 4, nonce }).states.last().copied().ok_or("no state"));
    lead(Ask::Judge { of: one.id, nonce });
    for ask in [Ask::Best { of: one.id }, Ask::Finish { of: one.id }, Ask::Model { of: one.id, nonce }] {
        calls.push(alike(&ask).map(|call| ("bank", call)));
    }
    calls.push(alike(&Ask::Bundle { public: "{}".into() }).map(|call| ("bank", call)));
    moments.push(stores);
    moments
        .into_iter()
        .map(|stores| Moment { agreement: agreement.clone(), stores, calls: calls.clone() })
        .collect()
}

fn alike(ask: &Ask) -> [InferRequest; PARTIES] {
    [0; PARTIES].map(|_| ask.call("m", Vec::new()))
}

fn rows_of(agreement: &Agreement, owner: usize) -> [InferRequest; PARTIES] {
    let mut offering = made(Offering::new(agreement, owner, &mut entropy(60 + owner as u64)));
    let columns = agreement.columns_of(owner).len();
    let values: Vec<f64> =
        (0..u8::MAX).cycle().take(ROWS * columns).map(|i| f64::from(i % 7) - 3.0).collect();
    let labels: Vec<f64> = (0..u8::MAX).cycle().take(ROWS).map(|i| f64::from(i % 2)).collect();
    let tags: Vec<_> = (0..u8::MAX).take(ROWS).map(|i| [i; 16]).collect();
    let labels = agreement.label_of(owner).map_or(&[][..], |_| &labels);
    let tags = if agreement.has_tags() { &tags[..] } else { &[] };
    made(offering.chunk(Rows { values: &values, labels, tags }))
}

/// All three are asked, and how far the first one is then.
fn all(hosts: &[TrainHost], calls: &[(&str, InferRequest); PARTIES]) -> Status {
    std::thread::scope(|scope| {
        let asked = hosts
            .iter()
            .zip(calls)
            .map(|(host, call)| scope.spawn(move || infer(host, call.0, call.1.clone())));
        asked.collect::<Vec<_>>().into_iter().for_each(|party| {
            made(party.join().unwrap_or_else(|_| panic!("a party panicked")));
        });
    });
    status(&hosts[0])
}

fn infer(
    host: &TrainHost,
    caller: &str,
    call: InferRequest,
) -> Result<privet_deploy::oip::InferReply, Error> {
    host.infer(InferRequest { caller: Some(caller.into()), ..call })
}

fn status(host: &TrainHost) -> Status {
    let reply = made(infer(host, "bureau", Ask::Status.call("m", Vec::new())));
    match made(Say::of(&reply)) {
        Say::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

/// A moment, a party, one of its calls, and no change, or one that changes nothing.
fn calls() -> Vec<Vec<u8>> {
    let moments = MOMENTS.iter().enumerate();
    let calls = moments.flat_map(|(moment, of)| (0..of.calls.len()).map(move |call| (moment, call)));
    let seed = |(moment, call): (usize, usize), change: &[u8]| {
        let [moment, call] = [moment, call].map(|n| u8::try_from(n).unwrap_or(0));
        [&[moment, (moment + call) % 3, call, 0], change].concat()
    };
    let rows_at = [15, 0, 8, 0, 255, 2];
    calls.flat_map(|at| [seed(at, &[]), seed(at, &[14, 0, 40, 0, 1, 1]), seed(at, &rows_at)]).collect()
}

/// A party anew for each input. Whatever came, it says how far it is, and goes on from its files.
fn train_host(bytes: &[u8]) {
    let moments = &*MOMENTS;
    let Some((&[moment, party, call, caller], edits)) = bytes.split_first_chunk() else { return };
    let Moment { agreement, stores, calls } = &moments[usize::from(moment) % moments.len()];
    let stores: Vec<Files> = stores.iter().map(Files::copied).collect();
    let soon = Duration::from_millis(1);
    let at = usize::from(party) % PARTIES;
    let (owner, call) = &calls[usize::from(call) % calls.len()][at];
    let caller = [owner, "bureau", "bank", ""][usize::from(caller) % 4];
    let mut call = call.clone();
    edit(&mut call, edits);
    let host = &hosts(agreement, &stores, soon)[at];
    let _ = (host.rows(&call), host.memory(&call));
    host.decline(call.clone());
    let id = call.id.clone();
    if let Some(reply) = theirs(infer(host, caller, call.clone())) {
        assert_eq!(reply.id, id, "a reply to another call");
    }
    let _ = theirs(infer(host, caller, call));
    let (before, again) = (status(host), &hosts(agreement, &stores, soon)[at]);
    let after = status(again);
    assert_eq!((before.states, before.best), (after.states, after.best), "it forgot where it was");
    assert_eq!((before.finished, before.data), (after.finished, after.data), "it forgot where it was");
}
