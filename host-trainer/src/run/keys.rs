//! The outermost keys of a configuration file, and what is said of one that is none of them.

use emotion_models::Task;
use serde::Deserializer;
use serde::de::{Error, Visitor};
use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use strsim::levenshtein;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A key that is this many edits (Levenshtein 1966) or fewer from another one is taken for a slip of the finger.
const MAX_EDITS: usize = 2;

/// The keys that only runs of a task have; they are those of its part of the configuration.
fn keys_of(task: Task) -> &'static [&'static str] {
    match task {
        Task::Emotion => &[
            "arch",
            "size",
            "colour",
            "label_smoothing",
            "class_weights",
            "mask_absent",
            "balanced_sampling",
            "monitor",
            "data",
            "net",
            "augment",
            "teacher_share",
            "teachers",
        ],
        Task::Face => &["width", "height", "scenes_per_epoch", "hard_negatives_every", "data", "net", "scenes"],
    }
}

/// Refuses a file with a key that runs of `task` do not have; `shared` are those that every run has.
///
/// # Errors
/// Says which keys there are, or which task has this one; it has the key's place, and wants the text to show it.
pub fn check_keys(file: &DeTable<'_>, task: Task, shared: &[&str]) -> Result<(), toml::de::Error> {
    for key in file.keys() {
        let name: &str = key.get_ref();
        if !shared.contains(&name) && !keys_of(task).contains(&name) {
            return Err(error_at(key.span(), unknown(name, task, shared)));
        }
    }
    Ok(())
}

fn unknown(name: &str, task: Task, shared: &[&str]) -> String {
    if let Some(other) = [Task::Emotion, Task::Face].into_iter().find(|other| keys_of(*other).contains(&name)) {
        return format!("`{name}` belongs to --task {other}; this configuration has the task {task}");
    }
    let mut known: Vec<&str> = shared.iter().chain(keys_of(task)).copied().collect();
    known.sort_unstable();
    let nearest = known.iter().map(|key| (levenshtein(name, key), *key)).min().filter(|(edits, _)| *edits <= MAX_EDITS);
    let hint = nearest.map_or(String::new(), |(_, key)| format!(" did you mean `{key}`?"));
    format!("unknown key `{name}`;{hint} --task {task} has the keys {}", known.join(", "))
}

/// An error about the characters of `span`.
fn error_at(span: Range<usize>, message: String) -> toml::de::Error {
    let value = ValueDeserializer::from(Spanned::new(span, DeValue::Boolean(true)));
    let Err(error) = value.deserialize_any(Refusal(message));
    error
}

/// Takes no value. Only an error that comes up inside of its deserialiser is given a place by the toml crate.
struct Refusal(String);

impl Visitor<'_> for Refusal {
    type Value = Infallible;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Infallible, E> {
        Err(E::custom(self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::options::EmotionConfig;
    use crate::emotion::teacher::TeacherConfig;
    use crate::face::options::FaceConfig;

    #[test]
    fn the_keys_are_those_of_the_configurations() {
        let emotion = EmotionConfig { teachers: vec![TeacherConfig::default()], ..EmotionConfig::default() };
        let emotion = toml::Table::try_from(emotion).unwrap();
        let face = toml::Table::try_from(FaceConfig::default()).unwrap();
        for (task, table) in [(Task::Emotion, emotion), (Task::Face, face)] {
            let (mut keys, mut found) = (keys_of(task).to_vec(), table.keys().map(String::as_str).collect::<Vec<_>>());
            keys.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, keys, "{task}");
        }
    }

    #[test]
    fn an_unknown_key_is_told_with_the_keys_there_are() {
        let shared = ["epochs", "seed", "task"];
        let told = |text: &str, task| check_keys(DeTable::parse(text).unwrap().get_ref(), task, &shared).unwrap_err();
        let epoch = told("seed = 1\nepoch = 2\n", Task::Face);
        assert_eq!(
            epoch.message(),
            "unknown key `epoch`; did you mean `epochs`? --task face has the keys data, epochs, hard_negatives_every, height, net, \
             scenes, scenes_per_epoch, seed, task, width"
        );
        assert_eq!(epoch.span(), Some(9..14));
        let strange = told("loudness = 2\n", Task::Emotion);
        assert!(
            strange.message().starts_with("unknown key `loudness`; --task emotion has the keys arch, "),
            "{strange}"
        );
        let others = told("scenes_per_epoch = 9\n", Task::Emotion);
        assert_eq!(
            others.message(),
            "`scenes_per_epoch` belongs to --task face; this configuration has the task emotion"
        );
        check_keys(DeTable::parse("seed = 1\nscenes = {}\n").unwrap().get_ref(), Task::Face, &shared).unwrap();
    }
}
