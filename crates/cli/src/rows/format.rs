//! The file formats, told apart by suffix or by their first bytes.

use super::error::RowsError;

/// How rows are kept in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated values, with or without a header.
    Csv,
    /// The same, compressed with gzip.
    CsvGz,
    /// Apache Parquet.
    Parquet,
    /// One numpy array.
    Npy,
    /// Several numpy arrays under their names.
    Npz,
    /// One JSON value per line.
    JsonLines,
}

const SUFFIXES: [(&str, Format); 8] = [
    (".csv", Format::Csv),
    (".csv.gz", Format::CsvGz),
    (".parquet", Format::Parquet),
    (".npy", Format::Npy),
    (".npz", Format::Npz),
    (".jsonl", Format::JsonLines),
    (".ndjson", Format::JsonLines),
    (".json", Format::JsonLines),
];

impl Format {
    /// By the suffix of a file name, in small or capital letters.
    pub(crate) fn of_path(path: &str) -> Result<Self, RowsError> {
        let lower = path.to_ascii_lowercase();
        let known = SUFFIXES.iter().find(|(suffix, _)| lower.ends_with(suffix));
        known.map(|&(_, format)| format).ok_or_else(|| unknown(path))
    }

    /// By the first bytes of a stream. CSV has no sign of its own, so it is what nothing else is.
    pub(crate) fn sniff(start: &[u8]) -> Self {
        let signs: [(&[u8], Self); 5] = [
            (b"\x93NUMPY", Self::Npy),
            (b"PK\x03\x04", Self::Npz),
            (b"PK\x05\x06", Self::Npz),
            (b"PAR1", Self::Parquet),
            (b"\x1f\x8b", Self::CsvGz),
        ];
        if let Some((_, format)) = signs.iter().find(|(sign, _)| start.starts_with(sign)) {
            return *format;
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        if text.starts_with(b"{") || text.starts_with(b"[") { Self::JsonLines } else { Self::Csv }
    }

    /// What goes to standard output when this came in: several outputs do not fit into one `.npy`.
    pub(super) fn for_standard_output(self) -> Self {
        match self {
            Self::Npy => Self::Npz,
            Self::CsvGz => Self::Csv,
            other => other,
        }
    }
}

fn unknown(path: &str) -> RowsError {
    let known: Vec<_> = SUFFIXES.iter().map(|(suffix, _)| format!("`{suffix}`")).collect();
    let known = known.join(", ");
    RowsError::suffix(format!(
        "`{path}` has no suffix that names a format of rows. Known are {known}; \
         `-` reads standard input and writes standard output."
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn suffixes() {
        assert_eq!(Format::of_path("a/b.CSV").unwrap(), Format::Csv);
        assert_eq!(Format::of_path("b.csv.gz").unwrap(), Format::CsvGz);
        assert_eq!(Format::of_path("b.ndjson").unwrap(), Format::JsonLines);
        let error = Format::of_path("rows.xlsx").unwrap_err();
        assert!(error.is_usage() && error.code == "E111");
        for (suffix, _) in SUFFIXES {
            assert!(error.message.contains(suffix), "{suffix} is not listed");
        }
    }

    #[test]
    fn first_bytes() {
        assert_eq!(Format::sniff(b"\x93NUMPY\x01"), Format::Npy);
        assert_eq!(Format::sniff(b"PAR1...."), Format::Parquet);
        assert_eq!(Format::sniff(b"PK\x03\x04"), Format::Npz);
        assert_eq!(Format::sniff(b"\xef\xbb\xbf \n{\"a\":1}"), Format::JsonLines);
        assert_eq!(Format::sniff(b"[1,2]"), Format::JsonLines);
        assert_eq!(Format::sniff(b"a,b\n1,2"), Format::Csv);
        assert_eq!(Format::sniff(b""), Format::Csv);
    }
}
