//! What a policy file may say, and what it may not.

#![allow(clippy::expect_used)] // in functions beside the tests too

use privet_tee::policy::Policy;

fn measurement(bytes: usize) -> String {
    format!("[\"{}\"]", "ab".repeat(bytes))
}

fn sgx(more: &str) -> String {
    format!("[[accept]]\nkind = \"sgx-dcap\"\nmrenclave = {}\n{more}\n", measurement(32))
}

fn tdx(more: &str) -> String {
    format!("[[accept]]\nkind = \"tdx-dcap/4\"\nmrtd = {}\n{more}\n", measurement(48))
}

fn read(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{text}")).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn error(text: &str) -> String {
    match Policy::parse(&format!("version = 1\n{text}")) {
        Ok(_) => panic!("this was read: {text}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn the_shape_of_a_whole_policy() {
    let key = "cd".repeat(32);
    let text = format!(
        "[channel]\nbinding = \"handshake\"\nmax_evidence_age = \"5m\"\nmax_clock_skew = \"60s\"\nstamp_keys = [\"{key}\"]\nmax_requests = 1000\n\
         [collateral]\nmax_age = \"30d\"\nmin_tcb_evaluation_number = 18\ncrl = \"required\"\n{}{}[model]\nid = \"credit-lr\"\nmin_version = 3\n\
         [transparency]\nrequired = false\n[simulator]\naccept = false\n",
        tdx(
            "debug = false\ntcb_status = [\"UpToDate\", \"SWHardeningNeeded\"]\nallow_advisories = [\"INTEL-SA-00828\"]"
        ),
        sgx("")
    );
    let policy = read(&text);
    assert!(policy.accepts_epochs() && !policy.accepts_simulators());
    let said = policy.explain().join("\n");
    for part in [
        "MRTD abab",
        "MRENCLAVE abab",
        "SWHardeningNeeded",
        "INTEL-SA-00828",
        "300 seconds",
        "ANY SYSTEM",
        "pins no machine",
        "credit-lr",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn n34_measurements_of_zeros_are_load_errors() {
    for entry in [
        sgx("").replace("ab", "00"),
        tdx("").replace("ab", "00"),
        tdx(&format!("rtmr1 = {}", measurement(48).replace("ab", "00"))),
    ] {
        assert!(error(&entry).contains("all zeros"), "{entry}");
    }
    read(&tdx(&format!("rtmr3 = {}", measurement(48).replace("ab", "00"))));
}

#[test]
fn n81_unknown_keys_are_load_errors_that_name_the_known_ones() {
    for (text, known) in [
        (sgx("mrenclaves = []"), "mrsigner"),
        (tdx("event_log = { kernel = \"sha384:ab\" }"), "events"),
        (tdx("platform = { chip = [] }"), "ppid"),
        (format!("[channels]\n{}", sgx("")), "channel"),
        (format!("[channel]\nmax_age = \"5m\"\n{}", sgx("")), "max_evidence_age"),
        (format!("[simulator]\naccepts = true\n{}", sgx("")), "accept"),
    ] {
        let error = error(&text);
        assert!(error.contains("unknown field") && error.contains(known), "{error}");
    }
    assert!(error(&sgx("").replace("sgx-dcap", "sgx")).contains("no evidence of kind"));
    assert!(error(&sgx("").replace("sgx-dcap", "sgx-dcap/4")).contains("formats"));
    assert!(error(&tdx("tcb_status = [\"uptodate\"]")).contains("unknown variant"));
}

#[test]
fn n82_nothing_and_anything_are_load_errors() {
    for text in [
        "",
        "accept = []",
        "[[accept]]\nkind = \"sgx-dcap\"",
        "[[accept]]\nkind = \"tdx-dcap\"\nmrtd = []",
        "[[accept]]\nkind = \"tdx-dcap\"\nmrtd = [\"*\"]",
        "[[accept]]\nkind = \"tdx-dcap\"\nmrtd = \"any\"",
        "[[accept]]\nkind = \"sim-process\"\n[simulator]\naccept = true",
        "[[accept]]\nmrenclave = []",
    ] {
        error(text);
    }
    error(&sgx("tcb_status = []"));
    error(&sgx("platform = {}"));
    error(&sgx("config_id = []"));
}

#[test]
fn n83_the_same_entry_twice_is_a_load_error() {
    assert!(error(&format!("{}{}", sgx(""), sgx(""))).contains("already"));
    read(&format!("{}{}", sgx(""), sgx("min_isv_svn = 2")));
}

#[test]
fn n84_debug_is_a_load_error() {
    for entry in [sgx("debug = true"), tdx("debug = true")] {
        assert!(error(&entry).contains("debug"), "{entry}");
    }
}

#[test]
fn n85_values_of_a_wrong_length_are_load_errors() {
    for wrong in [0, 1, 31, 33, 47, 49, 64] {
        error(&sgx("").replace(&measurement(32), &measurement(wrong)));
        error(&tdx("").replace(&measurement(48), &measurement(wrong)));
    }
    error(&tdx(&format!("platform = {{ ppid = {} }}", measurement(15))));
    error(&tdx(&format!("rtmr2 = {}", measurement(32))));
    error(&sgx("").replace("ab", "xy"));
}

#[test]
fn n86_another_file_is_another_digest() {
    let (one, other) = (read(&sgx("")), read(&sgx("# a comment")));
    assert_ne!(one.digest(), other.digest());
    assert_eq!(one.digest(), read(&sgx("")).digest());
}

#[test]
fn what_cannot_be_honoured_is_refused_and_not_ignored() {
    assert!(error(&format!("{}[transparency]\nrequired = true\n", sgx(""))).contains("cannot check"));
    assert!(error(&format!("[channel]\nbinding = \"none\"\n{}", sgx(""))).contains("handshake"));
    assert!(error(&format!("[channel]\nmax_evidence_age = \"soon\"\n{}", sgx(""))).contains("time span"));
    assert!(Policy::parse(&format!("version = 2\n{}", sgx(""))).is_err());
    assert!(Policy::parse(&sgx("")).is_err(), "a policy has a version");
}
