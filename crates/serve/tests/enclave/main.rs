//! The measured program as it really runs, behind its host.

#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::similar_names
)]

mod hostile;
mod leaks;
mod world;

use std::collections::HashSet;
use std::fs::{read, read_link, read_to_string};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::caller::OPEN_AGAIN;
use privet_deploy::oip::Host as _;
use privet_deploy::tee::{CHALLENGE, SEALED, call};
use privet_deploy::{Blame, Error};
use privet_enclave_image::{IMAGE, digest};
use privet_serve::enclave::Image;
use privet_tee::statement::sha256;
use rustix::process::{Signal, kill_process};
use world::{World, pid_of, plain, rows};

#[test]
fn answers_are_plains_own_bits() {
    let world = World::new(1);
    for count in [1, 2, 1000, 20_000] {
        assert!(world.predict(&rows(count)).unwrap() == plain(&rows(count)), "{count} rows");
    }
}

fn status(process: &Path, key: &str) -> String {
    let text = read_to_string(process.join("status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn the_process_has_nothing_but_its_stream() {
    let world = World::new(1);
    world.predict(&rows(3)).unwrap();
    let process = world.processes().pop().unwrap();
    for task in std::fs::read_dir(process.join("task")).unwrap() {
        let task = task.unwrap().path();
        assert_eq!((status(&task, "NoNewPrivs"), status(&task, "Seccomp")), ("1".into(), "2".into()));
        assert_eq!(status(&task, "CapEff"), "0000000000000000");
        assert_eq!(status(&task, "CapPrm"), "0000000000000000");
    }
    for space in ["user", "net", "pid", "ipc", "uts", "mnt", "cgroup"] {
        let link = |root: &Path| read_link(root.join("ns").join(space)).unwrap();
        assert_ne!(link(&process), link(Path::new("/proc/self")), "the {space} namespace is shared");
    }
    // First of its own namespace: it sees, and could signal, no other process.
    assert!(status(&process, "NSpid").ends_with("\t1"));
    let interfaces = read_to_string(process.join("net/dev")).unwrap();
    assert!(interfaces.lines().skip(2).all(|line| line.trim().starts_with("lo:")), "{interfaces}");
    assert!(read_to_string(process.join("net/route")).unwrap().lines().count() <= 1, "there is a route");
    assert!(read(process.join("environ")).unwrap().is_empty());
    let limits = read_to_string(process.join("limits")).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
    for descriptor in std::fs::read_dir(process.join("fd")).unwrap() {
        let target = read_link(descriptor.unwrap().path()).unwrap();
        let target = target.to_str().unwrap();
        assert!(target.starts_with("socket:[") || target == "/dev/null", "{target} is open");
    }
}

#[test]
fn what_runs_is_what_was_hashed() {
    let world = World::new(1);
    let process = world.processes().pop().unwrap();
    assert_eq!(sha256(&read(process.join("exe")).unwrap()), digest());
    assert_eq!(sha256(IMAGE), digest());
}

#[test]
fn a_sealed_program_cannot_be_changed() {
    let image = Image::seal(IMAGE).unwrap();
    assert_eq!(image.digest().0, digest());
    let mut file = image.file();
    assert_eq!(file.write(b"x").unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert!(file.set_len(3).is_err() && file.set_len(1 << 30).is_err());
    let writable = std::fs::OpenOptions::new().write(true).open(image.path());
    assert!(writable.and_then(|mut f| f.write(b"x")).is_err());
}

#[test]
fn n78_a_killed_enclave_is_an_error_at_once_and_its_successor_must_be_appraised() {
    let world = World::new(1);
    world.predict(&rows(2)).unwrap();
    let old = world.processes().pop().unwrap();
    let (sealed, _) = world.seal(&rows(2));
    kill_process(pid_of(&old), Signal::KILL).unwrap();
    let begun = Instant::now();
    let error = world.host.infer(sealed.clone()).err().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(["E373", OPEN_AGAIN].contains(&error.code), "{error}");
    let new = until(|| world.processes_now().into_iter().find(|p| *p != old));
    assert_ne!(new, old);
    // The old session is dead: nothing that was sealed to it is taken by the new one.
    let error = until(|| world.host.infer(sealed.clone()).err().filter(|e| e.code == OPEN_AGAIN));
    assert_eq!(error.blame, Blame::Refused);
    world.caller_forgets();
    assert!(world.predict(&rows(2)).unwrap() == plain(&rows(2)));
}

#[test]
fn a_stopped_enclave_is_waited_for_no_longer_than_agreed_and_replaced() {
    let world = World::with(1, Duration::from_secs(1), None).unwrap();
    world.predict(&rows(2)).unwrap();
    let old = world.processes().pop().unwrap();
    let (sealed, _) = world.seal(&rows(2));
    kill_process(pid_of(&old), Signal::STOP).unwrap();
    until(|| status(&old, "State").starts_with('T').then_some(()));
    let begun = Instant::now();
    let error = world.host.infer(sealed).err().unwrap();
    assert_eq!((error.code, error.blame), ("E373", Blame::Unreachable), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    until(|| world.processes_now().into_iter().find(|p| *p != old));
    world.caller_forgets();
    world.predict(&rows(2)).unwrap();
}

#[test]
fn replicas_have_keys_of_their_own() {
    let world = World::new(2);
    let sealed_to = |world: &World| {
        world.caller_forgets();
        world.open().unwrap();
        let (request, pending) = world.seal(&rows(1));
        (request.inputs[0].data[5..21].to_vec(), request, pending)
    };
    let (one, request_one, pending_one) = sealed_to(&world);
    let (two, request_two, pending_two) = sealed_to(&world);
    assert_ne!(one, two, "challenges go round");
    let keys: HashSet<_> = (0..6).map(|_| sealed_to(&world).0).collect();
    assert_eq!(keys.len(), 2);
    // Either order, either replica: the host routes by the key's name.
    for (request, pending) in [(request_two, pending_two), (request_one, pending_one)] {
        let answer = pending.answer(vec![world.host.infer(request).unwrap()]).unwrap();
        assert!(answer.outputs == plain(&rows(1)));
    }
}

#[test]
fn the_host_forwards_two_tensors_and_nothing_else() {
    let world = World::new(1);
    let of = |name: &str, data: &[u8]| world.host.infer(call("m", name, data.to_vec())).err().unwrap();
    assert_eq!(of("x", b"").code, "E360");
    assert_eq!(of(SEALED, b"short").code, "E360");
    assert_eq!(of(SEALED, &[7; 4096]).code, OPEN_AGAIN);
    assert_eq!(of(CHALLENGE, b"{}").code, "E360");
    assert_eq!(of(CHALLENGE, &[b' '; 2000]).code, "E360");
    let mut both = call("m", SEALED, vec![0; 64]);
    both.inputs.extend(call("m", CHALLENGE, vec![0; 64]).inputs);
    assert_eq!(world.host.infer(both).err().unwrap().code, "E360");
    world.predict(&rows(1)).unwrap();
}

#[test]
fn many_callers_at_a_time_get_their_own_answers() {
    let world = World::new(2);
    world.open().unwrap();
    std::thread::scope(|scope| {
        for n in 1..=8 {
            let world = &world;
            scope.spawn(move || {
                for round in 0..50 {
                    let rows = rows(n * (1 + round % 3) * 40);
                    assert!(world.predict(&rows).unwrap() == plain(&rows));
                }
            });
        }
    });
}

#[test]
fn without_the_owners_key_service_nothing_starts() {
    let gone = || Error::new(Blame::Unreachable, "E306", "The key service is away.");
    let error = World::with(1, Duration::from_secs(1), Some(Arc::new(move |_| Err(gone())))).err().unwrap();
    assert_eq!((error.code, error.blame), ("E306", Blame::Unreachable), "{error}");
    let error = World::with(1, Duration::from_secs(1), Some(Arc::new(|_| Ok(vec![1, 2, 3])))).err().unwrap();
    assert_eq!(error.code, "E366", "{error}");
}

/// What came, within some seconds.
fn until<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(got) = what() {
            return got;
        }
        assert!(Instant::now() < end, "it did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}
