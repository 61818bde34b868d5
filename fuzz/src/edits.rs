//! Changes to a valid call, so that what is fuzzed is near to what a server takes.

use privet_deploy::oip::{InferRequest, RawTensor};

const NAMES: [&str; 8] = ["request", "share", "key", "ciphertexts", "masked", "sealed", "challenge", "x"];
const DATATYPES: [&str; 8] = ["UINT8", "FP32", "FP64", "INT64", "INT32", "BOOL", "BYTES", "nothing"];
const SIZES: [i64; 8] = [0, 1, -1, 2, 1 << 31, 1 << 32, i64::MAX, i64::MIN];
const NUMBERS: [u32; 8] = [0, 1, 2, 1024, 1 << 16, 1 << 24, 1 << 31, u32::MAX];

/// Bytes of one change.
const EDIT: usize = 6;

/// Changes the call as the bytes say: by six bytes each, at most so many.
pub(crate) fn edit(call: &mut InferRequest, edits: &[u8]) {
    for &[what, which, low, high, value, more] in edits.as_chunks::<EDIT>().0.iter().take(32) {
        let tensors = call.inputs.len();
        let Some(which) = usize::from(which).checked_rem(tensors) else { return };
        let place = usize::from(u16::from_le_bytes([low, high]));
        match what % 16 {
            0 => drop(call.inputs.remove(which)),
            1 => call.inputs.push(call.inputs[which].clone()),
            2 => call.outputs.push(NAMES[usize::from(value) % NAMES.len()].into()),
            3 => call.model = String::new(),
            _ => change(&mut call.inputs[which], what % 16, place, value, more),
        }
    }
}

fn change(tensor: &mut RawTensor, what: u8, place: usize, value: u8, more: u8) {
    let choice = usize::from(value) % 8;
    match what {
        4 => tensor.name = NAMES[choice].into(),
        5 => tensor.datatype = DATATYPES[choice].into(),
        6 => tensor.shape.push(SIZES[choice]),
        7 => drop(tensor.shape.pop()),
        8 if !tensor.shape.is_empty() => {
            let at = place % tensor.shape.len();
            tensor.shape[at] = if more == 0 { i64::from(value) } else { SIZES[choice] };
        }
        _ => {
            let mut data = tensor.data.to_vec();
            bytes(&mut data, what, place, value, more);
            tensor.data = data.into();
        }
    }
}

fn bytes(data: &mut Vec<u8>, what: u8, place: usize, value: u8, more: u8) {
    // Places beyond two bytes are near the end.
    let place = if more.is_multiple_of(4) { data.len().saturating_sub(place) } else { place.min(data.len()) };
    match what {
        9 => data.truncate(place),
        10 => data.resize(data.len() + usize::from(value) * usize::from(more), value),
        11 => data.insert(place, value),
        12 if place < data.len() => drop(data.remove(place)),
        13 => {
            let number = NUMBERS[usize::from(value) % NUMBERS.len()].to_le_bytes();
            data.iter_mut().skip(place).zip(number).for_each(|(byte, new)| *byte = new);
        }
        14 => data.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= value),
        _ => data.iter_mut().skip(place).take(1).for_each(|byte| *byte = value),
    }
}
