//! The driver of Gramine's `/dev/attestation`, over real system calls to an imitation of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod imitation;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use imitation::tree::{Answer, Folder, Found};
use imitation::{errno, mount, soon, vector, with_report_data};
use privet_tee::attest::{AttestError, Attester as _, Gramine, Quote, report_data_of};
use privet_tee::kind::Kind;

const DATA: [u8; 64] = [0x3C; 64];

/// What a quoting service gives for report data.
type Make = Box<dyn Fn(&[u8]) -> Answer<Vec<u8>> + Send + Sync>;

/// One enclave's folder. What was written last is what the next quote is of.
struct Imitation {
    kind: &'static [u8],
    quote: Make,
    written: Mutex<Vec<u8>>,
    quotes: AtomicU32,
}

impl Imitation {
    fn new(
        kind: &'static [u8],
        quote: impl Fn(&[u8]) -> Answer<Vec<u8>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (written, quotes) = (Mutex::default(), AtomicU32::default());
        Arc::new(Self { kind, quote: Box::new(quote), written, quotes })
    }
}

impl Folder for Imitation {
    fn find(&self, path: &str) -> Option<Found> {
        match path {
            "" => Some(Found::Folder),
            "attestation_type" | "quote" => Some(Found::File { readable: true, writable: false }),
            "user_report_data" => Some(Found::File { readable: true, writable: true }),
            _ => None,
        }
    }

    fn read(&self, path: &str) -> Answer<Vec<u8>> {
        match path {
            "attestation_type" => Ok(self.kind.to_vec()),
            "quote" => {
                self.quotes.fetch_add(1, Ordering::Relaxed);
                let written = self.written.lock().unwrap().clone();
                (self.quote)(&written)
            }
            _ => Ok(self.written.lock().unwrap().clone()),
        }
    }

    fn write(&self, _: &str, _: u64, bytes: &[u8]) -> Answer<()> {
        if bytes.len() > 64 {
            return Err(errno::INVALID);
        }
        *self.written.lock().unwrap() = bytes.to_vec();
        Ok(())
    }
}

fn quote(data: &[u8]) -> Vec<u8> {
    with_report_data(vector("sgx/phala_sgx_quote_v3.bin"), 48 + 320, data)
}

#[test]
fn a_quote_over_the_report_data() {
    for kind in [b"dcap".as_slice(), b"dcap\n"] {
        let imitation = Imitation::new(kind, |data| Ok(quote(data)));
        let Some(mounted) = mount(&imitation) else { return };
        let driver = Gramine::open(mounted.path()).unwrap();
        let evidence = driver.evidence(&DATA, soon()).unwrap();
        assert_eq!(
            (driver.kind(), evidence.kind, evidence.body.0),
            (Kind::SgxDcap, Kind::SgxDcap, quote(&DATA))
        );
    }
}

#[test]
fn threads_that_ask_at_the_same_time_get_their_own() {
    let imitation = Imitation::new(b"dcap", |data| {
        std::thread::sleep(Duration::from_millis(20));
        Ok(quote(data))
    });
    let Some(mounted) = mount(&imitation) else { return };
    let driver = Gramine::open(mounted.path()).unwrap();
    std::thread::scope(|scope| {
        for byte in 0..4u8 {
            let driver = &driver;
            scope.spawn(move || {
                let evidence = driver.evidence(&[byte; 64], soon()).unwrap();
                assert_eq!(report_data_of(Quote::Sgx, &evidence.body.0), Ok([byte; 64]));
            });
        }
    });
}

#[test]
fn n72_an_enclave_without_remote_attestation_is_an_error() {
    for (kind, words) in [
        (b"none".as_slice(), "sgx.remote_attestation"),
        (b"none\n", "sgx.remote_attestation"),
        (b"epid", "expected `dcap`"),
        (b"", "expected `dcap`"),
        (b"dcap\0none", "expected `dcap`"),
    ] {
        let imitation = Imitation::new(kind, |data| Ok(quote(data)));
        let Some(mounted) = mount(&imitation) else { return };
        let error = Gramine::open(mounted.path()).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(imitation.quotes.load(Ordering::Relaxed), 0);
    }
    let missing = Gramine::open(Path::new("/nowhere/attestation")).err().unwrap();
    assert!(matches!(missing, AttestError::Missing { .. }), "{missing}");
}

#[test]
fn n65_n73_n74_wrong_quotes_are_errors() {
    let cases: [(&str, Make); 6] = [
        ("empty", Box::new(|_| Ok(Vec::new()))),
        ("other report data", Box::new(|_| Ok(quote(&[0; 64])))),
        ("SGX quote", Box::new(|data| Ok(with_report_data(vector("tdx/phala_tdx_quote_v4.bin"), 568, data)))),
        ("ends early", Box::new(|data| Ok(quote(data)[..431].to_vec()))),
        ("longer than 32768", Box::new(|data| Ok([quote(data), vec![0; 32 * 1024]].concat()))),
        ("os error 5", Box::new(|_| Err(errno::IO))),
    ];
    for (words, make) in cases {
        let imitation = Imitation::new(b"dcap", make);
        let Some(mounted) = mount(&imitation) else { return };
        let error = Gramine::open(mounted.path()).unwrap().evidence(&DATA, soon()).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn n68_a_quoting_service_that_hangs_is_left_at_the_deadline() {
    let imitation = Imitation::new(b"dcap", |data| {
        std::thread::sleep(Duration::from_millis(400));
        Ok(quote(data))
    });
    let Some(mounted) = mount(&imitation) else { return };
    let driver = Gramine::open(mounted.path()).unwrap();
    let late = driver.evidence(&DATA, Instant::now() + Duration::from_millis(40));
    assert!(matches!(late, Err(AttestError::Late { .. })), "{late:?}");
    // The next one waits for it, and is right.
    let evidence = driver.evidence(&[9; 64], soon()).unwrap();
    assert_eq!(evidence.body.0, quote(&[9; 64]));
}
