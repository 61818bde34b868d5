//! Evidence, what vendors publish beside it, and the policy that it is held against.

use std::sync::LazyLock;

use privet_tee::evidence::{Auxiliary, Blob, Evidence};
use privet_tee::explain::explain;
use privet_tee::kind::Kind;
use privet_tee::policy::Policy;
use privet_tee::statement::Statement;
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, appraise, appraise_file, inspect, recognise};

use super::world::made;
use crate::seeds;
use crate::target::{Target, joined, parts, split};

pub(super) const TARGETS: &[Target] = &[
    Target::new("evidence_file", evidence_file, evidence_files).with_memory(16, 512),
    Target::new("evidence", evidence, evidences).with_memory(16, 512),
    Target::new("collateral", collateral, || {
        let folders = ["tee-vectors/sgx", "tee-vectors/tdx", "tee-vectors/snp", "tee-vectors/roots"];
        ["json", "der", "pem", "response", "crl"]
            .iter()
            .flat_map(|ending| seeds::files(&folders, ending))
            .collect()
    })
    .with_memory(16, 1024),
    Target::new("policy", policy, || vec![POLICY.into(), format!("{POLICY}{MORE}").into_bytes()])
        .with_memory(8, 512),
    Target::new("statement", statement, || vec![made_statement()]),
];

/// One entry for each kind of evidence, so that each is appraised to its end.
const POLICY: &str = r#"
version = 1
[simulator]
accept = true
[[accept]]
kind = "sgx-dcap"
mrenclave = ["abababababababababababababababababababababababababababababababab"]
[[accept]]
kind = "tdx-dcap"
mrtd = ["abababababababababababababababababababababababababababababababababababababababababababababababab"]
[[accept]]
kind = "sev-snp"
measurement = ["abababababababababababababababababababababababababababababababababababababababababababababababab"]
min_tcb = { product = "Milan", bootloader = 2, tee = 0, snp = 5, microcode = 68 }
[[accept]]
kind = "nitro"
pcr = { 0 = ["abababababababababababababababababababababababababababababababababababababababababababababababab"] }
[[accept]]
kind = "tpm2"
attestation_key = ["sha256:abababababababababababababababababababababababababababababababab"]
pcr = { 7 = ["abababababababababababababababababababababababababababababababab"] }
events = [{ pcr = 9, digests = ["abababababababababababababababababababababababababababababababab"] }]
[[accept]]
kind = "sim-process"
measurement = ["abababababababababababababababababababababababababababababababab"]
"#;

const MORE: &str = r#"
[collateral]
max_age = "30d"
min_tcb_evaluation_number = 16
crl = "required"
"#;

static BELIEF: LazyLock<Policy> = LazyLock::new(|| made(Policy::parse(POLICY)));

/// Between the times of the recordings.
const NOW: u64 = 1_750_000_000;

/// What vendors published for the recordings.
static PUBLISHED: LazyLock<Collateral> = LazyLock::new(|| {
    let sgx = seeds::files(&["tee-vectors/sgx"], ".json");
    let snp = seeds::files(&["tee-vectors/snp"], "vcek.der");
    Collateral { files: sgx.into_iter().take(1).chain(snp.into_iter().take(2)).collect() }
});

/// The recordings: quotes, reports and documents as their vendors write them.
fn evidence_files() -> Vec<Vec<u8>> {
    let of = |folder: &str, ending: &str| seeds::files(&[&format!("tee-vectors/{folder}")], ending);
    let mut all =
        [of("sgx", ".bin"), of("tdx", ".bin"), of("tdx", ".dat"), of("snp", ".bin"), of("nitro", "")]
            .concat();
    all.extend([of("vtpm", ".bin"), of("vtpm", ".json")].concat());
    all.push(privet_tee::simulator::sign([0xab; 32], &["nothing".into()], &[7; 64]));
    all
}

fn evidence_file(bytes: &[u8]) {
    let verdict = appraise_file(bytes, &BELIEF, &PUBLISHED, NOW);
    is_sound(&verdict);
    let Ok(evidence) = recognise(bytes) else { return };
    let found = inspect(&evidence, &PUBLISHED, NOW);
    assert!(!explain(evidence.kind, &found).is_empty(), "nothing is said of {:?}", evidence.kind);
    travels(&evidence);
}

fn is_sound(verdict: &Verdict) {
    let failed = verdict.checks.iter().any(|check| !check.ok);
    assert_eq!(verdict.is_accepted(), !failed && !verdict.checks.is_empty(), "{:?}", verdict.checks);
    // Nothing here is signed for what the policy believes.
    assert!(
        !verdict.is_accepted() || verdict.measurements.iter().all(|(_, value)| value.starts_with("abab"))
    );
}

fn travels(evidence: &Evidence) {
    let again = Evidence::parse(&evidence.to_bytes());
    assert_eq!(again.as_ref(), Ok(evidence), "an envelope is read as another");
}

/// The kind, the body, and what belongs to it.
fn evidences() -> Vec<Vec<u8>> {
    let with_kind = |kind: u8, file: Vec<u8>| [&[kind][..], &joined(&[&file])].concat();
    let kinds = [(0, "sgx"), (1, "tdx"), (2, "snp"), (3, "nitro")];
    let files = kinds.into_iter().flat_map(|(kind, folder)| {
        let files = seeds::files(&[&format!("tee-vectors/{folder}")], "");
        files.into_iter().map(move |file| with_kind(kind, file))
    });
    files
        .chain([
            tpm(),
            [&[2][..], &joined(&[&seeds::file("tee-vectors/snp/oak_milan_report.bin"), &[0; 64]])].concat(),
        ])
        .collect()
}

fn tpm() -> Vec<u8> {
    let quote = seeds::file("tee-vectors/vtpm/az-snp-vtpm_tpm-quote.msg");
    let signature = seeds::file("tee-vectors/vtpm/az-snp-vtpm_tpm-quote.sig");
    let head = [0, 1, 0, 0x0B, 0, 5, 0, 0x72, 0, 0, 0, 0x10, 0, 0x14, 0, 0x0B, 8, 0, 0, 0, 0, 0, 1, 0];
    let public = [&head[..], &[0xC1; 256]].concat();
    let pcrs: Vec<u8> = (0..24).flat_map(|n| [&[n][..], &[0; 32]].concat()).collect();
    let log = seeds::file("tee-vectors/tdx/gotdx_ccel_ccel_data.dat");
    let parts = [
        &quote[..],
        &public,
        &[&[0, 0x14, 0, 0x0B, 1, 0][..], &signature].concat(),
        &pcrs,
        &log[..log.len().min(8192)],
    ];
    [&[4][..], &joined(&parts)].concat()
}

const NAMES: [&str; 4] = ["attestation-key", "signature", "pcrs", "event-log"];

fn evidence(bytes: &[u8]) {
    let (kind, rest) = split(bytes);
    let kind = Kind::ALL[kind % Kind::ALL.len()];
    let parts = parts(rest);
    let Some((body, auxiliary)) = parts.split_first() else { return };
    let names = if kind == Kind::SevSnp { ["certificates"; 4] } else { NAMES };
    let auxiliary = names.into_iter().zip(auxiliary);
    let auxiliary = auxiliary.map(|(name, data)| Auxiliary { name: name.into(), data: Blob(data.to_vec()) });
    let evidence = Evidence { auxiliary: auxiliary.collect(), ..Evidence::recorded(kind, body.to_vec()) };
    travels(&evidence);
    let (verdict, appraised) = appraise(&evidence.to_bytes(), &BELIEF, &PUBLISHED, None, NOW);
    is_sound(&verdict);
    assert!(appraised.is_none(), "recorded evidence opens nothing");
}

/// A file beside others, for a quote and a report that it may belong to.
fn collateral(bytes: &[u8]) {
    static QUOTES: LazyLock<[Evidence; 3]> = LazyLock::new(|| {
        let file = |path: &str| made(recognise(&seeds::file(path)));
        [
            file("tee-vectors/sgx/phala_sgx_quote_v3.bin"),
            file("tee-vectors/tdx/phala_tdx_quote_v4.bin"),
            file("tee-vectors/snp/oak_milan_release_report.bin"),
        ]
    });
    let published = Collateral { files: vec![bytes.to_vec()] };
    for quote in &*QUOTES {
        is_sound(&appraise(&quote.to_bytes(), &BELIEF, &published, None, NOW).0);
    }
}

fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(policy) = Policy::parse(text) else { return };
    assert!(!policy.explain().is_empty(), "a policy of which nothing can be said");
    let _ = policy.accepts_epochs();
    let simulated = privet_tee::simulator::sign([0xab; 32], &[], &[7; 64]);
    let _ = appraise_file(&simulated, &policy, &PUBLISHED, NOW);
}

fn made_statement() -> Vec<u8> {
    let digits = |bytes: usize| "07".repeat(bytes);
    format!(
        r#"{{"version":1,"direction":"enclave-to-client","freshness":{{"mode":"full","nonce":"{n}"}},"encryption_key":"{n}","signing_key":"{n}","requests":4,"bundle":"{n}","configuration":"{n}","model":null,"sealing":{{"provider":"none","rollback":"none"}},"remarks":["x"]}}"#,
        n = digits(32)
    )
    .into_bytes()
}

fn statement(bytes: &[u8]) {
    if let Ok(statement) = Statement::parse(bytes) {
        assert_eq!(Statement::parse(&statement.to_bytes()).as_ref(), Ok(&statement), "it is read as another");
    }
    if let Ok((document, _)) = privet_tee::simulator::read(bytes) {
        assert_eq!(document.version, 1);
    }
}
