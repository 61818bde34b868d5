//! A training in this process: three hosts, and owners who ask them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use privet_deploy::oip::{Host as _, InferReply, InferRequest};
use privet_deploy::train::agreement::{
    Agreement, Arrangement, FORMAT, ModelChoice, Outcome, OwnerEntry, PartyEntry, Schedule,
};
use privet_deploy::train::host::TrainHost;
use privet_deploy::train::order::Order;
use privet_deploy::train::owner::{Offering, Rows};
use privet_deploy::train::store::Store;
use privet_deploy::train::wire::{Ask, DataStatus, Say, StateId, Status};
use privet_deploy::{Blame, Error};
use privet_model::training::reference::State;
use privet_model::training::{Loss, Optimiser};
use privet_mpc::meeting::meeting;
use privet_mpc::role::Role;
use privet_mpc::world::World;
use privet_tee::statement::Hex;
use zeroize::Zeroizing;

use super::{entropy, numbers};

/// A store in memory, which outlives its host.
#[derive(Default)]
pub struct Memory {
    files: Mutex<HashMap<String, Vec<u8>>>,
    /// Whether there is no room for rows.
    pub is_full: AtomicBool,
}

impl Store for Memory {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.files.lock().unwrap().insert(name.into(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        Ok(self.files.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }

    fn write_at(&self, name: &str, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Error::new(Blame::Ours, "E144", "There is no room."));
        }
        let mut files = self.files.lock().unwrap();
        let file = files.entry(name.into()).or_default();
        let end = at as usize + bytes.len();
        file.resize(end.max(file.len()), 0);
        file[at as usize..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, name: &str, at: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let files = self.files.lock().unwrap();
        let there = files.get(name).and_then(|file| file.get(at as usize..at as usize + bytes.len()));
        bytes.copy_from_slice(there.ok_or_else(|| Error::integrity("E144", "It is not there."))?);
        Ok(())
    }

    fn keep(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        self.files.lock().unwrap().remove(name);
        Ok(())
    }
}

impl Memory {
    /// Everything that lies there.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        self.files.lock().unwrap().clone().into_iter().collect()
    }
}

/// Logistic regression by gradient descent, of two owners with three columns each.
pub fn agreement(arrangement: Arrangement) -> Agreement {
    let is_horizontal = arrangement == Arrangement::Horizontal;
    let columns = |of: &str| ["a", "b", "c"].map(|c| format!("{of}{c}")).to_vec();
    let owner = |name: &str| OwnerEntry {
        name: name.into(),
        key: format!("key of {name}"),
        columns: if is_horizontal { Vec::new() } else { columns(name) },
        label: (!is_horizontal && name == "bank").then(|| "bad".into()),
    };
    Agreement {
        format: FORMAT,
        id: "00".into(),
        name: "risk".into(),
        protocol: "replicated3".into(),
        arrangement,
        lead: "bank".into(),
        label: is_horizontal.then(|| "bad".into()),
        columns: if is_horizontal { columns("") } else { Vec::new() },
        most_rows: 1000,
        model: ModelChoice { loss: Loss::Logistic, intercept: true, largest: 4.0, most_weight: 16.0 },
        training: Schedule {
            optimiser: Optimiser::Sgd,
            rate: 0.5,
            batch: 16,
            epochs: 3,
            l2: 0.001,
            seed: 7,
            validation: 0.25,
            judge_every: None,
            patience: None,
            steps_at_once: 8,
        },
        result: Outcome::OpenTo("bank".into()),
        privacy: None,
        owners: vec![owner("bank"), owner("bureau")],
        parties: (0..3)
            .map(|i| PartyEntry { key: format!("key {i}"), url: format!("https://p{i}:1") })
            .collect(),
    }
}

/// Three hosts, and what they keep.
pub struct Parties {
    pub agreement: Agreement,
    pub hosts: Vec<TrainHost>,
    pub stores: [Arc<Memory>; 3],
    nonce: Mutex<u64>,
}

/// An owner's rows in the clear.
#[derive(Clone)]
pub struct Own {
    pub values: Vec<f64>,
    pub labels: Vec<f64>,
    pub tags: Vec<[u8; 16]>,
}

impl Own {
    /// Rows, of which each has so many columns.
    pub fn rows(&self, columns: usize) -> u64 {
        self.values.len().checked_div(columns).unwrap_or(self.labels.len()) as u64
    }
}

impl Parties {
    pub fn new(agreement: &Agreement, world: World) -> Self {
        Self::of(agreement, world, Default::default())
    }

    /// Hosts that go on from these stores.
    pub fn of(agreement: &Agreement, world: World, stores: [Arc<Memory>; 3]) -> Self {
        Self::try_of(agreement, world, stores).unwrap()
    }

    /// The same, or why one of them does not begin.
    pub fn try_of(agreement: &Agreement, world: World, stores: [Arc<Memory>; 3]) -> Result<Self, Error> {
        let keys = world.keys();
        let peers = meeting(world);
        let host = |role: Role| {
            let (keys, peers) = (keys[role.index()].clone(), Arc::clone(&peers[role.index()]));
            let drawn = Mutex::new(100 * (role.index() as u64 + 1));
            let source = move || {
                let mut drawn = drawn.lock().unwrap();
                *drawn += 1;
                Box::new(entropy(*drawn)) as Box<dyn privet_ring::entropy::Entropy>
            };
            let store = Arc::clone(&stores[role.index()]) as Arc<dyn Store>;
            TrainHost::new(agreement.clone(), role, keys, peers, store, Box::new(source))
        };
        let hosts = Role::ALL.into_iter().map(host).collect::<Result<_, _>>()?;
        Ok(Self { agreement: agreement.clone(), hosts, stores, nonce: Mutex::new(0) })
    }

    pub fn nonce(&self) -> Hex<16> {
        let mut nonce = self.nonce.lock().unwrap();
        *nonce += 1;
        Hex(u128::from(*nonce).to_le_bytes())
    }

    /// What all three say to these calls.
    pub fn call(&self, owner: &str, calls: [InferRequest; 3]) -> Vec<Result<InferReply, Error>> {
        thread::scope(|scope| {
            let asked = self.hosts.iter().zip(calls).map(|(host, call)| {
                let call = InferRequest { caller: Some(owner.into()), ..call };
                scope.spawn(move || host.infer(call))
            });
            asked.collect::<Vec<_>>().into_iter().map(|party| party.join().unwrap()).collect()
        })
    }

    pub fn try_ask(&self, owner: &str, ask: &Ask) -> Vec<Result<InferReply, Error>> {
        let call = || ask.call(&self.agreement.name, Vec::new());
        self.call(owner, [call(), call(), call()])
    }

    pub fn ask(&self, owner: &str, ask: &Ask) -> Vec<InferReply> {
        self.try_ask(owner, ask).into_iter().map(Result::unwrap).collect()
    }

    /// The code with which all three refuse.
    pub fn refused(&self, owner: &str, ask: &Ask) -> &'static str {
        let codes: Vec<_> =
            self.try_ask(owner, ask).into_iter().map(|answer| answer.err().unwrap().code).collect();
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
        codes[0]
    }

    pub fn give(&self, owner: &str, own: &Own) {
        let at = self.agreement.owner(owner).unwrap();
        self.ask(owner, &Ask::Begin);
        for calls in self.chunks(owner, own, 50) {
            self.call(owner, calls).into_iter().for_each(|reply| drop(reply.unwrap()));
        }
        self.ask(owner, &Ask::Complete { rows: own.rows(self.agreement.columns_of(at).len()) });
    }

    /// An owner's rows as calls, with seeds that follow from this one.
    pub fn chunks(&self, owner: &str, own: &Own, seed: u64) -> Vec<[InferRequest; 3]> {
        let at = self.agreement.owner(owner).unwrap();
        let mut offering = Offering::new(&self.agreement, at, &mut entropy(seed + at as u64)).unwrap();
        let columns = self.agreement.columns_of(at).len();
        let (rows, most) = (own.rows(columns) as usize, offering.chunk_rows());
        let chunk = |first: usize| {
            let range = first..(first + most).min(rows);
            let rows = Rows {
                values: &own.values[range.start * columns..range.end * columns],
                labels: own.labels.get(range.clone()).unwrap_or_default(),
                tags: own.tags.get(range).unwrap_or_default(),
            };
            offering.chunk(rows).unwrap()
        };
        (0..rows).step_by(most).map(chunk).collect()
    }

    pub fn statuses(&self) -> Vec<Status> {
        let said = self.ask(&self.agreement.lead, &Ask::Status);
        let status = |reply: &InferReply| match Say::of(reply).unwrap() {
            Say::Status(status) => *status,
            other => panic!("{other:?}"),
        };
        said.iter().map(status).collect()
    }

    pub fn data(&self) -> DataStatus {
        self.statuses()[0].data.unwrap()
    }

    /// Steps from a state, which all make alike.
    pub fn run(&self, from: Hex<32>, steps: u64) -> StateId {
        let said = self.ask(&self.agreement.lead, &Ask::Run { from, steps, nonce: self.nonce() });
        let states: Vec<_> = said
            .iter()
            .map(|reply| match Say::of(reply).unwrap() {
                Say::Ran { state, .. } => state,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(states.iter().all(|state| *state == states[0]));
        states[0]
    }

    /// Judges the last state, and ends the training with it.
    pub fn finish(&self, state: StateId) {
        self.ask(&self.agreement.lead, &Ask::Judge { of: state.id, nonce: self.nonce() });
        self.ask(&self.agreement.lead, &Ask::Best { of: state.id });
        self.ask(&self.agreement.lead, &Ask::Finish { of: state.id });
    }

    /// A question for the model.
    pub fn for_model(&self, of: StateId) -> Ask {
        Ask::Model { of: of.id, nonce: self.nonce() }
    }

    /// All steps, however many are made at once.
    pub fn run_all(&self) -> StateId {
        let data = self.data();
        self.run_on(data.digest, 0)
    }

    /// All that are left after such a state.
    pub fn run_on(&self, mut at: Hex<32>, mut step: u64) -> StateId {
        let data = self.data();
        let every = self.agreement.training.judge_every.unwrap_or(data.batches);
        loop {
            let next = ((step / every + 1) * every).min(data.steps);
            let state = self.run(at, self.agreement.training.steps_at_once.min(next - step));
            (at, step) = (state.id, state.step);
            if step == data.steps {
                return state;
            }
        }
    }
}

/// Rows that an owner has, with labels that follow from the first two columns, and tags from `first` on.
pub fn own(seed: u64, rows: usize, first: u64) -> Own {
    let values: Vec<f64> = numbers(seed, rows * 3).iter().map(|x| 2.0 * x).collect();
    let noise = numbers(seed + 1000, rows);
    let label = |(row, noise): (&[f64], &f64)| f64::from(u8::from(row[0] - 0.5 * row[1] + 0.3 * noise > 0.4));
    let labels = values.chunks_exact(3).zip(&noise).map(label).collect();
    let tags =
        (first..first + rows as u64).map(|n| u128::from(n.wrapping_mul(77_777_777)).to_le_bytes()).collect();
    Own { values, labels, tags }
}

/// The same training in float64, on aligned rows with a column of ones.
pub fn in_the_clear(agreement: &Agreement, values: &[f64], labels: &[f64]) -> State {
    let plan = agreement.numbers().unwrap();
    let columns = plan.recipe.columns;
    let mut order = Order::new(&agreement.training, labels.len());
    let steps = order.batches() * agreement.training.epochs;
    let mut state = State::new(columns);
    for step in 0..steps {
        let rows = order.step(step).to_vec();
        let row = |&row: &u32| &values[row as usize * columns..(row as usize + 1) * columns];
        let batch: Vec<f64> = rows.iter().flat_map(row).copied().collect();
        let labels: Vec<f64> = rows.iter().map(|row| labels[*row as usize]).collect();
        state.step(&plan, &batch, &labels);
    }
    state
}
