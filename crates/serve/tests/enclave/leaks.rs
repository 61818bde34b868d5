//! A canary among the rows: where could it come out?

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use privet_model::tensor::{Data, Tensor};
use rustix::process::{Signal, kill_process};

use crate::world::{COLUMNS, World, pid_of};

/// Four numbers whose bytes, one after the other, stand nowhere by chance.
const CANARY: [f32; COLUMNS] = [0.123_456_79, -0.987_654_3, 0.271_828_17, -0.314_159_27];

fn canary() -> (Vec<Tensor>, [Vec<u8>; 2]) {
    let rows = vec![Tensor::new(1, COLUMNS, Data::F32(CANARY.to_vec())).unwrap()];
    let bytes = CANARY.iter().flat_map(|x| x.to_le_bytes()).collect();
    let wide = CANARY.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
    (rows, [bytes, wide])
}

/// Where the needles stand in a process's writable memory; none if this user may not read it.
fn found(process: &Path, needles: &[Vec<u8>]) -> Option<Vec<String>> {
    let memory = File::open(process.join("mem")).ok()?;
    let maps = std::fs::read_to_string(process.join("maps")).ok()?;
    let mut found = Vec::new();
    for line in maps.lines().filter(|l| l.contains(" rw")) {
        let (from, to) = line.split_whitespace().next()?.split_once('-')?;
        let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        let mut bytes = vec![0; usize::try_from(to - from).ok()?];
        if memory.read_exact_at(&mut bytes, from).is_err() {
            continue;
        }
        for (n, needle) in needles.iter().enumerate() {
            let here = bytes.windows(needle.len()).filter(|w| *w == &needle[..]).count();
            if here > 0 {
                found.push(format!("form {n}, {here} times in {line}"));
            }
        }
    }
    Some(found)
}

#[test]
fn a_canary_is_wiped_when_it_was_answered_and_was_never_written_anywhere() {
    let world = World::new(1);
    let (rows, needles) = canary();
    world.predict(&rows).unwrap();
    let process = world.processes().pop().unwrap();
    // As root reads an ordinary process; the hardware is what would keep root out.
    match found(&process, &needles) {
        None => println!("SKIPPED: this user may not read the program's memory, which is as it should be"),
        Some(found) => assert!(found.is_empty(), "{found:#?}"),
    }
    // Neither output nor files: its descriptors are its stream and `/dev/null`, and a crash leaves no core.
    let before = cores();
    kill_process(pid_of(&process), Signal::SEGV).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(cores(), before);
    std::io::stdout().flush().unwrap();
}

/// Core files where a kernel puts them: the working folders of program and host.
fn cores() -> Vec<std::ffi::OsString> {
    let folders = ["/", "."].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let names = folders.flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with("core")).collect()
}
