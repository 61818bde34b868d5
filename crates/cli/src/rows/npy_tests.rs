#![allow(clippy::unwrap_used)]
use super::super::npy_out::encode;
use super::*;
use privet_model::graph::Port;
use privet_model::tensor::{DataType, Tensor};
use proptest::prelude::*;

fn port(dtype: DataType, width: usize, flat: bool) -> Port {
    Port { name: "x".into(), dtype, width, flat, dims: Vec::new(), columns: Vec::new() }
}

fn written(dtype: DataType, width: usize, data: Data) -> Vec<u8> {
    let rows = data.len() / width;
    encode(&port(dtype, width, false), &Tensor::new(rows, width, data).unwrap())
}

fn failure(bytes: &[u8]) -> RowsError {
    decode(bytes, Some(bytes.len() as u64)).err().unwrap()
}

#[test]
fn values_begin_at_a_multiple_of_64() {
    let bytes = written(DataType::Fp32, 3, Data::F32(vec![1.0; 6]));
    assert_eq!((bytes.len() - 24) % 64, 0);
}

#[test]
fn what_is_declared_must_be_there() {
    let bytes = written(DataType::Fp32, 3, Data::F32(vec![1.0; 6]));
    for cut in 0..bytes.len() {
        assert_eq!(failure(&bytes[..cut]).code, "E113", "cut at {cut}");
        assert_eq!(decode(&bytes[..cut], None).err().unwrap().code, "E113", "cut at {cut}");
    }
    assert!(failure(&[bytes.as_slice(), &[0]].concat()).message.contains("more bytes"));
}

#[test]
fn a_declared_size_allocates_nothing() {
    let text = String::from_utf8_lossy(&written(DataType::Fp32, 3, Data::F32(vec![]))[10..]).into_owned();
    for shape in ["(1000000000, 1)", "(99999999999, 99999999999, 99999999999)", "(4611686018427387904, 4)"] {
        let literal = text.replace("(0, 3)", shape);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(literal.len()).unwrap().to_le_bytes());
        bytes.extend(literal.bytes());
        assert_eq!(failure(&bytes).code, "E113");
        assert_eq!(decode(bytes.as_slice(), None).err().unwrap().code, "E113");
    }
}

#[test]
fn fortran_order_is_transposed() {
    let bytes = written(DataType::Int64, 3, Data::I64(vec![1, 4, 2, 5, 3, 6]));
    let text = String::from_utf8_lossy(&bytes[..128]).replace("False", "True ");
    let mut fortran = bytes.clone();
    let at = text.find("True").unwrap() - (text.len() - 128);
    fortran[at..at + 5].copy_from_slice(b"True ");
    let array = decode(fortran.as_slice(), None).unwrap();
    assert!(array.data == Data::I64(vec![1, 2, 3, 4, 5, 6]));
    assert_eq!(array.shape, [2, 3]);
}

proptest! {
    #[test]
    fn numbers_come_back(values in prop::collection::vec(any::<u64>(), 0..40)) {
        let floats: Vec<f64> = values.iter().map(|&bits| f64::from_bits(bits)).collect();
        let array = decode(written(DataType::Fp64, 1, Data::F64(floats)).as_slice(), None).unwrap();
        let Data::F64(back) = array.data else { panic!() };
        prop_assert_eq!(back.into_iter().map(f64::to_bits).collect::<Vec<_>>(), values);
    }

    #[test]
    fn all_integers_come_back(values in prop::collection::vec(any::<bool>(), 1..40), negative: i32) {
        let bits: Vec<i64> = values.iter().map(|&value| value.into()).collect();
        let ints: Vec<i64> = bits.iter().map(|&bit| bit * i64::from(negative)).collect();
        let small = ints.clone();
        for (dtype, data) in [(DataType::Bool, bits), (DataType::Int32, small), (DataType::Int64, ints)] {
            let back = decode(written(dtype, 1, Data::I64(data.clone())).as_slice(), None).unwrap();
            prop_assert!(back.data == Data::I64(data));
        }
    }

    #[test]
    fn text_comes_back(values in prop::collection::vec("[a-zé€😀 ]{0,9}", 1..20)) {
        let array = decode(written(DataType::Bytes, 1, Data::Text(values.clone())).as_slice(), None).unwrap();
        prop_assert!(array.data == Data::Text(values));
    }

    #[test]
    fn a_flipped_bit_gives_an_array_or_an_error(place in 0usize..152, bit in 0u8..8) {
        let mut bytes = written(DataType::Fp32, 3, Data::F32(vec![1.0; 6]));
        bytes[place] ^= 1 << bit;
        if let Ok(array) = decode(bytes.as_slice(), Some(152)) {
            prop_assert_eq!(array.shape.iter().product::<usize>(), array.data.len());
        }
    }
}
