//! Reading a configuration file.

use super::{Config, ConfigError, Keys};
use serde::Deserialize;
use std::path::Path;

impl Config {
    /// Reads a file. Relative paths of models count from the file's folder.
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
        for model in [&mut config.model, &mut config.face_model].into_iter().flatten() {
            if let Some(folder) = path.parent() {
                *model = folder.join(&model);
            }
        }
        Ok((config, keys))
    }

    /// Reads the content of the file `path`.
    ///
    /// # Errors
    /// As [`Config::read`], but for the file itself.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Keys), ConfigError> {
        let keys = Keys::new(path, text);
        let input = toml::Deserializer::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            refused(keys.line_of(span.start), no_toml(error.message(), text.get(span).unwrap_or_default()))
        })?;
        // An array would pass for a table whose values stand in order.
        if let Some(key) = keys.array() {
            return Err(refused(keys.place(key), "takes no array".to_owned()));
        }
        match Self::deserialize(input) {
            Ok(config) => Ok((config, keys)),
            Err(error) => {
                let place = match error.span() {
                    Some(span) => keys.place_of(span),
                    None => path.display().to_string(),
                };
                Err(refused(place, plain(error.message())))
            }
        }
    }
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

/// The deserializer's message in words that say what is allowed.
fn plain(message: &str) -> String {
    if let Some(("invalid type" | "invalid value", rest)) = message.split_once(": ")
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        return format!("takes {}, not {}", kind(expected), value(found));
    }
    if let Some(rest) = message.strip_prefix("unknown variant ")
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        return format!("takes {expected}, not {found}");
    }
    if let Some(rest) = message.strip_prefix("unknown field ")
        && let Some((_, expected)) = rest.rsplit_once(", expected ")
    {
        return format!("unknown key: allowed are {}", expected.trim_start_matches("one of "));
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("lacks {key}, as in light = \"red\"");
    }
    message.trim().replace('\n', ", ")
}

/// What a key takes, where the deserializer names types of this program.
fn kind(expected: &str) -> &str {
    match expected {
        "a map" => "a table",
        "path string" => "a string",
        "a boolean" => "true or false",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

/// A value as the file writes it, without the name of its type.
fn value(found: &str) -> &str {
    match found {
        "map" => "a table",
        "sequence" => "an array",
        _ => {
            found.find(['`', '"']).map_or(found, |start| found[start..].trim_end_matches(" as i128").trim_matches('`'))
        }
    }
}
