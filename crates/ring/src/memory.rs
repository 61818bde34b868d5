//! How a program that works on one large request after another keeps its memory. Elsewhere than under glibc this does nothing.
//! The `unsafe` of this module calls `mallopt(3)`, which takes two numbers.

/// To be called at the start, before there are threads.
///
/// glibc gives each freed block above a threshold back to the kernel, which then clears the same pages again for the next chunk of a request.
/// Freeing one block of nearly 32 MiB, which is never touched, raises that threshold to it (the dynamic threshold).
///
/// It also has up to eight arenas for each processor, by threads, and each keeps as much as its threads ever needed at once: a process that has
/// seen its busiest moment goes on growing for hours, until every arena has. Not more threads than processors work at a time, so one for each is enough.
pub fn keep_freed_memory() {
    limit_arenas();
    drop(std::hint::black_box(Vec::<u8>::with_capacity((32 << 20) - (64 << 10))));
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn limit_arenas() {
    let processors = std::thread::available_parallelism().map_or(1, Into::into);
    let most = libc::c_int::try_from(processors).unwrap_or(libc::c_int::MAX);
    // SAFETY: it takes two numbers, and whatever they are changes no memory of this program.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, most) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn limit_arenas() {}
