//! Memory of a program that is meant for small boards.

/// Buffers of this many bytes and more go back to the system when they are freed. Frames, pictures and a model's weights
/// are larger; what the engine makes for each frame is smaller, and stays in the heap, ready for the next.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 512 * 1024;

/// Has large buffers returned to the system when they are freed, for good.
///
/// glibc begins like this too, but keeps all buffers up to the size of the largest it has seen freed, up to 32 MiB: after
/// a model is loaded that is several MiB that nobody uses again. Call it before anything large is allocated.
pub fn return_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two numbers and only changes how later requests are served.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Peak resident memory of this process, in KiB; `None` where the system does not report it.
pub fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
