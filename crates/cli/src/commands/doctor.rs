//! `privet doctor`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use privet_deploy::{Blame, Error};
use privet_tee::attest::machine::{Facility, Machine};
use privet_tee::attest::{self, configfs, gramine, nsm, tpm};
use privet_tee::kind::{Assurance, Kind};
use privet_tee::statement::report_data;
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if let Some(config) = &args.links {
        return super::doctor_links::run(config, args.json);
    }
    if let Some(name) = &args.evidence {
        print(&recording(name)?);
        return Ok(ExitCode::SUCCESS);
    }
    let report = Report::of(&Machine::default());
    if args.json {
        print(&serde_json::to_string(&report).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        show(&report);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the report data of a recording is made from, in place of a statement.
const RECORDED: &[u8] = b"privet recorded vector";

/// How long a driver may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Evidence of this driver, over report data that everyone knows.
fn recording(name: &str) -> Result<String, Failure> {
    let evidence = attest::open(name)
        .and_then(|driver| driver.evidence(&report_data(RECORDED), Instant::now() + PATIENCE))
        .map_err(|e| Error::new(Blame::Unreachable, "E366", format!("There is no evidence: {e}.")))?;
    String::from_utf8(evidence.to_bytes()).map_err(|e| Failure::ours(e.to_string()))
}

/// What an enclave can be on this machine.
#[derive(Serialize)]
struct Report {
    tiers: Vec<Tier>,
    drivers: Vec<Driver>,
    /// What isolates the simulator.
    isolation: Vec<Facility>,
    hints: Vec<Facility>,
}

/// What an answer may call itself, at best.
#[derive(Serialize)]
struct Tier {
    assurance: &'static str,
    here: bool,
    detail: String,
}

/// One way to get evidence.
#[derive(Serialize)]
struct Driver {
    name: &'static str,
    kind: Option<&'static str>,
    here: bool,
    detail: String,
    next: &'static str,
}

impl Report {
    fn of(machine: &Machine) -> Self {
        let drivers: Vec<Driver> = attest::available().into_iter().map(driver).collect();
        let kinds = |wanted: Assurance| {
            let found = drivers.iter().filter_map(|d| d.kind).filter_map(kind_of);
            found.filter(|kind| kind.assurance() == wanted).map(Kind::title).collect::<Vec<_>>()
        };
        let (hardware, measured) = (kinds(Assurance::Hardware), kinds(Assurance::MeasuredBoot));
        let isolation = machine.isolation();
        let tiers = vec![
            tier(Assurance::Hardware, &hardware, "no vendor's processor vouches for anything here"),
            tier(Assurance::MeasuredBoot, &measured, "no TPM vouches for what booted here"),
            simulator(&isolation),
        ];
        Self { tiers, drivers, isolation, hints: machine.hints() }
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn tier(assurance: Assurance, found: &[&str], without: &str) -> Tier {
    let here = !found.is_empty();
    Tier { assurance: assurance.name(), here, detail: if here { found.join(", ") } else { without.into() } }
}

/// The simulator needs what isolates it, and proves nothing all the same.
fn simulator(isolation: &[Facility]) -> Tier {
    let needed = ["landlock", "seccomp", "memfd-sealing"];
    let missing: Vec<&str> =
        isolation.iter().filter(|f| needed.contains(&f.name) && !f.here).map(|f| f.name).collect();
    let detail = if missing.is_empty() {
        "SIMULATED: an ordinary process that runs the whole protocol and proves nothing; `privet up tee MODEL`".into()
    } else {
        format!("SIMULATED, and even that may refuse to start: not found here: {}", missing.join(", "))
    };
    Tier { assurance: Assurance::Simulated.name(), here: missing.is_empty(), detail }
}

fn driver((name, opened): (&'static str, Result<Kind, attest::AttestError>)) -> Driver {
    match opened {
        Ok(kind) => Driver {
            name,
            kind: Some(kind.name()),
            here: true,
            detail: kind.title().into(),
            next: "name this attester in the enclave's configuration; docs/hardware.md goes on from there",
        },
        Err(e) => Driver { name, kind: None, here: false, detail: format!("{e}."), next: next(name) },
    }
}

/// What would bring this driver here.
fn next(name: &str) -> &'static str {
    match name {
        configfs::NAME => {
            "start a confidential virtual machine (SEV-SNP or TDX) with Linux 6.7 or later, and run this inside, as root"
        }
        gramine::NAME => {
            "run the program under `gramine-sgx` on a machine with SGX, with DCAP attestation in its manifest"
        }
        nsm::NAME => {
            "build an image with `nitro-cli build-enclave` and run it on an instance with Nitro enclaves enabled"
        }
        tpm::NAME => "switch the machine's TPM 2.0 on in its firmware, or give a virtual machine one",
        _ => "see docs/hardware.md",
    }
}

fn show(report: &Report) {
    print("What an enclave can be on this machine");
    let tiers = report.tiers.iter().map(|t| [t.assurance.to_owned(), yes(t.here), t.detail.clone()]);
    print(&table(&["assurance", "here", "by what"], tiers));
    print("\nDrivers");
    let drivers = report.drivers.iter().map(|d| {
        let detail = if d.here { d.detail.clone() } else { format!("{}\nNext: {}.", d.detail, d.next) };
        [d.name.to_owned(), yes(d.here), detail]
    });
    print(&table(&["driver", "here", "what, or why not"], drivers));
    for (title, facilities) in [
        (
            "\nWhat isolates a simulated enclave from its neighbours (never from this machine's owner)",
            &report.isolation,
        ),
        ("\nSigns of a confidential machine; none of them is evidence", &report.hints),
    ] {
        print(title);
        let rows = facilities.iter().map(|f| [f.name.to_owned(), yes(f.here), f.detail.clone()]);
        print(&table(&["what", "here", "seen"], rows));
    }
}

pub(super) fn yes(here: bool) -> String {
    if here { "yes" } else { "no" }.into()
}

/// A table of words.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = [String; 3]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(head.to_vec());
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_width(110);
    rows.for_each(|row| {
        table.add_row(row);
    });
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulator_is_called_one_and_never_more() {
        let report = Report::of(&Machine::default());
        let tiers: Vec<&str> = report.tiers.iter().map(|t| t.assurance).collect();
        assert_eq!(tiers, ["hardware", "measured-boot", "simulated"]);
        assert!(report.tiers[2].detail.starts_with("SIMULATED"));
        let drivers: Vec<&str> = report.drivers.iter().map(|d| d.name).collect();
        assert_eq!(drivers, attest::DRIVERS);
        // A driver that is not here says why, and what next.
        assert!(report.drivers.iter().all(|d| !d.detail.is_empty() && !d.next.is_empty()));
        assert!(report.drivers.iter().all(|d| d.here == d.kind.is_some()));
        // Hardware is here exactly where a driver says so.
        let vouched = report.drivers.iter().filter_map(|d| d.kind).filter_map(kind_of);
        let hardware = vouched.filter(|kind| kind.assurance() == Assurance::Hardware).count() > 0;
        assert_eq!(report.tiers[0].here, hardware);
    }

    #[test]
    fn a_simulator_without_isolation_is_not_here() {
        let bare = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let report = Report::of(&Machine::under(bare.path()));
        let simulated = &report.tiers[2];
        assert!(!simulated.here && simulated.detail.contains("seccomp"), "{}", simulated.detail);
    }

    #[test]
    fn a_driver_that_is_not_here_gives_no_recording() {
        for (name, opened) in attest::available() {
            assert_eq!(recording(name).is_ok(), opened.is_ok(), "{name}");
        }
        assert!(recording("simulated").is_err(), "a simulator is no driver");
    }

    #[test]
    fn the_report_is_one_json_object() {
        let text = serde_json::to_string(&Report::of(&Machine::default())).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        for (part, length) in
            [("tiers", 3), ("drivers", attest::DRIVERS.len()), ("isolation", 5), ("hints", 8)]
        {
            assert_eq!(value[part].as_array().map(Vec::len), Some(length), "{part}");
        }
    }
}
