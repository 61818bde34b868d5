//! Instructions of the kernels, and of one request in each role, counted by valgrind's callgrind: what a change costs, whatever
//! else the machine is doing. A count that grew by more than a twentieth fails. `UPDATE=1` writes the counts that are compared
//! with; they are of one compiler, and of a processor as valgrind shows it, which is without its widest instructions.
//!
//! This test has no harness: it runs itself under valgrind, once for each case, and counts between the start and the end of
//! [`measured`] only.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_possible_truncation)]

mod common;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::World3;
use common::enclave::{self, Parts};
use privet_deploy::caller::{Asked, Caller as _};
use privet_deploy::he::bundle::for_he;
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::kind::Reveal;
use privet_deploy::oip::Host as _;
use privet_deploy::plain::{PlainCaller, PlainHost};
use privet_mpc::commitment::{Salt, of_bytes};
use privet_mpc::protect::Protect;
use privet_mpc::role::Role;
use privet_ring::kernels;
use privet_ring::pack::{pack, unpack};
use privet_ring::prg::{Seed, Stream};

/// The shape of the reference workload.
const COLUMNS: usize = 528;
const ROWS: usize = 64;
const ELEMENTS: usize = COLUMNS * ROWS;
/// Rows for the enclave, whose test world has four columns: about as many values.
const TEE_ROWS: usize = ELEMENTS / 4;
/// Bits of an element between client and parties there.
const BITS: u32 = 52;
/// How much a count may grow, or shrink unnoticed.
const SLACK: f64 = 0.05;

type Case = (&'static str, fn());

const CASES: [Case; 17] = [
    ("kernel: expand a seed", expand),
    ("kernel: check and encode rows", encode),
    ("kernel: pack", packing),
    ("kernel: unpack", unpacking),
    ("kernel: commit to a share", commit),
    ("kernel: products modulo 2^64", products),
    ("kernel: products in float64", float_products),
    ("mpc: the client splits rows", client_splits),
    ("mpc: party 0 answers", || party_answers(0)),
    ("mpc: party 1 answers", || party_answers(1)),
    ("mpc: the client combines answers", client_combines),
    ("plain: a request from rows to answer", plain),
    ("tee: the client seals rows", client_seals),
    ("tee: the enclave answers", enclave_answers),
    ("he: the client encrypts rows", client_encrypts),
    ("he: the server answers", server_answers),
    ("he: the client decrypts answers", client_decrypts),
];

/// What is counted: callgrind is told this function's name.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn expand() {
    let (mut out, seed) = (vec![0; ELEMENTS], Seed::from_bytes([1; 16]));
    measured(|| Stream::of_chunk(&seed, 0).fill(&mut out));
}

fn encode() {
    let x: Vec<f32> = common::numbers(1, ELEMENTS).iter().map(|x| *x as f32).collect();
    let (mut wide, mut out, mut ok) = (vec![0.0; ELEMENTS], vec![0; ELEMENTS], true);
    let (low, high, scales) = (vec![-1.0; COLUMNS], vec![1.0; COLUMNS], vec![1024.0; COLUMNS]);
    measured(|| {
        kernels::widen(&x, &mut wide);
        kernels::check_rows(&wide, &low, &high, &mut ok);
        kernels::encode_rows(&wide, &scales, &mut out);
    });
    assert!(ok);
}

fn packing() {
    let (x, mut out) = (vec![3; ELEMENTS], Vec::with_capacity(8 * ELEMENTS));
    measured(|| pack(BITS, &x, &mut out));
}

fn unpacking() {
    let (mut packed, mut out) = (Vec::new(), vec![0; ELEMENTS]);
    pack(BITS, &out, &mut packed);
    measured(|| unpack(BITS, &packed, 0, &mut out));
}

fn commit() {
    let (salt, bytes) = (Salt::from_bytes([1; 16]), vec![7; ELEMENTS]);
    measured(|| of_bytes(&salt, &bytes));
}

fn products() {
    let (x, w, mut out) = (vec![3; ELEMENTS], vec![5; COLUMNS], vec![0; ROWS]);
    measured(|| kernels::add_products(&x, &w, &mut out));
}

fn float_products() {
    let (x, w, mut out) = (vec![3.0; ELEMENTS], vec![5.0; COLUMNS], vec![0.0; ROWS]);
    measured(|| kernels::float_products(&x, &w, 0.0, &mut out));
}

fn world() -> (World3, Vec<privet_model::tensor::Tensor>) {
    let world = World3::new(Protect::Both, COLUMNS, 1);
    let rows = world.rows(1, ROWS);
    (world, rows)
}

/// Rows of three ciphertexts, their question, and the server.
fn ciphertexts() -> (Arc<HeCaller>, HeHost, Arc<Vec<privet_model::tensor::Tensor>>) {
    let planned = common::plan_of(COLUMNS, 1);
    let (public, file) = for_he(&planned, "m", Reveal::Score, &mut common::entropy(1)).unwrap();
    let (_, integers, secret) = file.open().unwrap();
    let host = HeHost::new(&public, integers, secret, Box::new(|| Box::new(common::entropy(3)))).unwrap();
    let caller = HeCaller::new(&public).unwrap();
    // The key is drawn and known before anything is counted.
    let Asked { messages, pending, .. } = asked(&caller, &Arc::new(common::rows(1, 1, COLUMNS)));
    pending.answer(messages.into_iter().map(|m| host.infer(m).unwrap()).collect()).unwrap();
    (caller, host, Arc::new(common::rows(2, 45, COLUMNS)))
}

fn asked(caller: &Arc<HeCaller>, rows: &Arc<Vec<privet_model::tensor::Tensor>>) -> Asked {
    let job = caller.jobs(Arc::clone(rows), &mut common::entropy(4)).unwrap().remove(0);
    job.ask(&mut common::entropy(5)).unwrap()
}

fn client_encrypts() {
    let (caller, _, rows) = ciphertexts();
    measured(|| asked(&caller, &rows));
}

fn server_answers() {
    let (caller, host, rows) = ciphertexts();
    let message = asked(&caller, &rows).messages.remove(0);
    measured(|| host.infer(message).map(drop).unwrap());
}

fn client_decrypts() {
    let (caller, host, rows) = ciphertexts();
    let Asked { mut messages, pending, .. } = asked(&caller, &rows);
    let reply = host.infer(messages.remove(0)).unwrap();
    measured(|| pending.answer(vec![reply]).map(drop).unwrap());
}

fn client_splits() {
    let (world, rows) = world();
    let rows = Arc::new(rows);
    let job = world.caller.jobs(rows, &mut common::entropy(1)).unwrap().remove(0);
    measured(|| job.ask(&mut common::entropy(2)).map(drop).unwrap());
}

fn party_answers(party: usize) {
    let (world, rows) = world();
    let message = world.ask_once(&rows, 1).messages.swap_remove(party);
    let host = &world.hosts[Role::ALL[party].index()];
    measured(|| host.infer(message).map(drop).unwrap());
}

fn client_combines() {
    let (world, rows) = world();
    let asked = world.ask_once(&rows, 1);
    let replies = world.replies(&asked.messages);
    measured(|| asked.pending.answer(replies).map(drop).unwrap());
}

fn plain() {
    let graph = common::linear_model(COLUMNS, 1);
    let outputs = graph.outputs.iter().map(|(port, _)| port.clone()).collect();
    let caller = PlainCaller::new("m".into(), graph.inputs.clone(), outputs);
    let host = PlainHost::new("m", graph);
    let rows = Arc::new(common::rows(1, ROWS, COLUMNS));
    let job = caller.jobs(rows, &mut common::entropy(1)).unwrap().remove(0);
    measured(|| {
        let mut asked = job.ask(&mut common::entropy(2)).unwrap();
        let reply = host.infer(asked.messages.remove(0)).unwrap();
        asked.pending.answer(vec![reply]).map(drop).unwrap();
    });
}

fn client_seals() {
    let world = enclave::World::new(Parts::default());
    world.open().unwrap();
    let rows = enclave::rows(TEE_ROWS);
    measured(|| drop(world.ask(&rows)));
}

fn enclave_answers() {
    let world = enclave::World::new(Parts::default());
    world.open().unwrap();
    let (request, _) = world.ask(&enclave::rows(TEE_ROWS));
    measured(|| world.carry(request).map(drop).unwrap());
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    match (words.get(1).map(String::as_str), words.get(2)) {
        (Some("case"), Some(name)) => {
            CASES.iter().find(|(known, _)| known == name).map(|(_, run)| run()).unwrap();
            ExitCode::SUCCESS
        }
        // A filter that names another test, or a question for the list of tests.
        (Some(word), _) if !word.starts_with("--nocapture") && word != "instructions" => ExitCode::SUCCESS,
        _ => count_all(),
    }
}

fn record() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/bench/instructions.json")
}

fn count_all() -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: instructions are not counted, as `valgrind` is not installed.");
        println!("test result: ok. 0 passed; 0 failed; {} ignored", CASES.len());
        return ExitCode::SUCCESS;
    }
    let known: BTreeMap<String, u64> =
        std::fs::read(record()).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let counts: BTreeMap<String, u64> =
        CASES.iter().map(|(name, _)| (name.to_string(), count(name))).collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(record(), serde_json::to_string_pretty(&counts).unwrap() + "\n").unwrap();
        return ExitCode::SUCCESS;
    }
    let failed = CASES.iter().filter(|(name, _)| !is_as_known(name, counts[*name], known.get(*name))).count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {} passed; {failed} failed; 0 ignored", CASES.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}

/// Says what was counted. A case that is not known is no failure of its own, but a record that lacks it is.
fn is_as_known(name: &str, got: u64, known: Option<&u64>) -> bool {
    let Some(&known) = known else {
        println!("{name}: {got} instructions; the record does not have it. Run with UPDATE=1.");
        return false;
    };
    let change = got as f64 / known as f64 - 1.0;
    let is_fine = change <= SLACK;
    let verdict = match is_fine {
        true if change < -SLACK => "; fewer: record them with UPDATE=1",
        true => "",
        false => "; too many: find out why, or record them with UPDATE=1",
    };
    println!("{name}: {got} instructions, {:+.1} %{verdict}", 100.0 * change);
    is_fine
}

/// Runs one case under callgrind.
fn count(name: &str) -> u64 {
    let out = std::env::temp_dir().join(format!("privet-callgrind-{}", std::process::id()));
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=instructions::measured*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["case", name])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{name}: {said}");
    let profile = std::fs::read_to_string(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap_or_default();
    let count = total.trim().parse().unwrap();
    assert!(count > 0, "{name}: nothing was counted; {said}");
    count
}
