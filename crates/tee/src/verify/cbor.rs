//! CBOR (RFC 8949), as much as signed documents need and no more: shortest heads only, no floating point, nothing nested that the
//! caller does not read by name. There is no recursion, and a length only ever cuts what is there.

/// Reads from the front.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// Major types.
const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

const NULL: u8 = 0xF6;
const BREAK: u8 = 0xFF;
const INDEFINITE_MAP: u8 = 0xBF;

/// How many entries a map has.
#[derive(Clone, Copy)]
pub(super) enum Entries {
    /// So many.
    Exactly(usize),
    /// Until a break.
    UntilBreak,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes this byte, if it is the next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn cut(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (front, rest) = self.rest.split_at_checked(length).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(front)
    }

    /// The argument of a head of this major type.
    fn head(&mut self, major: u8, what: &str) -> Result<u64, String> {
        let first = self.cut(1)?.first().copied().unwrap_or(BREAK);
        if first >> 5 != major {
            return Err(format!("{what} has another type than expected"));
        }
        let small = first & 0x1F;
        let width = match small {
            0..=23 => return Ok(u64::from(small)),
            24..=27 => 1 << (small - 24),
            _ => return Err(format!("{what} has an indefinite length")),
        };
        let value = self.cut(width)?.iter().fold(0, |n, &b| n << 8 | u64::from(b));
        // The least that needs a head of this width.
        let least = if width == 1 { 24 } else { 1 << (4 * width) };
        if value < least {
            return Err(format!("{what} is not written in its shortest form"));
        }
        Ok(value)
    }

    fn length(&mut self, major: u8, what: &str, most: usize) -> Result<usize, String> {
        let length = self.head(major, what)?;
        let short = usize::try_from(length).ok().filter(|&l| l <= most);
        short.ok_or_else(|| format!("{what} has length {length}, at most {most} is read"))
    }

    pub(super) fn number(&mut self, what: &str) -> Result<u64, String> {
        self.head(UNSIGNED, what)
    }

    pub(super) fn bytes(&mut self, what: &str, most: usize) -> Result<&'a [u8], String> {
        let length = self.length(BYTES, what, most)?;
        self.cut(length)
    }

    /// Bytes, or `null`.
    pub(super) fn bytes_or_null(&mut self, what: &str, most: usize) -> Result<Option<&'a [u8]>, String> {
        if self.take(NULL) { Ok(None) } else { self.bytes(what, most).map(Some) }
    }

    pub(super) fn text(&mut self, what: &str, most: usize) -> Result<&'a str, String> {
        let length = self.length(TEXT, what, most)?;
        std::str::from_utf8(self.cut(length)?).map_err(|_| format!("{what} is no UTF-8"))
    }

    pub(super) fn array(&mut self, what: &str, most: usize) -> Result<usize, String> {
        self.length(ARRAY, what, most)
    }

    /// A map of a definite length.
    pub(super) fn map(&mut self, what: &str, most: usize) -> Result<usize, String> {
        self.length(MAP, what, most)
    }

    /// A map, of an indefinite length too.
    pub(super) fn any_map(&mut self, what: &str, most: usize) -> Result<Entries, String> {
        if self.take(INDEFINITE_MAP) {
            Ok(Entries::UntilBreak)
        } else {
            self.map(what, most).map(Entries::Exactly)
        }
    }

    /// Whether the map ends here, after `seen` entries.
    pub(super) fn ends(&mut self, entries: Entries, seen: usize) -> bool {
        match entries {
            Entries::Exactly(count) => seen >= count,
            Entries::UntilBreak => self.take(BREAK),
        }
    }
}

/// The head of a byte string of this length, in its shortest form.
pub(super) fn bytes_head(length: usize) -> Vec<u8> {
    let be = (length as u64).to_be_bytes();
    match length {
        0..=23 => vec![BYTES << 5 | be[7]],
        24..=0xFF => vec![BYTES << 5 | 0x18, be[7]],
        0x100..=0xFFFF => vec![BYTES << 5 | 0x19, be[6], be[7]],
        _ => vec![BYTES << 5 | 0x1A, be[4], be[5], be[6], be[7]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n08_only_shortest_forms_are_read() {
        for (bytes, value) in [
            (&[0x17][..], Some(23)),
            (&[0x18, 24], Some(24)),
            (&[0x18, 23], None),
            (&[0x19, 1, 0], Some(256)),
            (&[0x19, 0, 255], None),
            (&[0x1A, 0, 1, 0, 0], Some(65_536)),
            (&[0x1A, 0, 0, 255, 255], None),
            (&[0x1B, 0, 0, 0, 1, 0, 0, 0, 0], Some(1 << 32)),
            (&[0x1B, 0, 0, 0, 0, 255, 255, 255, 255], None),
            (&[0x1C], None),
            (&[0x1F], None),
            (&[0x20], None),
            (&[0x19, 1], None),
        ] {
            assert_eq!(Reader::new(bytes).number("a number").ok(), value, "{bytes:02x?}");
        }
    }

    #[test]
    fn n05_lengths_cut_only_what_is_there() {
        for head in
            [&[0x5B, 255, 255, 255, 255, 255, 255, 255, 255][..], &[0x58, 200], &[0x5F], &[0x7F], &[0x41]]
        {
            let mut reader = Reader::new(head);
            assert!(reader.bytes("bytes", usize::MAX).is_err(), "{head:02x?}");
        }
        assert!(Reader::new(&[0x43, 1, 2, 3]).bytes("bytes", 2).is_err());
        assert_eq!(Reader::new(&[0x43, 1, 2, 3]).bytes("bytes", 3), Ok(&[1, 2, 3][..]));
    }

    #[test]
    fn heads_are_written_as_they_are_read() {
        for length in [0, 23, 24, 255, 256, 65_535, 65_536, 100_000] {
            let bytes = [bytes_head(length), vec![7; length]].concat();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.bytes("bytes", length).map(<[u8]>::len), Ok(length));
            assert!(reader.is_empty());
        }
    }
}
