//! What a net is trained for. The two tasks, emotion and face, say what their data, batches, loss and figures are; everything
//! else of a run is the same code for both.

use crate::device::Engine;
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::run::config::{Config, TaskConfig};
use crate::run::history::Figures;
use crate::train::early_stopping::Verdict;
use crate::train::prefetch::{Batch, MakeBatch};
use anyhow::Result;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::Path;

/// A task, with the data of one run.
pub trait Task: Sized {
    /// Its part of the configuration.
    type Config: TaskConfig;
    /// What a run learns from and is judged on.
    type Data: Data<Config = Self::Config>;
    /// The targets of the loss.
    type Targets: Send + 'static;
    /// Makes the batches of an epoch.
    type Batches: MakeBatch<Targets = Self::Targets>;
    /// Sums over the steps of the epoch under way; part of the checkpoint.
    type Sums: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned;
    /// Figures on the validation part.
    type Scores;
    /// The content of one line of `history.csv`.
    type Figures: Figures;

    /// What a batch holds, in words.
    const EXAMPLES: &'static str;
    /// Whether the history has a line for what a run starts with, as epoch 0.
    const HISTORY_HAS_START: bool;

    /// The weights that a run starts from without `--init`.
    fn initial_weights(net: &Net, seed: u64) -> Weights {
        Weights::initial(net, seed)
    }

    /// The task as one run has it.
    fn new(config: &Config<Self::Config>, net: &Net, data: &Self::Data) -> Self;

    /// Opens what only training needs.
    ///
    /// # Errors
    /// Files that cannot be used.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// The batches of an epoch, counted from 0. Every random number comes from the seed, the epoch and the place in it.
    fn batches(&self, epoch: usize) -> Self::Batches;

    /// The batches that calibrate the activation ranges of a quantised run, enough for `examples`.
    fn calibration_batches(&self, examples: usize) -> Self::Batches;

    /// The loss of a batch, a tensor of one value, and what else of the pass [`Task::sum`] is to see.
    fn loss(&self, answer: Tensor<2>, targets: &Self::Targets, device: &Device) -> (Tensor<1>, Option<Tensor<1>>);

    /// Adds a batch to the epoch's sums: its loss, penalties included, and what [`Task::loss`] gave beside it.
    fn sum(&self, sums: &mut Self::Sums, batch: &Batch<Self::Targets>, loss: f64, seen: &[f32]);

    /// Measures weights on the validation part.
    fn evaluate(&self, net: &Net, weights: &Weights, engine: &Engine) -> Self::Scores;

    /// What an epoch is judged by.
    fn judge(config: &Self::Config, figures: &Self::Figures) -> Verdict;

    /// The figures of an epoch of `steps` steps, for the history.
    fn figures(&self, sums: &Self::Sums, steps: usize, scores: &Self::Scores) -> Self::Figures;

    /// Whether hard negatives are mined after this epoch, counted from 1.
    fn mines_after(&self, _epoch: usize) -> bool {
        false
    }

    /// Mines hard negatives, training examples that `weights` get wrong, for the following batches.
    fn mine(&mut self, _net: &Net, _weights: &Weights, _engine: &Engine) {}
}

/// A task that reports on its runs.
pub trait ReportingTask: Task {
    /// Writes the report of a finished run into its folder.
    ///
    /// # Errors
    /// When the run cannot be read back or a file cannot be written.
    fn report(run: &Path, data: &Self::Data) -> Result<()>;

    /// What the report says of the test pictures, in a line; nothing where there are none.
    ///
    /// # Errors
    /// When the report cannot be read back.
    fn outcome(_run: &Path) -> Result<Option<String>> {
        Ok(None)
    }
}

/// What a run learns from and is judged on.
pub trait Data: Sized {
    /// The task's part of the configuration.
    type Config: TaskConfig;

    /// Reads the data that `config` names; what is decoded to disk lies near the folder `run`.
    ///
    /// # Errors
    /// Data that are not there or cannot be used.
    fn load(config: &Config<Self::Config>, run: &Path) -> Result<Self>;

    /// Says what the data hold.
    ///
    /// # Errors
    /// When nothing can be said.
    fn say(&self) -> Result<()>;

    /// Labels in output order.
    fn labels(&self) -> Vec<String>;

    /// SHA-256 over the data, in hexadecimal.
    fn fingerprint(&self) -> &str;

    /// Training examples in an epoch, where the data set their number.
    fn examples(&self) -> Option<usize>;
}
