//! A client, an enclave and a key service in one process.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::unused_self)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use privet_deploy::Error;
use privet_deploy::caller::{Answer, Asked, Caller as _, Pending};
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{InferReply, InferRequest, RawTensor};
use privet_deploy::plain::Engine;
use privet_deploy::tee::attestation::{Challenge, Mode, Presented};
use privet_deploy::tee::caller::{TeeCaller, Trust};
use privet_deploy::tee::enclave::{Enclave, Relay, Start};
use privet_deploy::tee::package::{Choices, Package, package};
use privet_deploy::tee::{CHALLENGE, EVIDENCE, SEALED};
use privet_model::tensor::Tensor;
use privet_tee::attest::simulated::SimulatedAttester;
use privet_tee::policy::Policy;
use privet_tee::release::log::Entry;
use privet_tee::release::resource::ServiceKey;
use privet_tee::release::service::{Service, Store, Terms, lot};
use privet_tee::release::{Ask, Resource};
use privet_tee::statement::Hex;
use privet_tee::token::{OwnerKey, TokenClaims};
use privet_tee::verify::Collateral;

use super::{entropy, linear_model};

pub const NOW: u64 = 1_800_000_000;
pub const PROGRAM: [u8; 32] = [0xab; 32];

/// Rows of the model's four columns.
pub fn rows(count: usize) -> Vec<Tensor> {
    super::rows(3, count, 4)
}

/// A policy that accepts simulated programs with these measurements.
pub fn policy(programs: &[String]) -> Policy {
    Policy::parse(&policy_text(programs)).unwrap()
}

pub fn policy_text(programs: &[String]) -> String {
    let list = programs.join("\", \"");
    format!(
        "version = 1\n[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"{list}\"]\n"
    )
}

/// What is different from an ordinary world.
#[derive(Default)]
pub struct Parts<'a> {
    /// The client did not give the flag.
    pub refuse: bool,
    /// Its policy takes an epoch's evidence.
    pub epochs: bool,
    pub client_policy: Option<Policy>,
    /// The host relays to this world's key service instead of the owner's.
    pub service_of: Option<&'a World>,
    /// The host changes a bit of the sealed model.
    pub flip_model: bool,
    /// The bundle wants a token, and the client has one for so many rows.
    pub rows_allowed: Option<u64>,
}

pub struct World {
    pub caller: Arc<TeeCaller>,
    pub enclave: Enclave,
    service: Shared,
    make_service: Box<dyn Fn() -> Service>,
    /// Evidence that the key service was shown.
    pub claims_seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A key service that can be started again.
type Shared = Arc<Mutex<Arc<Service>>>;

/// What outlives it.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<HashMap<[u8; 16], u64>>>);

impl Store for Memory {
    fn log(&self, _: Entry, _: &ServiceKey) -> Result<(), String> {
        Ok(())
    }

    fn grant(&self, token: [u8; 16], rows: u64, needed: u64, ahead: u64) -> Result<u64, String> {
        let mut used = self.0.lock().unwrap();
        let used = used.entry(token).or_default();
        let granted = lot(rows - *used, needed, ahead);
        *used += granted;
        Ok(granted)
    }
}

struct ToService {
    service: Shared,
    claims_seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Relay for ToService {
    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(Ask::Claim { evidence, .. }) = Ask::parse(message) {
            self.claims_seen.lock().unwrap().push(evidence.0);
        }
        let service = Arc::clone(&self.service.lock().unwrap());
        Ok(service.answer(message, NOW, &mut os()))
    }
}

/// Fresh randomness: worlds must differ.
pub fn os() -> Os {
    Os
}

pub struct Os;

impl privet_ring::entropy::Entropy for Os {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), privet_ring::entropy::EntropyFailed> {
        use std::io::Read as _;
        let mut random =
            std::fs::File::open("/dev/urandom").map_err(|_| privet_ring::entropy::EntropyFailed)?;
        random.read_exact(bytes).map_err(|_| privet_ring::entropy::EntropyFailed)
    }
}

/// Starts the key service with the same files as before.
fn service_maker(program: &str, resource: &Resource) -> Box<dyn Fn() -> Service> {
    let (program, memory) = (program.to_owned(), Memory::default());
    let file = serde_json::to_string(resource).unwrap();
    Box::new(move || {
        let terms = Terms {
            policy: policy(std::slice::from_ref(&program)),
            collateral: Collateral::default(),
            floors: BTreeMap::new(),
            dangerous_any_platform: false,
        };
        let resource = serde_json::from_str(&file).unwrap();
        Service::new(terms, vec![resource], Box::new(memory.clone()), &mut os()).unwrap()
    })
}

impl World {
    pub fn new(parts: Parts<'_>) -> Self {
        Self::try_new(parts).unwrap()
    }

    pub fn try_new(parts: Parts<'_>) -> Result<Self, Error> {
        let owner = OwnerKey::generate(&mut os()).unwrap();
        let tokens = parts.rows_allowed.map(|_| owner.public());
        let choices = Choices {
            name: "m".into(),
            reveal: Reveal::Score,
            version: 1,
            tokens,
            now: NOW,
            dangerous_simulated: true,
        };
        let Package { public, mut sealed, resource } =
            package(&linear_model(4, 2), &choices, &mut os()).unwrap();
        let program = Hex(PROGRAM).to_string();
        let stamp_key = public.tee().unwrap().keys;
        let make_service = service_maker(&program, &resource);
        let own = Arc::new(Mutex::new(Arc::new(make_service())));
        let service = parts.service_of.map_or(own, |world| Arc::clone(&world.service));
        let claims_seen = Arc::default();
        let relay = ToService { service: Arc::clone(&service), claims_seen: Arc::clone(&claims_seen) };
        if parts.flip_model {
            let at = sealed.len() / 2;
            sealed[at] ^= 1;
        }
        let start = Start {
            public: public.json().into(),
            model: sealed,
            configuration: "{}".into(),
            remarks: vec!["in the test's own process".into()],
        };
        let attester = SimulatedAttester { measurement: PROGRAM, isolation: Vec::new() };
        let enclave =
            Enclave::start(start, Box::new(attester), Arc::new(relay), Box::new(os()), Instant::now())?;
        let ages = format!("[channel]\nmax_evidence_age = \"5m\"\nstamp_keys = [\"{stamp_key}\"]\n");
        let with_epochs =
            || Policy::parse(&format!("{}{ages}", policy_text(std::slice::from_ref(&program)))).unwrap();
        let default = if parts.epochs { with_epochs() } else { policy(std::slice::from_ref(&program)) };
        let claims = parts.rows_allowed.map(|rows| TokenClaims {
            id: Hex([5; 16]),
            bundle: Hex(public.digest()),
            client: "tests".into(),
            rows,
            not_after: None,
        });
        let trust = Trust {
            policy: parts.client_policy.unwrap_or(default),
            collateral: Collateral::default(),
            dangerous_accept_simulated: !parts.refuse,
            token: claims.map(|claims| owner.sign(&claims)),
        };
        Ok(Self { caller: TeeCaller::new(&public, trust)?, enclave, service, make_service, claims_seen })
    }

    /// The key service ends and is started again.
    pub fn restart_key_service(&self) {
        *self.service.lock().unwrap() = Arc::new((self.make_service)());
    }

    /// What the plain kind answers.
    pub fn plain(&self, rows: &[Tensor]) -> Vec<Tensor> {
        Engine::new(linear_model(4, 2)).run(rows).unwrap()
    }

    /// Whatever the client sends, carried honestly.
    pub fn carry(&self, request: InferRequest) -> Result<InferReply, Error> {
        let mut inputs = request.inputs;
        let tensor = inputs.pop().unwrap();
        let (name, data) = match tensor.name.as_str() {
            CHALLENGE => (EVIDENCE, self.enclave.evidence(&tensor.data, Instant::now())?.1),
            SEALED => (SEALED, self.enclave.call(tensor.data.to_vec())?),
            other => panic!("`{other}` is no tensor of this kind"),
        };
        Ok(InferReply { outputs: vec![RawTensor::bytes(name, data)], ..InferReply::default() })
    }

    /// The way to leave for sending rows, all honest.
    pub fn open(&self) -> Result<(), Error> {
        self.open_changed(|_| {})
    }

    /// The same, where the host changes what is presented.
    pub fn open_changed(&self, change: impl FnOnce(&mut Presented)) -> Result<(), Error> {
        let Some(opening) = self.caller.opening(NOW, &mut os())? else { return Ok(()) };
        let reply = self.carry(opening.messages[0].clone())?;
        let mut presented = Presented::parse(&reply.outputs[0].data).unwrap();
        change(&mut presented);
        let outputs = vec![RawTensor::bytes(EVIDENCE, presented.to_bytes())];
        opening.pending.open(vec![InferReply { outputs, ..reply }], NOW, &mut os())
    }

    /// The same, where the host answers with something else altogether.
    pub fn open_with(&self, presented: Presented) -> Result<(), Error> {
        self.open_changed(|true_one| *true_one = presented)
    }

    pub fn challenge(&self) -> Challenge {
        Challenge { version: 1, nonce: Hex([1; 32]), mode: Mode::Full }
    }

    pub fn evidence(&self, challenge: &Challenge) -> Presented {
        let (_, bytes) = self.enclave.evidence(&challenge.to_bytes(), Instant::now()).unwrap();
        Presented::parse(&bytes).unwrap()
    }

    /// One sealed request.
    pub fn ask(&self, rows: &[Tensor]) -> (InferRequest, Box<dyn Pending>) {
        let mut jobs = self.caller.jobs(Arc::new(rows.to_vec()), &mut entropy(1)).unwrap();
        let Asked { mut messages, pending, .. } = jobs.pop().unwrap().ask(&mut os()).unwrap();
        (messages.pop().unwrap(), pending)
    }

    /// The whole way.
    pub fn predict(&self, rows: &[Tensor]) -> Result<Vec<Tensor>, Error> {
        self.open()?;
        let (request, pending) = self.ask(rows);
        let Answer { outputs, .. } = pending.answer(vec![self.carry(request)?])?;
        Ok(outputs)
    }
}
