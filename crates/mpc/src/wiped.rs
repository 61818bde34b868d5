//! Buffers of shares are wiped when they are dropped, as fast as memory is written: [`Zeroize`](zeroize::Zeroize) of a vector writes
//! word by word, which large tensors feel.

use zeroize::optimization_barrier;

/// Overwrites all words; the barrier keeps the compiler from leaving that out.
pub(crate) fn wipe<W: Copy + Default>(words: &mut [W]) {
    words.fill(W::default());
    optimization_barrier(words);
}

/// `Drop` that wipes these fields.
macro_rules! wiped_on_drop {
    ($type:ident: $($field:ident),+) => {
        impl Drop for $type {
            fn drop(&mut self) {
                $($crate::wiped::wipe(&mut self.$field);)+
            }
        }
    };
}

pub(crate) use wiped_on_drop;

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_left() {
        let mut words = vec![u64::MAX; 77];
        super::wipe(&mut words);
        assert_eq!(words, [0; 77]);
    }
}
