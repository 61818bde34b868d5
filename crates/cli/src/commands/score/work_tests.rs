#![allow(clippy::unwrap_used)]
//! A process is ended at every step that it takes on the disk, and again while it makes up for that; and the power goes, too.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};
use proptest::prelude::*;

use super::super::disk::Machine;
use super::*;

/// A disk that does so many steps. The last one may be done in part; after it everything fails.
struct Ending<'a> {
    left: &'a Left,
    /// How much of the last write arrives, of 256.
    arrives: u8,
}

#[derive(Default)]
struct Left(Mutex<Steps>);

#[derive(Default)]
struct Steps {
    left: usize,
    /// Up to where each open file is safe, by its inode, with its path as it was created.
    safe: HashMap<u64, u64>,
}

impl Ending<'_> {
    /// Whether the step is done as a whole.
    fn step(&self) -> bool {
        let mut steps = self.left.0.lock().unwrap();
        let whole = steps.left > 0;
        steps.left = steps.left.saturating_sub(1);
        whole
    }

    fn whole(&self, done: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.step() { done() } else { Err(ended()) }
    }
}

fn ended() -> io::Error {
    io::Error::other("the process has ended")
}

impl Disk for Ending<'_> {
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        if self.step() {
            return Machine.write(file, bytes);
        }
        if self.arrives > 0 {
            let _ = Machine.write(file, &bytes[..bytes.len() * usize::from(self.arrives) / 256]);
        }
        Err(ended())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.whole(|| {
            let meta = file.metadata()?;
            self.left.0.lock().unwrap().safe.insert(meta.ino(), meta.len());
            Ok(())
        })
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        self.whole(|| Machine.cut(file, length))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        if self.step() { Machine.create(path) } else { Err(ended()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(|| Machine.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.whole(|| Machine.remove(path))
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.whole(|| Ok(()))
    }
}

fn pins() -> Pins {
    let columns = Pins::columns(&columns());
    Pins { deployment: "d".into(), input: "i".into(), rows: (0, ROWS), columns }
}

const ROWS: usize = 23;
const CHUNK: usize = 5;

fn columns() -> Vec<Series> {
    answers(0..0)
}

/// What would be answered for these rows.
fn answers(rows: std::ops::Range<usize>) -> Vec<Series> {
    let port = Port {
        name: "p".into(),
        dtype: DataType::Int64,
        width: 1,
        flat: true,
        dims: Vec::new(),
        columns: Vec::new(),
    };
    let refused: Vec<bool> = rows.clone().map(|row| row % 7 == 3).collect();
    let values: Vec<i64> =
        rows.clone().filter(|row| row % 7 != 3).map(|row| i64::try_from(row).unwrap() * 100).collect();
    let tensor = Tensor::new(values.len(), 1, Data::I64(values)).unwrap();
    let mut columns = Series::of_output(&port, &tensor, &refused);
    columns.push(Series::texts(
        "refused",
        rows.map(|row| (row % 7 == 3).then(|| format!("row {row}"))).collect(),
    ));
    columns
}

/// A process: goes on with what is there, and does all that is left.
fn process<D: Disk>(target: &Path, format: Format, disk: D) -> Result<(), Failure> {
    let mut work = Work::open(target, &pins(), false, disk)?;
    while work.done.rows < ROWS {
        let rows = work.done.rows..ROWS.min(work.done.rows + CHUNK);
        let refused = rows.clone().filter(|row| row % 7 == 3).count();
        work.append(&answers(rows), refused)?;
    }
    assert_eq!(work.done, Done { rows: ROWS, refused: 3 });
    work.finish(format, &columns())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The answers of a process that nothing ends.
fn undisturbed(format: Format) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    process(&target, format, Machine).ok().unwrap();
    assert_eq!(names(folder.path()), ["out"]);
    fs::read(target).unwrap()
}

/// All steps that anybody needs.
fn all_steps() -> Left {
    Left(Mutex::new(Steps { left: usize::MAX, ..Steps::default() }))
}

/// Ends processes after so many steps each, one after the other, and lets the last one do its work. How many were ended.
fn ended_after(
    format: Format,
    expected: &[u8],
    steps: &[usize],
    arrives: u8,
    then: impl Fn(&Path, &Left),
) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    fs::write(&target, "of yesterday").unwrap();
    let mut count = 0;
    for &left in steps {
        let state = Left(Mutex::new(Steps { left, ..Steps::default() }));
        if process(&target, format, Ending { left: &state, arrives }).is_err() {
            count += 1;
            then(&part(&target), &state);
        }
        let there = fs::read(&target).unwrap();
        assert!(there == b"of yesterday" || there == expected, "half a file has its name");
    }
    process(&target, format, Ending { left: &all_steps(), arrives }).ok().unwrap();
    assert!(fs::read(&target).unwrap() == expected, "after {steps:?} steps, {arrives}");
    assert_eq!(names(folder.path()), ["out"]);
    count
}

#[test]
fn a_process_may_be_ended_at_every_step() {
    for format in [Format::Csv, Format::JsonLines, Format::Parquet] {
        let (mut steps, mut ended, expected) = (0, 1, undisturbed(format));
        while ended > 0 {
            ended = [0, 1, 128, 255]
                .iter()
                .map(|&arrives| ended_after(format, &expected, &[steps], arrives, |_, _| ()))
                .sum();
            steps += 1;
        }
        assert!(steps > 15, "only {steps} steps");
    }
}

/// Whatever was not yet safe may be there, be zeros, be garbage, or be gone.
fn power_goes(part: &Path, left: &Left, kind: usize, how_much: usize) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(part) else { return };
    let meta = file.metadata().unwrap();
    let safe = left.0.lock().unwrap().safe.get(&meta.ino()).copied().unwrap_or(0);
    let Some(unsafe_bytes) = meta.len().checked_sub(safe).filter(|&bytes| bytes > 0) else { return };
    let stays = safe + unsafe_bytes * how_much as u64 / 256;
    let byte = match kind {
        0 => return file.set_len(stays).unwrap(),
        1 => 0,
        _ => 0xa5,
    };
    // Before anything was safe, garbage would be somebody else's file.
    if safe > 0 || byte == 0 {
        let from = if safe > 0 { stays } else { 0 };
        (&file).seek(SeekFrom::Start(from)).unwrap();
        (&file).write_all(&vec![byte; usize::try_from(meta.len() - from).unwrap()]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn processes_and_power_may_be_ended_again_and_again(
        steps in prop::collection::vec(0usize..40, 1..5), arrives: u8, kind in 0usize..3, how_much in 0usize..256,
    ) {
        static EXPECTED: LazyLock<[(Format, Vec<u8>); 2]> =
            LazyLock::new(|| [Format::Csv, Format::Parquet].map(|format| (format, undisturbed(format))));
        for (format, expected) in &*EXPECTED {
            ended_after(*format, expected, &steps, arrives, |part, left| power_goes(part, left, kind, how_much));
        }
    }
}

/// Something else in the pins.
fn code(opened: Result<Work<Machine>, Error>) -> &'static str {
    opened.err().unwrap().code
}

type Change = fn(&mut Pins);

#[test]
fn what_was_begun_with_something_else_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let mut work = Work::open(&target, &pins(), false, Machine).unwrap();
    work.append(&answers(0..4), 1).ok().unwrap();
    drop(work);
    let changes: [(&str, Change); 4] = [
        ("another deployment", |p| p.deployment.push('x')),
        ("has changed", |p| p.input.push('x')),
        ("another part", |p| p.rows.0 = 1),
        ("other columns", |p| p.columns[0].1.push('x')),
    ];
    for (says, change) in changes {
        let mut other = pins();
        change(&mut other);
        let error = Work::open(&target, &other, false, Machine).err().unwrap();
        assert!(
            error.code == "E117" && error.message.contains(says) && error.message.contains("--restart"),
            "{error}"
        );
    }
    assert_eq!(Work::open(&target, &pins(), false, Machine).unwrap().done, Done { rows: 4, refused: 1 });
    let mut other = pins();
    other.input.push('x');
    assert_eq!(Work::open(&target, &other, true, Machine).unwrap().done, Done::default());
}

#[test]
fn a_work_file_belongs_to_one_process_and_no_other_file_is_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let first = Work::open(&target, &pins(), false, Machine).unwrap();
    assert_eq!(code(Work::open(&target, &pins(), true, Machine)), "E118");
    drop(first);
    assert!(Work::open(&target, &pins(), false, Machine).is_ok());
    fs::write(part(&target), "mine, and no work of this program").unwrap();
    assert_eq!(code(Work::open(&target, &pins(), true, Machine)), "E119");
    assert!(fs::read_to_string(part(&target)).unwrap().starts_with("mine"));
}

#[test]
fn a_changed_byte_costs_the_answers_behind_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let mut work = Work::open(&target, &pins(), false, Machine).unwrap();
    for at in 0..3 {
        work.append(&answers(at * 5..at * 5 + 5), 0).ok().unwrap();
    }
    let start = usize::try_from(work.start).unwrap();
    drop(work);
    let bytes = fs::read(part(&target)).unwrap();
    let mut seen = Vec::new();
    for at in (start..bytes.len()).step_by(13) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(part(&target), changed).unwrap();
        seen.push(Work::open(&target, &pins(), false, Machine).unwrap().done.rows);
    }
    assert!(seen.is_sorted() && seen.first() == Some(&0) && seen.last() == Some(&10), "{seen:?}");
}
