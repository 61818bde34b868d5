//! The client: asks for evidence, appraises it, and only then seals rows.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use privet_model::eval::check_inputs;
use privet_model::graph::Port;
use privet_model::tensor::Tensor;
use privet_ring::entropy::{Entropy, draw};
use privet_tee::channel::{Awaiting, Channel, ChannelError};
use privet_tee::claims::{Appraised, Claims};
use privet_tee::policy::Policy;
use privet_tee::statement::{Direction, Hex};
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, Question, appraise};

use super::attestation::{Challenge, Mode, Presented};
use super::content::{Asking, read_reply};
use super::{CHALLENGE, EVIDENCE, SEALED, call, reply_bytes};
use crate::bundle::{PublicBundle, TeePart, no_entropy};
use crate::caller::{Answer, Asked, Between, Caller, Job, Opened, Opening, Pending, chunks};
use crate::error::{Blame, Error};
use crate::oip::{InferReply, InferRequest};

/// Evidence that is about to be too old is not used for new rows.
const MARGIN: u64 = 5;

/// What the client believes, and what it may show.
pub struct Trust {
    /// Whom to believe.
    pub policy: Policy,
    /// What vendors publish beside their evidence.
    pub collateral: Collateral,
    /// Whether a simulator that the policy accepts gets rows: the second deliberate act.
    pub dangerous_accept_simulated: bool,
    /// The owner's token, where the bundle wants one.
    pub token: Option<String>,
}

/// The client of a deployment with an enclave.
pub struct TeeCaller {
    name: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    bundle: [u8; 32],
    part: TeePart,
    trust: Trust,
    channel: RwLock<Option<Arc<Channel>>>,
}

impl TeeCaller {
    /// For the deployment that this public half of a bundle describes.
    pub fn new(bundle: &PublicBundle, trust: Trust) -> Result<Arc<Self>, Error> {
        let part = bundle.tee()?.clone();
        if part.tokens.is_some() && trust.token.is_none() {
            return Err(Error::refused(
                "E367",
                "This deployment answers holders of a token only. Ask the owner for one and give it with `--token FILE`.",
            ));
        }
        let manifest = bundle.manifest();
        check_model(&trust.policy, &manifest.name, part.version)?;
        Ok(Arc::new(Self {
            name: manifest.name.clone(),
            inputs: manifest.inputs.clone(),
            outputs: manifest.outputs.clone(),
            bundle: bundle.digest(),
            part,
            trust,
            channel: RwLock::new(None),
        }))
    }

    /// Appraises what was presented to the question with this nonce.
    pub fn appraise(&self, presented: &Presented, nonce: [u8; 32], now: u64) -> (Verdict, Option<Appraised>) {
        let question = Question {
            direction: Direction::EnclaveToClient,
            nonce: Hex(nonce),
            bundle: Hex(self.bundle),
            model: Some(self.part.model),
            session: presented.session,
        };
        appraise(&presented.evidence.0, &self.trust.policy, &self.trust.collateral, Some(&question), now)
    }

    /// The call that asks for evidence.
    pub fn challenge(&self, nonce: [u8; 32]) -> InferRequest {
        let mode = if self.trust.policy.accepts_epochs() { Mode::Epoch } else { Mode::Full };
        call(&self.name, CHALLENGE, Challenge { version: 1, nonce: Hex(nonce), mode }.to_bytes())
    }

    /// Claims that this client takes, or why not.
    fn claims(&self, presented: &Presented, nonce: [u8; 32], now: u64) -> Result<Claims, Error> {
        let (verdict, appraised) = self.appraise(presented, nonce, now);
        match appraised {
            Some(Appraised::Verified(claims)) => Ok(claims),
            Some(Appraised::Simulated(simulated)) if self.trust.dangerous_accept_simulated => {
                Ok(simulated.dangerous_accept_simulated())
            }
            Some(Appraised::Simulated(_)) => Err(not_an_enclave()),
            None => Err(not_believed(&verdict)),
        }
    }

    fn current(&self) -> Option<Arc<Channel>> {
        self.channel.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, channel: Option<Arc<Channel>>) {
        *self.channel.write().unwrap_or_else(PoisonError::into_inner) = channel;
    }
}

/// What the policy says about the model, as far as the bundle tells.
fn check_model(policy: &Policy, name: &str, version: u64) -> Result<(), Error> {
    let Some(rule) = &policy.model else { return Ok(()) };
    let refused = |what: String| Error::refused("E362", format!("{what} Nothing was sent."));
    if let Some(id) = rule.id.as_ref().filter(|id| *id != name) {
        return Err(refused(format!("The deployment is of model `{name}`, the policy is about `{id}`.")));
    }
    if let Some(least) = rule.min_version.filter(|least| version < *least) {
        return Err(refused(format!(
            "The deployment has version {version} of the model, the policy takes {least} and later."
        )));
    }
    Ok(())
}

fn not_an_enclave() -> Error {
    Error::refused(
        "E363",
        "This is a SIMULATED enclave: an ordinary process, whose owner can read what you send. The policy accepts it, and that is \
         not enough. For a trial with rows that are not secret, add `--dangerous-accept-simulated`. Nothing was sent.",
    )
}

fn not_believed(verdict: &Verdict) -> Error {
    let reasons = verdict.checks.iter().filter(|c| !c.ok);
    let reasons: Vec<String> = reasons.map(|c| format!("{} ({})", c.detail, c.code)).collect();
    Error::refused(
        "E362",
        format!(
            "The evidence was refused, and nothing was sent: {}. `privet attest show --to …` shows it in full; the policy says what \
             is believed.",
            reasons.join("; ")
        ),
    )
}

impl Caller for Arc<TeeCaller> {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn bound(&self) -> Option<f64> {
        None
    }

    fn assurance(&self) -> &'static str {
        self.current().map_or("none", |channel| channel.claims().assurance().name())
    }

    fn opening(&self, now: u64, entropy: &mut dyn Entropy) -> Result<Option<Opening>, Error> {
        let fresh = |channel: Arc<Channel>| {
            channel.claims().until().is_none_or(|until| now.saturating_add(MARGIN) < until)
        };
        if self.current().is_some_and(fresh) {
            return Ok(None);
        }
        let nonce = draw(entropy).map_err(no_entropy)?;
        let pending = Box::new(TeeOpened { caller: Arc::clone(self), nonce });
        Ok(Some(Opening { messages: vec![self.challenge(nonce)], pending }))
    }

    fn jobs(&self, rows: Arc<Vec<Tensor>>, _: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error> {
        let count = check_inputs(&self.inputs, &rows)?;
        let job = |range| {
            Box::new(TeeJob { caller: Arc::clone(self), rows: Arc::clone(&rows), range }) as Box<dyn Job>
        };
        Ok(chunks(&rows, count).map(job).collect())
    }
}

struct TeeOpened {
    caller: Arc<TeeCaller>,
    nonce: [u8; 32],
}

impl Opened for TeeOpened {
    fn open(
        self: Box<Self>,
        mut replies: Vec<InferReply>,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error> {
        let reply = replies.pop().unwrap_or_default();
        let presented =
            reply_bytes(reply, EVIDENCE).and_then(|bytes| Presented::parse(&bytes)).ok_or_else(|| {
                Error::integrity("E362", "What came where evidence was asked for is none. Nothing was sent.")
            })?;
        let claims = self.caller.claims(&presented, self.nonce, now)?;
        let channel = Channel::open(claims, entropy).map_err(on_our_side)?;
        self.caller.set(Some(Arc::new(channel)));
        Ok(())
    }
}

#[derive(Clone)]
struct TeeJob {
    caller: Arc<TeeCaller>,
    rows: Arc<Vec<Tensor>>,
    range: Range<usize>,
}

impl Job for TeeJob {
    fn ask(self: Box<Self>, entropy: &mut dyn Entropy) -> Result<Asked, Error> {
        let caller = &self.caller;
        let channel = caller.current().ok_or_else(|| {
            Error::new(
                Blame::Ours,
                "E900",
                "Rows were to be sealed before evidence was appraised. Nothing was sent.",
            )
        })?;
        let asked = Asking { ports: &caller.inputs, tensors: &self.rows, rows: self.range.clone() };
        let token = caller.trust.token.as_deref();
        let (message, awaiting) =
            channel.request(asked.len(token), entropy, |out| asked.write(out, token)).map_err(on_our_side)?;
        Ok(Asked {
            messages: vec![call(&caller.name, SEALED, message)],
            pending: Box::new(TeePending { caller: Arc::clone(caller), awaiting, rows: self.range.len() }),
            again: Some(Box::new(TeeAgain { job: (*self).clone(), channel })),
        })
    }
}

/// The same rows, over a channel that is not the one that was refused.
struct TeeAgain {
    job: TeeJob,
    channel: Arc<Channel>,
}

impl Job for TeeAgain {
    fn ask(self: Box<Self>, entropy: &mut dyn Entropy) -> Result<Asked, Error> {
        Box::new(self.job).ask(entropy)
    }

    fn forget(&self) {
        let caller = &self.job.caller;
        let refused = |current: Arc<Channel>| Arc::ptr_eq(&current, &self.channel);
        if caller.current().is_some_and(refused) {
            caller.set(None);
        }
    }
}

struct TeePending {
    caller: Arc<TeeCaller>,
    awaiting: Awaiting,
    rows: usize,
}

impl Pending for TeePending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let nothing = || Error::integrity("E510", "The host sent no sealed reply. No answer was released.");
        let reply = replies.into_iter().next().and_then(|r| reply_bytes(r, SEALED)).ok_or_else(nothing)?;
        let content = self.awaiting.open(reply.into()).map_err(|e| {
            Error::integrity("E364", format!("The reply was refused: {e}. No answer was released."))
        })?;
        let outputs = read_reply(&content, &self.caller.outputs, self.rows)?;
        Ok(Answer { outputs, scores: Vec::new(), between: Between::default() })
    }
}

fn on_our_side(error: ChannelError) -> Error {
    match error {
        ChannelError::BadKey => Error::integrity("E364", format!("{error}; nothing was sent.")),
        ChannelError::TooLong => Error::usage("E155", format!("{error}; send fewer rows at a time.")),
        _ => Error::new(Blame::Ours, "E901", format!("{error}; nothing was sent.")),
    }
}
