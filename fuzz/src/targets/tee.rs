//! Around an enclave: sealed messages and what is in them, frames, the key service, tokens, the model at rest.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use privet_deploy::Error;
use privet_deploy::kind::Reveal;
use privet_deploy::tee::attestation::{Challenge, Mode, Presented};
use privet_deploy::tee::content::{Asking, read_reply, read_request, write_reply};
use privet_deploy::tee::enclave::{Enclave, Relay, Start};
use privet_deploy::tee::model;
use privet_deploy::tee::package::{Choices, Package, package};
use privet_model::graph::Port;
use privet_model::tensor::DataType;
use privet_tee::attest::simulated::SimulatedAttester;
use privet_tee::frames::{Configuration, Fault, Frame, Header, Reader, Side, Start as StartFrame};
use privet_tee::policy::Policy;
use privet_tee::release::log::Entry;
use privet_tee::release::resource::ServiceKey;
use privet_tee::release::service::{Service, Store, Terms, lot};
use privet_tee::release::{Ask, Reply};
use privet_tee::seal::{self, ModelKey};
use privet_tee::statement::Hex;
use privet_tee::token::{OwnerKey, Token, TokenClaims};
use privet_tee::verify::Collateral;

use super::world::{entropy, linear, made, port};
use crate::target::{Target, split, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("sealed_content", sealed_content, || {
        vec![content(&ports()[0]), content(&ports()[1]), vec![1, 2, 69, 51, 54, 48, 120]]
    }),
    Target::new("enclave_messages", enclave_messages, enclave_message_seeds),
    Target::new("enclave_frames", enclave_frames, frames).with_memory(16, 64),
    Target::new("enclave_host", enclave_host, || vec![challenge(), sealed()]).with_memory(32, 256),
    Target::new("key_service", key_service, asks).with_memory(16, 512),
    Target::new("token", token, || vec![signed_token().into_bytes(), made(serde_json::to_vec(&claims()))]),
    Target::new("sealed_model", sealed_model, || vec![graph(), SEALED.to_vec()]).with_memory(16, 512),
];

fn ports() -> [Vec<Port>; 2] {
    let text = port("t", DataType::Bytes, 2);
    [
        vec![port("x", DataType::Fp32, 3)],
        vec![text, port("n", DataType::Int64, 1), port("b", DataType::Bool, 2)],
    ]
}

fn content(ports: &[Port]) -> Vec<u8> {
    use privet_model::tensor::{Data, Tensor};
    let tensor = |port: &Port| {
        let n = 2 * port.width;
        let data = match port.dtype {
            DataType::Fp32 => Data::F32(vec![1.5; n]),
            DataType::Bytes => Data::Text(vec!["abc".into(); n]),
            _ => Data::I64(vec![1; n]),
        };
        Tensor { rows: 2, width: port.width, data }
    };
    let tensors: Vec<Tensor> = ports.iter().map(tensor).collect();
    let mut out = Vec::new();
    Asking { ports, tensors: &tensors, rows: 0..2 }.write(&mut out, Some("token"));
    out
}

fn sealed_content(bytes: &[u8]) {
    for ports in ports() {
        if let Some(rows) = theirs(read_request(bytes, &ports)) {
            let mut again = Vec::new();
            let asking = Asking { ports: &ports, tensors: &rows.tensors, rows: 0..rows.rows };
            asking.write(&mut again, rows.token.as_deref());
            assert_eq!(again.len(), bytes.len(), "what was read has another size");
            let second = read_request(&again, &ports).map(|second| (second.rows, second.token.clone()));
            assert!(
                second.is_ok_and(|second| second == (rows.rows, rows.token.clone())),
                "it is read as another"
            );
        }
        // A refusal of the enclave's own fault may be in a reply.
        if let Ok(tensors) = read_reply(bytes, &ports, 2) {
            let mut again = Vec::new();
            write_reply(&mut again, &ports, &Ok(tensors));
            assert_eq!(again.len(), bytes.len(), "what was read has another size");
        }
    }
}

fn challenge() -> Vec<u8> {
    Challenge { version: 1, nonce: Hex([1; 32]), mode: Mode::Full }.to_bytes()
}

fn enclave_message_seeds() -> Vec<Vec<u8>> {
    let presented =
        Presented { evidence: privet_tee::evidence::Blob(vec![1; 9]), session: Some(Hex([2; 64])) };
    let fault = Fault { blame: 2, code: *b"E360", message: "It is \u{e9}.".into() };
    vec![challenge(), presented.to_bytes(), fault.to_bytes().to_vec(), start_frame()]
        .into_iter()
        .chain(asks())
        .chain([
            br#"{"refused":{"code":"a","message":"b"}}"#.to_vec(),
            Configuration::new("auto").to_text().into(),
        ])
        .collect()
}

fn start_frame() -> Vec<u8> {
    let start = StartFrame {
        public: "{}".into(),
        configuration: "{}".into(),
        measured: Some(Hex([1; 32])),
        model: Vec::new(),
    };
    [start.head(), b"model".to_vec()].concat()
}

/// Each, as any of them.
fn enclave_messages(bytes: &[u8]) {
    fn same<T: PartialEq>(read: Option<T>, again: impl FnOnce(&T) -> Option<T>) {
        if let Some(read) = read {
            assert!(again(&read).is_some_and(|again| again == read), "it is read as another");
        }
    }
    same(Challenge::parse(bytes), |c| Challenge::parse(&c.to_bytes()));
    same(Presented::parse(bytes), |p| Presented::parse(&p.to_bytes()));
    same(Ask::parse(bytes), |ask| Ask::parse(&ask.to_bytes()));
    same(Reply::parse(bytes), |reply| Reply::parse(&reply.to_bytes()));
    same(Fault::parse(bytes), |fault| Fault::parse(&fault.to_bytes()));
    same(StartFrame::parse(bytes.to_vec()), |start| {
        StartFrame::parse([start.head(), start.model.clone()].concat())
    });
    if let Ok(text) = std::str::from_utf8(bytes) {
        same(Configuration::parse(text), |configuration| Configuration::parse(&configuration.to_text()));
    }
    if let Some(fault) = Fault::parse(bytes) {
        assert!(!Error::from(fault).to_string().is_empty());
    }
}

fn frame(kind: privet_tee::frames::FrameKind, id: u64, payload: &[u8]) -> Vec<u8> {
    let header = Header::of(kind, id, &[payload]);
    [&made(header)[..], payload].concat()
}

fn frames() -> Vec<Vec<u8>> {
    use privet_tee::frames::FrameKind::{Ask, Call, Evidence, Refused, Relay, Reply, Start, Started};
    let host = [frame(Start, 1, b"start"), frame(Ask, 2, b"ask"), frame(Call, 3, &[7; 100])].concat();
    let enclave =
        [frame(Started, 1, &[1; 16]), frame(Relay, 9, b"to the key service"), frame(Evidence, 2, b"e")];
    let rest = [frame(Reply, 3, &[8; 50]), frame(Refused, 4, &[0; Fault::BYTES])];
    vec![host, [enclave.concat(), rest.concat()].concat()]
}

/// What stands in a stream of either side, until something is wrong with it.
fn enclave_frames(bytes: &[u8]) {
    for side in [Side::Host, Side::Enclave] {
        let (mut there, here) = made(UnixStream::pair());
        // A socket holds so much; what is longer would wait for its reader.
        let bytes = &bytes[..bytes.len().min(64 << 10)];
        made(there.write_all(bytes));
        drop(there);
        let mut reader = Reader::new(here, side);
        let mut again = Vec::new();
        while let Ok(Frame { kind, id, payload }) = reader.next(None) {
            again.extend(frame(kind, id, &payload));
        }
        assert!(bytes.starts_with(&again), "frames are not what came");
    }
}

struct World {
    enclave: Enclave,
    service: Arc<Service>,
    bundle: [u8; 32],
}

struct ToService(Arc<Service>);

impl Relay for ToService {
    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.answer(message, NOW, &mut entropy(31)))
    }
}

struct Nowhere;

impl Store for Nowhere {
    fn log(&self, _: Entry, _: &ServiceKey) -> Result<(), String> {
        Ok(())
    }

    fn grant(&self, _: [u8; 16], rows: u64, needed: u64, ahead: u64) -> Result<u64, String> {
        Ok(lot(rows, needed, ahead))
    }
}

const NOW: u64 = 1_800_000_000;
const PROGRAM: [u8; 32] = [0xab; 32];

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let choices = Choices {
        name: "m".into(),
        reveal: Reveal::Score,
        version: 1,
        tokens: None,
        now: NOW,
        dangerous_simulated: true,
    };
    let Package { public, sealed, resource } = made(package(&linear(3, 2), &choices, &mut entropy(30)));
    let policy = format!(
        "version = 1\n[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"{}\"]\n",
        Hex(PROGRAM)
    );
    let terms = Terms {
        policy: made(Policy::parse(&policy)),
        collateral: Collateral::default(),
        floors: BTreeMap::new(),
        dangerous_any_platform: false,
    };
    let service = Arc::new(made(Service::new(terms, vec![resource], Box::new(Nowhere), &mut entropy(32))));
    let start = Start {
        public: public.json().into(),
        model: sealed,
        configuration: "{}".into(),
        remarks: Vec::new(),
    };
    let attester = SimulatedAttester { measurement: PROGRAM, isolation: Vec::new() };
    let relay = Arc::new(ToService(Arc::clone(&service)));
    let started = Enclave::start(start, Box::new(attester), relay, Box::new(entropy(33)), Instant::now());
    World { enclave: made(started), service, bundle: public.digest() }
});

/// A request as far as it can be written without evidence.
fn sealed() -> Vec<u8> {
    let World { enclave, bundle, .. } = &*WORLD;
    [
        &b"PVE1\x01"[..],
        &enclave.key_id(),
        &[9; 32],
        &[1; 16],
        &[2; 32],
        bundle,
        &16u32.to_le_bytes(),
        &[0; 32],
    ]
    .concat()
}

fn enclave_host(bytes: &[u8]) {
    let _ = theirs(WORLD.enclave.evidence(bytes, Instant::now()));
    let _ = theirs(WORLD.enclave.call(bytes.to_vec()));
}

fn asks() -> Vec<Vec<u8>> {
    let bundle = Hex(WORLD.bundle);
    let (nonce, evidence) = (Hex([3; 32]), privet_tee::evidence::Blob(b"{}".to_vec()));
    let grant = Ask::Grant {
        session: Hex([1; 16]),
        counter: 1,
        token: signed_token(),
        needed: 1,
        ahead: 2,
        mac: nonce,
    };
    [Ask::Hello { bundle }, Ask::Claim { bundle, nonce, evidence }, Ask::Stamp { bundle }, grant]
        .map(|ask| ask.to_bytes())
        .into()
}

fn key_service(bytes: &[u8]) {
    let reply = WORLD.service.answer(bytes, NOW, &mut entropy(34));
    assert!(Reply::parse(&reply).is_some(), "a reply that is none");
}

static OWNER: LazyLock<OwnerKey> =
    LazyLock::new(|| OwnerKey::generate(&mut entropy(35)).unwrap_or_else(|_| panic!("no randomness")));

fn claims() -> TokenClaims {
    TokenClaims { id: Hex([5; 16]), bundle: Hex([6; 32]), client: "a".into(), rows: 7, not_after: Some(8) }
}

fn signed_token() -> String {
    OWNER.sign(&claims())
}

/// As it comes, and signed by the owner.
fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let verify = |text: &str| Token::verify(text, &OWNER.public(), &[6; 32]);
    if let Ok(token) = verify(text) {
        assert_eq!(token.text(), text.trim());
    }
    if let Ok(claims) = serde_json::from_slice::<TokenClaims>(bytes) {
        let read = verify(&OWNER.sign(&claims)).map(|token| token.claims().clone());
        let is_another =
            claims.bundle != Hex([6; 32]) || OWNER.sign(&claims).len() > privet_tee::token::LONGEST;
        assert!(is_another || read.as_ref() == Ok(&claims), "{read:?}");
    }
}

fn graph() -> Vec<u8> {
    let graph = made(model::to_bytes(&linear(3, 2), &mut entropy(36)));
    [&[1][..], &graph].concat()
}

const SEALED: &[u8] = b"\x00PVS1\x02\x00\x00\x00{}\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/// A sealed file; or what is in one, which is sealed and opened again.
fn sealed_model(bytes: &[u8]) {
    let (which, content) = split(bytes);
    let key = ModelKey::from_bytes([4; 32]);
    if which == 0 {
        let _ = seal::header(content);
        assert!(seal::open(content, &key).is_err(), "nobody sealed this");
        return;
    }
    let _ = model::parse(content).map(|graph| model::longest_text(&graph));
    let header = seal::Header {
        name: "m".into(),
        version: 1,
        digest: Hex(model::digest(content)),
        key_id: Hex([1; 16]),
        created: NOW,
    };
    let sealed = seal::seal(&header, content, &key, &mut entropy(37));
    let sealed = sealed.ok().and_then(Result::ok).unwrap_or_default();
    let opened = seal::open(&sealed, &key).map(|(header, content)| (header, content.to_vec()));
    assert!(opened.is_ok_and(|opened| opened == (header, content.to_vec())), "it is opened as another");
}
