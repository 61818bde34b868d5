//! Arrays of `.npz` files: float32, float64, int32, int64 and bool.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// An array's shape and values.
pub struct Array {
    pub dims: Vec<usize>,
    pub values: Vec<f64>,
}

/// All arrays, by name.
pub fn arrays(file: &[u8]) -> BTreeMap<String, Array> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let count = archive.len();
    let array = |at: usize| {
        let (mut entry, mut bytes) = (archive.by_index(at).unwrap(), Vec::new());
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().unwrap().trim_end_matches(".npy").to_owned(), npy(&bytes))
    };
    (0..count).map(array).collect()
}

fn npy(bytes: &[u8]) -> Array {
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, data) = bytes[10..].split_at(length);
    let header = std::str::from_utf8(header).unwrap();
    let after = |key: &str| header.split(key).nth(1).unwrap();
    let shape = after("'shape': (").split(')').next().unwrap();
    let dims = shape.split(',').filter_map(|d| d.trim().parse().ok()).collect();
    assert!(header.contains("'fortran_order': False"));
    let values = match after("'descr': '").split('\'').next().unwrap() {
        "<f4" => data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect(),
        "<f8" => data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
        "<i4" => data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b).into()).collect(),
        "<i8" => data.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
        "|b1" => data.iter().map(|&b| f64::from(b)).collect(),
        other => panic!("{other}"),
    };
    Array { dims, values }
}
