//! A run's state on disk: enough to go on as if nothing had happened.

use super::history::Epoch;
use crate::failure::{Blame, Kind, failure};
use crate::files::make_folder;
use crate::nets::weights::Weights;
use crate::task::Task;
use crate::train::early_stopping::StoppingState;
use crate::train::optimizer::Moments;
use crate::train::schedule::ScheduleState;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The epoch under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Running<S> {
    /// Steps taken in this epoch.
    pub steps: usize,
    /// The task's sums over them.
    #[serde(flatten)]
    pub sums: S,
    /// Seconds spent.
    pub seconds: f64,
}

/// Whatever changes while training: sums `S` and figures `F` are the task's. Weights are arrays of the checkpoint, the rest is in
/// its header.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState<S, F> {
    /// Whole epochs done.
    pub epochs_done: usize,
    /// The epoch under way.
    pub running: Running<S>,
    /// The weights that learn, with running statistics of the normalisations.
    #[serde(skip)]
    pub weights: Weights,
    /// Their exponential moving average, when that is on.
    #[serde(skip)]
    pub ema: Option<Weights>,
    /// The weights by which hard negatives were mined last.
    #[serde(skip)]
    pub mined: Option<Weights>,
    /// The optimizer's running means of gradients, and its steps.
    #[serde(flatten)]
    pub moments: Moments,
    /// By how much the learning rate was reduced so far, and what decides on the next reduction.
    pub schedule: ScheduleState,
    /// The best epoch so far, and for how long none was better.
    pub stopping: StoppingState,
    /// The figures of each epoch so far.
    pub history: Vec<Epoch<F>>,
}

/// The state of a task's runs.
pub type StateOf<T> = TrainingState<<T as Task>::Sums, <T as Task>::Figures>;

impl<S: Default, F: Default> TrainingState<S, F> {
    /// The state in which a run starts.
    pub fn start(weights: Weights, ema: bool) -> Self {
        TrainingState { ema: ema.then(|| weights.clone()), weights, ..Self::default() }
    }

    /// The weights that are judged and exported.
    pub fn judged(&self) -> &Weights {
        self.ema.as_ref().unwrap_or(&self.weights)
    }
}

/// What checkpoints of face runs held in place of the state before all tasks had one trainer.
#[derive(Deserialize)]
struct FormerState<S, F> {
    epochs_done: usize,
    steps_done: usize,
    #[serde(flatten)]
    sums: S,
    steps: u64,
    history: Vec<Epoch<F>>,
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

    /// Refuses to go on with `run` on other data or labels than those it was started on.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check_same_data(&self, now: &Identity, run: &Path) -> Result<()> {
        let run = run.display();
        if self.labels != now.labels {
            let (before, after) = (self.labels.join(", "), now.labels.join(", "));
            bail!("{run} was trained on the labels {before}; the data now has {after}");
        }
        ensure!(
            self.data_fingerprint == now.data_fingerprint,
            "the pictures have changed since {run} was started; start a new run, with --init {run} to keep what it learned"
        );
        Ok(())
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
pub fn save<T: Task>(run: &Path, state: &StateOf<T>, identity: &Identity) -> Result<()> {
    let parts = [
        ("weights", Some(&state.weights)),
        ("first", Some(&state.moments.first)),
        ("second", Some(&state.moments.second)),
        ("average", state.ema.as_ref()),
        ("mined", state.mined.as_ref()),
    ];
    let mut all = Weights::default();
    for (prefix, weights) in parts {
        let named = weights.into_iter().flat_map(|weights| &weights.0);
        all.0.extend(named.map(|(name, array)| (format!("{prefix}/{name}"), array.clone())));
    }
    let notes = BTreeMap::from([
        ("state".to_string(), toml::to_string(state)?),
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
pub fn load<T: Task>(run: &Path, config: &T::Config) -> Result<(StateOf<T>, Identity)> {
    read::<T>(run, config).blame(Kind::Model)
}

fn read<T: Task>(run: &Path, config: &T::Config) -> Result<(StateOf<T>, Identity)> {
    let path = last(run);
    ensure!(
        path.exists(),
        "{} has nothing to go on from (no {}); start it anew with train --out",
        run.display(),
        path.display()
    );
    let (all, notes) = Weights::load(&path)?;
    let mut state: StateOf<T> = match notes.contains_key("face") {
        true => former::<T>(&path, &notes, config)?,
        false => field(&path, &notes, "state")?,
    };
    let part = |prefix: &str| {
        let named = all.0.iter().filter_map(|(name, array)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('/')?.to_string(), array.clone()))
        });
        Weights(named.collect())
    };
    let there = |prefix: &str| Some(part(prefix)).filter(|weights| !weights.0.is_empty());
    state.weights = part("weights");
    (state.moments.first, state.moments.second) = (part("first"), part("second"));
    (state.ema, state.mined) = (there("average"), there("mined"));
    Ok((state, field(&path, &notes, "identity")?))
}

/// The state in a face run's checkpoint of a former version; its history gives the best epoch.
fn former<T: Task>(path: &Path, notes: &BTreeMap<String, String>, config: &T::Config) -> Result<StateOf<T>> {
    let former: FormerState<T::Sums, T::Figures> = field(path, notes, "face")?;
    let mut state = StateOf::<T> {
        epochs_done: former.epochs_done,
        running: Running { steps: former.steps_done, sums: former.sums, seconds: 0.0 },
        moments: Moments { steps: former.steps, ..Moments::default() },
        history: former.history,
        ..Default::default()
    };
    for entry in &state.history {
        state.stopping.epoch_over(&T::judge(config, &entry.figures), entry.epoch);
    }
    Ok(state)
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

fn field<N: serde::de::DeserializeOwned>(path: &Path, notes: &BTreeMap<String, String>, key: &str) -> Result<N> {
    let text =
        notes.get(key).with_context(|| format!("{} holds no {key}; it is no checkpoint of a run", path.display()))?;
    toml::from_str(text).with_context(|| format!("the {key} in {} is damaged", path.display()))
}
