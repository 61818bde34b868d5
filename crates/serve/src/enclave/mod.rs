//! The untrusted host of a measured program: starts it, and carries sealed messages to it. It holds no key and can read nothing that
//! it carries; what it can do is refuse to serve.
//!
//! | file | what it holds |
//! |---|---|
//! | `image` | the program, in memory that cannot be changed |
//! | `launch` | one running program |
//! | `replica` | one that is started again when it ends |

mod image;
mod launch;
mod replica;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use privet_deploy::bundle::PublicBundle;
use privet_deploy::caller::OPEN_AGAIN;
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use privet_deploy::tee::{CHALLENGE, EVIDENCE, SEALED};
use privet_deploy::{Blame, Error};
use privet_tee::frames::{Frame, FrameKind, LinkError, Start};

pub use image::Image;
pub use launch::Running;
use replica::Replica;

/// Carries one message to the owner's key service. It is called on a thread of its own and may wait, but not for the threads that
/// serve calls: those may be waiting for this very message.
pub type Relay = Arc<dyn Fn(&[u8]) -> Result<Vec<u8>, Error> + Send + Sync>;

/// The name of one epoch's keys of one replica.
pub type KeyId = [u8; 16];

/// Where a sealed request names the key that it is sealed to.
const KEY_ID: std::ops::Range<usize> = 5..21;
/// Keys that are remembered for one replica: the current epoch's and those before it.
const KEYS: usize = 8;

/// What to run.
pub struct EnclaveOptions {
    /// The measured program.
    pub program: &'static [u8],
    /// What each replica is handed. `measured` is filled in by the launcher.
    pub start: Start,
    /// How many processes, each with keys of its own.
    pub replicas: usize,
    /// The longest that one call may take.
    pub patience: Duration,
}

/// Serves a model from measured programs.
pub struct EnclaveHost {
    metadata: Metadata,
    replicas: Vec<Replica>,
    turn: AtomicUsize,
    routes: Arc<Routes>,
    patience: Duration,
}

impl EnclaveHost {
    /// Starts every replica, and comes back when all have opened the model.
    pub fn new(bundle: &PublicBundle, options: EnclaveOptions, relay: Relay) -> Result<Self, Error> {
        let image = Image::seal(options.program)?;
        let measured = image.digest();
        let start = Start { measured: Some(measured), ..options.start };
        let plan = Arc::new(replica::Plan { image, start, relay });
        let routes = Arc::new(Routes::default());
        let one = |_| Replica::start(Arc::clone(&plan), Arc::clone(&routes));
        let replicas = (0..options.replicas.max(1)).map(one).collect::<Result<_, _>>()?;
        let metadata = metadata(bundle, &measured.to_string());
        Ok(Self { metadata, replicas, turn: AtomicUsize::new(0), routes, patience: options.patience })
    }

    /// Processes that run now.
    pub fn pids(&self) -> Vec<u32> {
        self.replicas.iter().filter_map(|replica| replica.running().ok()).map(|r| r.pid()).collect()
    }

    fn evidence(&self, challenge: &[u8]) -> Result<Vec<u8>, Error> {
        let running = self.next()?;
        let frame = self.ask(&running, FrameKind::Ask, challenge)?;
        let unexpected = || Error::new(Blame::Ours, "E372", "The enclave's program gave no evidence.");
        let mut payload = expect(frame, FrameKind::Evidence)?;
        let key = *payload.first_chunk::<16>().ok_or_else(unexpected)?;
        self.routes.add(key, &running);
        Ok(payload.split_off(key.len()))
    }

    fn call(&self, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let key = sealed.get(KEY_ID).and_then(|id| KeyId::try_from(id).ok()).ok_or_else(|| {
            Error::usage("E360", "The sealed request is malformed; use a client of this version.")
        })?;
        let running = self.routes.find(&key).ok_or_else(|| {
            Error::refused(
                OPEN_AGAIN,
                "No enclave here has the key that the request is sealed to: it has ended or was replaced. Ask for \
                 evidence again and seal the rows anew.",
            )
        })?;
        expect(self.ask(&running, FrameKind::Call, sealed)?, FrameKind::Reply)
    }

    /// The next replica that runs.
    fn next(&self) -> Result<Arc<Running>, Error> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let all =
            (0..self.replicas.len()).filter_map(|n| self.replicas.get((first + n) % self.replicas.len()));
        let mut last = None;
        for replica in all {
            match replica.running() {
                Ok(running) => return Ok(running),
                Err(why) => last = Some(why),
            }
        }
        Err(last.unwrap_or_else(|| ended(&LinkError::Ended)))
    }

    fn ask(&self, running: &Arc<Running>, kind: FrameKind, payload: &[u8]) -> Result<Frame, Error> {
        let deadline = Instant::now().checked_add(self.patience);
        running.link().ask(kind, &[payload], deadline).map_err(|why| {
            match why {
                LinkError::TooLong { length, longest, .. } => {
                    let text = format!(
                        "The message has {length} bytes, an enclave takes {longest}. Ask about fewer rows."
                    );
                    return Error::usage("E360", text);
                }
                // What does not answer in time is not waited for by the next caller again.
                LinkError::Late => running.kill(),
                _ => {}
            }
            ended(&why)
        })
    }
}

/// The payload of the frame that was waited for, or the refusal in its place.
fn expect(frame: Frame, kind: FrameKind) -> Result<Vec<u8>, Error> {
    if frame.kind == kind {
        return Ok(frame.payload);
    }
    let fault = Some(frame).filter(|f| f.kind == FrameKind::Refused);
    let fault = fault.and_then(|f| privet_tee::frames::Fault::parse(&f.payload));
    Err(fault.map_or_else(
        || {
            Error::new(
                Blame::Ours,
                "E372",
                "The enclave's program answered with a frame that does not belong here.",
            )
        },
        Error::from,
    ))
}

fn ended(why: &LinkError) -> Error {
    let text = format!(
        "The enclave is not there: {why}. Its host starts a new one, with new keys; ask for evidence again in a moment."
    );
    Error::new(Blame::Unreachable, "E373", text)
}

fn metadata(bundle: &PublicBundle, measured: &str) -> Metadata {
    let bytes = |name: &str| TensorMetadata { name: name.into(), datatype: "UINT8".into(), shape: vec![-1] };
    let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
    Metadata {
        name: bundle.manifest().name.clone(),
        version: bundle.manifest().version.to_string(),
        platform: "privet_tee".into(),
        inputs: vec![bytes(CHALLENGE), bytes(SEALED)],
        outputs: vec![bytes(EVIDENCE), bytes(SEALED)],
        parameters: vec![
            text("assurance", "none before evidence: what a host says of itself proves nothing".into()),
            text("measured", measured.into()),
            text("bundle", bundle.digest_hex()),
            text("trust", bundle.trust_card().to_string()),
        ],
    }
}

impl Host for EnclaveHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let InferRequest { id, inputs, .. } = request;
        let answer = |name: &str, payload: Vec<u8>| {
            let outputs = vec![RawTensor::bytes(name, payload)];
            InferReply { id, parameters: Vec::new(), outputs }
        };
        match inputs.as_slice() {
            [one] if one.name == CHALLENGE => Ok(answer(EVIDENCE, self.evidence(&one.data)?)),
            [one] if one.name == SEALED => Ok(answer(SEALED, self.call(&one.data)?)),
            _ => Err(Error::usage(
                "E360",
                "An enclave takes one tensor, `challenge` or `sealed`. Rows go through `privet predict` or `privet gateway`, which seal them.",
            )),
        }
    }
}

/// Which running program has which keys.
#[derive(Default)]
struct Routes(RwLock<HashMap<KeyId, Arc<Running>>>, RwLock<HashMap<u32, VecDeque<KeyId>>>);

impl Routes {
    fn find(&self, key: &KeyId) -> Option<Arc<Running>> {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        routes.get(key).filter(|running| running.link().ended().is_none()).cloned()
    }

    /// Remembers that this program has this key; its oldest key is forgotten when there are many.
    fn add(&self, key: KeyId, running: &Arc<Running>) {
        if self.find(&key).is_some() || running.link().ended().is_some() {
            return;
        }
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        routes.insert(key, Arc::clone(running));
        let mut all = self.1.write().unwrap_or_else(PoisonError::into_inner);
        let keys = all.entry(running.pid()).or_default();
        keys.push_back(key);
        if keys.len() > KEYS {
            keys.pop_front().map(|old| routes.remove(&old));
        }
    }

    /// Forgets the keys of a program that has ended.
    fn forget(&self, running: &Running) {
        let keys = self.1.write().unwrap_or_else(PoisonError::into_inner).remove(&running.pid());
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.into_iter().flatten().for_each(|key| drop(routes.remove(&key)));
    }
}
