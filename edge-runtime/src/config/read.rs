//! Reading a configuration file.

use super::setting::{Given, Refused, Setting, quoted};
use super::{Config, ConfigError, Keys, SETTINGS};
use crate::home::expanded;
use crate::source::SourceSpec;
use std::path::Path;
use toml::de::DeTable;

impl Config {
    /// Reads a file. Relative paths count from the file's folder, and `~` is the home.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has an unknown key or an impossible value; named with file, line and key.
    pub fn read(path: &Path) -> Result<(Self, Keys), ConfigError> {
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let lines = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|&byte| byte == b'\n').count();
            refused(format!("{}:{lines}", path.display()), "not TOML: the text is not UTF-8".to_owned())
        })?;
        let (mut config, keys) = Self::parse(&text, path)?;
        let folder = path.parent().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
        let pictures = match &mut config.source {
            Some(SourceSpec::Images(pictures)) => Some(pictures),
            _ => None,
        };
        let models = [&mut config.model, &mut config.face_model].into_iter().flatten();
        for named in models.chain(pictures) {
            let meant = expanded(named);
            *named = folder.as_ref().map_or(meant.clone(), |folder| folder.join(&meant));
        }
        Ok((config, keys))
    }

    /// Reads the content of the file `path`.
    ///
    /// # Errors
    /// As [`Config::read`], but for the file itself.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Keys), ConfigError> {
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let place = Keys::new(path, text, &DeTable::new()).line_of(span.start);
            refused(place, no_toml(error.message(), text.get(span).unwrap_or_default()))
        })?;
        let keys = Keys::new(path, text, table.get_ref());
        let mut config = Self::default();
        config.take_section("", table.get_ref(), &keys)?;
        Ok((config, keys))
    }

    /// Takes over what a table of the file says; `section` is its dotted name, with a dot at its end.
    fn take_section(&mut self, section: &str, table: &DeTable<'_>, keys: &Keys) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name = format!("{section}{}", key.get_ref());
            let given = Given::File(value.get_ref());
            let at = |why: Refused| refused(keys.place(&format!("{name}{}", why.within)), why.message);
            if let Some(Setting { field, takes, .. }) = SETTINGS.iter().find(|setting| setting.key == name) {
                field(self).accept(&given, takes).map_err(at)?;
            } else if SETTINGS
                .iter()
                .any(|setting| setting.key.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.')))
            {
                self.take_section(&format!("{name}."), given.table().map_err(at)?, keys)?;
            } else {
                let mut allowed: Vec<&str> =
                    SETTINGS.iter().filter_map(|setting| first_of(setting.key, section)).collect();
                allowed.dedup();
                let meant = nearest(key.get_ref(), &allowed).map(|near| format!("did you mean `{near}`? "));
                let meant = meant.unwrap_or_default();
                let allowed = quoted(allowed.into_iter());
                return Err(at(Refused::new(format!("unknown key: {meant}allowed are {allowed}"))));
            }
        }
        Ok(())
    }
}

/// The key that a slip of the finger may have meant.
fn nearest<'a>(key: &str, allowed: &[&'a str]) -> Option<&'a str> {
    const MAX_EDITS: usize = 2;
    let edits = |other: &str| strsim::damerau_levenshtein(key, other);
    let near = allowed.iter().copied().min_by_key(|other| edits(other))?;
    (edits(near) <= MAX_EDITS && edits(near) < near.len()).then_some(near)
}

/// The part of a key after `section`, up to the next dot; `None` if the key is not below `section`.
fn first_of<'a>(key: &'a str, section: &str) -> Option<&'a str> {
    key.strip_prefix(section)?.split('.').next()
}

fn refused(place: String, message: String) -> ConfigError {
    ConfigError::Refused { place, message }
}

/// Why `there` is no TOML.
fn no_toml(message: &str, there: &str) -> String {
    // The parser guesses a value's type by its first letter.
    let value = ["string values must be quoted", "invalid boolean", "invalid float"];
    if message == "duplicate key" {
        format!("`{there}` is there twice: keep one")
    } else if value.iter().any(|start| message.starts_with(start)) {
        "not TOML: a value is missing, malformed, or lacks its quotes".to_owned()
    } else {
        format!("not TOML: {}", message.replace('\n', ", "))
    }
}
