//! Clients that send what is no honest question on ciphertexts, and servers that answer what was not asked: errors with codes, bounded
//! work, and no answer.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;

use common::{World3, entropy, plan_of, rows};
use privet_deploy::Error;
use privet_deploy::bundle::PublicBundle;
use privet_deploy::caller::{Asked, Caller as _, OPEN_AGAIN};
use privet_deploy::check::{Planned, planned};
use privet_deploy::he::bundle::{HeFile, for_he};
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::he::wire::{ANSWER, CIPHERTEXTS, HEAD, KEY, key_id};
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{Host as _, InferReply, InferRequest};
use privet_deploy::plain::{PlainCaller, PlainHost};
use privet_mpc::protect::Protect;
use proptest::prelude::*;

const COLUMNS: usize = 40;
const SCORES: usize = 3;

struct Scene {
    public: PublicBundle,
    file: HeFile,
    caller: Arc<HeCaller>,
    host: HeHost,
}

impl Scene {
    fn new() -> Self {
        Self::of(&plan_of(COLUMNS, SCORES))
    }

    fn of(planned: &Planned) -> Self {
        let (public, file) = for_he(planned, "m", Reveal::Score, &mut entropy(1)).unwrap();
        let (caller, host) = (HeCaller::new(&public).unwrap(), host(&file));
        Self { public, file, caller, host }
    }

    /// The question for so many rows, of which all fit one call.
    fn ask(&self, n: usize, seed: u64) -> Asked {
        let jobs = self.caller.jobs(Arc::new(rows(seed, n, COLUMNS)), &mut entropy(seed)).unwrap();
        let [job] = <[_; 1]>::try_from(jobs).ok().unwrap();
        job.ask(&mut entropy(seed)).unwrap()
    }

    fn message(&self, n: usize, seed: u64) -> InferRequest {
        self.ask(n, seed).messages.remove(0)
    }

    fn refusal(&self, message: InferRequest) -> Error {
        self.host.infer(message).err().unwrap()
    }
}

fn host(file: &HeFile) -> HeHost {
    let (public, integers, secret) = file.open().unwrap();
    HeHost::new(&public, integers, secret, Box::new(|| Box::new(entropy(5)))).unwrap()
}

fn tensor<'a>(message: &'a mut InferRequest, name: &str) -> &'a mut bytes::Bytes {
    &mut message.inputs.iter_mut().find(|raw| raw.name == name).unwrap().data
}

fn change(message: &mut InferRequest, name: &str, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = tensor(message, name).to_vec();
    how(&mut bytes);
    *tensor(message, name) = bytes.into();
}

/// After the mark: rows, number of the first ciphertext, bundle, seed, key.
const ROWS: usize = 4;
const FIRST: usize = 8;
const BUNDLE: usize = 12;
const SEED: usize = 44;
const ID: usize = 76;

#[test]
fn each_part_that_is_wrong_is_refused_by_its_own_code() {
    type Change = fn(&mut InferRequest);
    let scene = Scene::new();
    let cases: [(&str, &str, Change); 20] = [
        ("no head", "E340", |m| m.inputs.retain(|raw| raw.name != HEAD)),
        ("no ciphertexts", "E340", |m| m.inputs.retain(|raw| raw.name != CIPHERTEXTS)),
        ("ciphertexts twice", "E340", |m| m.inputs.extend_from_within(2..)),
        ("a tensor more", "E340", |m| m.inputs[1].name = "kee".into()),
        ("numbers with fractions", "E340", |m| m.inputs[2].datatype = "FP32".into()),
        ("another mark", "E340", |m| change(m, HEAD, |b| b[3] = b'2')),
        ("a short head", "E340", |m| change(m, HEAD, |b| b.truncate(107))),
        ("a long head", "E340", |m| change(m, HEAD, |b| b.push(0))),
        ("a cut ciphertext", "E340", |m| change(m, CIPHERTEXTS, |b| b.truncate(b.len() - 1))),
        ("one byte more", "E340", |m| change(m, CIPHERTEXTS, |b| b.push(0))),
        ("two ciphertexts for one", "E340", |m| change(m, CIPHERTEXTS, |b| b.extend_from_within(..))),
        ("no rows", "E341", |m| change(m, HEAD, |b| b[ROWS..FIRST].fill(0))),
        ("as many rows as a number holds", "E341", |m| change(m, HEAD, |b| b[ROWS..FIRST].fill(255))),
        ("polynomial 0, which is the key's", "E341", |m| change(m, HEAD, |b| b[FIRST..BUNDLE].fill(0))),
        ("a polynomial beyond all", "E341", |m| change(m, HEAD, |b| b[FIRST..BUNDLE].fill(255))),
        ("another bundle", "E333", |m| change(m, HEAD, |b| b[BUNDLE] ^= 1)),
        ("another seed than the key's", "E344", |m| change(m, HEAD, |b| b[SEED] ^= 1)),
        ("a key with a changed bit", "E344", |m| change(m, KEY, |b| b[77] ^= 1)),
        ("no residue in a ciphertext", "E345", |m| change(m, CIPHERTEXTS, |b| b[..7].fill(255))),
        ("no key, and none known", OPEN_AGAIN, |m| m.inputs.retain(|raw| raw.name != KEY)),
    ];
    for (what, code, how) in cases {
        // A scene each: a key that was seen once is known.
        let scene = Scene::new();
        let mut message = scene.message(2, 1);
        how(&mut message);
        let error = scene.refusal(message);
        assert_eq!(error.code, code, "{what}: {error}");
    }
    // A key that is no polynomial, with a digest that says so.
    let mut message = scene.message(2, 1);
    for (bytes, why) in [(vec![0xFF; tensor(&mut message, KEY).len()], "modulus"), (vec![1, 2, 3], "bytes")] {
        let mut message = message.clone();
        let head = tensor(&mut message, HEAD).clone();
        let (bundle, seed) = (head[BUNDLE..SEED].try_into().unwrap(), head[SEED..ID].try_into().unwrap());
        let id = key_id(&bundle, &seed, &bytes);
        change(&mut message, HEAD, |head| head[ID..].copy_from_slice(&id));
        change(&mut message, KEY, |key| *key = bytes);
        let error = scene.refusal(message);
        assert!(error.code == "E345" && error.message.contains(why), "{error}");
    }
}

#[test]
fn a_ciphertext_is_answered_once_and_a_key_so_many_times() {
    let scene = Scene::new();
    let message = scene.message(2, 1);
    assert!(scene.host.infer(message.clone()).is_ok());
    assert_eq!(scene.refusal(message.clone()).code, "E342");
    // Overlapping is replaying too.
    let mut more = message.clone();
    change(&mut more, HEAD, |head| head[ROWS] = 3);
    assert_eq!(scene.refusal(more).code, "E342");
    // Another server does not know the key until it comes with the question, and then answers.
    let other = host(&scene.file);
    let mut bare = message.clone();
    bare.inputs.retain(|raw| raw.name != KEY);
    assert_eq!(other.infer(bare.clone()).err().unwrap().code, OPEN_AGAIN);
    assert!(other.infer(message.clone()).is_ok());
    assert_eq!(other.infer(bare).err().unwrap().code, "E342");
    // 4096 answers are 682 questions of two rows of three scores.
    let fresh = host(&scene.file);
    let mut last = None;
    for row in 0..1400u32 {
        let mut message = message.clone();
        change(&mut message, HEAD, |head| head[FIRST..BUNDLE].copy_from_slice(&(row + 1).to_le_bytes()));
        if let Err(error) = fresh.infer(message) {
            last = Some((row, error.code));
            break;
        }
    }
    assert_eq!(last, Some((4096 / 6, "E343")));
}

#[test]
fn a_client_draws_a_new_key_before_the_old_one_is_used_up() {
    let scene = Scene::new();
    let mut ids = Vec::new();
    for seed in 0..700 {
        let Asked { mut messages, pending, .. } = scene.ask(2, seed);
        ids.push(tensor(&mut messages[0], HEAD)[ID..].to_vec());
        let has_key = messages[0].inputs.iter().any(|raw| raw.name == KEY);
        assert_eq!(has_key, seed == 0 || ids[ids.len() - 2] != ids[ids.len() - 1], "question {seed}");
        let reply = scene.host.infer(messages.remove(0)).unwrap();
        assert_eq!(pending.answer(vec![reply]).unwrap().outputs[0].rows, 2);
    }
    ids.dedup();
    // 700 questions of 6 answers: one change at 4096.
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_server_that_forgot_the_key_gets_it_again_with_rows_encrypted_anew() {
    let scene = Scene::new();
    let Asked { messages, pending, .. } = scene.ask(2, 1);
    let first = messages[0].clone();
    pending.answer(vec![scene.host.infer(messages.into_iter().next().unwrap()).unwrap()]).unwrap();
    let restarted = host(&scene.file);
    let Asked { mut messages, again, .. } = scene.ask(2, 2);
    assert!(messages[0].inputs.iter().all(|raw| raw.name != KEY), "the key was known");
    assert_eq!(restarted.infer(messages.remove(0)).err().unwrap().code, OPEN_AGAIN);
    let again = again.unwrap();
    again.forget();
    let Asked { mut messages, pending, .. } = again.ask(&mut entropy(3)).unwrap();
    assert_ne!(tensor(&mut messages[0], HEAD)[FIRST..BUNDLE], first.inputs[0].data[FIRST..BUNDLE]);
    assert!(pending.answer(vec![restarted.infer(messages.remove(0)).unwrap()]).is_ok());
}

#[test]
fn what_is_no_answer_to_this_question_is_not_released() {
    let scene = Scene::new();
    let of = |reply: &mut InferReply, how: fn(&mut Vec<u8>)| {
        let mut bytes = reply.outputs[0].data.to_vec();
        how(&mut bytes);
        reply.outputs[0].data = bytes.into();
    };
    let another: fn(&mut Vec<u8>) = |b| b[0] ^= 1;
    let cut: fn(&mut Vec<u8>) = |b| b.truncate(b.len() - 1);
    let long: fn(&mut Vec<u8>) = |b| b.push(0);
    let short: fn(&mut Vec<u8>) = |b| b.truncate(31);
    for how in [another, cut, long, short] {
        let Asked { mut messages, pending, .. } = scene.ask(2, 1);
        let mut reply = scene.host.infer(messages.remove(0)).unwrap();
        of(&mut reply, how);
        assert_eq!(pending.answer(vec![reply]).err().unwrap().code, "E512");
    }
    let pending = scene.ask(2, 1).pending;
    assert_eq!(pending.answer(Vec::new()).err().unwrap().code, "E512");
    // The answer to another question of the same key.
    let (one, mut two) = (scene.ask(2, 1), scene.ask(2, 2));
    let reply = scene.host.infer(two.messages.remove(0)).unwrap();
    assert_eq!(reply.outputs[0].name, ANSWER);
    assert_eq!(one.pending.answer(vec![reply]).err().unwrap().code, "E512");
}

#[test]
fn a_bundle_with_other_numbers_is_refused() {
    let scene = Scene::new();
    let json = scene.public.json();
    let number = |name: &str| {
        let from = json.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
        let length = json[from..].find(|c: char| !c.is_ascii_digit()).unwrap();
        (from, json[from..from + length].parse::<u64>().unwrap(), length)
    };
    let with = |name: &str, change: fn(u64) -> u64| {
        let (from, value, length) = number(name);
        format!("{}{}{}", &json[..from], change(value), &json[from + length..])
    };
    assert!(PublicBundle::parse(json).is_ok());
    for (name, change) in [
        ("degree", (|x| x / 2) as fn(u64) -> u64),
        ("plaintext_bits", |x| x - 1),
        ("noise_bits", |x| x - 1),
        ("flood_bits", |x| x - 1),
        ("flood_bits", |x| x + 60),
        ("answer_bits", |x| x - 8),
        ("rows", |x| x * 1000),
        ("scores", |x| x + 1),
    ] {
        assert_eq!(PublicBundle::parse(&with(name, change)).err().unwrap().code, "E231", "{name}");
    }
    // A server's half whose model is another one.
    let mut text = serde_json::to_value(&scene.file).unwrap();
    let weights = text["weights"].as_str().unwrap().replacen(|c: char| c != 'A', "A", 1);
    text["weights"] = weights.into();
    let changed: HeFile = serde_json::from_value(text).unwrap();
    assert_eq!(changed.open().err().unwrap().code, "E230");
    assert!(
        !format!("{:?} {:?}", scene.file, scene.host.metadata())
            .contains(&scene.public.manifest().secrets[0])
    );
}

/// A plan of many columns, coarse enough for 64 bits.
fn wide(columns: usize, scores: usize) -> Planned {
    planned(&common::linear_model(columns, scores), 0.5, Some(&rows(1, 2, columns))).unwrap()
}

#[test]
fn an_answer_that_is_longer_than_a_message_is_not_made() {
    // Two rows a ciphertext, and a product of 74 kB for each of 40 scores.
    let scene = Scene::of(&wide(4000, 40));
    let jobs = scene.caller.jobs(Arc::new(rows(1, 2, 4000)), &mut entropy(1)).unwrap();
    let mut message = jobs.into_iter().next().unwrap().ask(&mut entropy(1)).unwrap().messages.remove(0);
    change(&mut message, CIPHERTEXTS, |bytes| *bytes = bytes.repeat(20));
    change(&mut message, HEAD, |head| head[ROWS..FIRST].copy_from_slice(&40u32.to_le_bytes()));
    let error = scene.refusal(message);
    assert!(error.code == "E341" && error.message.contains("longer than a message"), "{error}");
}

#[test]
fn a_model_that_no_ring_serves_is_refused_with_what_it_asks() {
    let error = for_he(&wide(16385, 1), "m", Reveal::Score, &mut entropy(1)).err().unwrap();
    assert!(error.code == "E215" && error.message.contains("16385 columns"), "{error}");
}

#[test]
fn a_host_sees_how_many_rows_a_call_asks_about() {
    let scene = Scene::new();
    for n in [1, 7] {
        assert_eq!(scene.host.rows(&scene.message(n, 1)), n);
    }
    scene.caller.prepare_ahead(20);
    let preparation = scene.caller.preparation(&mut entropy(2)).unwrap().unwrap();
    let ahead = scene.host.rows(&preparation.messages[0]);
    preparation
        .pending
        .keep(scene.host.infer(preparation.messages[0].clone()).map(|reply| vec![reply]))
        .unwrap();
    assert!(ahead > 1 && scene.host.rows(&scene.message(3, 3)) == 3, "{ahead}");
    let parties = World3::new(Protect::Both, 3, 1);
    let asked = parties.ask_once(&parties.rows(1, 9), 1);
    assert!(parties.hosts.iter().zip(&asked.messages).all(|(host, message)| host.rows(message) == 9));
    let graph = common::linear_model(3, 1);
    let plain = PlainCaller::new("m".into(), graph.inputs.clone(), Vec::new());
    let job = plain.jobs(Arc::new(rows(1, 5, 3)), &mut entropy(1)).unwrap().remove(0);
    let message = job.ask(&mut entropy(1)).unwrap().messages.remove(0);
    assert_eq!(PlainHost::new("m", graph).rows(&message), 5);
    // What shows nothing counts as one.
    assert_eq!(scene.host.rows(&InferRequest::default()), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_bytes_end_in_a_panic(
        which in 0usize..3,
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        more in proptest::collection::vec(any::<u8>(), 0..40),
        rows in proptest::option::of(any::<u32>()),
    ) {
        static SCENE: std::sync::OnceLock<(Scene, InferRequest)> = std::sync::OnceLock::new();
        let (scene, honest) = SCENE.get_or_init(|| {
            let scene = Scene::new();
            let message = scene.message(2, 1);
            (scene, message)
        });
        let mut message = honest.clone();
        change(&mut message, [HEAD, KEY, CIPHERTEXTS][which], |bytes| {
            for (at, with) in &flips {
                let at = at.index(bytes.len());
                bytes[at] ^= with;
            }
            if !more.is_empty() {
                bytes.truncate(cut.index(bytes.len()));
                bytes.extend_from_slice(&more);
            }
        });
        if let Some(rows) = rows {
            change(&mut message, HEAD, |head| {
                head.resize(head.len().max(FIRST), 0);
                head[ROWS..FIRST].copy_from_slice(&rows.to_le_bytes());
            });
        }
        if let Err(error) = scene.host.infer(message) {
            prop_assert!(error.code != "E900" && error.blame.exit_code() != 1, "{error}");
        }
    }
}
