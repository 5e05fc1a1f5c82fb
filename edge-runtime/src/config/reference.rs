//! The settings as a table in Markdown, for `docs/configuration.md`.

use super::{Config, SETTINGS, Takes};
use std::fmt::Write;

/// The table, a row for each setting.
pub fn reference() -> String {
    let mut text = String::from("| setting | flag | takes | default | meaning |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let own = setting.flag.map(|(flag, value)| format!("--{flag} {value}"));
        let flag = own.or(setting.global.map(String::from)).map_or(String::new(), |flag| format!("`{flag}`"));
        let default = setting.toml(&Config::default()).map_or("not set".to_owned(), |value| format!("`{value}`"));
        // Writing into a String cannot fail.
        let _ =
            writeln!(text, "| `{}` | {flag} | {} | {default} | {} |", setting.key, taken(&setting.takes), setting.doc);
    }
    text
}

/// What a setting takes, in the document.
fn taken(takes: &Takes) -> String {
    match takes {
        Takes::Word(words) => {
            words().iter().map(|word| format!("`{}`", word.get_name())).collect::<Vec<_>>().join(", ")
        }
        Takes::Path => "a path".to_owned(),
        Takes::Lamp => "`{ pin, light, active_low }`".to_owned(),
        Takes::EachMood(each) => format!("for each mood {}", taken(each)),
        takes => takes.to_string(),
    }
}
