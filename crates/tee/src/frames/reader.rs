//! Frames out of a stream.

use std::os::fd::AsFd;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, read};

use super::{Frame, HEADER, Header, LinkError, Side};

/// A small frame comes whole with one system call; of a large one this much is copied once more.
const AHEAD: usize = 16 << 10;
/// What a length alone may allocate; for more than this, so much must have come first.
const BELIEVED: usize = 2 << 20;

/// Reads frames of the other side. What has come of a frame is kept when the stream's own time-out ends a wait.
pub struct Reader<S> {
    stream: S,
    from: Side,
    /// Bytes that were read and belong to the next frame or the one after.
    ahead: Vec<u8>,
    taken: usize,
    begun: Option<(Header, Vec<u8>)>,
}

impl<S: AsFd> Reader<S> {
    /// Reads what `from` sends.
    pub fn new(stream: S, from: Side) -> Self {
        Self { stream, from, ahead: Vec::with_capacity(AHEAD), taken: 0, begun: None }
    }

    /// The next frame, or [`LinkError::Late`] once `deadline` has passed, where the stream has a time-out.
    pub fn next(&mut self, deadline: Option<Instant>) -> Result<Frame, LinkError> {
        loop {
            if let Some(frame) = self.complete()? {
                return Ok(frame);
            }
            self.ahead.drain(..self.taken);
            self.taken = 0;
            let into = match &mut self.begun {
                Some((header, payload)) if header.length - payload.len() > AHEAD => {
                    if payload.len() == payload.capacity() {
                        payload.reserve_exact(payload.len().min(header.length - payload.len()));
                    }
                    payload
                }
                _ => &mut self.ahead,
            };
            match read(&self.stream, spare_capacity(into)) {
                Ok(0) => return Err(self.end()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if deadline.is_none_or(|d| Instant::now() < d) => {}
                Err(Errno::AGAIN) => return Err(LinkError::Late),
                Err(Errno::CONNRESET) => return Err(LinkError::Cut),
                Err(e) => return Err(LinkError::Failed(e.to_string())),
            }
        }
    }

    /// The frame that what was read completes, if any.
    fn complete(&mut self) -> Result<Option<Frame>, LinkError> {
        if let Some((header, payload)) = &mut self.begun
            && payload.len() > header.length
        {
            // The allocator gave more room than was asked for, and the next frame's first bytes are in it.
            self.ahead.extend(payload.drain(header.length..));
        }
        let waiting = self.ahead.get(self.taken..).unwrap_or_default();
        let (header, payload, rest) = if let Some((header, payload)) = &mut self.begun {
            (*header, payload, waiting)
        } else {
            let Some((head, rest)) = waiting.split_first_chunk::<HEADER>() else { return Ok(None) };
            let header = Header::parse(head, self.from)?;
            self.taken += HEADER;
            let (_, payload) = self.begun.insert((header, Vec::with_capacity(header.length.min(BELIEVED))));
            (header, payload, rest)
        };
        let missing = header.length - payload.len();
        let now = rest.get(..missing).unwrap_or(rest);
        payload.extend_from_slice(now);
        self.taken += now.len();
        if payload.len() < header.length {
            return Ok(None);
        }
        let done = self.begun.take();
        Ok(done.map(|(Header { kind, id, .. }, payload)| Frame { kind, id, payload }))
    }

    fn end(&self) -> LinkError {
        if self.begun.is_none() && self.taken == self.ahead.len() { LinkError::Ended } else { LinkError::Cut }
    }
}
