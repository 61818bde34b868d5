//! What binds evidence to who asked: report data, direction, bundle, nonce, age. Evidence is the simulator's, whose signature anybody
//! can make, so that these checks stand alone.

#![allow(clippy::expect_used)] // in functions beside the tests too

use ed25519_dalek::{Signer as _, SigningKey};
use privet_tee::claims::Appraised;
use privet_tee::evidence::{Blob, Evidence};
use privet_tee::kind::{Assurance, Kind};
use privet_tee::policy::Policy;
use privet_tee::simulator;
use privet_tee::statement::{
    Direction, Freshness, Hex, Sealing, Stamp, Statement, report_data, session_message, sha256,
};
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, Question, appraise};

const NOW: u64 = 1_795_587_147;
const PROGRAM: [u8; 32] = [7; 32];

fn stamper() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn inside() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn policy(channel: &str) -> Policy {
    let program = Hex(PROGRAM);
    Policy::parse(&format!(
        "version = 1\n[channel]\n{channel}\n[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"{program}\"]\n"
    ))
    .expect("a policy")
}

fn epochs() -> Policy {
    let key = Hex(stamper().verifying_key().to_bytes());
    policy(&format!("max_evidence_age = \"5m\"\nstamp_keys = [\"{key}\"]"))
}

fn full(nonce: [u8; 32]) -> Statement {
    Statement {
        version: 1,
        direction: Direction::EnclaveToClient,
        freshness: Freshness::Full { nonce: Hex(nonce) },
        encryption_key: Hex([3; 32]),
        signing_key: Hex(inside().verifying_key().to_bytes()),
        requests: 1000,
        bundle: Hex([4; 32]),
        configuration: Hex([5; 32]),
        model: Some(Hex([6; 32])),
        sealing: Sealing { provider: "none".into(), rollback: "none".into() },
        remarks: Vec::new(),
    }
}

fn epoch(time: u64) -> Statement {
    let nonce = Hex([8; 32]);
    let signature = Hex(stamper().sign(&Stamp::message(time, &nonce)).to_bytes());
    Statement { freshness: Freshness::Epoch { stamp: Stamp { time, nonce, signature } }, ..full([0; 32]) }
}

fn evidence(statement: &Statement) -> Evidence {
    let bytes = statement.to_bytes();
    let body = simulator::sign(PROGRAM, &[], &report_data(&bytes));
    Evidence { statement: Blob(bytes), ..Evidence::recorded(Kind::SimProcess, body) }
}

fn question(nonce: [u8; 32]) -> Question {
    Question {
        direction: Direction::EnclaveToClient,
        nonce: Hex(nonce),
        bundle: Hex([4; 32]),
        model: None,
        session: None,
    }
}

/// With the signature of the epoch's key over the asker's nonce.
fn in_epoch(evidence: &Evidence, nonce: [u8; 32], direction: Direction) -> Question {
    let message = session_message(direction, &nonce, &sha256(&evidence.to_bytes()));
    Question { session: Some(Hex(inside().sign(&message).to_bytes())), ..question(nonce) }
}

fn reasons(evidence: &Evidence, policy: &Policy, question: &Question, now: u64) -> Vec<&'static str> {
    let (verdict, appraised) =
        appraise(&evidence.to_bytes(), policy, &Collateral::default(), Some(question), now);
    assert_eq!(appraised.is_some(), verdict.is_accepted(), "only what passed opens anything");
    assert!(!matches!(appraised, Some(Appraised::Verified(_))), "a simulator is never verified");
    if !verdict.is_accepted() {
        assert_eq!(verdict.assurance, Assurance::None);
    }
    failed(&verdict)
}

fn failed(verdict: &Verdict) -> Vec<&'static str> {
    verdict.checks.iter().filter(|c| !c.ok).map(|c| c.code).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn the_asker_s_own_evidence_is_accepted_in_both_modes() {
    assert_eq!(reasons(&evidence(&full([9; 32])), &policy(""), &question([9; 32]), NOW), NONE);
    let evidence = evidence(&epoch(NOW - 10));
    let asked = in_epoch(&evidence, [9; 32], Direction::EnclaveToClient);
    assert_eq!(reasons(&evidence, &epochs(), &asked, NOW), NONE);
    let (verdict, appraised) =
        appraise(&evidence.to_bytes(), &epochs(), &Collateral::default(), Some(&asked), NOW);
    assert!(verdict.notes.iter().any(|n| n.contains("no-forward-secrecy-within-epoch")));
    let Some(Appraised::Simulated(claims)) = appraised else { panic!("a simulator") };
    assert_eq!(claims.dangerous_accept_simulated().until(), Some(NOW - 10 + 300));
}

#[test]
fn n35_n36_evidence_for_another_nonce_is_refused() {
    let old = evidence(&full([9; 32]));
    assert_eq!(reasons(&old, &policy(""), &question([10; 32]), NOW), ["nonce-mismatch"]);
    let one = in_epoch(&evidence(&epoch(NOW)), [9; 32], Direction::EnclaveToClient);
    let other = Question { nonce: Hex([10; 32]), ..one };
    assert_eq!(reasons(&evidence(&epoch(NOW)), &epochs(), &other, NOW), ["session-signature-invalid"]);
}

#[test]
fn n37_every_bit_of_the_nonce_counts_and_none_may_be_missing() {
    let evidence = evidence(&full([9; 32]));
    for bit in 0..256 {
        let mut nonce = [9; 32];
        nonce[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(reasons(&evidence, &policy(""), &question(nonce), NOW), ["nonce-mismatch"], "bit {bit}");
    }
    let text = String::from_utf8(full([9; 32]).to_bytes()).expect("text");
    let whole = "09".repeat(32);
    for nonce in ["", "09", &"09".repeat(31), &"09".repeat(33)] {
        let bytes = text.replace(&whole, nonce).into_bytes();
        let body = simulator::sign(PROGRAM, &[], &report_data(&bytes));
        let evidence = Evidence { statement: Blob(bytes), ..Evidence::recorded(Kind::SimProcess, body) };
        assert_eq!(
            reasons(&evidence, &policy(""), &question([9; 32]), NOW),
            ["statement-invalid"],
            "{nonce}"
        );
    }
}

#[test]
fn n38_n41_another_direction_is_refused() {
    let towards_keys = Statement { direction: Direction::EnclaveToKeys, ..full([9; 32]) };
    assert_eq!(
        reasons(&evidence(&towards_keys), &policy(""), &question([9; 32]), NOW),
        ["direction-mismatch"]
    );
    let evidence = evidence(&epoch(NOW));
    let asked = in_epoch(&evidence, [9; 32], Direction::EnclaveToKeys);
    assert_eq!(reasons(&evidence, &epochs(), &asked, NOW), ["session-signature-invalid"]);
}

#[test]
fn n40_epoch_evidence_ages_from_its_stamp() {
    for (stamped, expected) in [
        (NOW, &[][..]),
        (NOW - 299, &[]),
        (NOW - 300, &["evidence-too-old"]),
        (NOW - 100_000, &["evidence-too-old"]),
        (0, &["evidence-too-old"]),
        (NOW + 60, &[]),
        (NOW + 61, &["stamp-in-the-future"]),
        (u64::MAX, &["stamp-in-the-future"]),
    ] {
        let evidence = evidence(&epoch(stamped));
        let asked = in_epoch(&evidence, [9; 32], Direction::EnclaveToClient);
        assert_eq!(reasons(&evidence, &epochs(), &asked, NOW), expected, "{stamped}");
    }
}

#[test]
fn n26_a_clock_that_goes_backwards_makes_nothing_younger() {
    let evidence = evidence(&epoch(NOW - 400));
    let asked = in_epoch(&evidence, [9; 32], Direction::EnclaveToClient);
    assert_eq!(reasons(&evidence, &epochs(), &asked, NOW), ["evidence-too-old"]);
    assert_eq!(reasons(&evidence, &epochs(), &asked, NOW - 1000), ["stamp-in-the-future"]);
}

#[test]
fn stamps_count_only_by_keys_that_the_policy_names_and_epochs_only_where_it_takes_them() {
    let evidence = evidence(&epoch(NOW));
    let asked = in_epoch(&evidence, [9; 32], Direction::EnclaveToClient);
    assert_eq!(reasons(&evidence, &policy(""), &asked, NOW), ["epoch-not-accepted"]);
    let other = Hex(SigningKey::from_bytes(&[11; 32]).verifying_key().to_bytes());
    let other = policy(&format!("max_evidence_age = \"5m\"\nstamp_keys = [\"{other}\"]"));
    assert_eq!(reasons(&evidence, &other, &asked, NOW), ["stamp-untrusted"]);
    let unsigned = Question { session: None, ..asked };
    assert_eq!(reasons(&evidence, &epochs(), &unsigned, NOW), ["session-signature-invalid"]);
}

#[test]
fn n39_n42_a_changed_statement_with_the_old_report_data_is_refused() {
    let honest = evidence(&full([9; 32]));
    for at in 0..honest.statement.0.len() {
        let mut altered = honest.clone();
        altered.statement.0[at] ^= 1;
        let reasons = reasons(&altered, &policy(""), &question([9; 32]), NOW);
        assert!(
            reasons.contains(&"report-data-mismatch") || reasons == ["statement-invalid"],
            "{at}: {reasons:?}"
        );
    }
    let own_key = Statement { encryption_key: Hex([66; 32]), ..full([9; 32]) };
    let altered = Evidence { statement: Blob(own_key.to_bytes()), ..honest };
    assert_eq!(reasons(&altered, &policy(""), &question([9; 32]), NOW), ["report-data-mismatch"]);
}

#[test]
fn n43_every_byte_of_the_report_data_counts() {
    let statement = full([9; 32]).to_bytes();
    for at in 0..64 {
        let mut data = report_data(&statement);
        data[at] ^= 0x80;
        let body = simulator::sign(PROGRAM, &[], &data);
        let evidence =
            Evidence { statement: Blob(statement.clone()), ..Evidence::recorded(Kind::SimProcess, body) };
        assert_eq!(
            reasons(&evidence, &policy(""), &question([9; 32]), NOW),
            ["report-data-mismatch"],
            "{at}"
        );
    }
}

#[test]
fn another_bundle_and_longer_epochs_are_refused() {
    let other = Question { bundle: Hex([12; 32]), ..question([9; 32]) };
    assert_eq!(reasons(&evidence(&full([9; 32])), &policy(""), &other, NOW), ["bundle-mismatch"]);
    let most = |n: u64| policy(&format!("max_requests = {n}"));
    assert_eq!(reasons(&evidence(&full([9; 32])), &most(1000), &question([9; 32]), NOW), NONE);
    assert_eq!(reasons(&evidence(&full([9; 32])), &most(999), &question([9; 32]), NOW), ["epoch-too-long"]);
}

#[test]
fn another_model_is_refused_and_so_is_none_where_one_was_asked_for() {
    let asked = |model: [u8; 32]| Question { model: Some(Hex(model)), ..question([9; 32]) };
    let told = evidence(&full([9; 32]));
    assert_eq!(reasons(&told, &policy(""), &asked([6; 32]), NOW), NONE);
    assert_eq!(reasons(&told, &policy(""), &asked([13; 32]), NOW), ["model-mismatch"]);
    let untold = evidence(&Statement { model: None, ..full([9; 32]) });
    assert_eq!(reasons(&untold, &policy(""), &asked([6; 32]), NOW), ["model-mismatch"]);
}

#[test]
fn a_recording_opens_nothing_and_a_statement_is_needed_on_a_channel() {
    let evidence = evidence(&full([9; 32]));
    let (verdict, appraised) = appraise(&evidence.to_bytes(), &policy(""), &Collateral::default(), None, NOW);
    assert!(verdict.is_accepted() && appraised.is_none());
    assert_eq!(verdict.assurance, Assurance::Simulated);
    let bare = Evidence { statement: Blob::default(), ..evidence };
    assert_eq!(reasons(&bare, &policy(""), &question([9; 32]), NOW), ["statement-invalid"]);
}

#[test]
fn n48_simulated_evidence_is_refused_where_the_policy_names_no_simulator() {
    let text =
        format!("version = 1\n[[accept]]\nkind = \"nitro\"\npcr = {{ 0 = [\"{}\"] }}", "ab".repeat(48));
    let strict = Policy::parse(&text).expect("a policy");
    let reasons = reasons(&evidence(&full([9; 32])), &strict, &question([9; 32]), NOW);
    assert_eq!(reasons, ["simulator-not-accepted", "kind-not-accepted"]);
}

#[test]
fn n49_neither_half_of_a_policy_accepts_a_simulator() {
    let entry = format!("[[accept]]\nkind = \"sim-process\"\nmeasurement = [\"{}\"]\n", Hex(PROGRAM));
    for text in [
        format!("version = 1\n{entry}"),
        format!("version = 1\n[simulator]\naccept = false\n{entry}"),
        "version = 1\n[simulator]\naccept = true\n".into(),
    ] {
        assert!(Policy::parse(&text).is_err(), "{text}");
    }
    let mut other = evidence(&full([9; 32]));
    other.body = Blob(simulator::sign([13; 32], &[], &report_data(&other.statement.0)));
    assert_eq!(reasons(&other, &policy(""), &question([9; 32]), NOW), ["measurement-unknown"]);
}

#[test]
fn n50_no_kind_of_evidence_is_read_as_another() {
    let real = |folder: &str, name: &str| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tee-vectors");
        std::fs::read(root.join(folder).join(name)).expect("a vector")
    };
    let bodies = [
        (Kind::SgxDcap, real("sgx", "phala_sgx_quote_v3.bin")),
        (Kind::TdxDcap, real("tdx", "phala_tdx_quote_v4.bin")),
        (Kind::SevSnp, real("snp", "gosev_milan_report.bin")),
        (Kind::Nitro, real("nitro", "dstack_nitro.cose")),
        (Kind::Tpm2, real("vtpm", "az-snp-vtpm_tpm-quote.msg")),
        (Kind::SimProcess, simulator::sign(PROGRAM, &[], &[0; 64])),
    ];
    let mut count = 0;
    for (own, body) in &bodies {
        for kind in Kind::ALL.into_iter().filter(|kind| kind != own) {
            let relabelled = Evidence::recorded(kind, body.clone());
            let (verdict, _) =
                appraise(&relabelled.to_bytes(), &policy(""), &Collateral::default(), None, NOW);
            let first = verdict.reason().map(|c| c.code);
            assert!(
                matches!(first, Some("format-invalid" | "trailing-bytes" | "report-version-unknown")),
                "{own:?} as {kind:?}: {first:?}"
            );
            assert!(verdict.measurements.is_empty(), "{own:?} as {kind:?}: nothing in it was read");
            count += 1;
        }
    }
    assert_eq!(count, 30);
}
