//! W3C trace context: which request of whom a call is part of, from the header `traceparent` and on to whoever is asked next.

use std::future::Future;

use privet_tee::statement::hex;

/// The header.
pub const HEADER: &str = "traceparent";

/// One step of a request that may go through several programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    sampled: bool,
}

tokio::task_local! {
    static CURRENT: Trace;
}

impl Trace {
    /// The step in which the writer of this header is, if it is one (version 00, or a later one that begins like it).
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, id, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = unhex::<1>(version)?;
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let (id, span, [flags]) = (unhex(id)?, unhex(span)?, unhex::<1>(flags)?);
        let is_none = id == [0; 16] || span == [0; 8];
        (!is_none).then_some(Self { id, span, parent: None, sampled: flags & 1 == 1 })
    }

    /// The first step of a new trace; none where there is no randomness.
    pub fn new() -> Option<Self> {
        let (mut id, mut span) = ([0; 16], [0; 8]);
        getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut span)).ok()?;
        Some(Self { id, span, parent: None, sampled: true })
    }

    /// A step within this one.
    #[must_use]
    pub fn child(&self) -> Self {
        let mut span = [0; 8];
        // Without randomness the step stays its parent's: a trace that is less fine, and no failure.
        match getrandom::fill(&mut span) {
            Ok(()) => Self { span, parent: Some(self.span), ..*self },
            Err(_) => *self,
        }
    }

    /// As the header says it.
    pub fn header(&self) -> String {
        format!("00-{}-{}-{:02x}", self.id(), self.span(), u8::from(self.sampled))
    }

    /// The trace, in hexadecimal.
    pub fn id(&self) -> String {
        hex(&self.id)
    }

    /// This step, in hexadecimal.
    pub fn span(&self) -> String {
        hex(&self.span)
    }

    /// The step around it, in hexadecimal.
    pub fn parent(&self) -> Option<String> {
        self.parent.map(|parent| hex(&parent))
    }

    /// Whether whoever began the trace wants it to be kept.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }
}

/// The step that the running task is in.
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// Does this in that step, if there is one.
pub async fn within<F: Future>(trace: Option<Trace>, work: F) -> F::Output {
    match trace {
        Some(trace) => CURRENT.scope(trace, work).await,
        None => work.await,
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_plain = text.len() == 2 * N && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    is_plain.then_some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_header_round_trips_and_a_step_within_has_its_parent() {
        let trace = Trace::parse(GIVEN).unwrap();
        assert_eq!(trace.header(), GIVEN);
        let within = trace.child();
        assert!(within.id() == trace.id() && within.span() != trace.span());
        assert_eq!(within.parent().unwrap(), trace.span());
        assert!(Trace::new().unwrap().is_sampled());
        assert!(!Trace::parse(&GIVEN.replace("-01", "-00")).unwrap().is_sampled());
        assert!(Trace::parse(&format!("{}-more", GIVEN.replace("00-4", "01-4"))).is_some());
    }

    #[test]
    fn what_is_no_header_begins_nothing() {
        for bad in [
            "",
            "00",
            &GIVEN.to_uppercase(),
            &GIVEN[1..],
            &format!("{GIVEN}-00"),
            &GIVEN.replace("00-", "ff-"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473ü-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_task_knows_its_step() {
        assert_eq!(current(), None);
        let trace = Trace::new();
        assert_eq!(within(trace, async { current() }).await, trace);
    }
}
