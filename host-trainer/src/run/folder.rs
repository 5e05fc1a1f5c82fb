//! The folder of a run: where it may lie, and what of a former run has to go.

use super::checkpoint;
use crate::emotion::dataset::scan::Layout;
use crate::failure::{Kind, failure};
use crate::files;
use crate::part::Part;
use anyhow::{Result, bail, ensure};
use std::path::Path;

/// Refuses a run folder among the pictures of `data`, or, without `force`, one that is in use.
///
/// # Errors
/// Says what is in the way.
pub(crate) fn reserve(run: &Path, data: &[String], force: bool) -> Result<()> {
    refuse_inside_data(run, data)?;
    ensure!(!run.is_file(), "{} is a file; a run is a folder: name another with --out", run.display());
    if force { Ok(()) } else { refuse_to_overwrite(run) }
}

/// Makes the folder of a new run, with its configuration.
///
/// # Errors
/// When something cannot be removed or written.
pub(crate) fn begin(run: &Path, config: &str) -> Result<()> {
    remove_former(run)?;
    files::make_folder(run)?;
    Ok(files::write_whole(&run.join("config.toml"), config.as_bytes())?)
}

/// What is made from a run never takes its place, not even by force.
///
/// # Errors
/// Says that `out` is `run`.
pub(crate) fn refuse_overwriting_source(run: &Path, out: &Path) -> Result<()> {
    ensure!(
        files::resolved(run) != files::resolved(out),
        "{} is the run that the new one is made from, and would be lost; name another folder with --out",
        out.display()
    );
    Ok(())
}

/// A new run neither replaces one that learned something nor lies among other files.
fn refuse_to_overwrite(run: &Path) -> Result<()> {
    if checkpoint::last(run).exists() || checkpoint::best(run).exists() {
        bail!("{} already holds a run; go on with --resume {0}, or overwrite it with --force", run.display());
    }
    let empty = std::fs::read_dir(run).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        empty || run.join("config.toml").exists(),
        "{} holds other files; name another folder with --out, or write among them with --force",
        run.display()
    );
    Ok(())
}

/// A run among the pictures would become one of their labels.
fn refuse_inside_data(run: &Path, data: &[String]) -> Result<()> {
    for source in data {
        let folder = Path::new(source.split_once('*').map_or(source.as_str(), |(folder, _repeats)| folder));
        let own = Part::ALL.map(|part| folder.join(part.name()));
        let found = Layout::of(folder).unwrap_or_default().parts.into_values();
        let mut inside = own.into_iter().chain(found).map(|part| files::resolved(&part));
        ensure!(
            !inside.any(|part| files::resolved(run).starts_with(part)),
            "{} lies among the pictures of {}; name another folder with --out",
            run.display(),
            folder.display()
        );
    }
    Ok(())
}

/// With --force: what a former run left would otherwise be resumed or exported under the new configuration.
fn remove_former(run: &Path) -> Result<()> {
    for name in ["checkpoints/last.safetensors", "checkpoints/best.safetensors", "history.csv", "evaluations.csv"] {
        let path = run.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("cannot remove {} of the former run: {error}", path.display());
                return Err(failure(Kind::Output, message));
            }
            _ => {}
        }
    }
    Ok(())
}
