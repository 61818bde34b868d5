//! The owner's side: who gets a model's key, and how many rows a token still has.

mod nonces;
mod refusals;
mod sessions;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use zeroize::Zeroizing;

use self::nonces::{NonceError, Nonces};
use self::refusals::Refusals;
use self::sessions::{SessionError, Sessions};
pub use self::terms::{Terms, Unfit};
use super::asker::{grant_message, mac};
use super::bound;
use super::log::Entry;
use super::message::{Ask, Reply};
use super::resource::{Resource, ServiceKey};
use crate::claims::{Appraised, Claims};
use crate::evidence::Blob;
use crate::hpke::send_to;
use crate::statement::{Direction, Hex, Stamp, sha256};
use crate::token::Token;
use crate::verdict::Verdict;
use crate::verify::{Question, Time, appraise, seconds_of};

/// Longest reason of a refusal, in letters.
const LONGEST_REASON: usize = 600;

/// What must outlive the process. Each call returns when what it wrote would survive a loss of power.
pub trait Store: Send + Sync {
    /// Appends to the log of releases; fills in the entry's place in the chain.
    fn log(&self, entry: Entry, key: &ServiceKey) -> Result<(), String>;

    /// Counts rows of a token that allows `rows` in all: a [`lot`] of those that are left.
    fn grant(&self, token: [u8; 16], rows: u64, needed: u64, ahead: u64) -> Result<u64, String>;
}

/// How many of the rows that are `left` are granted where `needed` are asked about now: none if they are not left; otherwise some
/// ahead too, but no more than an eighth of the rest, as an enclave that ends takes with it what it had.
pub fn lot(left: u64, needed: u64, ahead: u64) -> u64 {
    left.checked_sub(needed).map_or(0, |rest| needed + ahead.min(rest / 8))
}

/// The key service.
pub struct Service {
    terms: Terms,
    resources: Vec<(Hex<32>, Resource, ServiceKey)>,
    store: Box<dyn Store>,
    state: Mutex<State>,
}

struct State {
    nonces: Nonces,
    sessions: Sessions,
    refusals: Refusals,
    /// What the evidence that was accepted last depends on, and when that runs out.
    expires: Vec<(String, Time)>,
}

/// A refusal, for the log and for the enclave's operator.
struct No(&'static str, String);

impl From<EntropyFailed> for No {
    fn from(_: EntropyFailed) -> Self {
        Self("no-entropy", "the key service's machine gave no randomness".into())
    }
}

/// A model's key on its way, and the session that begins with it.
struct Sealed {
    reply: Reply,
    session: [u8; 16],
    secret: Zeroizing<[u8; 32]>,
}

impl Service {
    /// A service for these models. Refuses to begin where a simulator could be given a key of `hw`.
    pub fn new(
        terms: Terms,
        resources: Vec<Resource>,
        store: Box<dyn Store>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Unfit> {
        let mut read: Vec<(Hex<32>, Resource, ServiceKey)> = Vec::new();
        for resource in resources {
            terms.check(&resource)?;
            let (bundle, key) = resource
                .bundle_digest()
                .zip(resource.service_key())
                .ok_or_else(|| Unfit("a model's secret file is damaged".into()))?;
            if read.iter().any(|(known, ..)| *known == bundle) {
                return Err(Unfit(format!("the same bundle of model `{}` is given twice", resource.name)));
            }
            read.push((bundle, resource, key));
        }
        let nonces =
            Nonces::new(entropy).map_err(|_| Unfit("this machine gives no randomness".to_owned()))?;
        let state = State {
            nonces,
            sessions: Sessions::default(),
            refusals: Refusals::default(),
            expires: Vec::new(),
        };
        Ok(Self { terms, resources: read, store, state: Mutex::new(state) })
    }

    /// When what the last accepted evidence depends on runs out: certificates and collateral, by their names.
    pub fn expires(&self) -> Vec<(String, Time)> {
        self.state().expires.clone()
    }

    /// The keys that it signs with.
    pub fn keys(&self) -> Vec<Hex<32>> {
        self.resources.iter().map(|(_, _, key)| key.public()).collect()
    }

    /// The reply to a message. Never panics, whatever came.
    pub fn answer(&self, message: &[u8], now: Time, entropy: &mut dyn Entropy) -> Vec<u8> {
        let reply = match Ask::parse(message) {
            None => Err(No("malformed", "this is no message for a key service".into())),
            Some(Ask::Hello { bundle }) => self.hello(bundle, now, entropy),
            Some(Ask::Claim { bundle, nonce, evidence }) => {
                self.claim(bundle, nonce, &evidence.0, now, entropy)
            }
            Some(Ask::Stamp { bundle }) => self.stamp(bundle, now, entropy),
            Some(Ask::Grant { session, counter, token, needed, ahead, mac }) => {
                self.grant(session, counter, &token, (needed, ahead), &mac, now)
            }
        };
        let no = |No(code, message)| Reply::Refused {
            code: code.into(),
            message: message.chars().take(LONGEST_REASON).collect(),
        };
        reply.unwrap_or_else(no).to_bytes()
    }

    fn resource(&self, bundle: Hex<32>) -> Result<(&Resource, &ServiceKey), No> {
        let found = self.resources.iter().find(|(b, ..)| *b == bundle);
        found
            .map(|(_, resource, key)| (resource, key))
            .ok_or_else(|| No("bundle-unknown", "this key service has no model of that bundle".into()))
    }

    fn hello(&self, bundle: Hex<32>, now: Time, entropy: &mut dyn Entropy) -> Result<Reply, No> {
        self.resource(bundle)?;
        Ok(Reply::Challenge { nonce: Hex(self.state().nonces.give(&bundle, now, entropy)?) })
    }

    /// Anyone may ask: a signature costs less than the connection that asked, and nothing is remembered.
    fn stamp(&self, bundle: Hex<32>, now: Time, entropy: &mut dyn Entropy) -> Result<Reply, No> {
        let (_, key) = self.resource(bundle)?;
        let nonce = Hex(draw::<32>(entropy)?);
        let signature = key.sign(&Stamp::message(now, &nonce));
        Ok(Reply::Stamp { stamp: Stamp { time: now, nonce, signature } })
    }

    fn claim(
        &self,
        bundle: Hex<32>,
        nonce: Hex<32>,
        evidence: &[u8],
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, No> {
        let (resource, key) = self.resource(bundle)?;
        if !self.state().nonces.is_good(&nonce.0, &bundle, now) {
            return Err(stale());
        }
        let question =
            Question { direction: Direction::EnclaveToKeys, nonce, bundle, model: None, session: None };
        let (verdict, appraised) =
            appraise(evidence, &self.terms.policy, &self.terms.collateral, Some(&question), now);
        let sealed = self.decide(resource, &verdict, appraised).and_then(|claims| {
            self.state().nonces.spend(nonce.0, now)?;
            seal_key(resource, key, &claims, &bound(&nonce.0, &sha256(evidence), &bundle.0), entropy)
        });
        let outcome = sealed.as_ref().map_or_else(|no| no.0, |_| "released");
        self.log(about(resource, bundle, evidence, &verdict), outcome, key, now)?;
        let Sealed { reply, session, secret } = sealed?;
        let until = |(what, until): &(String, String)| Some((what.clone(), seconds_of(until)?));
        let mut state = self.state();
        state.expires = verdict.expires.iter().filter_map(until).collect();
        state.sessions.begin(session, secret, bundle);
        Ok(reply)
    }

    /// Nothing leaves before this is done.
    fn log(&self, entry: Entry, outcome: &str, key: &ServiceKey, now: Time) -> Result<(), No> {
        let unlogged = match outcome {
            "released" => self.state().refusals.release(),
            _ => match self.state().refusals.refusal(now) {
                Some(unlogged) => unlogged,
                None => return Ok(()),
            },
        };
        self.store
            .log(Entry { time: now, outcome: outcome.into(), unlogged, ..entry }, key)
            .map_err(|e| No("log-failed", format!("the release could not be logged: {e}")))
    }

    fn decide(
        &self,
        resource: &Resource,
        verdict: &Verdict,
        appraised: Option<Appraised>,
    ) -> Result<Claims, No> {
        let claims = match appraised {
            Some(Appraised::Verified(claims)) if !resource.is_simulated() => claims,
            Some(Appraised::Simulated(claims)) if resource.is_simulated() => {
                claims.dangerous_accept_simulated()
            }
            Some(_) => {
                return Err(No(
                    "namespace",
                    "a simulator never gets a key of `hw`, nor hardware one of `sim`".into(),
                ));
            }
            None => {
                let reason = verdict.reason();
                let code = reason.map_or("evidence-refused", |c| c.code);
                return Err(No(code, reason.map_or_else(String::new, |c| c.detail.clone())));
            }
        };
        let floor = self.terms.floors.get(&resource.name).copied().unwrap_or(0);
        if resource.version < floor {
            let version = resource.version;
            return Err(No(
                "below-floor",
                format!("version {version} of the model is below the owner's floor, {floor}"),
            ));
        }
        Ok(claims)
    }

    fn grant(
        &self,
        name: Hex<16>,
        counter: u64,
        token: &str,
        (needed, ahead): (u64, u64),
        code: &Hex<32>,
        now: Time,
    ) -> Result<Reply, No> {
        let said = grant_message(&name, counter, token, needed, ahead);
        let (secret, bundle) = self.state().sessions.take(&name.0, counter, &said, code)?;
        let (resource, _) = self.resource(bundle)?;
        let owner = resource.tokens().ok_or_else(|| No("no-tokens", "this model wants no tokens".into()))?;
        let token =
            Token::verify(token, &owner, &bundle.0).map_err(|e| No("token-refused", e.to_string()))?;
        let claims = token.claims();
        if claims.not_after.is_some_and(|end| now > end) {
            return Err(No("token-expired", "the token is no longer valid".into()));
        }
        let rows = self
            .store
            .grant(token.id(), claims.rows, needed, ahead)
            .map_err(|e| No("grant-failed", format!("the grant could not be counted: {e}")))?;
        if rows < needed {
            return Err(No("rows-used-up", format!("fewer than {needed} rows of this token are left")));
        }
        let mac = Hex(mac(&secret, &[&said[..], b" granted ", &rows.to_le_bytes()].concat()));
        Ok(Reply::Granted { rows, mac })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seals the model's key to the key in the evidence, and signs that.
fn seal_key(
    resource: &Resource,
    key: &ServiceKey,
    claims: &Claims,
    bound: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Sealed, No> {
    let model_key =
        resource.model_key().ok_or_else(|| No("damaged", "the model's secret file is damaged".into()))?;
    let secret = Zeroizing::new(draw::<32>(entropy)?);
    let session = draw::<16>(entropy)?;
    let bad_key = || No("bad-key", "the enclave's key cannot be used".into());
    let (encapsulated, context) =
        send_to(&claims.statement().encryption_key.0, bound, entropy)?.ok_or_else(bad_key)?;
    let mut sealed = Zeroizing::new([model_key.expose().as_slice(), secret.as_slice()].concat());
    let tag = context.key(b"privet tee release").seal(bound, &mut sealed).ok_or_else(bad_key)?;
    let sealed = [sealed.as_slice(), &tag].concat();
    let signature = key.sign(&[bound, &encapsulated, &session, &sealed].concat());
    let reply = Reply::Released {
        encapsulated: Hex(encapsulated),
        sealed: Blob(sealed),
        session: Hex(session),
        signature,
    };
    Ok(Sealed { reply, session, secret })
}

fn about(resource: &Resource, bundle: Hex<32>, evidence: &[u8], verdict: &Verdict) -> Entry {
    Entry {
        number: 0,
        previous: Hex([0; 32]),
        time: 0,
        outcome: String::new(),
        model: resource.name.clone(),
        version: resource.version,
        bundle,
        evidence: Hex(sha256(evidence)),
        kind: verdict.kind.map(|kind| kind.name().into()).unwrap_or_default(),
        assurance: verdict.assurance.name().into(),
        measurements: verdict.measurements.clone(),
        platform: verdict.platform.clone(),
        unlogged: 0,
    }
}

fn stale() -> No {
    No("nonce-unknown", "the nonce was not given here, was used, or is too old; begin again".into())
}

impl From<NonceError> for No {
    fn from(error: NonceError) -> Self {
        match error {
            NonceError::Spent => stale(),
            NonceError::Full => Self("busy", "too many keys were released just now; try again later".into()),
        }
    }
}

impl From<SessionError> for No {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Unknown => {
                Self(super::SESSION_UNKNOWN, "there is no such session; show evidence again".into())
            }
            SessionError::Replayed => Self("replayed", "this grant was asked for before".into()),
        }
    }
}
