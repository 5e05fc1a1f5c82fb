//! The lights that a broken configuration file names, for `dark`, which must put them out whatever else is wrong.

use super::setting::{Field, Given, Takes};
use super::{Config, LampConfig, LightsConfig, setting};
use std::path::Path;
use toml::de::{DeTable, DeValue};

impl Config {
    /// The lights that the file at `path` names, as far as they can be read. Errors elsewhere in the file are ignored.
    /// Of the lights themselves every valid key is taken. Without any, the default wiring is used.
    pub fn salvage_lights(path: &Path) -> LightsConfig {
        let bytes = std::fs::read(path).unwrap_or_default();
        lights(&String::from_utf8_lossy(&bytes))
    }
}

fn lights(text: &str) -> LightsConfig {
    let mut config = LightsConfig::default();
    let text = &with_whole_headings(text);
    // A syntax error may swallow the text after it, so the lights are also parsed from their own heading on.
    let heading = text.match_indices("[lights").map(|(at, _)| at).find(|&at| text[..at].ends_with('\n'));
    let files = [0, heading.unwrap_or(0)].map(|start| DeTable::parse_recoverable(&text[start..]).0);
    let Some(found) = files.iter().find_map(|file| table(file.get_ref(), "lights")) else { return config };
    accept(found, "backend", &mut config.backend, &setting("lights.backend").takes);
    accept(found, "active_low", &mut config.active_low, &Takes::Switch);
    if let Some(camera) = table(found, "camera") {
        config.camera = lamp(camera);
    }
    if let Some(moods) = table(found, "moods") {
        let each = moods.iter().filter_map(|(label, _)| {
            let label = label.get_ref();
            Some((label.to_string(), lamp(table(moods, label)?)))
        });
        config.moods = Some(each.collect());
    }
    config
}

/// The text, with the bracket that a heading of the lights lacks.
fn with_whole_headings(text: &str) -> String {
    let whole = |line: &str| match line.split('#').next().unwrap_or_default().trim_end() {
        heading if heading.starts_with("[lights") && !heading.contains(']') => format!("{heading}]\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(whole).collect()
}

/// A lamp's keys, as far as they make sense.
fn lamp(found: &DeTable<'_>) -> LampConfig {
    let mut lamp = LampConfig::unset();
    for (key, value) in found {
        let _ = lamp.accept_key(key.get_ref(), &Given::File(value.get_ref()));
    }
    lamp
}

/// Takes over a key's value, if it is there and makes sense.
fn accept(found: &DeTable<'_>, key: &str, field: &mut dyn Field, takes: &Takes) {
    if let Some(value) = found.get(key) {
        let _ = field.accept(&Given::File(value.get_ref()), takes);
    }
}

fn table<'a, 'text>(table: &'a DeTable<'text>, key: &str) -> Option<&'a DeTable<'text>> {
    match table.get(key)?.get_ref() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lights::LightsBackend;

    fn pins(config: &LightsConfig) -> Vec<(&str, Option<u8>)> {
        config.moods.iter().flatten().map(|(label, lamp)| (label.as_str(), lamp.pin)).collect()
    }

    #[test]
    fn faults_elsewhere_do_not_touch_the_lights() {
        let text = "fps = 0\nfoo = 1\n[lights]\nbackend = \"rppal\"\nactive_low = true\ncamera = { light = \"white\", pin = 4 }\n\
                    [lights.moods]\nangry = { light = \"red\", pin = 5 }\n";
        let found = lights(text);
        assert_eq!((found.backend, found.active_low, found.camera.pin), (LightsBackend::Rppal, true, Some(4)));
        assert_eq!(pins(&found), [("angry", Some(5))]);
    }

    #[test]
    fn of_the_lights_every_key_that_makes_sense_holds() {
        let text = "[lights]\nbackend = \"candles\"\nactive_low = true\nlamp = 3\n[lights.moods]\n\
                    angry = { light = \"ultraviolet\", pin = 5, active_low = false }\nhappy = { light = \"red\", pin = 99 }\nsad = 6\n";
        let found = lights(text);
        assert_eq!((found.backend, found.active_low), (LightsBackend::Auto, true));
        assert_eq!(pins(&found), [("angry", Some(5)), ("happy", None)]);
        assert_eq!(found.moods.as_ref().and_then(|moods| moods["angry"].active_low), Some(false));
    }

    #[test]
    fn a_fault_of_the_syntax_does_not_hide_what_follows() {
        for broken in ["fps = \n", "fps 30\n", "source = \"auto\n", "[filter\n", "fps = 1\nfps = 2\n"] {
            let found = lights(&format!("{broken}[lights]\nactive_low = true\n"));
            assert!(found.active_low, "{broken}");
        }
        let found = lights("[lights # ours\nactive_low = true\n[lights.moods\nangry = { pin = 5 }\n");
        assert!(found.active_low);
        assert_eq!(pins(&found), [("angry", Some(5))]);
        assert_eq!(lights("no TOML at all"), LightsConfig::default());
        assert_eq!(lights(""), LightsConfig::default());
    }
}
