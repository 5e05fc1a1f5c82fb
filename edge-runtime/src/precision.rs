//! The precision that a model runs in: what the configuration says, or the faster one on this processor, auto-tuned once and remembered.

use emotion_models::{AutoTune, ModelError, Precision, decode, engine_description};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What the configuration may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PrecisionChoice {
    /// The faster one here, found when a model first runs.
    #[default]
    Auto,
    /// 32-bit floating point.
    F32,
    /// 8-bit integers, for a quantised model.
    Int8,
}

/// Most models remembered; the oldest are forgotten first.
const MAX_ENTRIES: usize = 32;

/// A file of more bytes was not written by this program.
const MAX_FILE: u64 = 1 << 16;

/// Loads the model in `bytes`, called `name` in messages, to run as `choice` says and on so many threads.
///
/// # Errors
/// As [`emotion_models::Classifier::from_bytes`]; a float model that is to run in integers.
pub fn load<M: AutoTune>(
    bytes: &[u8],
    name: &str,
    choice: PrecisionChoice,
    threads: NonZeroUsize,
) -> Result<M, ModelError> {
    load_with(bytes, name, choice, threads, memory().as_deref())
}

fn load_with<M: AutoTune>(
    bytes: &[u8],
    name: &str,
    choice: PrecisionChoice,
    threads: NonZeroUsize,
    memory: Option<&Path>,
) -> Result<M, ModelError> {
    let model = decode(bytes).map_err(|error| error.named(name))?;
    match choice {
        PrecisionChoice::F32 => return M::with(&model, name, Precision::F32, threads),
        PrecisionChoice::Int8 => return M::with(&model, name, Precision::Int8, threads),
        PrecisionChoice::Auto => {}
    }
    let key = key(bytes, threads);
    if let Some(found) = memory.and_then(|file| remembered(file, &key)) {
        tracing::debug!("{found} was the faster precision for {name} when both were last timed here");
        return M::with(&model, name, found, threads);
    }
    let (loaded, times) = M::fastest(&model, name, threads)?;
    if let Some(times) = times {
        let [f32, int8] = [times.f32, times.int8].map(|time| time.as_secs_f64() * 1e3);
        let fastest = times.fastest();
        tracing::info!(
            "{fastest} is the faster precision here for {name}: {int8:.3} ms a picture in int8, {f32:.3} ms in f32"
        );
        if let Some(file) = memory
            && let Err(error) = remember(file, &key, fastest)
        {
            tracing::debug!("cannot remember that in {}: {error}", file.display());
        }
    }
    Ok(loaded)
}

/// Identifies the model, the processor and the instruction sets that the engine may use; the result depends on all
/// three.
fn key(model: &[u8], threads: NonZeroUsize) -> String {
    let mut hash = DefaultHasher::new();
    (model, threads, engine_description(), processor(), env!("CARGO_PKG_VERSION")).hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// The processor's model, as far as the system names it: its name on a PC, its part number on Arm.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names_it = |line: &&str| line.starts_with("model name") || line.starts_with("CPU part");
    info.lines().find(names_it).unwrap_or_default().to_owned()
}

/// The file in which results are cached: in the service's cache folder, or in the user's.
fn memory() -> Option<PathBuf> {
    // A relative one is to be passed over, says the XDG Base Directory Specification.
    let folder = |path: PathBuf| path.is_absolute().then_some(path);
    let named = |variable: &str| folder(env::var_os(variable)?.into());
    let own =
        named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache"))).map(|cache| cache.join("moodlight"));
    // A service may have several, the first of which is ours.
    let service = env::var_os("CACHE_DIRECTORY").and_then(|folders| folder(env::split_paths(&folders).next()?));
    Some(service.or(own)?.join("precision"))
}

fn remembered(file: &Path, key: &str) -> Option<Precision> {
    let text = text_of(file);
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// The content of the file; empty if this program did not write it, such as a pipe without a writer.
fn text_of(file: &Path) -> String {
    let ours = fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= MAX_FILE);
    ours.then(|| fs::read_to_string(file).ok()).flatten().unwrap_or_default()
}

fn remember(file: &Path, key: &str, precision: Precision) -> std::io::Result<()> {
    let former = text_of(file);
    let others: Vec<&str> = former.lines().filter(|line| !line.starts_with(key)).collect();
    let kept = &others[others.len().saturating_sub(MAX_ENTRIES - 1)..];
    let mut text: String = kept.iter().map(|line| format!("{line}\n")).collect();
    text += &format!("{key} {precision}\n");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // In one step, so that two concurrent runs cannot mix their lines.
    let draft = file.with_extension(std::process::id().to_string());
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, file));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Classifier, shipped};

    #[test]
    fn answers_are_remembered_by_model_and_the_oldest_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/precision");
        assert_eq!(remembered(&file, "a"), None);
        for number in 0..40 {
            remember(&file, &format!("{number:02}"), Precision::F32).unwrap();
        }
        remember(&file, "39", Precision::Int8).unwrap();
        assert_eq!(remembered(&file, "39"), Some(Precision::Int8));
        assert_eq!(remembered(&file, "38"), Some(Precision::F32));
        assert_eq!(remembered(&file, "00"), None);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), MAX_ENTRIES);
        fs::write(&file, "39 nonsense\n\u{fffd}\n").unwrap();
        assert_eq!(remembered(&file, "39"), None);
    }

    #[test]
    fn what_is_asked_for_is_what_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("precision");
        let load =
            |choice| load_with::<Classifier>(shipped::EMOTION, "shipped", choice, NonZeroUsize::MIN, Some(&file));
        assert_eq!(load(PrecisionChoice::F32).unwrap().precision(), Precision::F32);
        let own = load(PrecisionChoice::Auto).unwrap().card().precision;
        let int8 = load(PrecisionChoice::Int8);
        match own {
            Precision::Int8 => {
                assert_eq!(int8.unwrap().precision(), Precision::Int8);
                // A wrong result on purpose: the cached one is used.
                let key = key(shipped::EMOTION, NonZeroUsize::MIN);
                for told in [Precision::F32, Precision::Int8] {
                    remember(&file, &key, told).unwrap();
                    assert_eq!(load(PrecisionChoice::Auto).unwrap().precision(), told);
                }
            }
            Precision::F32 => assert!(int8.err().unwrap().to_string().contains("quantise")),
        }
    }
}
