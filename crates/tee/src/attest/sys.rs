//! System calls that the standard library has not: the only place of this crate where `unsafe` stands.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// `struct nsm_raw` of `linux/nsm.h`: where the request is, and where the reply may go.
#[repr(C)]
struct NsmRaw {
    request: [u64; 2],
    reply: [u64; 2],
}

/// `NSM_IOCTL_RAW`: `_IOWR(0x0A, 0, struct nsm_raw)`.
const NSM_RAW: Opcode = opcode::read_write::<NsmRaw>(0x0A, 0);

/// Sends one request to the Nitro Security Module; gives how many bytes of `reply` the kernel says that it wrote.
pub(super) fn nsm_raw(device: impl AsFd, request: &[u8], reply: &mut [u8]) -> io::Result<u64> {
    let mut raw = NsmRaw {
        request: [request.as_ptr().expose_provenance() as u64, request.len() as u64],
        reply: [reply.as_mut_ptr().expose_provenance() as u64, reply.len() as u64],
    };
    // SAFETY: the operation's structure is `NsmRaw`, 32 bytes that the kernel reads and writes back. It reads at most
    // `request.len()` bytes from the first buffer and writes at most `reply.len()` to the second; both slices outlive the call
    // and the second is borrowed mutably, its bytes may have any value. A descriptor that is no such device refuses the number.
    unsafe { ioctl(device, Updater::<'_, NSM_RAW, NsmRaw>::new(&mut raw)) }?;
    Ok(raw.reply[1])
}

/// The command's program gets descriptors 0, 1 and 2 and no other, whatever was left open for whom. Fails to start where the
/// kernel is older than Linux 5.11.
pub fn with_standard_descriptors_only(command: &mut Command) -> &mut Command {
    let close_on_exec = || {
        let (first, last) = (3_u32, u32::MAX);
        // SAFETY: `close_range` with this flag takes three numbers, and changes nothing but a flag of the child's own descriptors.
        let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec the child makes one system call and reads its error number; it takes no lock and allocates
    // nothing. Descriptors stay open up to the exec, so that nobody's is closed under them.
    unsafe { command.pre_exec(close_on_exec) }
}

/// The version of Landlock that the kernel has (`landlock_create_ruleset` with `LANDLOCK_CREATE_RULESET_VERSION`).
#[cfg(target_os = "linux")]
pub(super) fn landlock_version() -> io::Result<i64> {
    // SAFETY: with a null pointer, a length of 0 and flag 1 the call reads no memory, makes no descriptor and changes nothing.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32) };
    if version < 0 { Err(io::Error::last_os_error()) } else { Ok(version) }
}

/// Other kernels have none.
#[cfg(not(target_os = "linux"))]
pub(super) fn landlock_version() -> io::Result<i64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_kernels() {
        assert_eq!(u64::from(NSM_RAW), 0xC020_0A00);
    }

    #[test]
    fn what_is_no_such_device_refuses() {
        let file = std::fs::File::open("/dev/null").expect("/dev/null is everywhere");
        let refused = nsm_raw(&file, b"request", &mut [0; 8]).expect_err("it is no such device");
        assert_eq!(refused.raw_os_error(), Some(25), "ENOTTY");
    }
}
