//! Where a party keeps what it must not lose: on its disk, which is behind this.

use zeroize::Zeroizing;

use crate::error::Error;

/// Named files of one training. What they hold is this party's share: worthless alone, and everything together with another party's.
pub trait Store: Send + Sync {
    /// Writes a file whole, or not at all.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error>;
    /// Reads a file whole, if it is there.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error>;
    /// Writes into a file, which grows as needed.
    fn write_at(&self, name: &str, at: u64, bytes: &[u8]) -> Result<(), Error>;
    /// Reads from a file that was written so far.
    fn read_at(&self, name: &str, at: u64, bytes: &mut [u8]) -> Result<(), Error>;
    /// Makes sure that what was written stays, whatever happens to the machine.
    fn keep(&self, name: &str) -> Result<(), Error>;
    /// Removes a file, if it is there.
    fn remove(&self, name: &str) -> Result<(), Error>;
}
