//! A finished run, read back.

use super::checkpoint::{self, Identity};
use super::config::{Config, TaskConfig};
use super::history::Epoch;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::task::{Data, Task};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A finished run.
pub struct FinishedRun<T: Task> {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config<T::Config>,
    /// What it was trained on.
    pub identity: Identity,
    /// Its net.
    pub net: Net,
    /// The weights of its best epoch.
    pub weights: Weights,
    /// Its epochs.
    pub history: Vec<Epoch<T::Figures>>,
    /// The best epoch, counted from 1; 0 for a run that was best as it started.
    pub best_epoch: usize,
}

impl<T: Task> FinishedRun<T> {
    /// Reads a run folder.
    ///
    /// # Errors
    /// When it is no run folder, or has no finished epoch.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("config.toml");
        if !path.exists() {
            let message = format!("{} is no run folder: it has no config.toml", folder.display());
            return Err(failure(Kind::Model, message));
        }
        let config = Config::<T::Config>::read(&path)?;
        let (weights, identity) = checkpoint::load_best(folder)?;
        let (state, _) = checkpoint::load::<T>(folder, &config.task)?;
        let net = config.build_net(identity.labels.len())?;
        let best_epoch = state.stopping.best.map_or(0, |(epoch, _)| epoch);
        Ok(FinishedRun { folder: folder.into(), config, identity, net, weights, history: state.history, best_epoch })
    }

    /// The data it was trained on.
    ///
    /// # Errors
    /// When they are gone or have changed.
    pub fn data(&self) -> Result<T::Data> {
        let data = T::Data::load(&self.config, &self.folder)?;
        if data.fingerprint() != self.identity.data_fingerprint {
            let sources = self.config.task.sources().join(", ");
            let message = format!(
                "the pictures of {sources} have changed since the run; export needs the ones it was trained on"
            );
            return Err(failure(Kind::Data, message));
        }
        Ok(data)
    }

    /// Which epoch is judged and exported, in words.
    pub fn chosen(&self) -> String {
        let by = format!("by validation {}", self.config.task.monitor());
        let epochs = self.history.iter().filter(|entry| entry.epoch > 0).count();
        match (self.best_epoch, epochs, self.config.run.quantize.is_some()) {
            (0, epochs, false) => format!("as it began; none of {epochs} epochs was better {by}"),
            (0, 0, true) => "quantised after training, without further epochs".into(),
            (0, epochs, true) => {
                format!(
                    "quantised; none of {epochs} epochs of quantisation-aware training was better {by} than none at all"
                )
            }
            (best, epochs, _) => format!("epoch {best}, the best of {epochs} {by}"),
        }
    }
}
