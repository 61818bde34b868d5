//! The driver of configfs-tsm, over real system calls to an imitation of the kernel's interface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod imitation;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imitation::tsm::{Script, Tsm};
use imitation::{Mounted, errno, mount, soon, vector, with_report_data};
use privet_tee::attest::{AttestError, Attester as _, ConfigfsTsm, Quote, report_data_of};
use privet_tee::kind::Kind;

const DATA: [u8; 64] = [0x5A; 64];

fn snp(data: &[u8]) -> Vec<u8> {
    with_report_data(vector("snp/gosev_milan_report.bin"), 0x50, data)
}

fn tdx(data: &[u8]) -> Vec<u8> {
    with_report_data(vector("tdx/phala_tdx_quote_v4.bin"), 48 + 520, data)
}

fn imitate(script: Script) -> Option<(Arc<Tsm>, Mounted)> {
    let tsm = Arc::new(Tsm::new(script));
    let mounted = mount(&tsm)?;
    Some((tsm, mounted))
}

/// Opens the driver on a mounted imitation; ends the test, with its `SKIPPED` line, where none can be mounted.
macro_rules! driver {
    ($script:expr) => {{
        let Some((tsm, mounted)) = imitate($script) else { return };
        let driver = ConfigfsTsm::open(mounted.path()).expect("the imitation has a provider");
        (tsm, mounted, driver)
    }};
}

fn assert_wrong(error: &AttestError, words: &str) {
    assert!(matches!(error, AttestError::Wrong { .. }), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

fn assert_refused(error: &AttestError, words: &str) {
    assert!(matches!(error, AttestError::Refused { .. }), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_report_of_sev_snp_and_its_certificates() {
    let mut script = Script::new("sev_guest", snp);
    script.certificates = Some(vec![7; 5000]);
    let (tsm, _mounted, driver) = driver!(script);
    assert_eq!(driver.kind(), Kind::SevSnp);
    let evidence = driver.evidence(&DATA, soon()).unwrap();
    assert_eq!((evidence.kind, &evidence.body.0), (Kind::SevSnp, &snp(&DATA)));
    assert_eq!(evidence.auxiliary("certificates"), Some([7; 5000].as_slice()));
    assert!(evidence.statement.0.is_empty(), "the caller puts its statement in");
    // One folder to find the provider, one for the question; both are gone.
    assert_eq!((tsm.counts().made, tsm.left()), (2, 0));
}

#[test]
fn a_platform_without_certificates_gives_none() {
    let (_tsm, _mounted, driver) = driver!(Script::new("sev_guest", snp));
    assert!(driver.evidence(&DATA, soon()).unwrap().auxiliary.is_empty());
}

#[test]
fn quotes_of_tdx_of_both_versions() {
    for (file, at) in
        [("tdx/phala_tdx_quote_v4.bin", 48 + 520), ("tdx/phala_tdx_quote_v5_td15_outdated.bin", 54 + 520)]
    {
        let quote = move |data: &[u8]| with_report_data(vector(file), at, data);
        let (tsm, _mounted, driver) = driver!(Script::new("tdx_guest", quote));
        let evidence = driver.evidence(&DATA, soon()).unwrap();
        assert_eq!((evidence.kind, evidence.body.0), (Kind::TdxDcap, quote(&DATA)), "{file}");
        assert!(evidence.auxiliary.is_empty());
        assert_eq!(tsm.left(), 0);
    }
}

#[test]
fn a_privilege_level_is_written_and_counted() {
    let (tsm, _mounted, driver) = driver!(Script::new("sev_guest", snp));
    let driver = driver.at_privilege(2);
    driver.evidence(&DATA, soon()).unwrap();
    assert_eq!(tsm.counts().levels, [2]);
    assert_refused(&driver.at_privilege(4).evidence(&DATA, soon()).unwrap_err(), "privlevel");
    assert_eq!(tsm.left(), 0);
}

#[test]
fn questions_at_the_same_time_do_not_meet() {
    let mut script = Script::new("sev_guest", snp);
    script.takes = Duration::from_millis(30);
    let (tsm, _mounted, driver) = driver!(script);
    std::thread::scope(|scope| {
        for byte in 0..4u8 {
            let driver = &driver;
            scope.spawn(move || {
                let evidence = driver.evidence(&[byte; 64], soon()).unwrap();
                assert_eq!(report_data_of(Quote::Snp, &evidence.body.0), Ok([byte; 64]));
            });
        }
    });
    assert_eq!((tsm.counts().made, tsm.left()), (5, 0));
}

#[test]
fn n65_an_empty_outblob_is_an_error() {
    for provider in ["sev_guest", "tdx_guest"] {
        let (tsm, _mounted, driver) = driver!(Script::new(provider, |_: &[u8]| Vec::new()));
        assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "empty");
        assert_eq!(tsm.left(), 0);
    }
}

#[test]
fn n66_a_report_that_raced_with_another_writer_is_dropped() {
    let mut script = Script::new("sev_guest", snp);
    script.meddled = 1;
    let (tsm, _mounted, driver) = driver!(script);
    let evidence = driver.evidence(&DATA, soon()).unwrap();
    assert_eq!(evidence.body.0, snp(&DATA));
    assert_eq!((tsm.counts().made, tsm.left()), (3, 0), "a second question was asked");
}

#[test]
fn n67_endless_change_of_the_generation_is_given_up() {
    let mut script = Script::new("sev_guest", snp);
    script.meddled = u32::MAX;
    let (tsm, _mounted, driver) = driver!(script);
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "another process wrote");
    assert_eq!((tsm.counts().made, tsm.left()), (5, 0), "four questions and the one of opening");
}

#[test]
fn n67_a_busy_platform_is_asked_again_but_not_for_ever() {
    let mut script = Script::new("sev_guest", snp);
    script.busy = 5;
    let (_tsm, _mounted, driver) = driver!(script);
    assert_eq!(driver.evidence(&DATA, soon()).unwrap().body.0, snp(&DATA));

    let mut script = Script::new("sev_guest", snp);
    script.busy = u32::MAX;
    let (tsm, _mounted, driver) = driver!(script);
    assert_refused(&driver.evidence(&DATA, soon()).unwrap_err(), "outblob");
    assert_eq!((tsm.counts().reads, tsm.left()), (8, 0));
}

#[test]
fn n68_a_read_that_hangs_is_left_at_the_deadline() {
    let mut script = Script::new("tdx_guest", tdx);
    script.hangs = true;
    let (tsm, _mounted, driver) = driver!(script);
    let wait = Duration::from_millis(100);
    for _ in 0..4 {
        let began = Instant::now();
        assert!(matches!(driver.evidence(&DATA, began + wait), Err(AttestError::Late { .. })));
        assert!(began.elapsed() >= wait && began.elapsed() < 20 * wait, "{:?}", began.elapsed());
    }
    // Four threads hang; a fifth is not made.
    let began = Instant::now();
    assert!(matches!(driver.evidence(&DATA, soon()), Err(AttestError::Late { .. })));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(tsm.counts().made, 5);
    tsm.release();
    // What hung removes its folder when it comes back, and its place is free again.
    while tsm.left() > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut answer = driver.evidence(&DATA, soon());
    while matches!(answer, Err(AttestError::Late { .. })) {
        answer = driver.evidence(&DATA, soon());
    }
    assert_eq!(answer.unwrap().body.0, tdx(&DATA));
}

#[test]
fn n68_an_answer_after_the_deadline_is_late() {
    let mut script = Script::new("sev_guest", snp);
    script.takes = Duration::from_millis(300);
    let (tsm, _mounted, driver) = driver!(script);
    let late = driver.evidence(&DATA, Instant::now() + Duration::from_millis(50));
    assert!(matches!(late, Err(AttestError::Late { .. })), "{late:?}");
    while tsm.left() > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn n69_a_provider_of_another_name_is_refused() {
    for name in ["arm_cca_guest", "sev_guest2", "SEV_GUEST", ""] {
        let Some((tsm, mounted)) = imitate(Script::new(name, snp)) else { return };
        let error = ConfigfsTsm::open(mounted.path()).err().unwrap();
        assert_wrong(&error, "provider");
        assert_eq!(tsm.left(), 0);
    }
    let mut script = Script::new("sev_guest", snp);
    script.provider_later = Some((1, "tdx_guest"));
    let (tsm, _mounted, driver) = driver!(script);
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "another one than before");
    assert_eq!((tsm.counts().reads, tsm.left()), (0, 0), "no report was made");
}

#[test]
fn n70_errors_of_the_platform_are_errors() {
    let numbers = [
        errno::IO,
        errno::NO_PROVIDER,
        errno::ACCESS,
        errno::NO_DEVICE,
        errno::INVALID,
        errno::TOO_BIG,
        errno::TIMED_OUT,
    ];
    for number in numbers {
        let mut script = Script::new("sev_guest", snp);
        script.fails = Some(number);
        let (tsm, _mounted, driver) = driver!(script);
        assert_refused(&driver.evidence(&DATA, soon()).unwrap_err(), "outblob");
        assert_eq!(tsm.left(), 0, "errno {number}");
    }
}

#[test]
fn n70_a_table_of_certificates_that_is_too_long_is_an_error() {
    let mut script = Script::new("sev_guest", snp);
    script.certificates = Some(vec![0; 32 * 1024 + 1]);
    let (tsm, _mounted, driver) = driver!(script);
    assert_refused(&driver.evidence(&DATA, soon()).unwrap_err(), "longer than 32768");
    assert_eq!(tsm.left(), 0);
}

#[test]
fn n73_a_report_of_other_report_data_is_an_error() {
    let (tsm, _mounted, driver) = driver!(Script::new("sev_guest", |_: &[u8]| snp(&[0x5B; 64])));
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "other report data");
    // The last byte counts as much as the first.
    let mut almost = DATA;
    almost[63] ^= 1;
    let (_, _mounted, driver) = driver!(Script::new("tdx_guest", move |_: &[u8]| tdx(&almost)));
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "other report data");
    assert_eq!(tsm.left(), 0);
}

#[test]
fn n74_a_tdreport_is_no_quote() {
    let tdreport = |data: &[u8]| {
        let mut report = vec![0; 1024];
        report[0] = 0x81;
        report[128..192].copy_from_slice(data);
        report
    };
    let (tsm, _mounted, driver) = driver!(Script::new("tdx_guest", tdreport));
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "TDREPORT");
    assert_eq!(tsm.left(), 0);
}

#[test]
fn n74_evidence_of_another_platform_is_wrong() {
    let (_, _mounted, driver) = driver!(Script::new("tdx_guest", snp));
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "TDX quote");
    let (_, _mounted, driver) = driver!(Script::new("sev_guest", tdx));
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "report of SEV-SNP");
    let sgx = |data: &[u8]| with_report_data(vector("sgx/phala_sgx_quote_v3.bin"), 368, data);
    let (_, _mounted, driver) = driver!(Script::new("tdx_guest", sgx));
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "TDX quote");
}

#[test]
fn what_the_kernel_forgot_at_close_is_noticed() {
    let mut script = Script::new("sev_guest", snp);
    script.forgets = true;
    let (tsm, _mounted, driver) = driver!(script);
    assert_wrong(&driver.evidence(&DATA, soon()).unwrap_err(), "did not take what was written");
    assert_eq!((tsm.counts().reads, tsm.left()), (0, 0), "no report was asked for");
}

#[test]
fn names_that_are_taken_are_passed_over() {
    let mut script = Script::new("sev_guest", snp);
    script.taken = 3;
    let (tsm, _mounted, driver) = driver!(script);
    driver.evidence(&DATA, soon()).unwrap();
    assert_eq!(tsm.left(), 0);

    let mut script = Script::new("sev_guest", snp);
    script.taken = u32::MAX;
    let Some((_, mounted)) = imitate(script) else { return };
    assert_refused(&ConfigfsTsm::open(mounted.path()).err().unwrap(), "taken");
}

#[test]
fn without_interface_or_provider_there_is_none() {
    let missing = ConfigfsTsm::open(Path::new("/nowhere/tsm/report")).err().unwrap();
    assert!(matches!(missing, AttestError::Missing { .. }), "{missing}");
    let mut script = Script::new("sev_guest", snp);
    script.provider = None;
    let Some((_, mounted)) = imitate(script) else { return };
    let missing = ConfigfsTsm::open(mounted.path()).err().unwrap();
    assert!(matches!(missing, AttestError::Missing { .. }), "{missing}");
    assert!(missing.to_string().contains("no provider"), "{missing}");
}

/// So that the tests above mean something: the imitation itself, by plain system calls.
#[test]
fn the_imitation_keeps_to_the_kernels_rules() {
    let Some((_, mounted)) = imitate(Script::new("sev_guest", snp)) else { return };
    let entry = mounted.path().join("one");
    fs::create_dir(&entry).unwrap();
    assert_eq!(fs::create_dir(&entry).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let write = |count: usize| {
        OpenOptions::new().write(true).open(entry.join("inblob")).unwrap().write(&vec![1; count])
    };
    let read = |attribute: &str| fs::read(entry.join(attribute));
    assert_eq!(
        read("outblob").unwrap_err().raw_os_error(),
        Some(errno::INVALID),
        "before anything was written"
    );
    assert_eq!(write(65).unwrap_err().raw_os_error(), Some(errno::TOO_BIG));
    assert_eq!(write(63).unwrap(), 63, "stored, and refused only when a report is made");
    assert_eq!(read("outblob").unwrap_err().raw_os_error(), Some(errno::INVALID));
    assert_eq!(write(64).unwrap(), 64);
    assert_eq!(read("generation").unwrap(), b"2\n");
    assert_eq!(report_data_of(Quote::Snp, &read("outblob").unwrap()), Ok([1; 64]));
    assert_eq!(read("inblob").unwrap_err().raw_os_error(), Some(errno::ACCESS));
    assert!(fs::write(entry.join("inblob"), [1; 64]).is_err(), "O_TRUNC");
    fs::remove_dir(&entry).unwrap();
}
