//! Memory of a program that allocates the same large buffers at every step.

/// Makes the C library keep freed blocks instead of giving them back to the system at once.
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

/// Memory that is available without swapping, in bytes; nothing where the system does not report it.
pub fn available() -> Option<u64> {
    Some(kib("/proc/meminfo", "MemAvailable:")? * 1024)
}

/// The peak resident memory of this process so far, in MiB; nothing where the system does not report it.
pub fn peak_mib() -> Option<f64> {
    Some(kib("/proc/self/status", "VmHWM:")? as f64 / 1024.0)
}

/// What a file of the system says of `name`, in KiB.
fn kib(file: &str, name: &str) -> Option<u64> {
    let told = std::fs::read_to_string(file).ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
