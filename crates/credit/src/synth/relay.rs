//! Threads that draw blocks in any order and write them in theirs.
//!
//! A thread takes the next block, draws and encodes it, and then visits the files one after the other: each file
//! accepts blocks in order only. So the files do not depend on the number of threads, several files are written
//! at once, and no more blocks are in memory than there are threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::Format;
use super::auc::Auc;
use super::block::Generator;
use super::plan::BLOCK;
use super::sink::{self, TableFile};
use super::tables::Layout;
use crate::failure::Failure;

/// A file and the block it waits for.
struct Station {
    layout: Layout,
    turn: Mutex<Turn>,
    changed: Condvar,
}

struct Turn {
    block: u64,
    file: TableFile,
}

/// What all threads share.
struct Relay<'a> {
    generator: &'a Generator,
    format: Format,
    stations: Vec<Station>,
    next: AtomicU64,
    stopped: AtomicBool,
    done: AtomicU64,
    progress: &'a (dyn Fn(u64) + Sync),
}

/// The files, complete but for their end, and the AUCs of TARGET.
pub(super) struct Written {
    pub(super) files: Vec<TableFile>,
    pub(super) auc: Auc,
    pub(super) application_auc: Auc,
}

/// Draws and writes all blocks.
pub(super) fn run(
    generator: &Generator,
    files: Vec<(Layout, TableFile)>,
    format: Format,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Written, Failure> {
    let station = |(layout, file)| Station {
        layout,
        turn: Mutex::new(Turn { block: 0, file }),
        changed: Condvar::new(),
    };
    let relay = Relay {
        generator,
        format,
        stations: files.into_iter().map(station).collect(),
        next: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        done: AtomicU64::new(0),
        progress,
    };
    let results: Vec<Result<[Auc; 2], Failure>> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(|| relay.work())).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| Err(panicked()))).collect()
    });
    let (mut auc, mut application_auc) = (Auc::new(), Auc::new());
    for result in results {
        let [all, application] = result?;
        auc.merge(&all);
        application_auc.merge(&application);
    }
    let files = relay.stations.into_iter().map(|station| unlock(station.turn.into_inner()).file).collect();
    Ok(Written { files, auc, application_auc })
}

impl Relay<'_> {
    /// Takes blocks until there are none; a failure stops the others too.
    fn work(&self) -> Result<[Auc; 2], Failure> {
        let guard = StopOnExit { relay: self, armed: true };
        let mut aucs = [Auc::new(), Auc::new()];
        loop {
            let block = self.next.fetch_add(1, Ordering::Relaxed);
            if block >= self.generator.blocks() || self.stopped.load(Ordering::Relaxed) {
                guard.disarm();
                return Ok(aucs);
            }
            self.block(block, &mut aucs)?;
        }
    }

    fn block(&self, number: u64, aucs: &mut [Auc; 2]) -> Result<(), Failure> {
        let block = self.generator.draw(number)?;
        aucs[0].merge(&block.auc);
        aucs[1].merge(&block.application_auc);
        let mut encoded = Vec::with_capacity(self.stations.len());
        for (station, rows) in self.stations.iter().zip(block.tables) {
            let count = rows.len();
            encoded.push((sink::encode(&station.layout, rows, self.format)?, count));
        }
        for (station, (encoded, rows)) in self.stations.iter().zip(encoded) {
            let mut turn = unlock(station.turn.lock());
            while turn.block != number {
                if self.stopped.load(Ordering::Relaxed) {
                    return Ok(());
                }
                turn = unlock(station.changed.wait(turn));
            }
            turn.file.append(&encoded, rows)?;
            turn.block += 1;
            drop(turn);
            station.changed.notify_all();
        }
        (self.progress)(self.done.fetch_add(BLOCK, Ordering::Relaxed) + BLOCK);
        Ok(())
    }
}

/// Wakes and stops the others when a thread ends by a failure.
struct StopOnExit<'a, 'b> {
    relay: &'a Relay<'b>,
    armed: bool,
}

impl StopOnExit<'_, '_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for StopOnExit<'_, '_> {
    fn drop(&mut self) {
        if self.armed {
            self.relay.stopped.store(true, Ordering::Relaxed);
            for station in &self.relay.stations {
                // Under the lock, so that no thread is between its check and its wait.
                drop(unlock(station.turn.lock()));
                station.changed.notify_all();
            }
        }
    }
}

/// A lock that a panicking thread held: what it guards is only used to stop.
fn unlock<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

fn panicked() -> Failure {
    Failure::ours("A thread of the generator ended early.")
}
