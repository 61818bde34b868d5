//! Files of rows. They belong to the command line's program, whose sources are compiled in here.

#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "../../../crates/cli/src/rows/mod.rs"]
mod cli;

use std::sync::LazyLock;

use privet_model::graph::Port;
use privet_model::tensor::DataType;
use tempfile::TempDir;

use super::world::{made, port};
use crate::seeds;
use crate::target::Target;

pub(super) const TARGETS: &[Target] = &[
    Target::new(
        "rows_csv",
        |bytes| rows(bytes, ".csv"),
        || {
            let more: [&[u8]; 2] = [b"1;2;3\n4;5;6\n", b"\xef\xbb\xbfa\tb\tn\n1\t2\t3\n"];
            files(".csv").into_iter().chain(more.map(Vec::from)).collect()
        },
    )
    .with_memory(8, 256),
    Target::new("rows_csv_gz", |bytes| rows(bytes, ".csv.gz"), || files(".csv.gz"))
        .with_memory(UNPACKED, 256),
    Target::new("rows_json", |bytes| rows(bytes, ".jsonl"), || files(".jsonl")).with_memory(8, 256),
    Target::new("rows_npy", |bytes| rows(bytes, ".npy"), || files(".npy")).with_memory(8, 64),
    Target::new("rows_npz", |bytes| rows(bytes, ".npz"), || files(".npz")).with_memory(UNPACKED, 64),
    Target::new("rows_parquet", |bytes| rows(bytes, ".parquet"), || files(".parquet"))
        .with_memory(UNPACKED, 256),
];

/// MiB that packed files may take: the fuzzer lets them unpack to 8 MiB, and a value of text in 8 bytes takes 32 here.
const UNPACKED: usize = 128;

fn files(ending: &str) -> Vec<Vec<u8>> {
    seeds::files(&["crates/cli/tests/data"], ending)
}

/// A model of numbers, and one of everything; with the columns of the files above.
fn models() -> [Vec<Port>; 2] {
    let columns = ["a", "b"].map(str::to_owned).to_vec();
    let x = Port { columns, ..port("x", DataType::Fp32, 2) };
    let more = [
        ("flag", DataType::Bool),
        ("n", DataType::Int32),
        ("id", DataType::Int64),
        ("city", DataType::Bytes),
    ];
    let more = more.map(|(name, dtype)| port(name, dtype, 1));
    [vec![x.clone()], std::iter::once(x).chain(more).collect()]
}

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| made(TempDir::new()));

/// The bytes as a file with this suffix, which may hold columns by name, in order, or whole inputs.
fn rows(bytes: &[u8], suffix: &str) {
    let path = FOLDER.path().join(format!("rows-{:?}{suffix}", std::thread::current().id()));
    made(std::fs::write(&path, bytes));
    let path = path.to_string_lossy();
    for ports in models() {
        let Ok(read) = cli::read(&path, &ports) else { continue };
        assert_eq!(read.tensors.len(), ports.len(), "an input is missing");
        let rows = read.tensors[0].rows;
        for (tensor, port) in read.tensors.iter().zip(&ports) {
            assert!(tensor.rows == rows && tensor.width == port.width, "`{}` has another shape", port.name);
            assert_eq!(tensor.data.len(), rows * port.width, "`{}` has another size", port.name);
        }
    }
    let _ = cli::labels(&path, "a");
}
