//! An owner of rows, and its way to the three parties.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use privet_deploy::oip::{InferReply, InferRequest};
use privet_deploy::train::agreement::Agreement;
use privet_deploy::train::owner::{Judgement, Offering, Rows, Weights};
use privet_deploy::train::wire::{Ask, DataStatus, Say, StateId, Status};
use privet_deploy::{Blame, Error};
use privet_mpc::role::PARTIES;
use privet_ring::entropy::draw;
use privet_tee::statement::Hex;

use super::file::{address, parties, read_agreement};
use crate::client::{Client, Endpoint, Shown, Trust};
use crate::entropy::OsEntropy;
use crate::roles::read_key;

/// How long a call may take that computes nothing.
const SHORT: Duration = Duration::from_secs(60);
/// How long steps may take.
const LONG: Duration = Duration::from_secs(3600);

/// An owner of a training.
pub struct Owner {
    agreement: Agreement,
    me: usize,
    clients: Vec<Client>,
}

/// What the parties say of the training, where they agree.
#[derive(Clone, Debug)]
pub struct Standing {
    /// By party.
    pub parties: Vec<Status>,
    /// All rows, once they are there.
    pub data: Option<DataStatus>,
}

/// Steps that all parties made.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// The state after them.
    pub state: StateId,
    /// Rounds between the parties.
    pub rounds: u32,
    /// Bytes that they sent to each other.
    pub bytes: u64,
}

impl Owner {
    /// The owner of the agreement who has this key. Nothing is connected yet.
    pub fn open(training: &Path, key: &Path) -> Result<Self, Error> {
        let agreement = read_agreement(training)?;
        let key = Arc::new(read_key(key)?);
        let is_me = |owner: &&privet_deploy::train::agreement::OwnerEntry| {
            owner.key.parse().is_ok_and(|line: crate::PublicKey| line == *key.public())
        };
        let me = agreement.owners.iter().position(|owner| is_me(&owner)).ok_or_else(|| {
            let what = format!("The agreement names no owner with the key of `{}`.", key.public().name());
            Error::refused("E232", what)
        })?;
        let shown = Shown { key: Some(key), token: None };
        let client = |(at, (entry, pin)): (
            usize,
            (&privet_deploy::train::agreement::PartyEntry, crate::PublicKey),
        )| {
            let endpoint = Endpoint::new(format!("party-{at}"), address(&entry.url)?, Trust::Pinned(pin));
            Client::new(&Endpoint { shown: shown.clone(), ..endpoint })
        };
        let clients = agreement
            .parties
            .iter()
            .zip(parties(&agreement)?)
            .enumerate()
            .map(client)
            .collect::<Result<_, _>>()?;
        Ok(Self { agreement, me, clients })
    }

    /// What everyone agreed on.
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Which owner this is.
    pub fn me(&self) -> usize {
        self.me
    }

    /// Whether this owner drives.
    pub fn leads(&self) -> bool {
        self.agreement.owner(&self.agreement.lead) == Some(self.me)
    }

    /// Whether all parties are connected to each other.
    pub async fn ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + SHORT;
        for (at, client) in self.clients.iter().enumerate() {
            if !client.ready(deadline).await? {
                return Err(Error::new(
                    Blame::Unreachable,
                    "E306",
                    format!("`party-{at}` answers, but is not ready."),
                ));
            }
        }
        Ok(())
    }

    async fn ask(&self, calls: [InferRequest; PARTIES], within: Duration) -> Result<Vec<InferReply>, Error> {
        let deadline = Instant::now() + within;
        let asked = self.clients.iter().zip(calls).map(|(client, call)| client.infer(call, deadline));
        try_join_all(asked).await
    }

    /// Asks all parties the same.
    async fn ask_all(&self, ask: &Ask, within: Duration) -> Result<Vec<InferReply>, Error> {
        let call = || ask.call(&self.agreement.name, Vec::new());
        self.ask([call(), call(), call()], within).await
    }

    async fn done(&self, ask: &Ask) -> Result<(), Error> {
        self.ask_all(ask, SHORT).await.map(drop)
    }

    /// How far the training is.
    pub async fn standing(&self) -> Result<Standing, Error> {
        let replies = self.ask_all(&Ask::Status, SHORT).await?;
        let status = |reply: &InferReply| match Say::of(reply)? {
            Say::Status(status) => Ok(*status),
            _ => Err(unexpected()),
        };
        let parties = replies.iter().map(status).collect::<Result<Vec<_>, _>>()?;
        if let Some(other) = parties.iter().position(|party| party.agreement.0 != self.agreement.digest()) {
            let what = format!(
                "Party {other} has another agreement ({}) than this owner ({}). Compare `training.toml` on all machines.",
                parties[other].agreement,
                self.agreement.digest_hex()
            );
            return Err(Error::refused("E350", what));
        }
        let data = parties[0].data;
        let all = parties.iter().all(|party| party.data.is_some());
        if all && parties.iter().any(|party| party.data != data) {
            return Err(Error::integrity("E358", differing(&parties)));
        }
        Ok(Standing { parties, data: data.filter(|_| all) })
    }

    /// Begins to give rows.
    pub async fn begin(&self) -> Result<Offering<'_>, Error> {
        self.done(&Ask::Begin).await?;
        Offering::new(&self.agreement, self.me, &mut OsEntropy)
    }

    /// Gives a chunk of rows.
    pub async fn give(&self, offering: &mut Offering<'_>, rows: Rows<'_>) -> Result<(), Error> {
        self.ask(offering.chunk(rows)?, SHORT).await.map(drop)
    }

    /// These were all.
    pub async fn complete(&self, rows: u64) -> Result<(), Error> {
        self.done(&Ask::Complete { rows }).await
    }

    /// Steps from a state.
    pub async fn run(&self, from: Hex<32>, steps: u64) -> Result<Ran, Error> {
        let replies = self.ask_all(&Ask::Run { from, steps, nonce: nonce()? }, LONG).await?;
        let mut ran: Option<Ran> = None;
        for reply in &replies {
            let Say::Ran { state, rounds, bytes } = Say::of(reply)? else { return Err(unexpected()) };
            let all = ran.get_or_insert(Ran { state, rounds: 0, bytes: 0 });
            if all.state != state {
                return Err(Error::integrity(
                    "E358",
                    "The parties name different states after the same steps: one of them lies.",
                ));
            }
            all.rounds = all.rounds.max(rounds);
            all.bytes += bytes;
        }
        ran.ok_or_else(unexpected)
    }

    /// How good a state is on the rows that judge.
    pub async fn judge(&self, of: Hex<32>, data: &DataStatus) -> Result<Judgement, Error> {
        let replies = self.ask_all(&Ask::Judge { of, nonce: nonce()? }, LONG).await?;
        Judgement::of(&self.agreement, &replies, data.judging)
    }

    /// This state is the best so far.
    pub async fn best(&self, of: Hex<32>) -> Result<(), Error> {
        self.done(&Ask::Best { of }).await
    }

    /// This state is the result.
    pub async fn finish(&self, of: Hex<32>) -> Result<(), Error> {
        self.done(&Ask::Finish { of }).await
    }

    /// The weights, for the owner to whom they are opened.
    pub async fn model(&self) -> Result<Weights, Error> {
        let finished = self.standing().await?.parties.iter().find_map(|party| party.finished);
        let of = finished.ok_or_else(|| {
            Error::usage("E352", "The training is not over yet. Its lead ends it; ask again then.")
        })?;
        let replies = self.ask_all(&Ask::Model { of: of.id, nonce: nonce()? }, LONG).await?;
        Weights::of(&self.agreement, &replies)
    }

    /// Gives all parties the public half of the bundle that they keep.
    pub async fn bundle(&self, public: String) -> Result<(), Error> {
        self.done(&Ask::Bundle { public }).await
    }
}

/// Whose rows are not the same at all parties.
fn differing(parties: &[Status]) -> String {
    let names = parties[0].offers.iter().enumerate().filter(|(at, offer)| {
        parties.iter().any(|party| party.offers.get(*at).is_none_or(|other| other.digest != offer.digest))
    });
    let names: Vec<String> = names.map(|(_, offer)| format!("`{}`", offer.owner)).collect();
    format!(
        "The parties were given different rows by {}: this owner or a party lies. Nothing is trained on them; agree on a new training.",
        names.join(" and ")
    )
}

fn nonce() -> Result<Hex<16>, Error> {
    let drawn = draw(&mut OsEntropy);
    drawn.map(Hex).map_err(|_| Error::new(Blame::Ours, "E901", "The operating system gave no randomness."))
}

fn unexpected() -> Error {
    Error::integrity("E511", "A party answered something else than what it was asked.")
}
