//! One running program, and the stream to it.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use privet_deploy::{Blame, Error};
use privet_tee::frames::{Fault, Frame, FrameKind, Link, LinkError, Side};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_socket_send_buffer_size_force};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{Image, Relay};

/// What the kernel holds of a message before the other side reads it.
const SOCKET_BUFFER: usize = 4 << 20;
/// How often a wait for the program looks at its own deadline.
const GLANCE: Duration = Duration::from_secs(1);
/// A program that takes nothing for so long is not going to.
const STUCK: Duration = Duration::from_secs(30);

/// A program that runs with nothing but one end of a stream, as its descriptor 0. It ends with this value.
pub struct Running {
    link: Arc<Link>,
    child: Mutex<Child>,
    pid: u32,
}

impl Running {
    /// Runs the image; `relay` carries its messages to the owner's key service.
    pub fn launch(image: &Image, relay: Relay) -> Result<Self, Error> {
        Self::launched(image, relay).map_err(|e| {
            Error::new(Blame::Ours, "E371", format!("The enclave's program cannot be started: {e}."))
        })
    }

    fn launched(image: &Image, relay: Relay) -> std::io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        for end in [&ours, &theirs] {
            if set_socket_send_buffer_size_force(end, SOCKET_BUFFER).is_err() {
                set_socket_send_buffer_size(end, SOCKET_BUFFER)?;
            }
        }
        ours.set_read_timeout(Some(GLANCE))?;
        ours.set_write_timeout(Some(STUCK))?;
        let (to_relay, asked) = channel();
        let incoming = Box::new(move |frame| drop(to_relay.send(frame)));
        let link = Arc::new(Link::new(ours, Side::Host, Some(incoming))?);
        let weak = Arc::downgrade(&link);
        let name = std::thread::Builder::new().name("enclave relay".into());
        name.spawn(move || carry(&asked, &weak, &relay))?;
        let child = Command::new(image.path())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = child.id();
        Ok(Self { link, child: Mutex::new(child), pid })
    }

    /// The stream to it.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Its process, which may have put the program into a child of its own.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. Until then it can be killed by other threads.
    pub fn wait(&self) -> Option<ExitStatus> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw)?;
        // The process is left to be collected under the lock, so that nobody kills another one of the same number.
        while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|e| e == rustix::io::Errno::INTR)
        {}
        let status = lock(&self.child).wait().ok();
        self.link.end(LinkError::Ended);
        status
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.link.end(LinkError::Ended);
        // It has ended already, or cannot be reached any more; either is what was wanted.
        let _ = lock(&self.child).kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        let _ = lock(&self.child).wait();
    }
}

/// Carries the program's messages to the owner's key service and back, one at a time.
fn carry(asked: &Receiver<Frame>, link: &Weak<Link>, relay: &Relay) {
    while let Ok(frame) = asked.recv() {
        let reply = relay(&frame.payload);
        let Some(link) = link.upgrade() else { return };
        // Where the link has ended, whoever waits on it has been told.
        let _ = match reply {
            Ok(reply) => link.send(FrameKind::Relayed, frame.id, &[&reply]),
            Err(error) => link.send(FrameKind::Refused, frame.id, &[&Fault::from(&error).to_bytes()]),
        };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
