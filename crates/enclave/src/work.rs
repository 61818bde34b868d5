//! Frames in, frames out: each thread reads a request, answers it, and reads again.

use std::sync::Arc;
use std::time::Instant;

use privet_deploy::tee::enclave::{Enclave, Relay};
use privet_deploy::{Blame, Error};
use privet_tee::frames::{Fault, FrameKind, Link, LinkError};

/// Works until the link ends, and with it the program.
pub(crate) fn work(link: &Link, enclave: &Enclave) {
    while let Ok(frame) = link.next() {
        let id = frame.id;
        let sent = match frame.kind {
            FrameKind::Call => match enclave.call(frame.payload) {
                Ok(reply) => link.send(FrameKind::Reply, id, &[&reply]),
                Err(error) => refuse(link, id, &error),
            },
            FrameKind::Ask => match enclave.evidence(&frame.payload, Instant::now()) {
                Ok((key, evidence)) => link.send(FrameKind::Evidence, id, &[&key, &evidence]),
                Err(error) => refuse(link, id, &error),
            },
            // A second start, or what only an enclave sends: this host does not keep to the order of things.
            other => Err(LinkError::UnknownKind(other.into())),
        };
        if let Err(why) = sent {
            link.end(why);
        }
    }
    #[expect(clippy::exit, reason = "the host has ended, and no thread has anything left to do")]
    std::process::exit(0);
}

/// Says why there is no reply.
pub(crate) fn refuse(link: &Link, id: u64, error: &Error) -> Result<(), LinkError> {
    link.send(FrameKind::Refused, id, &[&Fault::from(error).to_bytes()])
}

/// The owner's key service, at the other end of a way that leads through the host.
pub(crate) struct Relayed(pub(crate) Arc<Link>);

impl Relay for Relayed {
    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let lost = |why: &dyn std::fmt::Display| {
            let text = format!("The owner's key service cannot be reached through the host: {why}.");
            Error::new(Blame::Unreachable, "E375", text)
        };
        let frame = self.0.ask(FrameKind::Relay, &[message], None).map_err(|e| lost(&e))?;
        match frame.kind {
            FrameKind::Relayed => Ok(frame.payload),
            _ => Err(Fault::parse(&frame.payload).map_or_else(|| lost(&"no reason was given"), Error::from)),
        }
    }
}
