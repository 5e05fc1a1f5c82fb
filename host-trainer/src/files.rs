//! Writing files so that a reader never sees half of one.

use std::io::Write;
use std::path::Path;

/// Writes beside `path` first and then puts the new file in its place, so that a full disk or a crash keeps the old one.
///
/// # Errors
/// What the file system says; `path` is then as it was.
pub fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Lets a write beyond the file size limit (`ulimit -f`) fail, as one to a full disk does, in place of ending the program.
pub fn outlive_size_limit() {
    // Whatever it does, a handler replaces the deadly default. Without one, the program dies there, as others do.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(
        signal_hook::consts::SIGXFSZ,
        std::sync::Arc::<std::sync::atomic::AtomicBool>::default(),
    );
}
