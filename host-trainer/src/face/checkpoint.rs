//! A face run's state on disk: enough to go on as if nothing had happened.

use super::metrics::Scores;
use crate::failure::{Blame, Kind, failure};
use crate::files::make_folder;
use crate::nets::weights::Weights;
use crate::run::checkpoint::{Identity, last};
use crate::train::optimizer::Moments;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One line of `history.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1; 0 for a quantised run before its first epoch.
    pub epoch: usize,
    /// Mean loss over the epoch's scenes.
    pub loss: f64,
    /// On the validation photos, with the averaged weights where averaging is on.
    pub val: Scores,
    /// At the epoch's last step.
    pub learning_rate: f64,
    /// Scenes per second.
    pub images_per_second: f64,
    /// Mistakes found on training photos without faces, that scenes may show.
    pub mistakes: usize,
    /// Whole epoch with validation.
    pub seconds: f64,
}

/// Whatever changes while training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Whole epochs done, and steps of the one under way.
    pub done: (usize, usize),
    /// Sum of losses over those steps.
    pub loss: f64,
    /// The weights that learn, with running statistics of the normalisations.
    pub weights: Weights,
    /// Their moving average, when that is on.
    pub average: Option<Weights>,
    /// The weights by which hard negatives were searched for last.
    pub mined: Option<Weights>,
    /// The optimizer's.
    pub moments: Moments,
    /// Epochs so far.
    pub history: Vec<Epoch>,
}

#[derive(Serialize, Deserialize)]
struct Notes {
    epochs_done: usize,
    steps_done: usize,
    loss: f64,
    steps: u64,
    history: Vec<Epoch>,
}

impl State {
    /// The epoch, counted from 1, with the best average precision on validation, and that figure.
    pub fn best(&self) -> Option<(usize, f64)> {
        let figure = |epoch: &Epoch| (epoch.epoch, epoch.val.average_precision);
        // Of equals the first.
        self.history.iter().map(figure).reduce(|best, one| if one.1 > best.1 { one } else { best })
    }
}

const PARTS: [&str; 5] = ["weights", "first", "second", "average", "mined"];

/// Saves the whole state.
///
/// # Errors
/// When it cannot be written; the former checkpoint is then still there.
pub fn save(run: &Path, state: &State, identity: &Identity) -> Result<()> {
    let mut all = Weights::default();
    let parts = [
        Some(&state.weights),
        Some(&state.moments.first),
        Some(&state.moments.second),
        state.average.as_ref(),
        state.mined.as_ref(),
    ];
    for (prefix, weights) in PARTS.iter().zip(parts) {
        let named = weights.into_iter().flat_map(|weights| &weights.0);
        all.0.extend(named.map(|(name, array)| (format!("{prefix}/{name}"), array.clone())));
    }
    let notes = Notes {
        epochs_done: state.done.0,
        steps_done: state.done.1,
        loss: state.loss,
        steps: state.moments.steps,
        history: state.history.clone(),
    };
    let notes = BTreeMap::from([
        ("face".to_string(), toml::to_string(&notes)?),
        ("identity".to_string(), toml::to_string(identity)?),
    ]);
    write(&last(run), &all, &notes)
}

/// Saves the weights of the best epoch.
///
/// # Errors
/// When they cannot be written; the former ones are then still there.
pub fn save_best(run: &Path, weights: &Weights, identity: &Identity) -> Result<()> {
    crate::run::checkpoint::save_best(run, weights, identity)
}

fn write(path: &Path, weights: &Weights, notes: &BTreeMap<String, String>) -> Result<()> {
    let former = if path.exists() { "; the former checkpoint is kept" } else { "" };
    path.parent()
        .map_or(Ok(()), |folder| Ok(make_folder(folder)?))
        .and_then(|()| weights.save(path, notes))
        .with_context(|| format!("cannot save a checkpoint; make room or choose another --out{former}"))
}

/// Reads a run's last state.
///
/// # Errors
/// When it is missing, cut short, or no face run's.
pub fn load(run: &Path) -> Result<(State, Identity)> {
    read(run).blame(Kind::Model)
}

fn read(run: &Path) -> Result<(State, Identity)> {
    let path = last(run);
    if !path.exists() {
        let (run, path) = (run.display(), path.display());
        let message = format!("{run} has nothing to go on from (no {path}); start it anew with train --out");
        return Err(failure(Kind::Model, message));
    }
    let (all, notes) = Weights::load(&path)?;
    let field = |key: &str| {
        notes.get(key).with_context(|| format!("{} holds no {key}; it is no checkpoint of a face run", path.display()))
    };
    let damaged = |key: &str| format!("the {key} in {} is damaged", path.display());
    let saved: Notes = toml::from_str(field("face")?).with_context(|| damaged("face"))?;
    let identity: Identity = toml::from_str(field("identity")?).with_context(|| damaged("identity"))?;
    let part = |prefix: &str| {
        let named = all.0.iter().filter_map(|(name, array)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('/')?.to_string(), array.clone()))
        });
        Weights(named.collect())
    };
    let [weights, first, second, average, mined] = PARTS.map(part);
    let there = |weights: Weights| (!weights.0.is_empty()).then_some(weights);
    let state = State {
        done: (saved.epochs_done, saved.steps_done),
        loss: saved.loss,
        weights,
        average: there(average),
        mined: there(mined),
        moments: Moments { steps: saved.steps, first, second },
        history: saved.history,
    };
    Ok((state, identity))
}

/// Reads the weights of a run's best epoch.
///
/// # Errors
/// When the run has no finished epoch yet, or the file is cut short.
pub fn load_best(run: &Path) -> Result<(Weights, Identity)> {
    crate::run::checkpoint::load_best(run)
}

/// The history as a CSV file.
pub fn csv(history: &[Epoch]) -> String {
    let header = "epoch,loss,val_average_precision,val_recall,val_precision,val_threshold,val_false_alarms,learning_rate,\
                  images_per_second,mistakes,seconds\n";
    let line = |e: &Epoch| {
        format!(
            "{},{:.5},{:.5},{:.5},{:.5},{:.4},{},{:.3e},{:.1},{},{:.1}\n",
            e.epoch,
            e.loss,
            e.val.average_precision,
            e.val.recall.rate(),
            e.val.precision,
            e.val.threshold,
            e.val.false_positives,
            e.learning_rate,
            e.images_per_second,
            e.mistakes,
            e.seconds
        )
    };
    header.to_string() + &history.iter().map(line).collect::<String>()
}
