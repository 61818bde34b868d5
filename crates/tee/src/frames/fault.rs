//! A refusal on the wire: always the same number of bytes, so that its length says nothing.

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose turn it is, as a number that [`Fault`]'s users agree on.
    pub blame: u8,
    /// Stable, as `E900`.
    pub code: [u8; 4],
    /// The sentence.
    pub message: String,
}

impl Fault {
    /// Bytes of every fault on the wire.
    pub const BYTES: usize = 1024;
    const LONGEST: usize = Self::BYTES - 7;

    /// The bytes that travel. A longer message is cut at a whole character.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let longest = self.message.len().min(Self::LONGEST);
        let end = (0..=longest).rev().find(|end| self.message.is_char_boundary(*end)).unwrap_or(0);
        let text = self.message.as_bytes().get(..end).unwrap_or_default();
        let length = u16::try_from(end).unwrap_or(0).to_le_bytes();
        let [c0, c1, c2, c3] = self.code;
        let mut out = [0; Self::BYTES];
        let head = [self.blame, c0, c1, c2, c3, length[0], length[1]];
        out.iter_mut().zip(head.iter().chain(text)).for_each(|(o, b)| *o = *b);
        out
    }

    /// Reads a fault; none if it is not one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        let ([blame, c0, c1, c2, c3, l0, l1], text) = bytes.split_first_chunk::<7>()?;
        let text = text.get(..usize::from(u16::from_le_bytes([*l0, *l1])))?;
        let message = std::str::from_utf8(text).ok()?.to_owned();
        Some(Self { blame: *blame, code: [*c0, *c1, *c2, *c3], message })
    }
}
