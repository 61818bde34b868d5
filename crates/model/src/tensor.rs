//! Rows of values, as they come in and go out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The element types that a model's inputs and outputs may have, in the words of the Open Inference Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DataType {
    /// IEEE 754 single precision.
    Fp32,
    /// IEEE 754 double precision.
    Fp64,
    /// Signed 64-bit integer.
    Int64,
    /// Signed 32-bit integer; held as 64-bit inside.
    Int32,
    /// True or false; held as 0 or 1 inside.
    Bool,
    /// Text, UTF-8.
    Bytes,
}

impl DataType {
    /// The protocol's name, as `FP32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Int64 => "INT64",
            Self::Int32 => "INT32",
            Self::Bool => "BOOL",
            Self::Bytes => "BYTES",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Fp32, Self::Fp64, Self::Int64, Self::Int32, Self::Bool, Self::Bytes]
            .into_iter()
            .find(|t| t.name() == name)
    }
}

/// The values of a [`Tensor`], row-major.
#[derive(Clone, PartialEq)]
pub enum Data {
    /// For [`DataType::Fp32`].
    F32(Vec<f32>),
    /// For [`DataType::Fp64`].
    F64(Vec<f64>),
    /// For [`DataType::Int64`], [`DataType::Int32`] and [`DataType::Bool`].
    I64(Vec<i64>),
    /// For [`DataType::Bytes`].
    Text(Vec<String>),
}

impl Data {
    /// How many values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Bytes that the values take in a call, roughly.
    pub fn bytes(&self) -> usize {
        match self {
            Self::F32(v) => 4 * v.len(),
            Self::F64(v) => 8 * v.len(),
            Self::I64(v) => 8 * v.len(),
            Self::Text(v) => v.iter().map(|text| 4 + text.len()).sum(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An empty one that can hold values of this type.
    pub fn empty(dtype: DataType) -> Self {
        match dtype {
            DataType::Fp32 => Self::F32(Vec::new()),
            DataType::Fp64 => Self::F64(Vec::new()),
            DataType::Int64 | DataType::Int32 | DataType::Bool => Self::I64(Vec::new()),
            DataType::Bytes => Self::Text(Vec::new()),
        }
    }
}

/// `rows` × `width` values. An applicant's data: it has no printing `Debug`.
#[derive(Clone, PartialEq)]
pub struct Tensor {
    /// Number of rows (applicants).
    pub rows: usize,
    /// Values per row.
    pub width: usize,
    /// The values, row-major; `rows * width` of them.
    pub data: Data,
}

impl Tensor {
    /// A tensor, if the number of values is right.
    pub fn new(rows: usize, width: usize, data: Data) -> Option<Self> {
        (rows.checked_mul(width)? == data.len()).then_some(Self { rows, width, data })
    }

    /// Values as float64; text has none.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        match &self.data {
            Data::F32(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Data::F64(v) => Some(v.clone()),
            Data::I64(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Data::Text(_) => None,
        }
    }

    /// Rows `from..to`, which must exist.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        let (a, b) = (from * self.width, to * self.width);
        let data = match &self.data {
            Data::F32(v) => Data::F32(v[a..b].to_vec()),
            Data::F64(v) => Data::F64(v[a..b].to_vec()),
            Data::I64(v) => Data::I64(v[a..b].to_vec()),
            Data::Text(v) => Data::Text(v[a..b].to_vec()),
        };
        Self { rows: to - from, width: self.width, data }
    }

    /// Overwrites the values: for rows that were answered, where memory matters.
    pub fn wipe(&mut self) {
        match &mut self.data {
            Data::F32(v) => v.fill(0.0),
            Data::F64(v) => v.fill(0.0),
            Data::I64(v) => v.fill(0),
            Data::Text(v) => v.iter_mut().for_each(zeroize::Zeroize::zeroize),
        }
        // So that the compiler takes the zeros for read, and writes them.
        std::hint::black_box(&self.data);
    }

    /// Puts the rows of `other`, which must have the same width and type, below these.
    pub fn append(&mut self, other: Self) {
        debug_assert_eq!(self.width, other.width);
        match (&mut self.data, other.data) {
            (Data::F32(a), Data::F32(b)) => a.extend(b),
            (Data::F64(a), Data::F64(b)) => a.extend(b),
            (Data::I64(a), Data::I64(b)) => a.extend(b),
            (Data::Text(a), Data::Text(b)) => a.extend(b),
            _ => debug_assert!(false, "tensors of different types"),
        }
        self.rows += other.rows;
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} x {}, values not shown)", self.rows, self.width)
    }
}
