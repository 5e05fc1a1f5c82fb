//! A trained net, larger perhaps, from whose answers another learns (Hinton et al., "Distilling the Knowledge in a Neural Network",
//! 2015): it tells what is a face by and large, where boxes by hand only say yes or no.

use super::command::Data;
use super::config::FaceConfig;
use super::look;
use super::run::FaceRun;
use crate::device::Engine;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::weights::Weights;
use anyhow::Result;
use std::path::Path;

/// A net that is learned from.
pub struct Teacher {
    config: FaceConfig,
    net: Net,
    weights: Weights,
}

impl Teacher {
    /// The net of the run in `folder`, at its best epoch, for a run configured as `config` on `data`.
    ///
    /// # Errors
    /// When it is no face run, sees pictures of another size, or learned from other photos: had it learned from validation photos,
    /// those would judge nothing.
    pub fn open(folder: &Path, config: &FaceConfig, data: &Data) -> Result<Self> {
        let FaceRun { config: own, net, weights, identity, .. } = FaceRun::open(folder)?;
        let folder = folder.display();
        let refused = |message: String| Err(failure(Kind::Data, message));
        if own.input() != config.input() {
            let ([width, height], wanted) = ([own.width, own.height], [config.width, config.height]);
            let [columns, rows] = wanted;
            return refused(format!(
                "{folder} sees pictures of {width}x{height} pixels and this net {columns}x{rows}; a teacher must see what its pupil sees"
            ));
        }
        let split = |config: &FaceConfig| (config.seed, config.data.val_fraction);
        if identity.data_fingerprint != data.fingerprint || split(&own) != split(config) {
            return refused(format!(
                "{folder} learned from other photos, or with another seed or val_fraction, and may know the ones kept for validation; train it on the same data first"
            ));
        }
        Ok(Teacher { config: own, net, weights })
    }

    /// Its maps for a batch of real values `[N, 1, height, width]`: `[N, 5, rows, columns]`.
    pub fn maps(&self, engine: &Engine, pixels: Vec<f32>) -> Vec<f32> {
        look::maps_of_reals(&self.net, &self.weights, &self.config, engine, pixels)
    }
}
