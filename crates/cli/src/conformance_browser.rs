//! What the browser's client is held to: for each fixture a bundle, rows, the entropy that was drawn, the messages of this client
//! byte by byte, the answers, and what comes of them. `UPDATE=1` writes `bindings/browser/golden`.

use privet_deploy::bundle::for_parties;
use privet_deploy::he::bundle::{for_he, planned_for_he};
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::prepared::prepare;
use privet_deploy::tensors::to_raw;
use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_serve::PublicKey;
use privet_tee::statement::hex;
use serde_json::{Value, json};

use super::*;

/// Linear models with every kind of head and tail, and two programs.
const CHOSEN: [(&str, Reveal, Protect); 12] = [
    ("lr-uci", Reveal::Score, Protect::Both),
    ("lr-uci", Reveal::Score, Protect::Input),
    ("lr-uci", Reveal::Score, Protect::Model),
    ("lr-uci-columns", Reveal::Score, Protect::Both),
    ("lr528-keras", Reveal::Score, Protect::Both),
    ("softmax-iris", Reveal::Score, Protect::Both),
    ("linear-svc", Reveal::Score, Protect::Both),
    ("ridge-two-targets", Reveal::Score, Protect::Both),
    ("classifier-string-labels", Reveal::Score, Protect::Both),
    ("imputer-after-scaler", Reveal::Score, Protect::Both),
    ("lr-uci", Reveal::Probability, Protect::Both),
    ("mlp-sklearn", Reveal::Score, Protect::Both),
];
const ROWS: usize = 4;

/// Linear models on ciphertexts, and which rows (from, to) are asked about one after the other: under one key, which comes with the
/// first; all scores in one product; a product for each score.
const CHOSEN_HE: [(&str, &[(usize, usize)]); 3] =
    [("lr-uci", &[(0, 4), (4, 5)]), ("softmax-iris", &[(0, 4)]), ("ridge-two-targets", &[(0, 60)])];

/// Hands out what another generator gives, and keeps it.
struct Kept(DangerousSeededEntropy, Vec<u8>);

impl Entropy for Kept {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        self.0.fill(out)?;
        self.1.extend_from_slice(out);
        Ok(())
    }
}

#[test]
fn the_browser_is_held_to_the_bytes_of_this_client() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../bindings/browser/golden");
    let fixture =
        |name: &str| fixtures().into_iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}"));
    for (name, reveal, protect) in CHOSEN {
        let file = format!("{name}-{}-{}.json", reveal.name(), protect.name());
        is_written(&folder, &file, &pretty(&golden(&fixture(name), reveal, protect)));
    }
    for (name, questions) in CHOSEN_HE {
        let (golden, answers) = golden_he(&fixture(name), questions);
        is_written(&folder, &format!("{name}-score-he.json"), &pretty(&golden));
        for (at, answer) in answers.iter().enumerate() {
            is_written(&folder, &format!("{name}-score-he-{at}.bin"), answer);
        }
    }
}

fn pretty(golden: &Value) -> Vec<u8> {
    (serde_json::to_string_pretty(golden).unwrap() + "\n").into()
}

fn is_written(folder: &Path, file: &str, made: &[u8]) {
    let path = folder.join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read(&path).unwrap_or_default();
    assert!(
        written == made,
        "`{file}` is another (UPDATE=1 writes it, and then the browser's tests must pass)"
    );
}

fn golden(fixture: &Fixture, reveal: Reveal, protect: Protect) -> Value {
    let rows: Vec<Tensor> =
        fixture.rows.iter().map(|tensor| tensor.slice(0, ROWS.min(tensor.rows))).collect();
    let graph = privet_deploy::reveal::revealing(fixture.graph.clone(), reveal, None).unwrap();
    let prepared = prepare(&graph, reveal, 1e-3, Some(&fixture.rows)).unwrap();
    let parties =
        [1, 2, 3].map(|n| PublicKey::new(&format!("party-{n}"), [n; 32], [n; 32]).unwrap().to_string());
    let choices = Choices {
        name: fixture.name.as_str().into(),
        protocol: PROTOCOLS[0],
        protect,
        reveal,
        parties: parties.to_vec(),
    };
    let (public, files) = for_parties(&prepared, choices, &mut DangerousSeededEntropy::new(3)).unwrap();
    let mut entropy = Kept(DangerousSeededEntropy::new(4), Vec::new());
    let caller = MpcCaller::new(&public).unwrap();
    let mut jobs = caller.jobs(Arc::new(rows.clone()), &mut entropy).unwrap();
    assert_eq!(jobs.len(), 1, "{}: one chunk", fixture.name);
    let Asked { messages, pending, .. } = jobs.remove(0).ask(&mut entropy).unwrap();
    let sent: Vec<Value> =
        messages.iter().map(|m| json!({ "head": part(m, 0), "body": part(m, 1) })).collect();
    let replies = replies(&public, &files, messages);
    let answers: Vec<String> = replies.iter().map(|reply| hex(&reply.outputs[0].data)).collect();
    let answer = pending.answer(replies).unwrap();
    json!({
        "kind": "mpc",
        "public": public.json(),
        "digest": public.digest_hex(),
        "rows": named(&graph.inputs, &rows),
        "entropy": hex(&entropy.1),
        "messages": sent,
        "answers": answers,
        "outputs": named(caller.outputs(), &answer.outputs),
    })
}

/// What is asked on ciphertexts, with digests of what is long, and the server's answers.
fn golden_he(fixture: &Fixture, questions: &[(usize, usize)]) -> (Value, Vec<Vec<u8>>) {
    let planned = planned_for_he(&fixture.graph, Reveal::Score, 1e-3, Some(&fixture.rows)).unwrap();
    let made = for_he(&planned, &fixture.name, Reveal::Score, &mut DangerousSeededEntropy::new(3)).unwrap();
    let (public, file) = made;
    let source = || Box::new(DangerousSeededEntropy::new(5)) as Box<dyn Entropy>;
    let (_, integers, secret) = file.open().unwrap();
    let host = HeHost::new(&public, integers, secret, Box::new(source)).unwrap();
    let mut entropy = Kept(DangerousSeededEntropy::new(4), Vec::new());
    let caller = HeCaller::new(&public).unwrap();
    let mut answers = Vec::new();
    let mut ask = |&(from, to): &(usize, usize)| {
        let rows: Vec<Tensor> = fixture.rows.iter().map(|tensor| tensor.slice(from, to)).collect();
        let mut jobs = caller.jobs(Arc::new(rows.clone()), &mut entropy).unwrap();
        assert_eq!(jobs.len(), 1, "{}: one call", fixture.name);
        let Asked { mut messages, pending, .. } = jobs.remove(0).ask(&mut entropy).unwrap();
        let message = messages.remove(0);
        let sent: serde_json::Map<_, _> =
            message.inputs.iter().map(|raw| (raw.name.clone(), shown(&raw.data))).collect();
        let reply = host.infer(message).unwrap();
        answers.push(reply.outputs[0].data.to_vec());
        let answer = pending.answer(vec![reply]).unwrap();
        let (rows, outputs) = (named(caller.inputs(), &rows), named(caller.outputs(), &answer.outputs));
        json!({ "rows": rows, "message": sent, "outputs": outputs })
    };
    let asked: Vec<Value> = questions.iter().map(&mut ask).collect();
    let golden = json!({
        "kind": "he",
        "public": public.json(),
        "digest": public.digest_hex(),
        "entropy": hex(&entropy.1),
        "questions": asked,
    });
    (golden, answers)
}

/// A head as it is, and the BLAKE3 digest of what is longer.
fn shown(data: &[u8]) -> Value {
    let bytes = if data.len() > 1000 { blake3::hash(data).as_bytes().to_vec() } else { data.to_vec() };
    json!(hex(&bytes))
}

fn named(ports: &[Port], tensors: &[Tensor]) -> serde_json::Map<String, Value> {
    ports.iter().zip(tensors).map(|(port, tensor)| (port.name.clone(), values(port, tensor))).collect()
}

fn replies(public: &PublicBundle, files: &[PartyFile], messages: Vec<InferRequest>) -> Vec<InferReply> {
    let hosts = hosts(public, files);
    std::thread::scope(|scope| {
        let running: Vec<_> =
            hosts.iter().zip(messages).map(|(host, m)| scope.spawn(|| host.infer(m).unwrap())).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn part(message: &InferRequest, at: usize) -> Option<String> {
    message.inputs.get(at).map(|raw| hex(&raw.data))
}

/// A tensor as JSON that loses nothing.
fn values(port: &Port, tensor: &Tensor) -> Value {
    let number =
        |x: f64| if x.is_finite() { json!(x) } else { json!(format!("{x}").replace("inf", "Infinity")) };
    let data: Vec<Value> = match &tensor.data {
        Data::F32(v) => v.iter().map(|&x| number(f64::from(x))).collect(),
        Data::F64(v) => v.iter().map(|&x| number(x)).collect(),
        Data::I64(v) => v.iter().map(|&x| json!(x)).collect(),
        Data::Text(v) => v.iter().map(|x| json!(x)).collect(),
    };
    json!({ "datatype": port.dtype.name(), "shape": to_raw(port, tensor).shape, "data": data })
}
