//! The outside judge of `tests/python/test_oip.py`, against a small host. Needs a Python that has
//! `tritonclient[http,grpc]`: `PRIVET_PYTHON=python cargo test --test judge -- --ignored`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::Path;
use std::process::Command;

use common::World;

const ROWS: &str = "
import numpy as np, sys
x = np.random.default_rng(7).normal(size=(50, 3)).astype(np.float32)
s = x.astype(np.float64).sum(axis=1)
np.savez(sys.argv[1] + '/rows.npz', x=x)
np.savez(sys.argv[1] + '/expected.npz', score=s.reshape(-1, 1).astype(np.float32), label=(s > 0).astype(np.int64))
";

#[test]
#[ignore = "needs a Python with tritonclient, named by PRIVET_PYTHON"]
fn tritonclient_is_served_over_tls() {
    let python = std::env::var("PRIVET_PYTHON").unwrap_or_else(|_| "python3".into());
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(&python).args(["-c", ROWS]).arg(folder.path()).status().unwrap();
    assert!(made.success());
    let world = World::new();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("ca.pem"), &world.certificate).unwrap();
    let address = format!("localhost:{}", world.server.address.port());
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/test_oip.py");
    let judged = Command::new(&python)
        .arg(judge)
        .args(["--http", &address, "--grpc", &address, "--model", "sum"])
        .arg("--ca")
        .arg(file("ca.pem"))
        .arg("--rows")
        .arg(file("rows.npz"))
        .arg("--expected")
        .arg(file("expected.npz"))
        .status()
        .unwrap();
    assert!(judged.success());
}
