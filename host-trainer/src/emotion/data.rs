//! The pictures that a configuration names.

use super::dataset::{DataSpec, Dataset, Storage};
use super::options::EmotionConfig;
use crate::output::{say, tell};
use crate::run::config::Config;
use crate::task::Data;
use anyhow::Result;
use std::path::Path;

/// Files left out that are named one by one.
const NAMED: usize = 10;

impl Data for Dataset {
    type Config = EmotionConfig;

    fn load(config: &Config<EmotionConfig>, run: &Path) -> Result<Self> {
        let data = &config.task.data;
        let sources = data.sources.iter().map(|source| source.parse()).collect::<Result<_, _>>()?;
        let labelling = data.labelling.clone();
        let spec =
            DataSpec { sources, val_fraction: data.val_fraction, test: data.test, seed: config.run.seed, labelling };
        Ok(Dataset::load(&spec, &config.input(), &Storage::near(data.cache, run), true)?)
    }

    fn say(&self) -> Result<()> {
        if self.train.store.is_on_disk() {
            say!("{} MiB of decoded pictures are kept on disk", self.train.store.len() >> 20)?;
        }
        for (path, reason) in self.problems.iter().take(NAMED) {
            tell!("left out {}: {reason}", path.display());
        }
        if self.problems.len() > NAMED {
            tell!("left out {} more; host-trainer audit lists them", self.problems.len() - NAMED);
        }
        for summary in &self.sources {
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
            if summary.labelling.votes.is_some() {
                let (voted, left_out) = (summary.voted, summary.voted_out);
                say!("{}: people voted on {voted} of them; their votes leave out {left_out} more", summary.source)?;
            }
        }
        Ok(())
    }

    fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn examples(&self) -> Option<usize> {
        Some(self.train.order().len())
    }
}
