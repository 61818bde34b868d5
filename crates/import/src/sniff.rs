//! Which kind of file some bytes are, from their first few.

use privet_model::Refusal;

/// The kinds of model files that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// No bytes at all.
    Empty,
    /// ONNX.
    Onnx,
    /// `TensorFlow` Lite.
    TfLite,
    /// A `TensorFlow` graph, frozen or not.
    TensorFlowGraph,
    /// The `saved_model.pb` of a `TensorFlow` `SavedModel`.
    SavedModel,
    /// HDF5, as Keras writes it.
    Hdf5,
    /// A zip archive: `.keras`, `.pt`, `.npz`.
    Zip,
    /// A Python pickle.
    Pickle,
    /// JSON, as `XGBoost` writes it.
    Json,
    /// `LightGBM`'s text file.
    LightGbm,
    /// None of these.
    Unknown,
}

/// What each format begins with. `None` stands for any byte.
const MAGIC: &[(&[Option<u8>], Format)] = &[
    (&[None, None, None, None, Some(b'T'), Some(b'F'), Some(b'L'), Some(b'3')], Format::TfLite),
    (&[Some(0x89), Some(b'H'), Some(b'D'), Some(b'F')], Format::Hdf5),
    (&[Some(b'P'), Some(b'K'), Some(3), Some(4)], Format::Zip),
    (&[Some(b't'), Some(b'r'), Some(b'e'), Some(b'e'), Some(b'\n')], Format::LightGbm),
    // SavedModel: schema version 1, then a length-delimited field 2. ONNX never had a version 1 in use.
    (&[Some(0x08), Some(0x01), Some(0x12)], Format::SavedModel),
    // GraphDef: field 1 is a node. In ONNX field 1 is a number.
    (&[Some(0x0a)], Format::TensorFlowGraph),
    (&[Some(b'{')], Format::Json),
];

/// The first bytes of an ONNX file: the key of one of its top-level fields 1 to 8, with that field's wire type.
const ONNX_KEYS: [u8; 8] = [0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42];

/// No ONNX file has had a greater version of its container.
const LAST_IR_VERSION: u8 = 31;

/// What kind of file this looks like. Says nothing about whether it is whole.
pub fn sniff(bytes: &[u8]) -> Format {
    let Some(&first) = bytes.first() else { return Format::Empty };
    if let Some((_, format)) = MAGIC.iter().find(|(magic, _)| begins(bytes, magic)) {
        return *format;
    }
    let second = bytes.get(1).copied().unwrap_or_default();
    match first {
        0x08 if second > LAST_IR_VERSION => Format::Unknown,
        // A pickle names its protocol, then (from protocol 4 on) a frame; older ones go on with an opcode.
        0x80 if (2..=5).contains(&second) => Format::Pickle,
        _ if ONNX_KEYS.contains(&first) => Format::Onnx,
        _ => Format::Unknown,
    }
}

fn begins(bytes: &[u8], magic: &[Option<u8>]) -> bool {
    bytes.len() >= magic.len() && magic.iter().zip(bytes).all(|(m, b)| m.is_none_or(|m| m == *b))
}

impl Format {
    /// Why a file of this kind is not read, and what to do.
    pub(crate) fn refusal(self) -> Refusal {
        let what = match self {
            Self::Empty => "The model file is empty (0 bytes)".into(),
            Self::Unknown => "The file has none of the known model formats".into(),
            other => format!("The file is {}, which is not read", other.named()),
        };
        let expected =
            "export the model as ONNX, as a TensorFlow SavedModel or frozen graph, or for TensorFlow Lite.";
        Refusal::new("E202", format!("{what}; {expected}"))
    }

    /// Its name in a sentence.
    pub fn named(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Onnx => "ONNX",
            Self::TfLite => "a TensorFlow Lite model",
            Self::TensorFlowGraph => "a TensorFlow graph (GraphDef)",
            Self::SavedModel => "a TensorFlow SavedModel",
            Self::Hdf5 => "an HDF5 file (Keras)",
            Self::Zip => "a zip archive (as `.keras` or `.pt` files are)",
            Self::Pickle => "a Python pickle",
            Self::Json => "JSON (as XGBoost writes it)",
            Self::LightGbm => "a LightGBM text file",
            Self::Unknown => "of an unknown format",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_formats_apart_by_their_first_bytes() {
        let cases: [(&[u8], Format); 12] = [
            (b"", Format::Empty),
            (b"\x08\x08\x12\x04", Format::Onnx),
            (b"\x3a\x10", Format::Onnx),
            (b"\x1c\0\0\0TFL3\x14\0", Format::TfLite),
            (b"\x0a\x2f\x0a", Format::TensorFlowGraph),
            (b"\x08\x01\x12\xff", Format::SavedModel),
            (b"\x89HDF\r\n", Format::Hdf5),
            (b"PK\x03\x04", Format::Zip),
            (b"\x80\x04\x95", Format::Pickle),
            (b"{\"learner\":", Format::Json),
            (b"tree\nversion=v4", Format::LightGbm),
            (b"\xff\xfe", Format::Unknown),
        ];
        for (bytes, format) in cases {
            assert_eq!(sniff(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (format, word) in [(Format::Hdf5, "Keras"), (Format::Pickle, "pickle"), (Format::Empty, "empty")]
        {
            let message = format.refusal().message;
            assert!(message.contains(word) && message.contains("export the model as ONNX"), "{message}");
        }
    }
}
