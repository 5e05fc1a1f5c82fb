//! Everything a run depends on; written into its folder as `config.toml`.

use super::keys::check_keys;
use super::old_keys;
use crate::device::{DeviceName, OperatorSet};
use crate::failure::{Blame, Kind};
use crate::nets::Net;
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use anyhow::{Context, Result, ensure};
use emotion_models::{InputSpec, Task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

/// A run's configuration: what every task has, and the task's own keys. In the file all of them stand side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config<C> {
    /// What every task has.
    #[serde(flatten)]
    pub run: RunConfig,
    /// The task's own.
    #[serde(flatten)]
    pub task: C,
}

/// What every run depends on, whatever its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// What the net is trained for; files that do not say it are of emotion runs.
    #[serde(skip_serializing_if = "is_emotion")]
    pub task: Task,
    /// Every random choice derives from it.
    pub seed: u64,
    /// Largest number of epochs.
    pub epochs: usize,
    /// Pictures or scenes per step.
    pub batch_size: usize,
    /// Where the computation runs.
    pub device: DeviceName,
    /// Which convolution, normalisation and pooling.
    pub operators: OperatorSet,
    /// Threads; 0 takes all cores. Another number rounds sums differently, so a run keeps its own.
    pub threads: usize,
    /// Decay of the exponential moving average of weights (EMA); 0 switches it off.
    pub ema: f64,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Learning rate over time.
    pub schedule: Schedule,
    /// Epochs without a better one before training stops; 0 never stops.
    pub patience: usize,
    /// These first stages keep their weights.
    pub freeze: usize,
    /// Convolutions in 8-bit integers; absent in float runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Quantization>,
}

/// How a run trains its net for 8-bit integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quantization {
    /// Training pictures on which observers find the first ranges of activations.
    pub calibration_images: usize,
    /// Epochs after which running statistics and the ranges of activations are frozen.
    pub freeze_ranges_after: usize,
}

/// A task's own part of the configuration.
pub trait TaskConfig: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// The task.
    const TASK: Task;

    /// What keys stand for that a file leaves out; `given` are those it has.
    ///
    /// # Errors
    /// When a key on which the others depend has an impossible value.
    fn preset(given: &toml::Table) -> Result<Config<Self>>;

    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the value and what it may be.
    fn check(&self) -> Result<()>;

    /// Refuses an impossible net.
    ///
    /// # Errors
    /// Names the value and what it may be.
    fn check_net(&self) -> Result<()>;

    /// What the net sees.
    fn input(&self) -> InputSpec;

    /// The float net for a number of labels.
    ///
    /// # Errors
    /// When the input is too small for it.
    fn float_net(&self, labels: usize) -> Result<Net>;

    /// The data folders as they were given.
    fn sources(&self) -> &[String];

    /// Takes other data folders.
    fn use_sources(&mut self, sources: &[String]);

    /// Notes the fingerprints of files that a run learns from beside its data; compares them where they are noted.
    ///
    /// # Errors
    /// A file that cannot be used, or has changed.
    fn note_files(&mut self) -> Result<()> {
        Ok(())
    }

    /// How many labels the data has, which is not read for that.
    ///
    /// # Errors
    /// When a folder cannot be read.
    fn label_count(&self) -> Result<usize>;

    /// What an epoch is judged by on the validation part, in words.
    fn monitor(&self) -> &'static str;
}

/// More threads than this are a slip of the finger.
const MAX_THREADS: usize = 1024;

fn is_emotion(task: &Task) -> bool {
    *task == Task::Emotion
}

impl Default for RunConfig {
    fn default() -> Self {
        RunConfig {
            task: Task::Emotion,
            seed: 1,
            epochs: 30,
            batch_size: 64,
            device: DeviceName::Cpu,
            operators: OperatorSet::Fast,
            threads: 0,
            ema: 0.999,
            optimizer: Optimizer::default(),
            schedule: Schedule::Cosine { warmup_epochs: 1.0 },
            patience: 0,
            freeze: 0,
            quantize: None,
        }
    }
}

impl Default for Quantization {
    fn default() -> Self {
        Quantization { calibration_images: 2048, freeze_ranges_after: 1 }
    }
}

impl RunConfig {
    fn check(&self) -> Result<()> {
        match &self.quantize {
            None => ensure!(self.epochs > 0, "epochs must be at least 1"),
            Some(quantize) => {
                ensure!(quantize.calibration_images > 0, "quantize.calibration_images must be at least 1 picture");
            }
        }
        check_threads(self.threads)?;
        ensure!(self.batch_size > 1, "batch_size must be at least 2: batch normalisation needs more than one picture");
        ensure!((0.0..1.0).contains(&self.ema), "ema {} is outside 0..1", self.ema);
        let Optimizer { learning_rate: rate, weight_decay, l2, .. } = self.optimizer;
        ensure!(rate > 0.0 && rate.is_finite(), "optimizer.learning_rate {rate} must be above 0");
        ensure!(weight_decay >= 0.0, "optimizer.weight_decay must not be negative");
        ensure!(l2 >= 0.0, "optimizer.l2 must not be negative");
        Ok(())
    }
}

/// Refuses more threads than any machine starts.
///
/// # Errors
/// Says how many there may be.
pub fn check_threads(threads: usize) -> Result<()> {
    ensure!(threads <= MAX_THREADS, "threads {threads} is outside 0..={MAX_THREADS}; 0 takes all cores");
    Ok(())
}

/// Refuses an impossible part of the training data to set aside for validation.
///
/// # Errors
/// Says what it may be.
pub fn check_val_fraction(fraction: f32) -> Result<()> {
    ensure!((0.01..=0.5).contains(&fraction), "data.val_fraction {fraction} is outside 0.01..=0.5");
    Ok(())
}

impl<C: TaskConfig> Config<C> {
    /// Reads a configuration file; keys it leaves out keep the task's preset.
    ///
    /// # Errors
    /// When it cannot be read, has an unknown key, or a value of the wrong kind: the message names file and line.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_with(path, toml::Table::new())
    }

    /// The same with keys that win over those of the file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_with(path: &Path, keys: toml::Table) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        text.and_then(|text| Self::parse(&text, keys).with_context(|| format!("in {}", path.display())))
            .blame(Kind::Config)
    }

    /// Reads a configuration's text.
    ///
    /// # Errors
    /// As [`Config::read`], without the file's name.
    pub fn parse(text: &str, keys: toml::Table) -> Result<Self> {
        let mut given = DeTable::parse(text).map_err(|error| within(error, text))?;
        old_keys::rename(given.get_mut());
        // Merging with the preset loses where a key stood, so errors are reported first.
        divided::<C>(given.clone(), text)?;
        let mut given = toml::Table::deserialize(Deserializer::from(given))?;
        merge(&mut given, keys);
        let mut whole = toml::Table::try_from(C::preset(&given)?)?;
        merge(&mut whole, given);
        let whole = whole.to_string();
        Ok(divided(DeTable::parse(&whole)?, &whole)?)
    }

    /// The keys whose values differ, as `table.key`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let table = |config: &Self| toml::Table::try_from(config).unwrap_or_default();
        let mut keys = vec![];
        differing("", &table(self), &table(other), &mut keys);
        keys
    }

    /// The configuration as a file.
    ///
    /// # Errors
    /// Never for a configuration that was read or preset.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check(&self) -> Result<()> {
        ensure!(self.run.task == C::TASK, "task = \"{}\" in the configuration of a run for {}", self.run.task, C::TASK);
        self.task.check()?;
        self.task.check_net()?;
        self.run.check()
    }

    /// The net for a number of labels.
    ///
    /// # Errors
    /// When the input is too small for it.
    pub fn build_net(&self, labels: usize) -> Result<Net> {
        let net = self.task.float_net(labels)?;
        Ok(if self.run.quantize.is_some() { net.quantized(&self.task.input()) } else { net })
    }

    /// What the net sees.
    pub fn input(&self) -> InputSpec {
        self.task.input()
    }
}

/// The task of the run or configuration file at `path`; emotion where the file cannot be read or does not say.
pub fn task_of(path: &Path) -> Task {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let task = text.parse::<toml::Table>().ok().and_then(|file| Task::deserialize(file.get("task")?.clone()).ok());
    task.unwrap_or(Task::Emotion)
}

/// What may change while a run is under way.
/// The data may have moved: their fingerprint is compared.
const CHANGEABLE: [&str; 7] = ["epochs", "threads", "device", "operators", "data.cache", "data.sources", "data.photos"];

/// Half a run with one configuration and half with another is nobody's run, but for what is `CHANGEABLE`.
///
/// # Errors
/// Names the keys that have changed since `saved`, a checkpoint's configuration, was written.
pub fn check_unchanged<C: TaskConfig>(now: &Config<C>, saved: &str, run: &Path) -> Result<()> {
    let then = Config::<C>::parse(saved, toml::Table::new());
    let mut changed = then.context("the configuration in the checkpoint is damaged")?.differences(now);
    changed.retain(|key| !CHANGEABLE.contains(&key.as_str()));
    ensure!(
        changed.is_empty(),
        "{} has changed since the run was started: {}; undo that, or start a new run with --init {} and --out",
        run.join("config.toml").display(),
        changed.join(", "),
        run.display()
    );
    Ok(())
}

/// Reads the two halves of a configuration. Each takes its own keys, so that an error knows its line in `text`.
fn divided<C: TaskConfig>(table: Spanned<DeTable<'_>>, text: &str) -> Result<Config<C>, toml::de::Error> {
    let every = RunConfig { task: Task::Face, quantize: Some(Quantization::default()), ..RunConfig::default() };
    let shared = toml::Table::try_from(every).unwrap_or_default();
    let keys: Vec<&str> = shared.keys().map(String::as_str).collect();
    check_keys(table.get_ref(), C::TASK, &keys).map_err(|error| within(error, text))?;
    let span = table.span();
    let (run, task) = table.into_inner().into_iter().partition(|(key, _)| shared.contains_key(key.get_ref().as_ref()));
    let run = RunConfig::deserialize(Deserializer::from(Spanned::new(span.clone(), run)));
    let task = C::deserialize(Deserializer::from(Spanned::new(span, task)));
    Ok(Config { run: run.map_err(|error| within(error, text))?, task: task.map_err(|error| within(error, text))? })
}

/// The error with its line in `text`.
fn within(mut error: toml::de::Error, text: &str) -> toml::de::Error {
    error.set_input(Some(text));
    error
}

fn differing(prefix: &str, one: &toml::Table, other: &toml::Table, keys: &mut Vec<String>) {
    let all: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for key in all {
        match (one.get(key), other.get(key)) {
            (Some(toml::Value::Table(one)), Some(toml::Value::Table(other))) => {
                differing(&format!("{prefix}{key}."), one, other, keys);
            }
            (one, other) if one != other => keys.push(format!("{prefix}{key}")),
            _ => {}
        }
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            // A schedule of another kind has other keys: it replaces the preset's whole.
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) if key != "schedule" => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::options::EmotionConfig;
    use crate::face::options::FaceConfig;
    use crate::nets::Architecture;

    fn parse<C: TaskConfig>(text: &str) -> Result<Config<C>> {
        Config::parse(text, toml::Table::new())
    }

    #[test]
    fn what_is_written_is_read_again_and_keeps_its_keys_side_by_side() {
        let emotion = Config::of_arch(Architecture::Lenet);
        let text = emotion.to_toml().unwrap();
        assert!(text.contains("\nepochs = 60\n") && text.contains("val_fraction = 0.15\n"), "{text}");
        assert!(!text.contains("task"), "{text}");
        assert_eq!(parse::<EmotionConfig>(&text).unwrap(), emotion);
        let mut face = Config::<FaceConfig>::default();
        face.run.quantize = Some(Quantization::default());
        let text = face.to_toml().unwrap();
        assert!(text.starts_with("task = \"face\"\nseed = 1\n"), "{text}");
        assert_eq!(parse::<FaceConfig>(&text).unwrap(), face);
    }

    #[test]
    fn keys_left_out_come_from_the_preset_and_given_ones_win() {
        let lenet = Config::of_arch(Architecture::Lenet);
        let mut expected = lenet.clone();
        expected.run.optimizer.learning_rate = 0.5;
        let text = "[optimizer]\nlearning_rate = 0.5\n";
        assert_eq!(parse::<EmotionConfig>(&format!("arch = 'lenet'\n{text}")).unwrap(), expected);
        let keys = toml::Table::from_iter([("arch".to_owned(), "lenet".into())]);
        assert_eq!(Config::parse(text, keys).unwrap(), expected);
        assert_eq!(parse::<FaceConfig>("").unwrap(), Config::default());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let told = |text: &str| format!("{:#}", parse::<EmotionConfig>(text).unwrap_err());
        for (text, line, word) in [
            ("epochs = 1\nepoch = 2\n", "line 2", "did you mean `epochs`?"),
            ("size = 48\n\nepochs = 'many'\n", "line 3", "many"),
            ("size = 48\n[data]\nsource = []\n", "line 3", "source"),
            ("[optimizer]\nbeta3 = 0.1\n", "line 2", "beta3"),
        ] {
            let told = told(text);
            assert!(told.contains(line) && told.contains(word), "{told}");
        }
        let told = format!("{:#}", parse::<FaceConfig>("width = 64\narch = 'lenet'\n").unwrap_err());
        assert!(told.contains("line 2") && told.contains("`arch` belongs to --task emotion"), "{told}");
    }
}
