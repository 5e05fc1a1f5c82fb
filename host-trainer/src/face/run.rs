//! A finished face run, read back.

use super::checkpoint::{self, Epoch};
use super::config::FaceConfig;
use super::data::Data;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::run::checkpoint::Identity;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A finished run.
pub struct FaceRun {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: FaceConfig,
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

impl FaceRun {
    /// Reads a run folder.
    ///
    /// # Errors
    /// When it is no run folder, or has no finished epoch.
    pub fn open(folder: &Path) -> Result<Self> {
        let config = FaceConfig::read(&folder.join("config.toml"))?;
        let (weights, identity) = checkpoint::load_best(folder)?;
        let (state, _) = checkpoint::load(folder)?;
        let best_epoch = state.best().map_or(0, |(epoch, _)| epoch);
        let net = config.build_net();
        Ok(FaceRun { folder: folder.into(), config, identity, net, weights, history: state.history, best_epoch })
    }

    /// The photos it was trained on.
    ///
    /// # Errors
    /// When they are gone or have changed.
    pub fn data(&self) -> Result<Data> {
        let data = Data::load(&self.config)?;
        if data.fingerprint != self.identity.data_fingerprint {
            let sources = self.config.data.photos.join(", ");
            let message =
                format!("the photos of {sources} have changed since the run; export needs the ones it was trained on");
            return Err(failure(Kind::Data, message));
        }
        Ok(data)
    }

    /// Which epoch is judged and exported.
    pub fn best(&self) -> String {
        let epochs = self.history.iter().filter(|epoch| epoch.epoch > 0).count();
        match (self.best_epoch, epochs) {
            (0, epochs) if self.config.quantize.is_none() => {
                format!("as it began; none of {epochs} epochs was better by average precision on validation")
            }
            (0, 0) => "quantised after training, without further epochs".into(),
            (0, epochs) => format!("quantised; none of {epochs} epochs of training with rounding was better than none"),
            (best, epochs) => format!("epoch {best}, the best of {epochs} by average precision on validation"),
        }
    }
}
