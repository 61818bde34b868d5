//! Formatting a value that holds a secret shows none of it, and no such type gains a printing `Debug` by accident.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use common::World3;
use privet_deploy::caller::{Answer, Between};
use privet_deploy::he::bundle::for_he;
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{InferReply, InferRequest, RawTensor};
use privet_he::client::Key;
use privet_he::ring::Ring;
use privet_model::cut::Core;
use privet_model::plan::Integers;
use privet_model::tensor::{Data, Tensor};
use privet_mpc::commitment::Salt;
use privet_mpc::correlated::PairKeys;
use privet_mpc::link::Links;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::{Replicated, linear};
use privet_mpc::request::{Held, Layout, Request};
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::weights::PartyWeights;
use privet_ring::prg::{Seed, Stream};

/// A secret whose every spelling is known: three bytes over and over, as bytes, words and numbers.
const BYTES: [u8; 3] = [0xA7, 0xC9, 0xDB];
const WORD: u64 = 0xA7C9_DBA7_C9DB_A7C9;
const NUMBER: f64 = 74_917.531_25;

fn secret<const N: usize>() -> [u8; N] {
    std::array::from_fn(|i| BYTES[i % 3])
}

fn spellings() -> Vec<String> {
    let mut out = vec!["74917".to_owned(), "7.4917".into(), "applicant".into()];
    out.extend(BYTES.iter().flat_map(|b| [b.to_string(), b.cast_signed().to_string()]));
    out.extend(BYTES.windows(2).map(|w| format!("{:02x}{:02x}", w[0], w[1])));
    out.extend(BYTES.iter().map(|b| format!("0x{b:02x}")));
    out.extend([WORD.to_string(), WORD.cast_signed().to_string(), (WORD >> 32).to_string()]);
    out.push("p8nb".into()); // base64 of the three bytes
    out
}

/// Everything that the formatted value could give away, without white space and in small letters.
fn shows_nothing(value: &(impl Debug + ?Sized)) {
    for text in [format!("{value:?}"), format!("{value:#?}"), format!("{value:x?}"), format!("{value:X?}")] {
        let bare: String = text.to_lowercase().split_whitespace().collect();
        for spelling in spellings() {
            assert!(!bare.contains(&spelling), "`{text}` contains `{spelling}`");
        }
        assert!(bare.contains("notshown"), "`{text}` should say that it hides something");
    }
}

/// The judge finds each secret where a derived `Debug` would show it.
#[test]
fn a_derived_debug_would_be_seen() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Careless<T>(T);
    fn is_seen(value: impl Debug + std::panic::UnwindSafe) {
        let value = Careless(value);
        let text = format!("{value:?} {value:#?} {value:x?} not shown");
        let bare: String = text.to_lowercase().split_whitespace().collect();
        assert!(spellings().iter().any(|s| bare.contains(s)), "{text}");
    }
    is_seen(secret::<16>());
    is_seen(vec![WORD]);
    is_seen(vec![NUMBER]);
    is_seen(vec![NUMBER as f32]);
    is_seen("applicant");
    is_seen(bytes::Bytes::from_static(&[0xA7, 0xC9, 0xDB]).to_vec());
}

#[test]
fn keys_seeds_and_shares_show_nothing() {
    let seed = Seed::from_bytes(secret());
    shows_nothing(&seed);
    shows_nothing(&Stream::of_chunk(&seed, 0));
    let salt = Salt::from_bytes(secret());
    shows_nothing(&salt);
    shows_nothing(&PairKeys { with_previous: secret(), with_next: secret() });
    shows_nothing(&PartyWeights { factors: vec![vec![WORD; 4]], bias: vec![WORD] });
    shows_nothing(&Held::Seed(seed));
    shows_nothing(&Held::Packed { salt, bytes: bytes::Bytes::copy_from_slice(&secret::<40>()) });
    shows_nothing(&Integers { weights: vec![WORD], bias: vec![WORD] });
    shows_nothing(&Replicated { k: 64, own: vec![WORD], next: vec![WORD] });
    let (weights, bias) = (vec![NUMBER], vec![NUMBER]);
    shows_nothing(&Core {
        columns: 1,
        weight_errors: weights.clone(),
        bias_errors: bias.clone(),
        weights,
        bias,
    });
}

#[test]
fn applicants_values_show_nothing() {
    let text = vec!["applicant".to_owned()];
    for data in
        [Data::F32(vec![NUMBER as f32]), Data::F64(vec![NUMBER]), Data::I64(vec![74_917]), Data::Text(text)]
    {
        shows_nothing(&Tensor::new(1, 1, data).unwrap());
    }
    let data = bytes::Bytes::copy_from_slice(&secret::<12>());
    let raw = RawTensor { name: "x".into(), datatype: "UINT8".into(), shape: vec![12], data };
    shows_nothing(&raw);
    shows_nothing(&InferRequest { inputs: vec![raw.clone()], ..InferRequest::default() });
    shows_nothing(&InferReply { outputs: vec![raw], ..InferReply::default() });
    let outputs = vec![Tensor::new(1, 1, Data::F64(vec![NUMBER])).unwrap()];
    shows_nothing(&Answer { outputs, scores: vec![NUMBER], between: Between::default() });
}

/// What only a run makes: a request and its messages, a party's summand, and what it gives to the client.
#[test]
fn what_a_run_makes_shows_nothing() {
    struct Known;
    impl privet_ring::entropy::Entropy for Known {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), privet_ring::entropy::EntropyFailed> {
            bytes.copy_from_slice(&secret::<16>()[..bytes.len()]);
            Ok(())
        }
    }
    let layout = Layout {
        bundle: [7; 32],
        protect: Protect::Both,
        k: 64,
        encoded_bits: 20,
        columns: 1,
        scores: 1,
        answer_bits: 64,
        most_rows: usize::MAX,
        check_rows: 0,
    };
    let mut request = Request::draw(&mut Known).unwrap();
    shows_nothing(&request);
    let ticket = request.ticket().unwrap();
    let split = request
        .split(ticket, &layout, 1, |_, x| {
            x.fill(WORD);
            Ok::<(), ()>(())
        })
        .unwrap();
    split.messages.iter().for_each(shows_nothing);

    let keys = PairKeys { with_previous: secret(), with_next: secret() };
    let session = Session::new(Role::ALL[0], Links::none(), keys, split.point);
    let weights = PartyWeights { factors: vec![vec![0], vec![0]], bias: vec![WORD] };
    let [message, ..] = split.messages;
    let summand = linear(&session, &layout, &weights, message).unwrap();
    shows_nothing(&summand);
    // The two keys are the same, so that the zero share is zero and the summand itself would be seen.
    let output = session.finish(summand, 64);
    assert_eq!(output.packed(), WORD.to_le_bytes());
    shows_nothing(&output);
}

#[test]
fn keys_and_models_of_ciphertexts_show_nothing() {
    let planned = common::plan_of(3, 1);
    let (public, file) = for_he(&planned, "m", Reveal::Score, &mut common::entropy(1)).unwrap();
    let json = serde_json::to_value(&file).unwrap();
    for part in ["weights", "bias", "salt"] {
        assert!(!format!("{file:?} {file:#?}").contains(&json[part].as_str().unwrap()[..6]), "{part}");
    }
    let ring = Ring::new(public.he().unwrap().parameters.clone());
    let key = Key::draw(&ring, [7; 32], &mut common::entropy(2)).unwrap();
    let poly = ring.of_signed(&vec![WORD.cast_signed(); 4096]);
    shows_nothing(&key);
    shows_nothing(&poly);
    shows_nothing(&ring.multiplier(&poly));
    // Of the key, what is sent is an encryption of zero and a seed; the secret has no way out.
    let (s, b) = (ring.read(key.public()).unwrap(), key.seed());
    shows_nothing(&s);
    assert_eq!(b.bundle, [7; 32]);
}

#[test]
fn a_party_file_shows_nothing_of_its_share() {
    let world = World3::new(Protect::Both, 3, 1);
    for file in &world.files {
        let json = serde_json::to_value(file).unwrap();
        let text = format!("{file:?} {file:#?}");
        let tensors = json["tensors"].as_array().unwrap().iter().flat_map(|t| t.as_array().unwrap());
        let secrets = tensors.chain([&json["salt"]]);
        for secret in secrets.map(|s| s.as_str().unwrap()) {
            assert!(secret.len() > 8 && !text.contains(&secret[..6]), "{text}");
        }
    }
}

/// Types that hold a secret, where they are.
const SECRET: &[&str] = &[
    "Seed",
    "Stream",
    "Salt",
    "PairKeys",
    "PartyWeights",
    "PartyFile",
    "Held",
    "PartyRequest",
    "Request",
    "Ticket",
    "Split",
    "Integers",
    "Core",
    "Cut",
    "Planned",
    "Additive",
    "Replicated",
    "Sum",
    "Input",
    "Bits",
    "View",
    "Dealt",
    "Settled",
    "OutputShare",
    "RawTensor",
    "InferRequest",
    "InferReply",
    "Answer",
    "Tensor",
    "Data",
    "Value",
    "Session",
    "PartyHost",
    "MpcCaller",
    "Passing",
    "Poly",
    "Multiplier",
    "Fixed",
    "Key",
    "Secret",
    "Halves",
    "PublicKey",
    "HeFile",
    "Question",
    "UnderTicket",
    "Tickets",
    "Taken",
    "OwnKey",
    "HeHost",
    "HeCaller",
    "Rows",
    "Tape",
    "Recording",
    "Roots",
    "Keys",
    "Given",
    "Compute",
    "HeldTicket",
    "DealerHost",
    "ServerHost",
    "Checks",
    "UnverifiedAnswer",
    "Pair",
    "Share",
    "Summed",
    "Ands",
    "Words",
    "Vector",
];
/// Of those, applicants' own values, which their owner may compare; a key or a share is compared with nothing.
const COMPARABLE: &[&str] = &["Answer", "Tensor", "Data", "Value"];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        match entry.is_dir() {
            true => sources(&entry, out),
            false if entry.extension().is_some_and(|e| e == "rs") => out.push(entry),
            false => {}
        }
    }
}

/// Each struct or enum of a file, with its `#[derive(…)]`.
fn types(source: &str) -> Vec<(String, String)> {
    let (mut derives, mut out) = (String::new(), Vec::new());
    for line in source.lines().map(str::trim) {
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let keyword = words.iter().position(|w| ["struct", "enum"].contains(w));
        if line.starts_with("#[derive(") {
            derives.push_str(line);
        } else if let (Some(at), false) = (keyword, line.starts_with("//")) {
            out.push((
                words.get(at + 1).copied().unwrap_or_default().to_owned(),
                std::mem::take(&mut derives),
            ));
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            derives.clear();
        }
    }
    out
}

#[test]
fn no_secret_type_derives_debug_or_comparison() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for name in ["ring", "model", "mpc", "he", "deploy"] {
        sources(&crates.join(name).join("src"), &mut files);
    }
    let all: Vec<(String, String)> =
        files.iter().flat_map(|f| types(&std::fs::read_to_string(f).unwrap())).collect();
    for &secret in SECRET {
        let found: Vec<&String> = all.iter().filter(|(name, _)| name == secret).map(|(_, d)| d).collect();
        assert!(!found.is_empty(), "`{secret}` is gone: take it off the list");
        for derives in found {
            assert!(!derives.contains("Debug"), "`{secret}`: {derives}");
            let compares = derives.contains("PartialEq") && !COMPARABLE.contains(&secret);
            assert!(!compares, "`{secret}`: {derives}");
        }
    }
}
