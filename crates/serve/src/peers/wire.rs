//! A TLS connection on a blocking socket, read in large pieces.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};

use super::SILENCE;
use super::frame::{HEAD, Head};

/// What is read from a socket at a time: TLS by itself asks for a quarter of one record.
const AT_ONCE: usize = 128 << 10;
/// The most plaintext of a TLS record.
const RECORD: usize = 16 << 10;

/// A blocking socket under TLS.
pub(super) struct Wire {
    reading: BufReader<TcpStream>,
    writing: TcpStream,
}

impl Wire {
    /// Small messages are waited for, and a peer that takes or says nothing for too long is as good as gone.
    pub(super) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(SILENCE))?;
        socket.set_write_timeout(Some(SILENCE))?;
        let writing = socket.try_clone()?;
        Ok(Self { reading: BufReader::with_capacity(AT_ONCE, socket), writing })
    }

    /// Another handle of the socket, to end it by.
    pub(super) fn handle(&self) -> io::Result<TcpStream> {
        self.writing.try_clone()
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reading.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writing.write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.writing.write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The connection out.
pub(super) type Outgoing = StreamOwned<ClientConnection, Wire>;

/// Writes frames.
pub(super) struct Writer {
    /// The connection's number.
    pub(super) id: u64,
    pub(super) stream: Outgoing,
    pub(super) first: Vec<u8>,
}

impl Writer {
    pub(super) fn new(stream: Outgoing) -> Self {
        Self { id: 0, stream, first: Vec::with_capacity(RECORD) }
    }

    pub(super) fn frame(&mut self, head: Head, body: &[u8]) -> io::Result<()> {
        write_frame(&mut self.stream, &mut self.first, head, body)
    }
}

/// A frame whose beginning fills one record, so that a small one is one packet.
pub(super) fn write_frame(
    stream: &mut impl Write,
    first: &mut Vec<u8>,
    head: Head,
    body: &[u8],
) -> io::Result<()> {
    let (with_head, rest) = body.split_at(body.len().min(RECORD - HEAD));
    first.clear();
    first.extend_from_slice(&head.to_bytes());
    first.extend_from_slice(with_head);
    stream.write_all(first)?;
    stream.write_all(rest)?;
    stream.flush()
}

/// Why a connection ended, in words.
pub(super) fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("it said nothing for {} s", SILENCE.as_secs())
        }
        io::ErrorKind::UnexpectedEof => "it closed the connection".into(),
        _ => error.to_string(),
    }
}
