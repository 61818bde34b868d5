//! Reading fixed structures from the front of bytes: a length only ever cuts what is there.

/// Reads from the front.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn cut(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (front, rest) = self.0.split_at_checked(length).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(front)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (front, rest) = self.0.split_first_chunk::<N>().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(*front)
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[b]| b)
    }
}
