//! Work that keeps a thread busy, amid tasks that wait.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Bytes up to which a request takes about a millisecond: not worth handing the thread's other tasks to another one.
pub(crate) const INLINE: usize = 256 << 10;

/// Does the work on this thread. Where it is long, the thread's other tasks go on elsewhere.
pub(crate) fn compute<T>(long: bool, work: impl FnOnce() -> T) -> T {
    if long && may_block() { tokio::task::block_in_place(work) } else { work() }
}

fn may_block() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}
