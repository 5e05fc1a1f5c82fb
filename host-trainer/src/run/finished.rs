//! A finished run, read back.

use super::checkpoint::{self, Identity};
use super::config::Config;
use super::history::Epoch;
use crate::emotion::dataset::{DataSource, DataSpec, Dataset, Storage};
use crate::emotion::readout::outputs;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::weights::Weights;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A finished run, read back.
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// What it was trained on.
    pub identity: Identity,
    /// Its net.
    pub net: Net,
    /// The weights of its best epoch.
    pub weights: Weights,
    /// Its epochs.
    pub history: Vec<Epoch>,
    /// The best epoch, counted from 1; 0 for a quantised run as it was before its first epoch.
    pub best_epoch: usize,
}

impl Run {
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
        let config = Config::read(&path, None)?;
        let (weights, identity) = checkpoint::load_best(folder)?;
        let (state, _) = checkpoint::load(folder)?;
        let net = config.build_net(identity.labels.len())?;
        let best_epoch = state.stopping.best.map_or(0, |(epoch, _)| epoch);
        Ok(Run { folder: folder.into(), config, identity, net, weights, history: state.history, best_epoch })
    }

    /// The pictures it was trained on.
    ///
    /// # Errors
    /// When they are gone or have changed.
    pub fn data(&self) -> Result<Dataset> {
        let sources = self.config.data.sources.iter().map(|source| source.parse::<DataSource>());
        let spec = DataSpec {
            sources: sources.collect::<Result<_, _>>()?,
            val_fraction: self.config.data.val_fraction,
            seed: self.config.seed,
        };
        let storage = Storage::near(self.config.data.cache, &self.folder);
        let data = Dataset::load(&spec, &self.config.input(), &storage, true)?;
        if data.fingerprint != self.identity.data_fingerprint {
            let sources = self.config.data.sources.join(", ");
            let message = format!(
                "the pictures of {sources} have changed since the run; export needs the ones it was trained on"
            );
            return Err(failure(Kind::Data, message));
        }
        Ok(data)
    }

    /// Indices of labels among the run's, all of them when none is named.
    ///
    /// # Errors
    /// Names a label the run does not have, or that is named twice.
    pub fn outputs(&self, labels: &[String]) -> Result<Vec<usize>> {
        outputs(&self.identity.labels, labels).with_context(|| format!("in --labels for {}", self.folder.display()))
    }

    /// Which epoch is reported on.
    pub fn reported_epoch(&self) -> String {
        match (self.best_epoch, self.history.len()) {
            (0, epochs) if self.config.quantize.is_none() => format!("as it began, before any of {epochs} epochs"),
            (0, epochs) => format!("quantised, before any of {epochs} epochs"),
            (best, epochs) => format!("best epoch {best} of {epochs}"),
        }
    }
}
