//! The connection out: to the holder of the peer's key, who has the same bundle.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use privet_deploy::{Blame, Error};
use privet_mpc::role::Role;
use privet_tee::statement::hex;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::frame::{Purpose, REPLY, Verdict, hello};
use super::wire::{Outgoing, Wire, why};
use super::{Identity, Side, tls};
use crate::link::{server_name, unreachable, untrusted};

/// How long a connection may take. The system asks again ever later where the network swallows what is sent; a new try asks at once.
const CONNECT: Duration = Duration::from_secs(1);

/// A peer, and how to know it.
pub(super) struct Target {
    me: Role,
    who: String,
    address: String,
    server: ServerName<'static>,
    tls: Arc<ClientConfig>,
    bundle: [u8; 32],
}

impl Target {
    pub(super) fn new(identity: &Identity<'_>, side: Side, address: &str) -> Result<Self, Error> {
        let peer = side.role(identity.me).index();
        let pin = identity.parties.get(peer);
        let pin = pin.ok_or_else(|| Error::refused("E230", "The bundle does not name three parties."))?;
        let who = format!("{} (party {peer})", pin.name());
        let server = server_name(&who, address)?;
        let tls = Arc::new(tls::client(identity.key, identity.certificate, pin)?);
        Ok(Self { me: identity.me, who, address: address.into(), server, tls, bundle: identity.bundle })
    }

    /// What errors call it.
    pub(super) fn who(&self) -> &str {
        &self.who
    }

    /// Connects, and is welcome.
    pub(super) fn dial(&self, purpose: Purpose) -> Result<Outgoing, Error> {
        let socket = self.socket().map_err(|e| self.unreachable(&e))?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), self.server.clone());
        let connection = connection.map_err(|e| self.unreachable(&io::Error::other(e)))?;
        let wire = Wire::new(socket).map_err(|e| self.unreachable(&e))?;
        let mut stream = StreamOwned::new(connection, wire);
        match self.greet(&mut stream, purpose).map_err(|e| self.untrusted(&e))? {
            Verdict::Welcome => Ok(stream),
            refusal => Err(self.refused(refusal)),
        }
    }

    fn socket(&self) -> io::Result<TcpStream> {
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(socket) => return Ok(socket),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn greet(&self, stream: &mut Outgoing, purpose: Purpose) -> io::Result<Verdict> {
        stream.write_all(&hello(purpose, self.me, &self.bundle))?;
        stream.flush()?;
        let mut reply = [0; REPLY];
        stream.read_exact(&mut reply)?;
        Verdict::parse(&reply).ok_or_else(|| io::Error::other("its greeting is not one of a party"))
    }

    pub(super) fn unreachable(&self, error: &io::Error) -> Error {
        unreachable(&self.who, &self.address, &error.kind().to_string())
    }

    /// What came instead of a greeting.
    fn untrusted(&self, error: &io::Error) -> Error {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (who, address) = (&self.who, &self.address);
        let (blame, what) = match inner {
            Some(rustls::Error::InvalidCertificate(problem)) => return untrusted(who, address, problem),
            Some(rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol)) => {
                (Blame::Usage, "it is no party's server. Check the address in `[peers]`".to_owned())
            }
            Some(rustls::Error::AlertReceived(alert)) => (
                Blame::Integrity,
                format!(
                    "it does not accept this machine's key ({alert:?}). Compare the bundle's keys with its log"
                ),
            ),
            _ => return unreachable(who, address, &why(error)),
        };
        Error::new(blame, "E321", format!("`{who}` at {address} refuses the connection: {what}."))
    }

    fn refused(&self, verdict: Verdict) -> Error {
        let what = match verdict {
            Verdict::AnotherBundle(theirs) => format!(
                "it serves bundle {}…, this party {}…. Give both parties their halves of the same bundle",
                hex(&theirs[..4]),
                hex(&self.bundle[..4])
            ),
            Verdict::AnotherRole => "it knows this machine's key as another party's".to_owned(),
            Verdict::NotNow | Verdict::Welcome => {
                "its program needs no peers, or it is being measured by somebody else. Check its `[peers]`, or try again"
                    .to_owned()
            }
        };
        Error::refused("E322", format!("`{}` at {} refuses the connection: {what}.", self.who, self.address))
    }
}
