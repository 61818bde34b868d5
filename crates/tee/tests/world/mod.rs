//! An owner's key service and an enclave, without sockets or processes: the attester is the simulator's.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::unused_self)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_tee::attest::Attester as _;
use privet_tee::attest::simulated::SimulatedAttester;
use privet_tee::evidence::Blob;
use privet_tee::hpke::Receiver;
use privet_tee::policy::Policy;
use privet_tee::release::Resource;
use privet_tee::release::asker::{AskError, Released, challenged, hello};
use privet_tee::release::log::{Chain, Entry};
use privet_tee::release::resource::ServiceKey;
use privet_tee::release::service::{Service, Store, Terms, Unfit, lot};
use privet_tee::seal::ModelKey;
use privet_tee::statement::{Direction, Freshness, Hex, Sealing, Statement, VERSION, report_data, sha256};
use privet_tee::token::{OwnerKey, TokenClaims};
use privet_tee::verify::Collateral;

pub const NOW: u64 = 1_800_000_000;
pub const PROGRAM: [u8; 32] = [0xab; 32];
pub const BUNDLE: [u8; 32] = [4; 32];

/// Repeatable, and never the same twice.
pub struct Random(pub u64);

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for piece in bytes.chunks_mut(32) {
            piece.copy_from_slice(&sha256(&self.0.to_le_bytes())[..piece.len()]);
            self.0 = self.0.wrapping_add(1 << 32);
        }
        Ok(())
    }
}

/// What outlives the key service.
#[derive(Clone, Default)]
pub struct Memory(pub Arc<Mutex<Kept>>);

#[derive(Default)]
pub struct Kept {
    pub chain: Chain,
    pub lines: Vec<String>,
    pub entries: Vec<Entry>,
    pub granted: HashMap<[u8; 16], u64>,
    pub broken: bool,
}

impl Store for Memory {
    fn log(&self, entry: Entry, key: &ServiceKey) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap();
        if kept.broken {
            return Err("the disk is full".into());
        }
        let line = kept.chain.next(entry.clone(), key);
        kept.lines.push(line);
        kept.entries.push(entry);
        Ok(())
    }

    fn grant(&self, token: [u8; 16], rows: u64, needed: u64, ahead: u64) -> Result<u64, String> {
        let mut kept = self.0.lock().unwrap();
        if kept.broken {
            return Err("the disk is full".into());
        }
        let used = kept.granted.entry(token).or_default();
        let granted = lot(rows.saturating_sub(*used), needed, ahead);
        *used += granted;
        Ok(granted)
    }
}

pub const SIMULATED: &str = "[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"abababababababababababababababababababababababababababababababab\"]\n";

pub fn policy(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{text}")).unwrap()
}

/// An owner with one model.
pub struct Owner {
    pub key: ModelKey,
    pub service_key: ServiceKey,
    pub tokens: OwnerKey,
    pub version: u64,
    pub simulated: bool,
}

impl Owner {
    pub fn new() -> Self {
        Self::seeded(1)
    }

    pub fn seeded(seed: u64) -> Self {
        let mut random = Random(seed);
        Self {
            key: ModelKey::generate(&mut random).unwrap(),
            service_key: ServiceKey::generate(&mut random).unwrap(),
            tokens: OwnerKey::generate(&mut random).unwrap(),
            version: 3,
            simulated: true,
        }
    }

    pub fn resource(&self, bundle: [u8; 32]) -> Resource {
        let tokens = Some(self.tokens.public());
        let name = ("credit", self.version);
        Resource::new(name, self.simulated, ("{}", bundle), tokens, &self.key, &self.service_key)
    }

    pub fn terms(&self, policy: Policy) -> Terms {
        let collateral = Collateral::default();
        Terms { policy, collateral, floors: BTreeMap::new(), dangerous_any_platform: false }
    }

    /// The key service of a simulated model.
    pub fn service(&self, memory: &Memory) -> Service {
        self.try_service(self.terms(policy(SIMULATED)), memory).unwrap()
    }

    pub fn try_service(&self, terms: Terms, memory: &Memory) -> Result<Service, Unfit> {
        Service::new(terms, vec![self.resource(BUNDLE)], Box::new(memory.clone()), &mut Random(77))
    }

    pub fn token(&self, rows: u64, not_after: Option<u64>) -> String {
        let (id, bundle, client) = (Hex([5; 16]), Hex(BUNDLE), "clinic".to_owned());
        self.tokens.sign(&TokenClaims { id, bundle, client, rows, not_after })
    }
}

/// A measured program that wants its model's key.
pub struct Enclave {
    pub receiver: Receiver,
    pub measurement: [u8; 32],
    pub bundle: [u8; 32],
    pub direction: Direction,
}

impl Enclave {
    pub fn new(seed: u64) -> Self {
        Self {
            receiver: Receiver::generate(&mut Random(seed)).unwrap(),
            measurement: PROGRAM,
            bundle: BUNDLE,
            direction: Direction::EnclaveToKeys,
        }
    }

    pub fn evidence(&self, freshness: Freshness) -> Vec<u8> {
        let statement = Statement {
            version: VERSION,
            direction: self.direction,
            freshness,
            encryption_key: Hex(self.receiver.public()),
            signing_key: Hex([1; 32]),
            requests: 10,
            bundle: Hex(self.bundle),
            configuration: Hex([2; 32]),
            model: None,
            sealing: Sealing { provider: "key-service".into(), rollback: "key-service".into() },
            remarks: Vec::new(),
        };
        let bytes = statement.to_bytes();
        let attester = SimulatedAttester { measurement: self.measurement, isolation: Vec::new() };
        let mut evidence = attester.evidence(&report_data(&bytes), Instant::now()).unwrap();
        evidence.statement = Blob(bytes);
        evidence.to_bytes()
    }

    /// The whole way to the model's key.
    pub fn ask(&self, service: &Service, owner: &Owner) -> Result<Released, AskError> {
        self.ask_with(service, owner, 500)
    }

    /// The same, where the service draws from this seed.
    pub fn ask_with(&self, service: &Service, owner: &Owner, seed: u64) -> Result<Released, AskError> {
        let mut random = Random(seed);
        let reply = service.answer(&hello(self.bundle), NOW, &mut random);
        let challenged = challenged(self.bundle, &reply)?;
        let evidence = self.evidence(Freshness::Full { nonce: challenged.nonce() });
        let (claim, claiming) = challenged.claim(evidence);
        let reply = service.answer(&claim, NOW, &mut random);
        claiming.released(&reply, &owner.service_key.public(), &self.receiver)
    }
}

/// The code of a refusal.
pub fn code<T>(result: Result<T, AskError>) -> String {
    match result.err().unwrap() {
        AskError::Refused { code, .. } => code,
        other => panic!("{other}"),
    }
}
