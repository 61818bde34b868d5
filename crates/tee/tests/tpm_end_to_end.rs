//! From the driver to the verdict: a software TPM's evidence, as the driver gathers it, under policies of its key and registers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod imitation;

use imitation::soon;
use imitation::swtpm::Swtpm;
use privet_tee::attest::tpm::{Commands, Selection, Tpm};
use privet_tee::attest::{AttestError, Attester as _};
use privet_tee::claims::Appraised;
use privet_tee::evidence::{Blob, Evidence};
use privet_tee::kind::Assurance;
use privet_tee::policy::Policy;
use privet_tee::statement::hex;
use privet_tee::statement::{Direction, Freshness, Hex, Sealing, Statement, report_data, sha256};
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, Question, appraise};

const NONCE: Hex<32> = Hex([7; 32]);
const BUNDLE: Hex<32> = Hex([3; 32]);

fn statement(nonce: Hex<32>) -> Vec<u8> {
    let statement = Statement {
        version: privet_tee::statement::VERSION,
        direction: Direction::EnclaveToClient,
        freshness: Freshness::Full { nonce },
        encryption_key: Hex([1; 32]),
        signing_key: Hex([2; 32]),
        requests: 100,
        bundle: BUNDLE,
        configuration: Hex([4; 32]),
        model: None,
        sealing: Sealing { provider: "none".into(), rollback: "none".into() },
        remarks: Vec::new(),
    };
    statement.to_bytes()
}

/// A machine whose boot measured this into register 9.
fn machine(measured: &[&[u8]]) -> Option<(Swtpm, Tpm<std::os::unix::net::UnixStream>)> {
    let tpm = Swtpm::start()?;
    let mut commands = Commands(tpm.connect());
    for event in measured {
        commands.extend(9, &sha256(event)).unwrap();
    }
    let driver = Tpm::over("swtpm", commands.0, Selection::of(&[4, 9]).unwrap());
    Some((tpm, driver))
}

fn prove(driver: &Tpm<std::os::unix::net::UnixStream>, nonce: Hex<32>) -> Result<Evidence, AttestError> {
    let statement = statement(nonce);
    let mut evidence = driver.evidence(&report_data(&statement), soon())?;
    evidence.statement = Blob(statement);
    Ok(evidence)
}

/// The key of this TPM, and register 9 as it is predicted from what is measured.
fn policy(of: &Evidence, measured: &[&[u8]]) -> Policy {
    let key = hex(&sha256(of.auxiliary("attestation-key").unwrap()));
    let nine = measured.iter().fold([0; 32], |old, event| sha256(&[old, sha256(event)].concat()));
    let text = format!(
        "version = 1\n[[accept]]\nkind = \"tpm2\"\nattestation_key = [\"sha256:{key}\"]\npcr = {{ 9 = [\"{}\"] }}\n",
        hex(&nine)
    );
    Policy::parse(&text).unwrap()
}

fn judge(evidence: &Evidence, policy: &Policy) -> (Verdict, Option<Appraised>) {
    let question = Question {
        direction: Direction::EnclaveToClient,
        nonce: NONCE,
        bundle: BUNDLE,
        model: None,
        session: None,
    };
    appraise(&evidence.to_bytes(), policy, &Collateral::default(), Some(&question), 1_800_000_000)
}

fn reasons(evidence: &Evidence, policy: &Policy) -> Vec<&'static str> {
    let (verdict, appraised) = judge(evidence, policy);
    assert!(appraised.is_none(), "nothing is opened by what is refused");
    verdict.checks.iter().filter(|c| !c.ok).map(|c| c.code).collect()
}

const BOOT: &[&[u8]] = &[b"quiet privet=1", b"an initial file system"];

#[test]
fn evidence_of_the_driver_is_accepted_as_a_measured_boot() {
    let Some((_tpm, driver)) = machine(BOOT) else { return };
    let evidence = prove(&driver, NONCE).unwrap();
    let (verdict, appraised) = judge(&evidence, &policy(&evidence, BOOT));
    assert!(verdict.is_accepted(), "{:?}", verdict.checks);
    assert_eq!(verdict.assurance, Assurance::MeasuredBoot);
    assert!(matches!(appraised, Some(Appraised::Verified(_))));
}

#[test]
fn another_boot_another_nonce_and_another_tpm_are_refused() {
    let Some((_tpm, driver)) = machine(BOOT) else { return };
    let evidence = prove(&driver, NONCE).unwrap();
    let policy = policy(&evidence, BOOT);
    let later = prove(&driver, Hex([8; 32])).unwrap();
    assert_eq!(reasons(&later, &policy), ["nonce-mismatch"]);
    // A quote of before beside a statement of now.
    let mut replayed = later;
    replayed.statement = Blob(statement(NONCE));
    assert_eq!(reasons(&replayed, &policy), ["report-data-mismatch"]);
    // The same boot on a machine whose key nobody vouched for.
    let Some((_tpm, stranger)) = machine(BOOT) else { return };
    assert_eq!(reasons(&prove(&stranger, NONCE).unwrap(), &policy), ["platform-not-pinned"]);
}

#[test]
fn a_machine_that_measured_more_or_less_is_refused() {
    let Some((tpm, driver)) = machine(BOOT) else { return };
    let evidence = prove(&driver, NONCE).unwrap();
    let expected = policy(&evidence, BOOT);
    let other = policy(&evidence, &[BOOT[0], b"another initial file system"]);
    assert_eq!(reasons(&evidence, &other), ["measurement-unknown"]);
    assert_eq!(reasons(&evidence, &policy(&evidence, &BOOT[..1])), ["measurement-unknown"]);
    // Something is measured after the boot: the same machine is another one from then on.
    drop(driver);
    let mut commands = Commands(tpm.connect());
    commands.extend(9, &[1; 32]).unwrap();
    let driver = Tpm::over("swtpm", commands.0, Selection::of(&[4, 9]).unwrap());
    assert_eq!(reasons(&prove(&driver, NONCE).unwrap(), &expected), ["measurement-unknown"]);
}

#[test]
fn registers_that_the_host_writes_beside_the_quote_are_refused() {
    let Some((_tpm, driver)) = machine(&[b"something else"]) else { return };
    let mut evidence = prove(&driver, NONCE).unwrap();
    let policy = policy(&evidence, BOOT);
    let nine = BOOT.iter().fold([0; 32], |old, event| sha256(&[old, sha256(event)].concat()));
    let pcrs = evidence.auxiliary.iter_mut().find(|a| a.name == "pcrs").unwrap();
    pcrs.data.0[34..66].copy_from_slice(&nine);
    assert_eq!(reasons(&evidence, &policy), ["pcr-digest-mismatch"]);
}
