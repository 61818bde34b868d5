//! The owner's key service as it runs: a configuration, a folder, TLS. N53 and N57 with real sockets, floors, a log that was
//! tampered with, and rows that stay counted.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata, RawTensor};
use privet_deploy::tee::package::{Choices, Package, package};
use privet_deploy::tee::{call, reply_bytes};
use privet_model::graph::{Graph, NodeId, Op, Origin, Port};
use privet_model::tensor::DataType;
use privet_serve::entropy::OsEntropy;
use privet_serve::key_service::{Files, KeyHost, MESSAGE, NAME};
use privet_serve::tls::server_config;
use privet_serve::{Client, Endpoint, Limits, MachineKey, Registry, Trust, config, serve};
use privet_tee::attest::Attester as _;
use privet_tee::attest::simulated::SimulatedAttester;
use privet_tee::evidence::Blob;
use privet_tee::hpke::Receiver;
use privet_tee::release::asker::{AskError, Released, challenged, hello};
use privet_tee::release::resource::ServiceKey;
use privet_tee::release::service::Store as _;
use privet_tee::release::{GrantSession, Resource};
use privet_tee::seal::ModelKey;
use privet_tee::statement::{Direction, Freshness, Hex, Sealing, Statement, VERSION, report_data};
use privet_tee::token::{OwnerKey, Token, TokenClaims};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

fn graph() -> Graph {
    let port = |name: &str, dtype, width| Port {
        name: name.into(),
        dtype,
        width,
        flat: false,
        dims: Vec::new(),
        columns: Vec::new(),
    };
    let mut graph = Graph::new(vec![port("x", DataType::Fp32, 2)]);
    let op = Op::Linear { weights: vec![0.5, -0.25], bias: vec![0.1] };
    let origin = Origin { node: "linear".into(), op: "Test".into() };
    let linear = graph.add(op, vec![NodeId(0)], origin).unwrap();
    graph.outputs = vec![(port("p", DataType::Fp64, 1), linear)];
    graph
}

/// An owner's folder.
struct Owner {
    folder: TempDir,
    package: Package,
    tokens: OwnerKey,
}

const POLICY: &str = "version = 1\n[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"abababababababababababababababababababababababababababababababab\"]\n";

impl Owner {
    fn new(version: u64, dangerous_simulated: bool) -> Self {
        let tokens = OwnerKey::generate(&mut OsEntropy).unwrap();
        let (name, now, public) = ("credit".to_owned(), 1_800_000_000, Some(tokens.public()));
        let reveal = Reveal::Score;
        let choices = Choices { name, reveal, version, tokens: public, now, dangerous_simulated };
        let package = package(&graph(), &choices, &mut OsEntropy).unwrap();
        let owner = Self { folder: tempfile::tempdir().unwrap(), package, tokens };
        owner.write("model.secret", &serde_json::to_string(&owner.package.resource).unwrap());
        owner.write("policy.toml", POLICY);
        owner
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The role's host, by a configuration with these lines too.
    fn open(&self, lines: &str) -> Result<Arc<KeyHost>, Error> {
        let text = "listen = \"127.0.0.1:0\"\nkey = \"keys.key\"\nsecrets = [\"model.secret\"]\npolicy = \"policy.toml\"\nstate = \"state\"\n";
        self.write("keys.toml", &format!("{text}{lines}"));
        let (config, folder) = config::read(&self.folder.path().join("keys.toml")).unwrap();
        KeyHost::open(&config, &folder)
    }

    fn refusal(&self, lines: &str) -> Error {
        self.open(lines).err().unwrap()
    }

    fn bundle(&self) -> [u8; 32] {
        self.package.public.digest()
    }

    fn token(&self, rows: u64) -> Token {
        let (id, bundle, client) = (Hex([5; 16]), Hex(self.bundle()), "clinic".to_owned());
        let text = self.tokens.sign(&TokenClaims { id, bundle, client, rows, not_after: None });
        Token::verify(&text, &self.tokens.public(), &self.bundle()).unwrap()
    }
}

/// A host behind TLS on a socket of this machine, and a client of it.
struct Running {
    runtime: Runtime,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
}

impl Running {
    fn start(host: Arc<dyn Host>) -> Self {
        let runtime = Runtime::new().unwrap();
        let key = MachineKey::generate("keys").unwrap();
        let tls = server_config(&key, &key.certificate(&[]).unwrap()).unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let registry = Arc::new(Registry::new(vec![host]).unwrap());
        runtime.spawn(serve(listener, tls, registry, Limits::default(), async { drop(stopped.await) }));
        let trust = Trust::Pinned(key.public().clone());
        let _guard = runtime.enter();
        let client = Client::new(&Endpoint::new("keys", address, trust)).unwrap();
        Self { client, stop: Some(stop), runtime }
    }

    fn ask(&self, message: &[u8]) -> Vec<u8> {
        let soon = Instant::now() + Duration::from_secs(20);
        let request = call(NAME, MESSAGE, message.to_vec());
        let reply = self.runtime.block_on(self.client.infer(request, soon)).unwrap();
        reply_bytes(reply, MESSAGE).unwrap().into()
    }

    /// What an enclave does to get its model's key.
    fn release(&self, owner: &Owner) -> Result<Released, AskError> {
        let receiver = Receiver::generate(&mut OsEntropy).unwrap();
        let challenged = challenged(owner.bundle(), &self.ask(&hello(owner.bundle())))?;
        let evidence = evidence(owner, &receiver, challenged.nonce());
        let (claim, claiming) = challenged.claim(evidence);
        let part = owner.package.public.tee().unwrap();
        claiming.released(&self.ask(&claim), &part.keys, &receiver)
    }

    fn grant(&self, session: &mut GrantSession, token: &Token, rows: u64) -> Result<u64, AskError> {
        let (ask, granting) = session.ask(token, rows, 0);
        session.granted(granting, &self.ask(&ask))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

fn evidence(owner: &Owner, receiver: &Receiver, nonce: Hex<32>) -> Vec<u8> {
    let statement = Statement {
        version: VERSION,
        direction: Direction::EnclaveToKeys,
        freshness: Freshness::Full { nonce },
        encryption_key: Hex(receiver.public()),
        signing_key: Hex([1; 32]),
        requests: 10,
        bundle: Hex(owner.bundle()),
        configuration: Hex([2; 32]),
        model: None,
        sealing: Sealing { provider: "key-service".into(), rollback: "key-service".into() },
        remarks: Vec::new(),
    };
    let bytes = statement.to_bytes();
    let attester = SimulatedAttester { measurement: [0xab; 32], isolation: Vec::new() };
    let mut evidence = attester.evidence(&report_data(&bytes), Instant::now()).unwrap();
    evidence.statement = Blob(bytes);
    evidence.to_bytes()
}

fn code<T>(result: Result<T, AskError>) -> String {
    match result.err().unwrap() {
        AskError::Refused { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[test]
fn a_key_is_released_over_sockets_and_opens_the_sealed_model() {
    let owner = Owner::new(1, true);
    let running = Running::start(owner.open("").unwrap());
    let released = running.release(&owner).unwrap();
    let (header, _) = privet_tee::seal::open(&owner.package.sealed, &released.key).unwrap();
    assert_eq!((header.name.as_str(), header.version), ("credit", 1));
    assert_eq!(owner.read("state/releases.jsonl").lines().count(), 1);
}

/// Whoever runs the host sends the enclave to a service of their own, which knows the bundle and gives any key for it.
struct Substitute(privet_tee::release::service::Service, Metadata);

impl Host for Substitute {
    fn metadata(&self) -> &Metadata {
        &self.1
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let reply = self.0.answer(&request.inputs[0].data, privet_serve::deployed::now(), &mut OsEntropy);
        Ok(InferReply { outputs: vec![RawTensor::bytes(MESSAGE, reply)], ..InferReply::default() })
    }
}

#[test]
fn n57_a_substituted_key_service_gives_nothing_over_sockets() {
    let owner = Owner::new(1, true);
    let key = ModelKey::generate(&mut OsEntropy).unwrap();
    let signing = ServiceKey::generate(&mut OsEntropy).unwrap();
    let forged = || {
        Resource::new(
            ("credit", 1),
            true,
            (owner.package.public.json(), owner.bundle()),
            None,
            &key,
            &signing,
        )
    };
    let terms = privet_tee::release::service::Terms {
        policy: privet_tee::policy::Policy::parse(POLICY).unwrap(),
        collateral: privet_tee::verify::Collateral::default(),
        floors: std::collections::BTreeMap::new(),
        dangerous_any_platform: false,
    };
    let store = Files::open(&owner.folder.path().join("elsewhere")).unwrap();
    let service =
        privet_tee::release::service::Service::new(terms, vec![forged()], Box::new(store), &mut OsEntropy)
            .unwrap();
    let metadata = owner.open("").unwrap().metadata().clone();
    let running = Running::start(Arc::new(Substitute(service, metadata)));
    assert_eq!(running.release(&owner).err(), Some(AskError::NotSigned));
    // The role itself does not start with secrets that are not the bundle's.
    owner.write("model.secret", &serde_json::to_string(&forged()).unwrap());
    assert_eq!(owner.refusal("").code, "E230");
}

#[test]
fn n53_a_simulator_gets_no_key_of_hw() {
    let owner = Owner::new(1, false);
    let error = owner.refusal("");
    assert!(error.code == "E365" && error.message.contains("admits simulators"), "{error}");
    // Nor after somebody wrote `sim` into the secret file: the bundle says `hw`.
    let edited = owner.read("model.secret").replace("\"namespace\":\"hw\"", "\"namespace\":\"sim\"");
    owner.write("model.secret", &edited);
    assert_eq!(owner.refusal("").code, "E230");
}

#[test]
fn a_floor_stays_in_force() {
    let owner = Owner::new(2, true);
    let asked = |lines: &str| Running::start(owner.open(lines).unwrap()).release(&owner);
    asked("[floors]\ncredit = 2\n").unwrap();
    assert_eq!(code(asked("[floors]\ncredit = 3\n")), "below-floor");
    for lower in ["", "[floors]\ncredit = 2\n"] {
        assert_eq!(code(asked(lower)), "below-floor", "{lower}");
    }
    asked("dangerous_lower_floors = true\n[floors]\ncredit = 2\n").unwrap();
    asked("").unwrap();
    let error = owner.refusal("[floors]\ncerdit = 3\n");
    assert!(error.code == "E365" && error.message.contains("cerdit"), "{error}");
    owner.write("state/floors.json", "{");
    assert_eq!(owner.refusal("").code, "E369");
}

#[test]
fn a_log_that_was_tampered_with_stops_the_service() {
    let owner = Owner::new(1, true);
    for _ in 0..2 {
        Running::start(owner.open("").unwrap()).release(&owner).unwrap();
    }
    let log = owner.read("state/releases.jsonl");
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2);
    for tampered in [
        log.replacen("released", "refused!", 1),
        format!("{}\n", lines[1]),
        format!("{}\n{}\n", lines[1], lines[0]),
    ] {
        owner.write("state/releases.jsonl", &tampered);
        let error = owner.refusal("");
        assert_eq!((error.code, error.blame.exit_code()), ("E369", 5), "{error}");
    }
    // A line that a loss of power cut short was never followed by a key.
    owner.write("state/releases.jsonl", &format!("{}\n{}", lines[0], &lines[1][..40]));
    Running::start(owner.open("").unwrap()).release(&owner).unwrap();
    assert_eq!(owner.read("state/releases.jsonl").lines().count(), 2);
}

#[test]
fn rows_stay_counted_when_service_and_enclave_start_again() {
    let owner = Owner::new(1, true);
    let token = owner.token(100);
    for (asked, granted) in [(60, Ok(60)), (41, Err("rows-used-up")), (40, Ok(40)), (1, Err("rows-used-up"))]
    {
        let running = Running::start(owner.open("").unwrap());
        let mut session = running.release(&owner).unwrap().session;
        let got = running.grant(&mut session, &token, asked).map_err(|e| code(Err::<(), _>(e)));
        assert_eq!(got, granted.map_err(str::to_owned));
    }
    let line = owner.read("state/grants.jsonl").replacen("60", "x", 1);
    owner.write("state/grants.jsonl", &line);
    assert_eq!(owner.refusal("").code, "E369");
}

#[test]
fn what_a_killed_service_had_counted_stays_counted_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = folder.path();
    let token = [7; 16];
    // Ends between counting and replying: the reply never leaves.
    assert_eq!(Files::open(path).unwrap().grant(token, 1000, 10, 50).unwrap(), 60);
    assert_eq!(Files::open(path).unwrap().grant(token, 1000, 941, 0).unwrap(), 0);
    // Ends while it writes: the line is cut short, and was not followed by a reply.
    let grants = path.join("grants.jsonl");
    let text = std::fs::read_to_string(&grants).unwrap();
    std::fs::write(&grants, format!("{text}{}", &text[..20])).unwrap();
    let files = Files::open(path).unwrap();
    assert_eq!(files.grant(token, 1000, 940, 256).unwrap(), 940);
    assert_eq!(files.grant(token, 1000, 1, 0).unwrap(), 0);
    let second = Files::open(path).err().unwrap();
    assert_eq!(second.code, "E148", "two services on one folder would count twice");
}
