#![allow(clippy::unwrap_used)]
use super::super::parquet_out;
use super::*;
use privet_model::tensor::{DataType, Tensor};

const SPECIAL: &[u8] = include_bytes!("../../tests/data/special.parquet");
const PLAIN: &[u8] = include_bytes!("../../tests/data/table-plain.parquet");
const GROUPS: &[u8] = include_bytes!("../../tests/data/table.parquet");
const BROTLI: &[u8] = include_bytes!("../../tests/data/refused-brotli.parquet");

fn port(name: &str, dtype: DataType) -> Port {
    Port { name: name.into(), dtype, width: 1, flat: false, dims: Vec::new(), columns: Vec::new() }
}

fn column(file: &'static [u8], name: &str, dtype: DataType) -> Result<Data, RowsError> {
    let content = read(Whole::Memory(file.into()), &[port(name, dtype)])?;
    Ok(content.tensors.into_iter().next().unwrap().data)
}

#[test]
fn unsigned_integers_and_text() {
    assert!(column(SPECIAL, "u4", DataType::Int64).unwrap() == Data::I64(vec![1, 4_294_967_295]));
    assert!(
        column(SPECIAL, "u8", DataType::Fp64).unwrap() == Data::F64(vec![1.0, 18_446_744_073_709_551_615.0])
    );
    assert!(column(SPECIAL, "words", DataType::Bytes).unwrap() == Data::Text(vec!["p".into(), "q".into()]));
    assert!(column(SPECIAL, "struct.x", DataType::Fp32).is_ok_and(|data| data.len() == 2));
    let Data::F32(numbers) = column(SPECIAL, "numbers", DataType::Fp32).unwrap() else { panic!() };
    assert!(numbers[0].to_bits() == 0.5f32.to_bits() && numbers[1].is_nan());
}

#[test]
fn numbers_that_stand_for_something_else_are_refused() {
    for (name, what) in
        [("money", "decimals"), ("small_money", "decimals"), ("day", "dates"), ("list.list.element", "lists")]
    {
        let error = column(SPECIAL, name, DataType::Fp32).err().unwrap();
        assert!(
            error.code == "E115" && error.message.contains(what) && error.message.contains(name),
            "{error}"
        );
    }
    assert!(column(BROTLI, "a", DataType::Fp32).err().unwrap().message.contains("brotli"));
}

#[test]
fn nulls_and_rows_beyond_the_first_group() {
    let error = column(GROUPS, "b", DataType::Int64).err().unwrap();
    assert!(error.message.contains("Row 1, column `b`") && error.message.contains("fraction"));
    let error = column(GROUPS, "a", DataType::Int64).err().unwrap();
    assert!(error.message.contains("Row 1"));
    let Data::F32(values) = column(GROUPS, "b", DataType::Fp32).unwrap() else { panic!() };
    assert!(values.len() == 5 && values[4].is_nan());
}

#[test]
fn a_row_in_a_later_group_is_counted_from_the_first() {
    let error = column(GROUPS, "city", DataType::Fp32).err().unwrap();
    assert!(error.message.contains("Row 1"));
    // Rows 1 to 2 hold 0 and 1; 255 is in the second group.
    let error = column(GROUPS, "u", DataType::Bool).err().unwrap();
    assert!(error.message.contains("Row 3, column `u`"), "{error}");
}

/// Each page header's unpacked size, and each number of values, becomes a huge number in turn.
#[test]
fn a_declared_size_allocates_nothing() {
    for place in 0..PLAIN.len() - 5 {
        for huge in [[0xfe, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x80, 0x80, 0x80, 0x0e]] {
            let mut bytes = PLAIN.to_vec();
            bytes[place..place + 5].copy_from_slice(&huge);
            let inputs = [port("a", DataType::Fp32), port("city", DataType::Bytes)];
            if let Ok(content) = read(Whole::Memory(bytes.into()), &inputs) {
                assert!(content.tensors.iter().all(|tensor| tensor.rows <= PLAIN.len()));
            }
        }
    }
}

#[test]
fn more_rows_than_one_group_come_back() {
    let rows = (1 << 18) + 3;
    let values: Vec<i64> = (0..rows).map(|row| i64::try_from(row).unwrap() * 7).collect();
    let outputs = [(port("n", DataType::Int64), Tensor::new(rows, 1, Data::I64(values.clone())).unwrap())];
    let mut bytes = Vec::new();
    parquet_out::write(&outputs, &mut bytes).unwrap();
    let content = read(Whole::Memory(bytes.into()), &[port("n", DataType::Int64)]).unwrap();
    assert!(content.tensors[0].data == Data::I64(values));
}
