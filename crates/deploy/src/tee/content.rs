//! What is inside a sealed message.
//!
//! | request | bytes | reply | bytes |
//! |---|---|---|---|
//! | version: 1 | 1 | 0: the answer | 1 |
//! | length of the token, and the token | 2, … | per output: length, values | 8, … |
//! | rows | 4 | or 1: refused; blame; code | 1, 1, 4 |
//! | per input: length, values | 8, … | the sentence | the rest |
//!
//! Numbers are little-endian, values as in an Open Inference call. A reply is padded for the largest answer that so many rows can
//! have, so that its size says nothing of what the answer is, or whether there is one.

use std::ops::Range;

use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

use privet_tee::channel::layout::{LENGTH, REQUEST_HEAD};
use privet_tee::channel::padding::bucket;
use privet_tee::hpke::TAG;
use privet_tee::token::LONGEST as LONGEST_TOKEN;

use crate::error::{Blame, Error, named_code};
use crate::tensors::{read, write};

const VERSION: u8 = 1;
const ANSWER: u8 = 0;
const REFUSED: u8 = 1;
/// Longest sentence of a refusal in a reply.
const SENTENCE: usize = 512;
/// Bytes of a request beside its token and its tensors: version, length of the token, rows.
const FIXED: usize = 1 + 2 + 4;

/// Rows, with what shows that their sender may ask.
pub struct Rows {
    /// One per input of the model.
    pub tensors: Vec<Tensor>,
    /// How many.
    pub rows: usize,
    /// The owner's token, where one came.
    pub token: Option<String>,
}

privet_ring::not_shown!(Rows);

impl Drop for Rows {
    fn drop(&mut self) {
        self.tensors.iter_mut().for_each(Tensor::wipe);
    }
}

/// Some rows that are asked about.
pub struct Asking<'a> {
    /// The model's inputs.
    pub ports: &'a [Port],
    /// One per input.
    pub tensors: &'a [Tensor],
    /// Which of their rows.
    pub rows: Range<usize>,
}

impl Asking<'_> {
    /// Bytes of the request.
    pub fn len(&self, token: Option<&str>) -> usize {
        let values = self.ports.iter().zip(self.tensors).map(|(p, t)| 8 + tensor_len(p.dtype, t, &self.rows));
        FIXED + token.map_or(0, str::len) + values.sum::<usize>()
    }

    /// Writes the request.
    pub fn write(&self, out: &mut Vec<u8>, token: Option<&str>) {
        let token = token.unwrap_or_default();
        out.push(VERSION);
        out.extend_from_slice(&u16::try_from(token.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(token.as_bytes());
        out.extend_from_slice(&u32::try_from(self.rows.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (port, tensor) in self.ports.iter().zip(self.tensors) {
            write_tensor(out, port, tensor, &self.rows);
        }
    }
}

/// Bytes of a sealed request for so many rows; texts are taken to have eight.
pub fn sealed_len(ports: &[Port], rows: usize) -> usize {
    let text = |port: &Port| if port.dtype == DataType::Bytes { 8 } else { 0 };
    let values = ports.iter().map(|p| 8 + rows * p.width * (value_len(p.dtype) + text(p)));
    REQUEST_HEAD + bucket(LENGTH + FIXED + values.sum::<usize>()) + TAG
}

fn tensor_len(dtype: DataType, tensor: &Tensor, rows: &Range<usize>) -> usize {
    match (&tensor.data, value_len(dtype)) {
        (Data::Text(texts), _) => {
            texts[rows.start * tensor.width..rows.end * tensor.width].iter().map(|t| 4 + t.len()).sum()
        }
        (_, size) => rows.len() * tensor.width * size,
    }
}

/// Bytes of one value; of a text, those of its length.
fn value_len(dtype: DataType) -> usize {
    match dtype {
        DataType::Bool => 1,
        DataType::Fp32 | DataType::Int32 | DataType::Bytes => 4,
        DataType::Fp64 | DataType::Int64 => 8,
    }
}

fn write_tensor(out: &mut Vec<u8>, port: &Port, tensor: &Tensor, rows: &Range<usize>) {
    out.extend_from_slice(&(tensor_len(port.dtype, tensor, rows) as u64).to_le_bytes());
    write(port, tensor, rows, out);
}

/// Reads a request. Nothing is allocated beyond what came.
pub fn read_request(content: &[u8], ports: &[Port]) -> Result<Rows, Error> {
    let malformed = || Error::usage("E360", "The sealed request is malformed; use a client of this version.");
    let mut reader = Reader(content);
    if reader.take::<1>() != Some([VERSION]) {
        return Err(malformed());
    }
    let length = usize::from(u16::from_le_bytes(reader.take().ok_or_else(malformed)?));
    let token = reader.bytes(length).filter(|_| length <= LONGEST_TOKEN).ok_or_else(malformed)?;
    let token = std::str::from_utf8(token).map_err(|_| malformed())?;
    let rows = u32::from_le_bytes(reader.take().ok_or_else(malformed)?) as usize;
    let tensors = read_tensors(&mut reader, ports, rows)?.ok_or_else(malformed)?;
    let token = (!token.is_empty()).then(|| token.to_owned());
    Ok(Rows { tensors, rows, token })
}

fn read_tensors(reader: &mut Reader<'_>, ports: &[Port], rows: usize) -> Result<Option<Vec<Tensor>>, Error> {
    let mut tensors = Vec::new();
    for port in ports {
        let length = reader.take().map(u64::from_le_bytes).and_then(|n| usize::try_from(n).ok());
        let Some(bytes) = length.and_then(|n| reader.bytes(n)) else { return Ok(None) };
        tensors.push(read(port, rows, bytes)?);
    }
    Ok(reader.0.is_empty().then_some(tensors))
}

/// Bytes that no reply for so many rows exceeds.
pub fn longest_reply(ports: &[Port], rows: usize, longest_text: usize) -> usize {
    let value = |port: &Port| match port.dtype {
        DataType::Bytes => 4 + longest_text,
        other => value_len(other),
    };
    let answer: usize = ports.iter().map(|p| 8 + rows.saturating_mul(p.width).saturating_mul(value(p))).sum();
    (1 + answer).max(1 + 1 + 4 + SENTENCE)
}

/// Writes a reply.
pub fn write_reply(out: &mut Vec<u8>, ports: &[Port], answer: &Result<Vec<Tensor>, Error>) {
    match answer {
        Ok(tensors) => {
            out.push(ANSWER);
            for (port, tensor) in ports.iter().zip(tensors) {
                write_tensor(out, port, tensor, &(0..tensor.rows));
            }
        }
        Err(error) => {
            out.extend_from_slice(&[REFUSED, error.blame.exit_code()]);
            out.extend_from_slice(error.code.as_bytes().first_chunk::<4>().unwrap_or(b"E900"));
            out.extend_from_slice(prefix(&error.message, SENTENCE).as_bytes());
        }
    }
}

/// What a reply says, for so many rows.
pub fn read_reply(content: &[u8], ports: &[Port], rows: usize) -> Result<Vec<Tensor>, Error> {
    let malformed = || Error::integrity("E510", "The enclave's answer is malformed. No answer was released.");
    let mut reader = Reader(content);
    match reader.take::<1>() {
        Some([ANSWER]) => read_tensors(&mut reader, ports, rows)?.ok_or_else(malformed),
        Some([REFUSED]) => {
            let ([blame], code) = reader.take::<1>().zip(reader.take::<4>()).ok_or_else(malformed)?;
            Err(Error::new(blame_of(blame), code_of(code), String::from_utf8_lossy(reader.0)))
        }
        _ => Err(malformed()),
    }
}

fn blame_of(exit_code: u8) -> Blame {
    match exit_code {
        2 => Blame::Usage,
        3 => Blame::Refused,
        4 => Blame::Unreachable,
        5 => Blame::Integrity,
        _ => Blame::Ours,
    }
}

/// The code; a strange one is ours to look into.
fn code_of(code: [u8; 4]) -> &'static str {
    std::str::from_utf8(&code).ok().and_then(named_code).unwrap_or("E900")
}

/// The start of `text`, at most so many bytes, whole characters.
fn prefix(text: &str, longest: usize) -> &str {
    let end = (0..=longest.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
