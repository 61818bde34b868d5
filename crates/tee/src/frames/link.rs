//! Both directions of the stream, shared by threads. Whoever waits for a reply reads the stream itself when nobody else does, so that
//! a single request costs no hand-over between threads; what it reads for others it hands to them.

use std::collections::{HashMap, VecDeque};
use std::io::{IoSlice, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::{Fault, Frame, FrameKind, Header, LinkError, Reader, Side};

/// Frames that are not replies and wait for a thread; a side that sends more at a time is cut off.
const WAITING: usize = 1 << 12;
/// How often a thread that only waits looks at the clock.
const GLANCE: Duration = Duration::from_secs(1);

/// Takes frames that are not replies, at once and without waiting for anything.
pub type Incoming = Box<dyn Fn(Frame) + Send + Sync>;

/// One side's end of the stream.
pub struct Link {
    side: Side,
    reader: Mutex<Reader<UnixStream>>,
    writer: Mutex<UnixStream>,
    state: Mutex<State>,
    incoming: Option<Incoming>,
}

#[derive(Default)]
struct State {
    /// Whether some thread reads the stream.
    reading: bool,
    last: u64,
    waiting: HashMap<u64, Waiting>,
    queue: VecDeque<Frame>,
    /// Threads that have nothing to do.
    idle: Vec<Thread>,
    ended: Option<LinkError>,
}

struct Waiting {
    thread: Thread,
    reply: Option<Frame>,
}

impl Link {
    /// This side's end. Frames that are not replies go to `incoming`, or wait for [`next`](Self::next) where there is none.
    pub fn new(stream: UnixStream, side: Side, incoming: Option<Incoming>) -> std::io::Result<Self> {
        let from = match side {
            Side::Host => Side::Enclave,
            Side::Enclave => Side::Host,
        };
        let reader = Mutex::new(Reader::new(stream.try_clone()?, from));
        Ok(Self { side, reader, writer: Mutex::new(stream), state: Mutex::default(), incoming })
    }

    /// Sends a frame and waits for its reply until `deadline`.
    pub fn ask(
        &self,
        kind: FrameKind,
        parts: &[&[u8]],
        deadline: Option<Instant>,
    ) -> Result<Frame, LinkError> {
        let id = {
            let mut state = lock(&self.state);
            if let Some(why) = &state.ended {
                return Err(why.clone());
            }
            state.last += 1;
            let id = state.last;
            state.waiting.insert(id, Waiting { thread: std::thread::current(), reply: None });
            id
        };
        let reply = self.send(kind, id, parts).and_then(|()| self.wait(id, deadline));
        lock(&self.state).waiting.remove(&id);
        reply
    }

    /// The next frame that is not a reply.
    pub fn next(&self) -> Result<Frame, LinkError> {
        loop {
            let mut state = lock(&self.state);
            if let Some(frame) = state.queue.pop_front() {
                return Ok(frame);
            }
            if let Some(why) = &state.ended {
                return Err(why.clone());
            }
            if !state.reading {
                return self.lead(state, None, None);
            }
            let me = std::thread::current();
            state.idle.push(me.clone());
            drop(state);
            std::thread::park();
            // Woken for an older reason, it may still stand in the list, where it would hide those who really have nothing to do.
            lock(&self.state).idle.retain(|thread| thread.id() != me.id());
        }
    }

    /// Sends a frame. A failure in the middle of one ends the link.
    pub fn send(&self, kind: FrameKind, id: u64, parts: &[&[u8]]) -> Result<(), LinkError> {
        debug_assert!(kind.is_sent_by(self.side));
        let header = Header::of(kind, id, parts)?;
        let mut slices = Vec::with_capacity(1 + parts.len());
        slices.push(IoSlice::new(&header));
        slices.extend(parts.iter().map(|part| IoSlice::new(part)));
        let sent = write_all(&lock(&self.writer), &mut slices);
        sent.inspect_err(|why| self.end(why.clone()))
    }

    /// Why the link has ended, if it has.
    pub fn ended(&self) -> Option<LinkError> {
        lock(&self.state).ended.clone()
    }

    /// Ends the link: whoever waits is told, and so is whoever asks from now on.
    pub fn end(&self, why: LinkError) {
        let mut state = lock(&self.state);
        state.ended.get_or_insert(why);
        state.idle.drain(..).for_each(|thread| thread.unpark());
        state.waiting.values().for_each(|waiting| waiting.thread.unpark());
    }

    /// The reply to `id`; reads the stream where nobody does.
    fn wait(&self, id: u64, deadline: Option<Instant>) -> Result<Frame, LinkError> {
        loop {
            let mut state = lock(&self.state);
            if let Some(reply) = state.waiting.get_mut(&id).and_then(|waiting| waiting.reply.take()) {
                return Ok(reply);
            }
            if let Some(why) = &state.ended {
                return Err(why.clone());
            }
            if !state.reading {
                return self.lead(state, Some(id), deadline);
            }
            drop(state);
            if deadline.is_some_and(|d| Instant::now() >= d) {
                return Err(LinkError::Late);
            }
            std::thread::park_timeout(GLANCE);
        }
    }

    /// Reads until a frame comes that is for this thread: the reply to `mine`, or without it anything that is not a reply. Then
    /// another thread reads on.
    fn lead(
        &self,
        mut state: MutexGuard<'_, State>,
        mine: Option<u64>,
        deadline: Option<Instant>,
    ) -> Result<Frame, LinkError> {
        state.reading = true;
        drop(state);
        let mut reader = lock(&self.reader);
        let got = loop {
            match reader.next(deadline).and_then(not_the_end) {
                Ok(frame) if frame.kind.is_reply() && Some(frame.id) != mine => self.hand_over(frame),
                Ok(frame) if !frame.kind.is_reply() && mine.is_some() => {
                    if let Err(why) = self.enqueue(frame) {
                        break Err(why);
                    }
                }
                other => break other,
            }
        };
        drop(reader);
        if let Err(why) = &got
            && *why != LinkError::Late
        {
            self.end(why.clone());
        }
        let mut state = lock(&self.state);
        state.reading = false;
        state.wake_a_reader(mine);
        got
    }

    fn hand_over(&self, frame: Frame) {
        let mut state = lock(&self.state);
        // A reply to nobody, or to one who no longer waits, is dropped.
        if let Some(waiting) = state.waiting.get_mut(&frame.id) {
            waiting.reply = Some(frame);
            waiting.thread.unpark();
        }
    }

    fn enqueue(&self, frame: Frame) -> Result<(), LinkError> {
        if let Some(incoming) = &self.incoming {
            incoming(frame);
            return Ok(());
        }
        let mut state = lock(&self.state);
        if state.queue.len() >= WAITING {
            return Err(LinkError::TooMany);
        }
        state.queue.push_back(frame);
        if let Some(thread) = state.idle.pop() {
            thread.unpark();
        }
        Ok(())
    }
}

impl State {
    /// Somebody who waits reads on, if anybody does.
    fn wake_a_reader(&mut self, not: Option<u64>) {
        if let Some(thread) = self.idle.pop() {
            thread.unpark();
        } else if let Some((_, waiting)) =
            self.waiting.iter().find(|(id, waiting)| Some(**id) != not && waiting.reply.is_none())
        {
            waiting.thread.unpark();
        }
    }
}

/// A refusal with the id 0 is the program's last word.
fn not_the_end(frame: Frame) -> Result<Frame, LinkError> {
    if frame.kind != FrameKind::Refused || frame.id != 0 {
        return Ok(frame);
    }
    Err(Fault::parse(&frame.payload).map_or(LinkError::Cut, LinkError::Stopped))
}

fn write_all(mut stream: &UnixStream, mut slices: &mut [IoSlice<'_>]) -> Result<(), LinkError> {
    while !slices.is_empty() {
        match stream.write_vectored(slices) {
            Ok(0) => return Err(LinkError::Ended),
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Err(LinkError::Late),
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Err(LinkError::Ended),
            Err(e) => return Err(LinkError::Failed(e.to_string())),
        }
    }
    Ok(())
}

/// A panic ends the measured program, and in the host nothing under a lock can panic.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
