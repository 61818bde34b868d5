//! What no policy may say of SEV-SNP, Nitro and TPM evidence.

#![allow(clippy::expect_used)] // in functions beside the tests too

use privet_tee::policy::Policy;

fn error(entry: &str) -> String {
    match Policy::parse(&format!("version = 1\n[[accept]]\n{entry}\n")) {
        Ok(_) => panic!("this was read: {entry}"),
        Err(e) => e.to_string(),
    }
}

fn snp(more: &str) -> String {
    let measurement = "ab".repeat(48);
    let least = "{ product = \"Milan\", bootloader = 4, tee = 0, snp = 23, microcode = 213 }";
    format!("kind = \"snp\"\nmeasurement = [\"{measurement}\"]\nmin_tcb = {least}\n{more}")
}

fn nitro(pcr: &str, more: &str) -> String {
    format!("kind = \"nitro\"\npcr = {{ {pcr} }}\n{more}")
}

fn tpm(more: &str) -> String {
    format!("kind = \"tpm2\"\nattestation_key = [\"sha256:{}\"]\n{more}", "ab".repeat(32))
}

fn value(bytes: usize) -> String {
    format!("[\"{}\"]", "ab".repeat(bytes))
}

#[test]
fn entries_of_each_kind_are_read() {
    for entry in [
        snp(
            "vmpl = [0, 1]\nsigner = [\"VCEK\", \"VLEK\"]\ndebug = false\nmigration_agent = false\nmin_abi = [1, 51]",
        ),
        snp(&format!("host_data = {}\nplatform = {{ chip_id = {} }}", value(32), value(64))),
        nitro(&format!("0 = {}, 8 = {}", value(48), value(48)), "debug = false"),
        tpm(&format!("pcr = {{ 9 = {} }}", value(32))),
        tpm(&format!("events = [{{ pcr = 9, digests = {} }}]", value(32))),
    ] {
        Policy::parse(&format!("version = 1\n[[accept]]\n{entry}\n"))
            .unwrap_or_else(|e| panic!("{e}\n{entry}"));
    }
}

#[test]
fn n34_measurements_of_zeros_are_load_errors() {
    let (long, short) = ("00".repeat(48), "00".repeat(32));
    assert!(error(&snp("").replace(&"ab".repeat(48), &long)).contains("all zeros"));
    assert!(error(&nitro(&format!("0 = [\"{long}\"]"), "")).contains("all zeros"));
    assert!(error(&tpm(&format!("pcr = {{ 9 = [\"{short}\"] }}"))).contains("all zeros"));
    assert!(error(&tpm(&format!("events = [{{ pcr = 9, digests = [\"{short}\"] }}]"))).contains("all zeros"));
}

#[test]
fn n81_unknown_keys_are_load_errors() {
    for entry in [
        snp("measurments = []"),
        snp("platform = { chip = [] }"),
        snp("").replace("tee = 0", "tea = 0"),
        nitro(&format!("0 = {}", value(48)), "pcrs = {}"),
        nitro(&format!("0 = {}, 08 = {}", value(48), value(48)), ""),
        nitro(&format!("0 = {}, any = {}", value(48), value(48)), ""),
        tpm(&format!("pcr = {{ 9 = {} }}\nek = []", value(32))),
    ] {
        error(&entry);
    }
}

#[test]
fn n82_entries_without_a_measurement_are_load_errors() {
    for entry in [
        snp("").replace(&value(48), "[]"),
        snp("").replace("measurement = ", "# "),
        snp("vmpl = []"),
        snp("signer = []"),
        snp("host_data = []"),
        snp("id_key = []"),
        snp("platform = { chip_id = [] }"),
        nitro("", ""),
        nitro("0 = []", ""),
        nitro(&format!("8 = {}", value(48)), ""),
        nitro(&format!("0 = {}", value(48)), "module_id = []"),
        tpm(""),
        tpm("pcr = { 9 = [] }"),
        tpm("events = [{ pcr = 9, digests = [] }]"),
        tpm(&format!("pcr = {{ 9 = {} }}", value(32))).replace("attestation_key", "# "),
    ] {
        error(&entry);
    }
}

#[test]
fn n84_debug_is_a_load_error() {
    assert!(error(&snp("debug = true")).contains("never believed"));
    assert!(error(&snp("migration_agent = true")).contains("never believed"));
    assert!(error(&nitro(&format!("0 = {}", value(48)), "debug = true")).contains("never believed"));
}

#[test]
fn n85_values_of_a_wrong_length_are_load_errors() {
    for length in [0, 1, 16, 32, 47, 49, 64] {
        error(&snp("").replace(&value(48), &value(length)));
        error(&nitro(&format!("0 = {}", value(length)), ""));
    }
    for length in [0, 31, 33, 48] {
        error(&tpm(&format!("pcr = {{ 9 = {} }}", value(length))));
        error(&snp(&format!("host_data = {}", value(length))));
    }
    error(&snp(&format!("platform = {{ chip_id = {} }}", value(63))));
    error(&snp("vmpl = [4]"));
    error(&nitro(&format!("0 = {}, 32 = {}", value(48), value(48)), ""));
    error(&tpm(&format!("pcr = {{ 24 = {} }}", value(32))));
}

#[test]
fn rules_that_contradict_each_other_are_load_errors() {
    assert!(
        error(&snp(&format!("signer = [\"VLEK\"]\nplatform = {{ chip_id = {} }}", value(64))))
            .contains("VLEK")
    );
    assert!(error(&snp("").replace("Milan", "Turin")).contains("fmc"));
    assert!(error(&snp("").replace("bootloader", "fmc = 0, bootloader")).contains("fmc"));
    let twice = format!("events = [{{ pcr = 9, digests = {0} }}, {{ pcr = 9, digests = {0} }}]", value(32));
    assert!(error(&tpm(&twice)).contains("twice"));
}
