//! The side that runs inside: makes its keys, gets the model's key from the owner's service, gives evidence, and answers sealed
//! rows. Whoever carries its messages learns their sizes and times and nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};
use privet_model::tensor::Tensor;
use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use privet_tee::attest::Attester;
use privet_tee::channel::Epoch;
use privet_tee::evidence::Blob;
use privet_tee::release::{GrantSession, Released};
use privet_tee::statement::{
    Direction, Freshness, Hex, Sealing, Statement, VERSION, report_data, session_message, sha256,
};
use zeroize::Zeroizing;

use super::attestation::{Challenge, Mode, Presented};
use super::content::{Rows, longest_reply, read_request, write_reply};
use super::{budget::Budget, model, refused, release};
use crate::bundle::{PublicBundle, TeePart, no_entropy};
use crate::error::{Blame, Error};
use crate::plain::Engine;

/// What the host hands over at the start. None of it is believed before it was checked.
pub struct Start {
    /// The public half of the bundle.
    pub public: String,
    /// The sealed model.
    pub model: Vec<u8>,
    /// How this enclave was configured; its digest stands in every statement.
    pub configuration: String,
    /// What the program says about its surroundings.
    pub remarks: Vec<String>,
}

/// The way to the owner's key service: through the host, who can only carry, delay or lose.
pub trait Relay: Send + Sync {
    /// The service's reply to a message.
    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Requests after which an epoch ends; the replay cache holds as many.
const REQUESTS: usize = 1 << 20;
/// How long a platform may take for evidence.
const PATIENCE: Duration = Duration::from_secs(20);
/// An epoch's evidence is stamped anew after this long by the enclave's own clock, which the host may slow down: then clients find
/// it too old.
const STAMP_AGE: Duration = Duration::from_secs(60);

/// One epoch's keys, and its latest stamped evidence.
struct Keys {
    epoch: Epoch,
    signing: SigningKey,
    stamped: Mutex<Option<(Instant, Vec<u8>)>>,
}

/// A measured program with a model.
pub struct Enclave {
    bundle: PublicBundle,
    part: TeePart,
    engine: Engine,
    configuration: Hex<32>,
    remarks: Vec<String>,
    attester: Box<dyn Attester>,
    relay: Arc<dyn Relay>,
    entropy: Mutex<Box<dyn Entropy + Send>>,
    keys: RwLock<Arc<Keys>>,
    budget: Budget,
}

impl Enclave {
    /// Opens the model: shows evidence to the owner's key service, and gets the model's key from it or from nobody.
    pub fn start(
        start: Start,
        attester: Box<dyn Attester>,
        relay: Arc<dyn Relay>,
        mut entropy: Box<dyn Entropy + Send>,
        now: Instant,
    ) -> Result<Self, Error> {
        let bundle = PublicBundle::parse(&start.public)?;
        let part = bundle.tee()?.clone();
        if sha256(&start.model) != part.sealed.0 {
            return Err(Error::integrity("E230", "The sealed model is not the one that the bundle names."));
        }
        let keys = Keys::fresh(bundle.digest(), &mut *entropy)?;
        let configuration = Hex(sha256(start.configuration.as_bytes()));
        let evidence = |nonce: Hex<32>| {
            let about = About { bundle: &bundle, configuration, remarks: &start.remarks, model: None };
            let statement = about.statement(&keys, Direction::EnclaveToKeys, Freshness::Full { nonce });
            prove(&*attester, &statement, now)
        };
        let Released { key, session } =
            release::ask(&*relay, &part, bundle.digest(), evidence, keys.epoch.receiver())?;
        let plaintext = release::open(&start.model, key, &part)?;
        let engine = Engine::new(model::parse(&plaintext)?);
        Ok(Self {
            budget: Budget::new(part.tokens, bundle.digest(), session),
            bundle,
            part,
            engine,
            configuration,
            remarks: start.remarks,
            attester,
            relay,
            entropy: Mutex::new(entropy),
            keys: RwLock::new(Arc::new(keys)),
        })
    }

    /// The name of the current epoch's key.
    pub fn key_id(&self) -> [u8; 16] {
        self.current().epoch.key_id()
    }

    /// Evidence for whoever asks, and the name of the key that it speaks of.
    pub fn evidence(&self, challenge: &[u8], now: Instant) -> Result<([u8; 16], Vec<u8>), Error> {
        let Challenge { nonce, mode, .. } = Challenge::parse(challenge).ok_or_else(|| {
            Error::usage("E360", "This is no question for evidence; use a client of this version.")
        })?;
        let keys = self.keys_for_new_clients()?;
        let stamped = (mode == Mode::Epoch).then(|| self.stamped(&keys, now).ok()).flatten();
        let presented = match stamped {
            Some(evidence) => {
                let message = session_message(Direction::EnclaveToClient, &nonce.0, &sha256(&evidence));
                let session = Some(Hex(keys.signing.sign(&message).to_bytes()));
                Presented { evidence: Blob(evidence), session }
            }
            // Without a stamp there is no telling how old evidence is: then it is made anew.
            None => Presented {
                evidence: Blob(self.prove(&keys, Freshness::Full { nonce }, now)?),
                session: None,
            },
        };
        Ok((keys.epoch.key_id(), presented.to_bytes()))
    }

    /// The sealed reply to a sealed request.
    pub fn call(&self, request: Vec<u8>) -> Result<Vec<u8>, Error> {
        let mut request = Wiped(request);
        let keys = self.current();
        let (content, answering) = keys.epoch.open(&mut request.0).map_err(refused)?;
        let (rows, mut answer) = match read_request(content, self.engine.inputs()) {
            Ok(asked) => (asked.rows, self.answer(&asked)),
            Err(e) => (0, Err(e)),
        };
        let outputs = &self.bundle.manifest().outputs;
        let longest = longest_reply(outputs, rows, self.part.longest_text);
        let reply = answering
            .reply(longest, &mut Shared(&self.entropy), |out| write_reply(out, outputs, &answer))
            .map_err(refused);
        answer.iter_mut().flatten().for_each(Tensor::wipe);
        reply
    }

    fn answer(&self, asked: &Rows) -> Result<Vec<Tensor>, Error> {
        self.budget.admit(asked.token.as_deref(), asked.rows, &*self.relay, || self.renew())?;
        Ok(self.engine.run(&asked.tensors)?)
    }

    /// Shows the key service new evidence, for a new session with it; the model's key is here already.
    fn renew(&self) -> Result<GrantSession, Error> {
        let (keys, bundle) = (self.current(), self.bundle.digest());
        let evidence = |nonce: Hex<32>| {
            let statement =
                self.about().statement(&keys, Direction::EnclaveToKeys, Freshness::Full { nonce });
            prove(&*self.attester, &statement, Instant::now())
        };
        release::ask(&*self.relay, &self.part, bundle, evidence, keys.epoch.receiver()).map(|got| got.session)
    }

    fn about(&self) -> About<'_> {
        About {
            bundle: &self.bundle,
            configuration: self.configuration,
            remarks: &self.remarks,
            model: Some(self.part.model),
        }
    }

    fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The current keys, or new ones where their epoch is over.
    fn keys_for_new_clients(&self) -> Result<Arc<Keys>, Error> {
        let current = self.current();
        if !current.epoch.is_over() {
            return Ok(current);
        }
        let fresh = Arc::new(Keys::fresh(self.bundle.digest(), &mut Shared(&self.entropy))?);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.epoch.is_over() {
            *keys = fresh;
        }
        Ok(Arc::clone(&keys))
    }

    /// This epoch's evidence, over a stamp that is not old.
    fn stamped(&self, keys: &Keys, now: Instant) -> Result<Vec<u8>, Error> {
        let mut stamped = lock(&keys.stamped);
        if let Some((at, evidence)) = &*stamped
            && now.saturating_duration_since(*at) < STAMP_AGE
        {
            return Ok(evidence.clone());
        }
        let stamp = release::stamp(&*self.relay, &self.part, self.bundle.digest())?;
        let evidence = self.prove(keys, Freshness::Epoch { stamp }, now)?;
        *stamped = Some((now, evidence.clone()));
        Ok(evidence)
    }

    fn prove(&self, keys: &Keys, freshness: Freshness, now: Instant) -> Result<Vec<u8>, Error> {
        let statement = self.about().statement(keys, Direction::EnclaveToClient, freshness);
        let evidence = prove(&*self.attester, &statement, now)?;
        keys.epoch.gave(sha256(&evidence)).map_err(refused)?;
        Ok(evidence)
    }
}

/// Evidence over a statement.
fn prove(attester: &dyn Attester, statement: &Statement, now: Instant) -> Result<Vec<u8>, Error> {
    let bytes = statement.to_bytes();
    let deadline = now.checked_add(PATIENCE).unwrap_or(now);
    let mut evidence = attester.evidence(&report_data(&bytes), deadline).map_err(|e| {
        Error::new(Blame::Unreachable, "E366", format!("The enclave has no evidence to show: {e}."))
    })?;
    evidence.statement = Blob(bytes);
    Ok(evidence.to_bytes())
}

/// What stands in every statement of one enclave.
struct About<'a> {
    bundle: &'a PublicBundle,
    configuration: Hex<32>,
    remarks: &'a [String],
    model: Option<Hex<32>>,
}

impl About<'_> {
    fn statement(&self, keys: &Keys, direction: Direction, freshness: Freshness) -> Statement {
        Statement {
            version: VERSION,
            direction,
            freshness,
            encryption_key: Hex(keys.epoch.public()),
            signing_key: Hex(keys.signing.verifying_key().to_bytes()),
            requests: REQUESTS as u64,
            bundle: Hex(self.bundle.digest()),
            configuration: self.configuration,
            model: self.model,
            sealing: Sealing { provider: "key-service".into(), rollback: "key-service".into() },
            remarks: self.remarks.to_vec(),
        }
    }
}

impl Keys {
    fn fresh(bundle: [u8; 32], entropy: &mut dyn Entropy) -> Result<Self, Error> {
        let seed = Zeroizing::new(draw::<32>(entropy).map_err(no_entropy)?);
        Ok(Self {
            epoch: Epoch::begin(bundle, REQUESTS, entropy).map_err(no_entropy)?,
            signing: SigningKey::from_bytes(&seed),
            stamped: Mutex::default(),
        })
    }
}

/// Randomness that threads share: the lock is held while bytes are drawn, and not while they are used.
struct Shared<'a>(&'a Mutex<Box<dyn Entropy + Send>>);

impl Entropy for Shared<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        lock(self.0).fill(bytes)
    }
}

/// Rows in the clear, overwritten when they were answered.
struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

/// A panic ends this process; a lock that it held protects nothing half-done.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
