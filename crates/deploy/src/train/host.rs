//! A party of a training. It keeps what it must not lose in its [`Store`], so that it goes on after a crash where it was.
//!
//! What leaves it, besides shares to its peers: sums of losses and counts of pairs, masked, to the lead, at the steps that the agreement names;
//! and the weights of one state, masked, to the owner that the agreement names, once nothing is trained any more. Nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use privet_model::training::numbers::Numbers;
use privet_mpc::correlated::PairKeys;
use privet_mpc::link::Peers;
use privet_mpc::protocols::replicated3::Replicated3;
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::role::Role;
use privet_mpc::session::{OutputShare, Session};
use privet_mpc::train::Stored;
use privet_tee::statement::Hex;
use zeroize::Zeroizing;

use super::agreement::{Agreement, Outcome};
use super::batch::Data;
use super::course::Course;
use super::now::Now;
use super::offer::Offer;
use super::order::judging;
use super::progress::Progress;
use super::result::{half, sealed};
use super::steps::{Made, Work, beginning};
use super::store::Store;
use super::trust::card;
use super::wire::{Ask, DataStatus, OfferStatus, Say, StateId, Status, TAGS, TRAINING};
use crate::bundle::PartyFile;
use crate::error::{Blame, Error};
use crate::mpc::{ANSWER, BODY, HEAD, Source, aborted};
use crate::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use crate::wire;

/// This party's half of the bundle, as it waits for the public half; and with it.
const HALF: &str = "half.json";

/// A party.
pub struct TrainHost {
    role: Role,
    agreement: Agreement,
    numbers: Numbers,
    keys: PairKeys,
    peers: Arc<dyn Peers>,
    store: Arc<dyn Store>,
    entropy: Source,
    metadata: Metadata,
    now: Mutex<Now>,
    /// Held by the one computation at a time.
    turn: Mutex<()>,
}

/// Whether a computation may take this state.
type May<'a> = &'a dyn Fn(&Now, &Course, StateId) -> Result<(), Error>;

/// Before the first step, where there is no run to name it.
const BEGINNING: StateId = StateId { step: 0, id: Hex([0; 32]) };

/// A computation's point, and what it is to do.
struct Computation<'a> {
    point: [u8; 32],
    data: Arc<Data>,
    /// None at the beginning.
    state: Option<StateId>,
    stored: Stored,
    _turn: MutexGuard<'a, ()>,
}

impl TrainHost {
    /// Party `role` of a training, with the keys that it agreed on with its neighbours; goes on where its store says that it was.
    pub fn new(
        agreement: Agreement,
        role: Role,
        keys: PairKeys,
        peers: Arc<dyn Peers>,
        store: Arc<dyn Store>,
        entropy: Source,
    ) -> Result<Self, Error> {
        agreement.check()?;
        let numbers = agreement.numbers()?;
        let read = |owner| Offer::read(&agreement, owner, role, &*store);
        let offers = (0..agreement.owners.len()).map(read).collect::<Result<Vec<_>, _>>()?;
        let progress = Progress::read(&*store)?;
        let mut now = Now { offers, data: None, progress };
        // Rows that do not fit together are given again.
        let _ = now.gather(&agreement);
        let metadata = metadata(&agreement, role);
        Ok(Self {
            role,
            agreement,
            numbers,
            keys,
            peers,
            store,
            entropy,
            metadata,
            now: Mutex::new(now),
            turn: Mutex::default(),
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner who calls.
    fn owner(&self, request: &InferRequest) -> Result<usize, Error> {
        let caller = request.caller.as_deref().unwrap_or_default();
        self.agreement.owner(caller).ok_or_else(|| denied("only the owners of its rows may"))
    }

    fn lead(&self, owner: usize) -> Result<(), Error> {
        let lead = &self.agreement.lead;
        if self.agreement.owner(lead) == Some(owner) {
            Ok(())
        } else {
            Err(denied(&format!("only its lead, `{lead}`, may")))
        }
    }

    fn answer(&self, mut request: InferRequest) -> Result<InferReply, Error> {
        let owner = self.owner(&request)?;
        let id = std::mem::take(&mut request.id);
        let ask = Ask::of(&mut request)?;
        let done = |()| Say::Done.reply(id.clone(), Vec::new());
        match &ask {
            Ask::Status => Ok(Say::Status(Box::new(self.status())).reply(id, Vec::new())),
            Ask::Begin => self.begin(owner).map(done),
            Ask::Rows => self.rows_of(owner, request).map(done),
            Ask::Complete { rows } => self.complete(owner, *rows).map(done),
            Ask::Model { of, .. } => self.model(owner, &ask, of.0).map(|opened| opened.reply(id)),
            _ => {
                self.lead(owner)?;
                match &ask {
                    Ask::Run { from, steps, .. } => {
                        self.run(&ask, from.0, *steps).map(|say| say.reply(id, Vec::new()))
                    }
                    Ask::Judge { of, .. } => self.judge(&ask, of.0).map(|opened| opened.reply(id)),
                    Ask::Best { of } => self.best(of.0).map(done),
                    Ask::Finish { of } => self.finish(of.0).map(done),
                    Ask::Bundle { public } => self.bundle(public).map(done),
                    _ => Err(denied("nobody may")),
                }
            }
        }
    }

    fn status(&self) -> Status {
        let now = self.now();
        let digests = now.data.is_some();
        let offer = |(entry, offer): (&super::agreement::OwnerEntry, &Offer)| OfferStatus {
            owner: entry.name.clone(),
            rows: offer.rows().into(),
            complete: offer.is_complete(),
            digest: digests.then(|| Hex(offer.digest())),
        };
        let Progress { states, best, finished, half, .. } = now.progress.clone();
        Status {
            agreement: Hex(self.agreement.digest()),
            offers: self.agreement.owners.iter().zip(now.offers()).map(offer).collect(),
            data: now.data.as_ref().map(|data| self.facts(data)),
            states,
            best,
            finished,
            half,
        }
    }

    fn facts(&self, data: &Data) -> DataStatus {
        let rows = data.alignment.len();
        let Course { judging, batches, steps, .. } = self.course(data);
        DataStatus { digest: Hex(data.digest), rows: rows as u64, judging: judging as u64, batches, steps }
    }

    fn course(&self, data: &Data) -> Course {
        Course::of(&self.agreement, data.alignment.len())
    }

    fn begin(&self, owner: usize) -> Result<(), Error> {
        // Nothing is computed meanwhile.
        let _turn = self.turn()?;
        let mut now = self.now();
        now.reopen()?[owner] = Offer::new(&self.agreement, owner, self.role);
        for name in ["offer", "tags", "rows"] {
            self.store.remove(&format!("{name}-{owner}"))?;
        }
        Ok(())
    }

    fn rows_of(&self, owner: usize, mut request: InferRequest) -> Result<(), Error> {
        let head = request.take(HEAD).ok_or_else(|| {
            Error::usage("E330", format!("There are no rows beside this: its tensor `{HEAD}` is missing."))
        })?;
        let tags = request.take(TAGS);
        let message = wire::decode(self.role, &head, request.take(BODY))?;
        self.now().open()?[owner].take(message, tags.as_deref(), &*self.store)
    }

    fn complete(&self, owner: usize, rows: u64) -> Result<(), Error> {
        let mut now = self.now();
        if now.offers().get(owner).is_some_and(|offer| offer.is_complete() && u64::from(offer.rows()) == rows)
        {
            // It was said before, and another party may not have heard it.
            return now.gather(&self.agreement);
        }
        now.open()?[owner].complete(rows, &*self.store)?;
        now.gather(&self.agreement)
    }

    /// The turn of whoever computes, or changes what is computed on.
    fn turn(&self) -> Result<MutexGuard<'_, ()>, Error> {
        match self.turn.try_lock() {
            Ok(turn) => Ok(turn),
            Err(TryLockError::Poisoned(turn)) => Ok(turn.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::busy(
                "E324",
                1,
                "This party computes for this training already. Ask again in a second.",
            )),
        }
    }

    /// A computation on all rows and a state: alone, as far as the agreement has it, and under a point that hashes everything that it depends
    /// on. The others are told at once where it is refused here, so that they do not wait.
    fn computation(&self, ask: &Ask, id: [u8; 32], may: May<'_>) -> Result<Computation<'_>, Error> {
        self.prepared(ask, id, may).inspect_err(|_| self.give_up(ask))
    }

    fn prepared(&self, ask: &Ask, id: [u8; 32], may: May<'_>) -> Result<Computation<'_>, Error> {
        let turn = self.turn()?;
        let data = self.now().data.clone();
        let missing = || Error::usage("E352", "Not all owners have given all of their rows yet.");
        let data = data.ok_or_else(missing)?;
        let (state, stored) = self.kept(&data, id, may)?;
        Ok(Computation { point: point(&self.agreement, &data, ask), data, state, stored, _turn: turn })
    }

    /// A computation that begins and is given up at once is over for the peers too.
    fn give_up(&self, ask: &Ask) {
        let data = self.now().data.clone();
        if let Some(data) = data.filter(|_| ask.computes()) {
            drop(self.peers.meet(&point(&self.agreement, &data, ask)));
        }
    }

    fn session(&self, point: [u8; 32]) -> Result<Session, Error> {
        let links = self.peers.meet(&point).map_err(aborted)?;
        Ok(Session::new(self.role, links, self.keys.clone(), point))
    }

    fn work<'a>(&'a self, data: &'a Data) -> Work<'a> {
        Work {
            agreement: &self.agreement,
            numbers: &self.numbers,
            role: self.role,
            data,
            store: &*self.store,
        }
    }

    fn finds_cheats(&self) -> Result<bool, Error> {
        Ok(self.agreement.header()?.finds_cheats)
    }

    /// A state and what it holds, if it may be taken.
    fn kept(&self, data: &Data, id: [u8; 32], may: May<'_>) -> Result<(Option<StateId>, Stored), Error> {
        let (columns, mut now, course) = (self.numbers.recipe.columns, self.now(), self.course(data));
        if id == data.digest {
            may(&now, &course, BEGINNING)?;
            return Ok((None, beginning(columns)));
        }
        let state = now.progress.state(&id).ok_or_else(no_state)?;
        may(&now, &course, state)?;
        match Progress::kept(&*self.store, state, columns) {
            Ok(stored) => Ok((Some(state), stored)),
            Err(error) => {
                now.progress.lose(&*self.store, state)?;
                let what = format!("At party {}: {}", self.role.index(), error.message);
                Err(Error::integrity("E356", what))
            }
        }
    }

    fn run(&self, ask: &Ask, from: [u8; 32], steps: u64) -> Result<Say, Error> {
        let may = |now: &Now, course: &Course, state: StateId| {
            now.trains()?;
            course.may_run(state.step, steps)
        };
        let Computation { point, data, state, stored, _turn } = self.computation(ask, from, &may)?;
        let step = stored.step;
        let session = self.session(point)?;
        let (work, mut entropy) = (self.work(&data), (self.entropy)());
        let Made { stored, id, ledger } = if self.finds_cheats()? {
            work.run::<Malicious3>(session, &mut *entropy, stored, steps)?
        } else {
            work.run::<Replicated3>(session, &mut *entropy, stored, steps)?
        };
        let new = StateId { step: step + steps, id: Hex(id) };
        let mut now = self.now();
        now.trains()?;
        now.progress.push(&*self.store, state, new, &stored)?;
        Ok(Say::Ran { state: new, rounds: ledger.rounds, bytes: ledger.bytes_between() as u64 })
    }

    fn judge(&self, ask: &Ask, of: [u8; 32]) -> Result<Opened, Error> {
        let may = |now: &Now, course: &Course, state: StateId| course.may_judge(&now.progress, state);
        let Computation { point, data, state, stored, _turn } = self.computation(ask, of, &may)?;
        let session = self.session(point)?;
        let (work, mut entropy) = (self.work(&data), (self.entropy)());
        let share = if self.finds_cheats()? {
            work.judge::<Malicious3>(session, &mut *entropy, stored)?
        } else {
            work.judge::<Replicated3>(session, &mut *entropy, stored)?
        };
        // Before anything leaves.
        if let Some(state) = state {
            self.now().progress.set_judged(&*self.store, state)?;
        }
        Ok(Opened { point, share })
    }

    fn best(&self, of: [u8; 32]) -> Result<(), Error> {
        let mut now = self.now();
        now.trains()?;
        let state = now.progress.state(&of).ok_or_else(no_state)?;
        Course::may_be_best(&now.progress, state)?;
        now.progress.set_best(&*self.store, state)
    }

    /// Nothing is trained after this: else whoever gets the model could get several, and see by their differences what a few rows did.
    fn finish(&self, of: [u8; 32]) -> Result<(), Error> {
        let mut now = self.now();
        if now.progress.finished.is_some_and(|finished| finished.id.0 == of) {
            return Ok(());
        }
        now.trains()?;
        let state = now.progress.state(&of).ok_or_else(no_state)?;
        let course = now.data.as_ref().map(|data| self.course(data)).ok_or_else(no_state)?;
        course.may_end(&now.progress, state)?;
        let columns = self.numbers.recipe.columns;
        let mut digest = None;
        if self.agreement.result == Outcome::KeptAsShares {
            let Stored { parts: [weights, ..], .. } = Progress::kept(&*self.store, state, columns)?;
            let half = half(&self.agreement, self.role, &weights, &mut *(self.entropy)())?;
            self.write_half(HALF, &half)?;
            digest = Some(half.digest());
        }
        now.progress.change(&*self.store, |progress| {
            progress.finished = Some(state);
            progress.half = digest;
        })
    }

    fn model(&self, owner: usize, ask: &Ask, of: [u8; 32]) -> Result<Opened, Error> {
        match &self.agreement.result {
            Outcome::OpenTo(to) if self.agreement.owner(to) == Some(owner) => {}
            Outcome::OpenTo(to) => {
                return Err(denied(&format!("only `{to}`, to whom the model is opened, may")));
            }
            Outcome::KeptAsShares => return Err(denied("nobody may: the model is kept as shares, and")),
        }
        let may = |now: &Now, _: &Course, state: StateId| match now.progress.finished {
            Some(finished) if finished == state => Ok(()),
            Some(_) => Err(no_state()),
            None => {
                Err(Error::usage("E352", "The training is not over yet. Its lead ends it; ask again then."))
            }
        };
        let Computation { point, stored, _turn, .. } = self.computation(ask, of, &may)?;
        let session = self.session(point)?;
        let mut entropy = (self.entropy)();
        let share = if self.finds_cheats()? {
            Work::open::<Malicious3>(session, &mut *entropy, stored)?
        } else {
            Work::open::<Replicated3>(session, &mut *entropy, stored)?
        };
        Ok(Opened { point, share })
    }

    fn bundle(&self, public: &str) -> Result<(), Error> {
        let none = || Error::usage("E352", "There is no model that is kept as shares yet.");
        let text = self.store.get(HALF)?.ok_or_else(none)?;
        let damaged = |_| Error::integrity("E356", format!("`{HALF}` is damaged."));
        let half: PartyFile = serde_json::from_slice(&text).map_err(damaged)?;
        let half = sealed(&self.agreement, self.role, half, public)?;
        self.write_half(&format!("party-{}.bundle", self.role.index()), &half)
    }

    fn write_half(&self, name: &str, half: &PartyFile) -> Result<(), Error> {
        let text = serde_json::to_vec(half).map(Zeroizing::new);
        let text =
            text.map_err(|e| Error::new(Blame::Ours, "E900", format!("`{name}` cannot be written: {e}.")))?;
        self.store.put(name, &text)
    }
}

/// What leaves to an owner.
struct Opened {
    point: [u8; 32],
    share: OutputShare,
}

impl Opened {
    fn reply(self, id: String) -> InferReply {
        let say = Say::Opened { point: Hex(self.point), rounds: self.share.ledger().rounds };
        let answer = [&self.point[..], self.share.packed()].concat();
        say.reply(id, vec![RawTensor::bytes(ANSWER, answer)])
    }
}

fn point(agreement: &Agreement, data: &Data, ask: &Ask) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 point of a training's computation");
    hasher.update(&agreement.digest()).update(&data.digest);
    hasher.update(&serde_json::to_vec(ask).unwrap_or_default());
    *hasher.finalize().as_bytes()
}

fn denied(who: &str) -> Error {
    Error::new(Blame::Denied, "E351", format!("In this training {who} ask for that."))
}

fn no_state() -> Error {
    Error::usage(
        "E353",
        "This party has no state of that name. Ask how far it is, and go on from a state that all parties have.",
    )
}

fn metadata(agreement: &Agreement, role: Role) -> Metadata {
    let bytes = |name: &str| TensorMetadata { name: name.into(), datatype: "UINT8".into(), shape: vec![-1] };
    let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
    Metadata {
        name: agreement.name.clone(),
        version: "1".into(),
        platform: "privet_training".into(),
        inputs: [TRAINING, HEAD, BODY, TAGS].map(bytes).into(),
        outputs: [TRAINING, ANSWER].map(bytes).into(),
        parameters: vec![
            text("protocol", agreement.protocol.clone()),
            text("party", role.index().to_string()),
            text("agreement", agreement.digest_hex()),
            text("trust", card(agreement).to_string()),
        ],
    }
}

impl Host for TrainHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn waits(&self) -> bool {
        true
    }

    fn rows(&self, request: &InferRequest) -> usize {
        request.number_in(HEAD, wire::ROWS).map_or(0, |rows| rows as usize)
    }

    fn memory(&self, request: &InferRequest) -> usize {
        let Some(ask) = Ask::peek(request) else { return 0 };
        if !ask.computes() && !matches!(ask, Ask::Complete { .. }) {
            return 0;
        }
        let all = self.now().offers().iter().map(|offer| offer.rows() as usize).sum::<usize>();
        let row = 16 * self.numbers.recipe.columns;
        let steps = |steps: u64| usize::try_from(steps).unwrap_or(usize::MAX).min(all);
        let (at_once, together) = match ask {
            Ask::Run { steps: of, .. } => {
                let batch = self.numbers.recipe.batch;
                (batch, batch.saturating_mul(steps(of.min(self.agreement.training.steps_at_once))))
            }
            Ask::Judge { .. } => (all.min(super::steps::JUDGED), judging(&self.agreement.training, all)),
            // Where rows are matched by tags, each is looked up.
            Ask::Complete { .. } if self.agreement.has_tags() => return 64 * all,
            _ => return 0,
        };
        // A few batches are read ahead, and computing takes a few times as much; what is proven at the end is kept until then. The order of all
        // rows is there twice, and once more for an epoch.
        let proven = if self.finds_cheats().unwrap_or(true) {
            row.saturating_mul(4).saturating_mul(together)
        } else {
            0
        };
        (8 * row * at_once).saturating_add(proven).saturating_add(12 * all)
    }

    fn decline(&self, request: InferRequest) {
        if let Some(ask) = Ask::peek(&request) {
            self.give_up(&ask);
        }
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        self.answer(request)
    }
}
