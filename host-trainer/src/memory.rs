//! Reuse of large memory blocks between training steps.

/// Tells the C library to keep freed blocks instead of giving them back to the system at once.
///
/// A training step allocates the same large buffers again and again; glibc would map and unmap each, and the page faults
/// cost as much as the arithmetic. Does nothing where the C library is another one.
pub fn keep_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets allocator parameters, and is called before any thread is started.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}
