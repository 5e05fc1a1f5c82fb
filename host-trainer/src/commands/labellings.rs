//! How folders are labelled, for commands that are given a training configuration beside them.

use crate::emotion::dataset::Labelling;
use crate::emotion::options::EmotionConfig;
use crate::failure::{Kind, failure};
use crate::files::own_name;
use crate::run::config::Config;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the `folders` are labelled, by their names, as a training configuration says.
///
/// # Errors
/// A configuration that cannot be read or says something impossible, or that knows none of the folders.
pub fn labellings(config: &Path, folders: &[PathBuf]) -> Result<BTreeMap<String, Labelling>> {
    let labellings = Config::<EmotionConfig>::read(config)?.task.data.labelling;
    for (name, labelling) in &labellings {
        let named = |reason: String| format!("in {}: data.labelling.{name}: {reason}", config.display());
        labelling.check().map_err(|reason| failure(Kind::Config, named(reason)))?;
    }
    let names: Vec<String> = folders.iter().map(|folder| own_name(folder)).collect();
    if names.iter().any(|name| labellings.contains_key(name)) {
        return Ok(labellings);
    }
    let known: Vec<&str> = labellings.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    let message = format!(
        "--config {} says how {known} is labelled, but not {}: add [data.labelling.{}], or leave --config out",
        config.display(),
        names.join(" or "),
        names.first().map_or("NAME", String::as_str)
    );
    Err(failure(Kind::Config, message))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::failure::kind_of;

    #[test]
    fn a_configuration_must_know_one_of_the_folders() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("train.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            labellings(&file, &["sets/web".into(), "own".into()])
        };
        let found = read("[data.labelling.own]\nnames = { calm = 'neutral' }\n").unwrap();
        assert_eq!(found["own"].names["calm"], "neutral");
        for (text, words) in [
            ("[data.labelling.other]\nweight = 2\n", "says how other is labelled, but not web or own"),
            ("size = 48\n", "says how nothing is labelled"),
            ("[data.labelling.own]\nweight = 0\n", "data.labelling.own: weight 0"),
            ("nothing = 1\n", "in "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(kind_of(&error), Some(Kind::Config), "{error}");
        }
    }
}
