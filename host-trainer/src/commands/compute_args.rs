//! Flags that say where a run is computed, and where its pictures are kept: what the commands that train share.

use crate::device::{DeviceName, OperatorSet};
use crate::emotion::dataset::Cache;
use crate::run::config::RunConfig;
use clap::Args;

/// Where a run is computed.
#[derive(Debug, Args)]
pub struct ComputeArgs {
    /// Where the computation runs; cuda and wgpu need a program built with --features cuda or wgpu.
    #[arg(long, value_enum)]
    pub device: Option<DeviceName>,
    /// Convolution, normalisation and pooling: our own, or burn's as a reference.
    #[arg(long, value_enum)]
    pub operators: Option<OperatorSet>,
    /// Threads; 0, the default, takes all cores. Saved with the run, since another number rounds sums differently.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// Where an emotion run keeps its pictures.
#[derive(Debug, Args)]
pub struct StorageArgs {
    /// Where decoded pictures are kept; auto takes a nameless file beside the run where they would take half of the free memory.
    #[arg(long, value_enum)]
    pub cache: Option<Cache>,
}

impl ComputeArgs {
    /// Puts the flags on top of a configuration.
    pub fn apply(&self, run: &mut RunConfig) {
        set(&mut run.device, self.device);
        set(&mut run.operators, self.operators);
        set(&mut run.threads, self.threads);
    }
}

/// Replaces `target` where a flag was given.
pub fn set<T: Copy>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}
