//! The owner's side: who gets a model's key, and how many rows a token still has.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use zeroize::Zeroizing;

use super::asker::{grant_message, mac};
use super::bound;
use super::log::Entry;
use super::message::{Ask, Reply};
use super::resource::{Resource, ServiceKey};
use crate::claims::{Appraised, Claims};
use crate::evidence::Blob;
use crate::hpke::send_to;
use crate::kind::Kind;
use crate::policy::Policy;
use crate::statement::{Direction, Hex, Stamp, sha256};
use crate::token::Token;
use crate::verdict::Verdict;
use crate::verify::{Collateral, Question, Time, appraise};

/// Seconds for which a nonce is good.
const NONCE: u64 = 60;
/// Nonces and sessions that are remembered; the oldest make room.
const REMEMBERED: usize = 4096;

/// What the owner decides.
pub struct Terms {
    /// Whom to believe.
    pub policy: Policy,
    /// What vendors publish.
    pub collateral: Collateral,
    /// By model, the lowest version whose key is released.
    pub floors: BTreeMap<String, u64>,
    /// Releases keys of `hw` to any genuine machine, not only to those that the policy names: also to one whose keys were
    /// extracted.
    pub dangerous_any_platform: bool,
}

/// What must outlive the process. Each call returns when what it wrote would survive a loss of power.
pub trait Store: Send + Sync {
    /// Appends to the log of releases; fills in the entry's place in the chain.
    fn log(&self, entry: Entry, key: &ServiceKey) -> Result<(), String>;

    /// Counts rows of a token: as many as are left, up to `needed + ahead`, or none if `needed` are not left.
    fn grant(&self, token: [u8; 16], rows: u64, needed: u64, ahead: u64) -> Result<u64, String>;
}

/// Why terms and resources do not fit together: nothing is served then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// The key service.
pub struct Service {
    terms: Terms,
    resources: Vec<(Hex<32>, Resource, ServiceKey)>,
    store: Box<dyn Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    nonces: VecDeque<([u8; 32], Hex<32>, Time)>,
    sessions: HashMap<[u8; 16], Session>,
    order: VecDeque<[u8; 16]>,
}

struct Session {
    secret: Zeroizing<[u8; 32]>,
    bundle: Hex<32>,
    counter: u64,
}

/// A refusal, for the log and for the enclave's operator.
struct No(&'static str, String);

impl From<EntropyFailed> for No {
    fn from(_: EntropyFailed) -> Self {
        No("no-entropy", "the key service's machine gave no randomness".into())
    }
}

impl Service {
    /// A service for these models. Refuses to begin where a simulator could be given a key of `hw`.
    pub fn new(terms: Terms, resources: Vec<Resource>, store: Box<dyn Store>) -> Result<Self, Unfit> {
        let mut read = Vec::new();
        for resource in resources {
            check(&terms, &resource)?;
            let parts = resource.bundle_digest().zip(resource.service_key()).filter(|_| resource.is_sound());
            let (bundle, key) = parts.ok_or_else(|| Unfit("a model's secret file is damaged".into()))?;
            read.push((bundle, resource, key));
        }
        Ok(Self { terms, resources: read, store, state: Mutex::default() })
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
        let no = |No(code, message)| Reply::Refused { code: code.into(), message };
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
        let nonce = draw::<32>(entropy)?;
        let mut state = lock(&self.state);
        while state.nonces.len() >= REMEMBERED {
            state.nonces.pop_front();
        }
        state.nonces.push_back((nonce, bundle, now));
        Ok(Reply::Challenge { nonce: Hex(nonce) })
    }

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
        self.spend(nonce, bundle, now)?;
        let question = Question { direction: Direction::EnclaveToKeys, nonce, bundle, session: None };
        let (verdict, appraised) =
            appraise(evidence, &self.terms.policy, &self.terms.collateral, Some(&question), now);
        let decided = self.decide(resource, &verdict, appraised);
        let entry = Entry {
            number: 0,
            previous: Hex([0; 32]),
            time: now,
            outcome: decided.as_ref().map_or_else(|no| no.0.to_owned(), |_| "released".into()),
            model: resource.name.clone(),
            version: resource.version,
            bundle,
            evidence: Hex(sha256(evidence)),
            assurance: verdict.assurance.name().into(),
        };
        self.store
            .log(entry, key)
            .map_err(|e| No("log-failed", format!("the release could not be logged: {e}")))?;
        self.release(resource, key, &decided?, bound(&nonce.0, &sha256(evidence), &bundle.0), entropy)
    }

    /// A nonce is good once, for its bundle, and not for long.
    fn spend(&self, nonce: Hex<32>, bundle: Hex<32>, now: Time) -> Result<(), No> {
        let mut state = lock(&self.state);
        let at = state.nonces.iter().position(|(n, b, _)| *n == nonce.0 && *b == bundle);
        let spent = at.and_then(|at| state.nonces.remove(at));
        match spent {
            Some((.., since)) if now.saturating_sub(since) <= NONCE => Ok(()),
            _ => Err(No(
                "nonce-unknown",
                "the nonce was not given here, was used, or is too old; begin again".into(),
            )),
        }
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

    /// Seals the model's key to the key in the evidence, and signs that.
    fn release(
        &self,
        resource: &Resource,
        key: &ServiceKey,
        claims: &Claims,
        bound: Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, No> {
        let model_key =
            resource.model_key().ok_or_else(|| No("damaged", "the model's secret file is damaged".into()))?;
        let secret = Zeroizing::new(draw::<32>(entropy)?);
        let session = draw::<16>(entropy)?;
        let bad_key = || No("bad-key", "the enclave's key cannot be used".into());
        let (encapsulated, context) =
            send_to(&claims.statement().encryption_key.0, &bound, entropy)?.ok_or_else(bad_key)?;
        let mut sealed = [model_key.expose().as_slice(), secret.as_slice()].concat();
        let tag = context.key(b"privet tee release").seal(&bound, &mut sealed).ok_or_else(bad_key)?;
        sealed.extend_from_slice(&tag);
        let signature = key.sign(&[&bound[..], &encapsulated, &session, &sealed].concat());
        self.remember(session, Session { secret, bundle: claims.statement().bundle, counter: 0 });
        Ok(Reply::Released {
            encapsulated: Hex(encapsulated),
            sealed: Blob(sealed),
            session: Hex(session),
            signature,
        })
    }

    fn remember(&self, name: [u8; 16], session: Session) {
        let mut state = lock(&self.state);
        while state.order.len() >= REMEMBERED {
            let oldest = state.order.pop_front();
            oldest.map(|oldest| state.sessions.remove(&oldest));
        }
        state.order.push_back(name);
        state.sessions.insert(name, session);
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
        let (secret, bundle) = self.session(&name.0, counter, &said, code)?;
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

    /// The session's secret, for a question that it asks for the first time.
    fn session(
        &self,
        name: &[u8; 16],
        counter: u64,
        said: &[u8],
        code: &Hex<32>,
    ) -> Result<(Zeroizing<[u8; 32]>, Hex<32>), No> {
        let unknown =
            || No("session-unknown", "there is no such session; the enclave must be started again".into());
        let mut state = lock(&self.state);
        let session = state.sessions.get_mut(name).ok_or_else(unknown)?;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, session.secret.as_slice());
        ring::hmac::verify(&key, said, &code.0).map_err(|_| unknown())?;
        if counter <= session.counter {
            return Err(No("replayed", "this grant was asked for before".into()));
        }
        session.counter = counter;
        Ok((session.secret.clone(), session.bundle))
    }
}

/// A policy that admits simulators can never serve a key of `hw`, nor one without pinned machines unless that was said.
fn check(terms: &Terms, resource: &Resource) -> Result<(), Unfit> {
    if resource.is_simulated() {
        return Ok(());
    }
    let name = &resource.name;
    if terms.policy.entries(Kind::SimProcess).next().is_some() {
        return Err(Unfit(format!(
            "the policy admits simulators, and model `{name}` is for hardware (`hw`): a simulator could be given its key. Use a policy \
             without `sim-process`, or a bundle made with `--dangerous-simulated`"
        )));
    }
    let loose = terms.policy.accept.iter().find(|entry| !entry.rule.pins_platform());
    match loose {
        Some(entry) if !terms.dangerous_any_platform => Err(Unfit(format!(
            "the policy's entry for `{}` names no machines (`platform`), so the key of `{name}` would go to any genuine machine, also to one \
             whose keys were extracted. Name them, or say `dangerous_any_platform = true`",
            entry.rule.kind().name()
        ))),
        _ => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
