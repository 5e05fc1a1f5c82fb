//! The pictures that a configuration names.

use super::dataset::scan::label_folders;
use super::dataset::{DataSource, DataSpec, Dataset, Storage};
use crate::output::{say, tell};
use crate::run::config::Config;
use anyhow::Result;
use std::path::Path;

/// Reads a configuration's data and says what it holds.
///
/// # Errors
/// Whatever [`Dataset::load`] refuses.
pub(crate) fn load(config: &Config, run: &Path) -> Result<Dataset> {
    let sources = config.data.sources.iter().map(|source| source.parse()).collect::<Result<_, _>>()?;
    let spec = DataSpec { sources, val_fraction: config.data.val_fraction, seed: config.seed };
    let data = Dataset::load(&spec, &config.input(), &Storage::near(config.data.cache, run), true)?;
    if data.train.store.is_on_disk() {
        say!("{} MiB of decoded pictures are kept on disk", data.train.store.len() >> 20)?;
    }
    for (path, reason) in data.problems.iter().take(10) {
        tell!("left out {}: {reason}", path.display());
    }
    if data.problems.len() > 10 {
        tell!("left out {} more; host-trainer audit lists them", data.problems.len() - 10);
    }
    for summary in &data.sources {
        let count = |counts: &[usize]| counts.iter().sum::<usize>();
        say!(
            "{}: {} labels, {} training, {} validation, {} test pictures; {} test pictures have a near-copy in training or validation",
            summary.source,
            summary.labels.len(),
            count(&summary.train),
            count(&summary.val),
            count(&summary.test),
            summary.copies.test_in_train + summary.copies.test_in_val
        )?;
    }
    Ok(data)
}

/// Labels for `--summary`: the data's where it is given, else the three moods.
pub(crate) fn labels_for_summary(config: &Config) -> Result<usize> {
    let mut labels = std::collections::BTreeSet::new();
    for source in &config.data.sources {
        let source: DataSource = source.parse()?;
        let parts = label_folders(&source.path.join("train"))?;
        labels.extend(parts.into_keys());
    }
    Ok(if labels.is_empty() { emotion_models::TEST_CARD_LABELS.len() } else { labels.len() })
}
