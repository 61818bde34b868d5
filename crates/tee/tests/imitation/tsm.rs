//! `/sys/kernel/config/tsm/report`, by `drivers/virt/coco/guest/report.c` and `fs/configfs/file.c` of Linux: what is written to a
//! binary attribute is stored when it is closed, and nobody is told when that fails.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::errno;
use super::tree::{Answer, Folder, Found};

/// What a platform makes of report data.
pub(crate) type Make = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// How this platform behaves.
pub(crate) struct Script {
    /// `None`: the kernel has no provider.
    pub(crate) provider: Option<&'static str>,
    /// The provider of every question after this many.
    pub(crate) provider_later: Option<(u32, &'static str)>,
    pub(crate) report: Make,
    /// `None`: no such attribute.
    pub(crate) certificates: Option<Vec<u8>>,
    /// So many folders are refused because their name is taken.
    pub(crate) taken: u32,
    /// So many reads of a report find the platform busy.
    pub(crate) busy: u32,
    /// In so many questions, another process writes while the report is made.
    pub(crate) meddled: u32,
    /// Whether what is written is dropped at close.
    pub(crate) forgets: bool,
    /// What reading a report gives instead of one.
    pub(crate) fails: Option<i32>,
    /// How long a report takes.
    pub(crate) takes: Duration,
    /// Whether a report waits for [`Tsm::release`].
    pub(crate) hangs: bool,
}

impl Script {
    pub(crate) fn new(
        provider: &'static str,
        report: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self {
            provider: Some(provider),
            provider_later: None,
            report: Box::new(report),
            certificates: (provider == "sev_guest").then(Vec::new),
            taken: 0,
            busy: 0,
            meddled: 0,
            forgets: false,
            fails: None,
            takes: Duration::ZERO,
            hangs: false,
        }
    }
}

#[derive(Default)]
struct Question {
    provider: String,
    generation: u64,
    inblob: Vec<u8>,
    report: Option<(u64, Vec<u8>)>,
    level: Option<u8>,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) made: u32,
    pub(crate) removed: u32,
    pub(crate) reads: u32,
    pub(crate) levels: Vec<u8>,
}

#[derive(Default)]
struct State {
    questions: BTreeMap<String, Question>,
    counts: Counts,
    busy: u32,
    meddled: u32,
    taken: u32,
}

/// The imitation.
pub(crate) struct Tsm {
    script: Script,
    state: Mutex<State>,
    released: (Mutex<bool>, Condvar),
}

impl Tsm {
    pub(crate) fn new(script: Script) -> Self {
        let state =
            State { busy: script.busy, meddled: script.meddled, taken: script.taken, ..State::default() };
        Self { script, state: Mutex::new(state), released: (Mutex::new(false), Condvar::new()) }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().unwrap().counts.clone()
    }

    /// Folders that are still there.
    pub(crate) fn left(&self) -> usize {
        self.state.lock().unwrap().questions.len()
    }

    /// Lets what hangs go on.
    pub(crate) fn release(&self) {
        *self.released.0.lock().unwrap() = true;
        self.released.1.notify_all();
    }

    fn wait(&self) {
        std::thread::sleep(self.script.takes);
        let mut released = self.released.0.lock().unwrap();
        while self.script.hangs && !*released {
            released = self.released.1.wait(released).unwrap();
        }
    }

    fn report(&self, name: &str) -> Answer<Vec<u8>> {
        let (generation, inblob) = {
            let mut state = self.state.lock().unwrap();
            state.counts.reads += 1;
            let question = state.questions.get(name).ok_or(errno::NO_ENTRY)?;
            let current = question.report.as_ref().filter(|(made, _)| *made == question.generation);
            if let Some((_, report)) = current {
                return Ok(report.clone());
            }
            let asked = (question.generation, question.inblob.clone());
            if state.busy > 0 {
                state.busy -= 1;
                return Err(errno::BUSY);
            }
            asked
        };
        // Both platforms want exactly 64 bytes.
        if inblob.len() != 64 {
            return Err(errno::INVALID);
        }
        self.wait();
        self.script.fails.map_or(Ok(()), Err)?;
        let report = (self.script.report)(&inblob);
        let mut state = self.state.lock().unwrap();
        let meddles = state.meddled > 0;
        state.meddled = state.meddled.saturating_sub(1);
        let question = state.questions.get_mut(name).ok_or(errno::NO_ENTRY)?;
        question.report = Some((generation, report.clone()));
        question.generation += u64::from(meddles);
        Ok(report)
    }
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

impl Folder for Tsm {
    fn find(&self, path: &str) -> Option<Found> {
        let (name, attribute) = split(path);
        let state = self.state.lock().unwrap();
        if !name.is_empty() && !state.questions.contains_key(name) {
            return None;
        }
        match attribute {
            "" => Some(Found::Folder),
            "provider" | "generation" | "outblob" => Some(Found::File { readable: true, writable: false }),
            "auxblob" if self.script.certificates.is_some() => {
                Some(Found::File { readable: true, writable: false })
            }
            "inblob" => Some(Found::File { readable: false, writable: true }),
            "privlevel" if self.script.certificates.is_some() => {
                Some(Found::File { readable: false, writable: true })
            }
            _ => None,
        }
    }

    fn make(&self, path: &str) -> Answer<()> {
        let provider = self.script.provider.ok_or(errno::NO_PROVIDER)?;
        let mut state = self.state.lock().unwrap();
        if state.taken > 0 || state.questions.contains_key(path) {
            state.taken = state.taken.saturating_sub(1);
            return Err(errno::EXISTS);
        }
        state.counts.made += 1;
        let later = self.script.provider_later.filter(|(after, _)| state.counts.made > *after);
        let provider = later.map_or(provider, |(_, name)| name).to_owned();
        state.questions.insert(path.into(), Question { provider, ..Question::default() });
        Ok(())
    }

    fn remove(&self, path: &str) -> Answer<()> {
        let mut state = self.state.lock().unwrap();
        state.questions.remove(path).ok_or(errno::NO_ENTRY)?;
        state.counts.removed += 1;
        Ok(())
    }

    fn read(&self, path: &str) -> Answer<Vec<u8>> {
        let (name, attribute) = split(path);
        match attribute {
            "outblob" => self.report(name),
            "auxblob" => {
                self.report(name)?;
                Ok(self.script.certificates.clone().unwrap_or_default())
            }
            _ => {
                let state = self.state.lock().unwrap();
                let question = state.questions.get(name).ok_or(errno::NO_ENTRY)?;
                let text = match attribute {
                    "provider" => question.provider.clone(),
                    _ => question.generation.to_string(),
                };
                Ok(format!("{text}\n").into_bytes())
            }
        }
    }

    fn write(&self, path: &str, at: u64, bytes: &[u8]) -> Answer<()> {
        let (name, attribute) = split(path);
        if attribute == "inblob" {
            return if at + bytes.len() as u64 > 64 { Err(errno::TOO_BIG) } else { Ok(()) };
        }
        let level = std::str::from_utf8(bytes).ok().and_then(|text| text.trim_end().parse::<u8>().ok());
        let level = level.filter(|level| *level <= 3).ok_or(errno::INVALID)?;
        let mut state = self.state.lock().unwrap();
        state.counts.levels.push(level);
        let question = state.questions.get_mut(name).ok_or(errno::NO_ENTRY)?;
        question.level = Some(level);
        question.generation += 1;
        Ok(())
    }

    fn close(&self, path: &str, written: &[u8]) {
        let (name, attribute) = split(path);
        let mut state = self.state.lock().unwrap();
        if let Some(question) = state.questions.get_mut(name)
            && attribute == "inblob"
            && !self.script.forgets
        {
            question.inblob = written.to_vec();
            question.generation += 1;
        }
    }
}
