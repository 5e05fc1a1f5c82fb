//! Reading a configuration file.

use super::{Config, ConfigError, Keys};
use std::path::Path;

impl Config {
    /// Reads a file. A relative `model` path counts from the file's folder.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has an unknown key or an impossible value; named with file, line and key.
    pub fn read(path: &Path) -> Result<(Self, Keys), ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let (mut config, keys) = Self::parse(&text, path)?;
        if let (Some(model), Some(folder)) = (&mut config.model, path.parent()) {
            *model = folder.join(&model);
        }
        Ok((config, keys))
    }

    /// Reads the content of the file `path`.
    ///
    /// # Errors
    /// As [`Config::read`], but for the file itself.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Keys), ConfigError> {
        let keys = Keys::new(path, text);
        match toml::from_str(text) {
            Ok(config) => Ok((config, keys)),
            Err(error) => {
                let place = match error.span() {
                    Some(span) => keys.place_of(span),
                    None => path.display().to_string(),
                };
                Err(ConfigError::Refused { place, message: plain(error.message()) })
            }
        }
    }
}

/// The message in words that say what is allowed.
fn plain(message: &str) -> String {
    let plain = message
        .replace("unknown field", "unknown key")
        .replace("unknown variant", "not allowed:")
        .replace("expected one of", "allowed are")
        .replace(", expected ", ", allowed are ");
    plain.trim().replace('\n', ", ")
}
