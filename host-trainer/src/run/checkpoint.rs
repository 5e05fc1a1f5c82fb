//! A run's state on disk: enough to go on as if nothing had happened.

use super::history::Epoch;
use crate::failure::{Blame, Kind, failure};
use crate::files::make_folder;
use crate::nets::weights::Weights;
use crate::train::early_stopping::StoppingState;
use crate::train::optimizer::Moments;
use crate::train::schedule::ScheduleState;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Sums over the steps of the epoch under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Steps taken in this epoch.
    pub steps: usize,
    /// Sum of loss times pictures.
    pub loss: f64,
    /// Probabilities of the pictures seen, `[N, labels]`.
    pub probabilities: Vec<f32>,
    /// Their (dominant) labels.
    pub targets: Vec<usize>,
    /// Seconds spent.
    pub seconds: f64,
}

/// Whatever changes while training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Whole epochs done.
    pub epochs_done: usize,
    /// The epoch under way.
    pub running: Running,
    /// The weights that learn, with running statistics of the normalisations.
    pub weights: Weights,
    /// Their moving average, when that is on.
    pub average: Option<Weights>,
    /// The optimizer's.
    pub moments: Moments,
    /// The learning rate's.
    pub schedule: ScheduleState,
    /// Early stopping's.
    pub stopping: StoppingState,
    /// Epochs so far.
    pub history: Vec<Epoch>,
}

#[derive(Serialize, Deserialize)]
struct Notes {
    epochs_done: usize,
    running: Running,
    steps: u64,
    schedule: ScheduleState,
    stopping: StoppingState,
    history: Vec<Epoch>,
}

/// What a checkpoint was trained on; a run resumes only on the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Labels in output order.
    pub labels: Vec<String>,
    /// SHA-256 over the pictures.
    pub data_fingerprint: String,
    /// The commands that started the run and had it go on for longer.
    pub command: String,
    /// The run's configuration as it was started, as TOML; absent in checkpoints of the first versions.
    #[serde(default)]
    pub config: Option<String>,
}

impl Identity {
    /// Takes note of a command that had a run go on for longer than it was to, once.
    pub fn record_resume(&mut self, command: &str) {
        if !self.command.lines().any(|line| line == command) {
            self.command = format!("{}\n{command}", self.command);
        }
    }
}

/// The last state of a run.
pub fn last(run: &Path) -> PathBuf {
    run.join("checkpoints/last.safetensors")
}

/// The weights of a run's best epoch.
pub fn best(run: &Path) -> PathBuf {
    run.join("checkpoints/best.safetensors")
}

/// Saves the whole state to `checkpoints/last.safetensors`.
///
/// # Errors
/// When it cannot be written; the former checkpoint is then still there.
pub fn save(run: &Path, state: &State, identity: &Identity) -> Result<()> {
    let mut all = Weights::default();
    let mut add = |prefix: &str, weights: &Weights| {
        for (name, array) in &weights.0 {
            all.0.insert(format!("{prefix}/{name}"), array.clone());
        }
    };
    add("weights", &state.weights);
    add("first", &state.moments.first);
    add("second", &state.moments.second);
    if let Some(average) = &state.average {
        add("average", average);
    }
    let notes = Notes {
        epochs_done: state.epochs_done,
        running: state.running.clone(),
        steps: state.moments.steps,
        schedule: state.schedule.clone(),
        stopping: state.stopping.clone(),
        history: state.history.clone(),
    };
    let notes = BTreeMap::from([
        ("state".to_string(), toml::to_string(&notes)?),
        ("identity".to_string(), toml::to_string(identity)?),
    ]);
    write(&last(run), &all, &notes)
}

/// Saves the weights of the best epoch.
///
/// # Errors
/// When they cannot be written; the former ones are then still there.
pub fn save_best(run: &Path, weights: &Weights, identity: &Identity) -> Result<()> {
    let notes = BTreeMap::from([("identity".to_string(), toml::to_string(identity)?)]);
    write(&best(run), weights, &notes)
}

fn write(path: &Path, weights: &Weights, notes: &BTreeMap<String, String>) -> Result<()> {
    let former = if path.exists() { "; the former checkpoint is kept" } else { "" };
    path.parent()
        .map_or(Ok(()), |folder| Ok(make_folder(folder)?))
        .and_then(|()| weights.save(path, notes))
        .with_context(|| format!("cannot save a checkpoint; make room or choose another --out{former}"))
}

/// Reads `checkpoints/last.safetensors`.
///
/// # Errors
/// When it is missing, cut short, or written by something else.
pub fn load(run: &Path) -> Result<(State, Identity)> {
    read(run).blame(Kind::Model)
}

fn read(run: &Path) -> Result<(State, Identity)> {
    let path = last(run);
    ensure!(
        path.exists(),
        "{} has nothing to go on from (no {}); start it anew with train --out",
        run.display(),
        path.display()
    );
    let (all, notes) = Weights::load(&path)?;
    let (saved, identity): (Notes, Identity) = parse(&path, &notes)?;
    let part = |prefix: &str| {
        let named = all.0.iter().filter_map(|(name, array)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('/')?.to_string(), array.clone()))
        });
        Weights(named.collect())
    };
    let average = part("average");
    let state = State {
        epochs_done: saved.epochs_done,
        running: saved.running,
        weights: part("weights"),
        average: (!average.0.is_empty()).then_some(average),
        moments: Moments { steps: saved.steps, first: part("first"), second: part("second") },
        schedule: saved.schedule,
        stopping: saved.stopping,
        history: saved.history,
    };
    Ok((state, identity))
}

/// Reads the weights of the best epoch and what they were trained on.
///
/// # Errors
/// When the run has no finished epoch yet, or the file is cut short.
pub fn load_best(run: &Path) -> Result<(Weights, Identity)> {
    let path = best(run);
    if !path.exists() {
        let (run, path) = (run.display(), path.display());
        return Err(failure(Kind::Model, format!("{run} has no finished epoch yet (no {path}); train it first")));
    }
    let (weights, notes) = Weights::load(&path)?;
    Ok((weights, field(&path, &notes, "identity").blame(Kind::Model)?))
}

fn parse(path: &Path, notes: &BTreeMap<String, String>) -> Result<(Notes, Identity)> {
    Ok((field(path, notes, "state")?, field(path, notes, "identity")?))
}

fn field<T: serde::de::DeserializeOwned>(path: &Path, notes: &BTreeMap<String, String>, key: &str) -> Result<T> {
    let text =
        notes.get(key).with_context(|| format!("{} holds no {key}; it is no checkpoint of a run", path.display()))?;
    toml::from_str(text).with_context(|| format!("the {key} in {} is damaged", path.display()))
}
