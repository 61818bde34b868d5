//! What a target is.

use std::alloc::System;
use std::time::Duration;

use cap::Cap;
use privet_deploy::{Blame, Error};

/// The allocator of a program that runs targets.
pub type Memory = Cap<System>;

/// A decoder under test.
pub struct Target {
    /// What it is called, here and in `fuzz/regressions`.
    pub name: &'static str,
    /// Reads some bytes; panics where what must hold does not.
    pub run: fn(&[u8]),
    /// Inputs to begin with: each is one that the decoder takes.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Bytes of memory that it may take, whatever comes.
    pub base: usize,
    /// And for each byte of the input.
    pub per_byte: usize,
}

/// What no input may take of the processor, though the fuzzer's program is a few times slower than the product.
const LONGEST: Duration = Duration::from_secs(10);

/// What a decoder of messages may take.
const BASE: usize = 4 << 20;
const PER_BYTE: usize = 64;

impl Target {
    /// A target that may take as much memory as most.
    pub const fn new(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Self {
        Self { name, run, seeds, base: BASE, per_byte: PER_BYTE }
    }

    /// The same with so many MiB, and so many bytes for each that came.
    #[must_use]
    pub const fn with_memory(self, mib: usize, per_byte: usize) -> Self {
        Self { base: mib << 20, per_byte, ..self }
    }

    /// Runs the target, which ends this program where it takes too much memory: such an allocation fails.
    ///
    /// # Panics
    /// Where the decoder does, does what it must not, or takes too long.
    pub fn check(&self, memory: &Memory, bytes: &[u8]) {
        let room = self.base + self.per_byte * bytes.len();
        assert!(memory.set_limit(memory.allocated() + room).is_ok(), "the limit is above what is allocated");
        let start = processor_time();
        (self.run)(bytes);
        let took = processor_time().saturating_sub(start);
        assert!(took < LONGEST, "{} bytes took {took:?} of the processor", bytes.len());
        assert!(memory.set_limit(usize::MAX).is_ok(), "there is no limit above the greatest");
    }
}

/// Of this thread so far, as Linux tells it; the time of a clock would depend on what else this machine does.
fn processor_time() -> Duration {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let running = counts.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(running.unwrap_or_default())
}

/// What was read, if it was; whatever is refused is the sender's fault, or the refusal is wrong.
pub(crate) fn theirs<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert_ne!(error.blame, Blame::Ours, "outside bytes are called our own fault: {error}");
            assert!(!error.message.is_empty(), "{error:?}");
            None
        }
    }
}

/// One number of an input, and the rest of it.
pub(crate) fn split(bytes: &[u8]) -> (usize, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(&first, rest)| (first.into(), rest))
}

/// The parts of an input that stands for several: a length of two bytes before each.
pub(crate) fn parts(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (part, rest) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
        parts.push(part);
        bytes = rest;
    }
    parts
}

/// Parts as one input.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes();
    parts.iter().flat_map(|part| [&length(part)[..], part].concat()).collect()
}
