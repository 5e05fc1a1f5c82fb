//! The C library: which version is loaded, and which version this program requires.

use std::io::Read;

/// The version of the glibc that this program runs with, such as `2.36`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn loaded() -> Option<String> {
    // SAFETY: it takes nothing and probed with a string that lives as long as the process.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    Some(version.to_string_lossy().into_owned())
}

/// No glibc here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn loaded() -> Option<String> {
    None
}

/// The string table of a program lies within this many bytes of its beginning.
const BEGINNING: u64 = 1 << 20;

/// The newest glibc version that this program requires.
pub(super) fn needed() -> Option<String> {
    let program = std::fs::File::open(std::env::current_exe().ok()?).ok()?;
    let mut beginning = Vec::new();
    program.take(BEGINNING).read_to_end(&mut beginning).ok()?;
    newest(&beginning)
}

/// The newest glibc version that the program in `elf` requires. Its string table names a version for each symbol that
/// it needs, each between two NULs, as in `\0GLIBC_2.34\0`.
fn newest(elf: &[u8]) -> Option<String> {
    let version = |text: &[u8]| -> Option<Vec<u32>> {
        let numbers = std::str::from_utf8(text.strip_prefix(b"GLIBC_")?).ok()?;
        numbers.split('.').map(|number| number.parse().ok()).collect()
    };
    let newest = elf.split(|&byte| byte == 0).filter_map(version).max()?;
    Some(newest.iter().map(u32::to_string).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_largest_number_not_the_last_letter() {
        let elf = b"\x7fELF\0libc.so.6\0GLIBC_2.17\0GLIBC_2.4\0GLIBC_2.2.5\0GLIBC_PRIVATE\0see GLIBC_2.99\0";
        assert_eq!(newest(elf).as_deref(), Some("2.17"));
        assert_eq!(newest(b"\x7fELF\0libc.musl\0"), None);
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn this_program_needs_no_newer_one_than_it_runs_with() {
        let parse = |text: String| text.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
        let (Some(needed), Some(loaded)) = (needed(), loaded()) else { panic!("no glibc found") };
        assert!(parse(needed) <= parse(loaded));
    }
}
