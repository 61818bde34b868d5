//! The first process of the machine that the test boots. It is given 64 bytes in hexadecimal, has the TPM sign them with what
//! booted, writes the evidence to the console, and ends: the kernel then stops the machine.

use std::path::Path;
use std::time::{Duration, Instant};

use privet_tee::attest::Attester as _;
use privet_tee::attest::tpm::{Selection, Tpm};
use privet_tee::statement::Hex;

/// What firmware, loader and kernel measure into.
const REGISTERS: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

fn evidence() -> Result<String, String> {
    let asked: Hex<64> = std::env::args().nth(1).ok_or("nothing was asked")?.parse()?;
    let registers = Selection::of(&REGISTERS).ok_or("there are no such registers")?;
    let tpm = Tpm::open(Path::new("/dev/tpm0"), &registers).map_err(|e| e.to_string())?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let evidence = tpm.evidence(&asked.0, deadline).map_err(|e| e.to_string())?;
    String::from_utf8(evidence.to_bytes()).map_err(|e| e.to_string())
}

fn main() {
    match evidence() {
        Ok(evidence) => println!("\nEVIDENCE {evidence} END"),
        Err(why) => println!("\nNO EVIDENCE {why} END"),
    }
}
