//! Sizes that tell little: Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
//! PETS 2019, Algorithm 1), which leaves O(log log n) bits of a length and costs at most 12 %, on top of a smallest size.

/// No message is shorter.
pub const SMALLEST: usize = 256;

/// The length that a content of `length` bytes is padded to.
pub fn bucket(length: usize) -> usize {
    if length <= SMALLEST {
        return SMALLEST;
    }
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    let mask = (1usize << (exponent - kept)) - 1;
    length.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_content_and_cost_little() {
        let mut last = 0;
        for length in (0..70_000).chain((1 << 20..1 << 24).step_by(4099)) {
            let padded = bucket(length);
            assert!(padded >= length && padded >= last, "{length} became {padded}");
            assert!(padded == SMALLEST || padded * 100 <= length * 112, "{length} became {padded}");
            assert_eq!(bucket(padded), padded);
            last = padded;
        }
    }

    #[test]
    fn few_sizes_are_left() {
        let mut sizes: Vec<usize> = (257..=1 << 20).map(bucket).collect();
        sizes.dedup();
        assert!(sizes.len() < 400, "{} sizes", sizes.len());
    }
}
