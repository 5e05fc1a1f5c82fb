//! Writing files so that a reader never sees half of one.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {reason}", path.display())]
pub struct WriteError {
    path: PathBuf,
    reason: String,
}

/// Writes beside `path` first and then puts the new file in its place, so that a full disk or a crash keeps the old one.
///
/// # Errors
/// What the file system says; `path` is then as it was.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    replace(path, content).map_err(|error| WriteError { path: path.into(), reason: reason(&error) })
}

/// Makes a folder and those above it.
///
/// # Errors
/// What the file system says.
pub fn make_folder(path: &Path) -> Result<(), WriteError> {
    std::fs::create_dir_all(path).map_err(|error| WriteError { path: path.into(), reason: reason(&error) })
}

/// A file's or folder's own name.
pub fn own_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Where a path leads, links followed, though its end need not be there yet.
pub fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let there = whole.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    match there {
        Some((part, real)) => real.join(whole.strip_prefix(part).unwrap_or(Path::new(""))),
        None => whole,
    }
}

fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
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

/// The system's message, without the name of the temporary file, which means nothing to the user.
fn reason(error: &std::io::Error) -> String {
    if error.get_ref().is_some() { error.kind().to_string() } else { error.to_string() }
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

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_is_settled_though_its_end_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, root.path().join("link")).unwrap();
        assert_eq!(resolved(&root.path().join("link/new/run")), real.join("new/run"));
        assert_eq!(resolved(&root.path().join("link/../real")), real);
    }
}
