//! The effective configuration as a commented file that reads back the same.

use super::setting::{Field, toml_text};
use super::{Config, LampConfig, Origin, Resolved, SETTINGS, Setting, Takes};
use emotion_models::ModelCard;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Columns of a comment.
const COLUMNS: usize = 100;

/// Writes `config`, as it holds for the model of `card`, as TOML with comments. [`Config::parse`] reads the same
/// configuration back, with the lights of the model's moods spelled out.
pub fn write(config: &Config, resolved: &Resolved, card: &ModelCard, origin: &Origin) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = compose(&mut text, config, resolved, card, origin);
    text
}

fn compose(
    out: &mut String,
    config: &Config,
    resolved: &Resolved,
    card: &ModelCard,
    origin: &Origin,
) -> std::fmt::Result {
    let origin = match origin {
        Origin::Defaults => "built-in defaults and the command line".to_owned(),
        Origin::File(path) => format!("{} and the command line", path.display()),
    };
    writeln!(out, "# Moodlight's configuration, as it holds now: {}.", one_line(&origin))?;
    writeln!(
        out,
        "# Put it into ~/.config/moodlight/config.toml or /etc/moodlight/config.toml, or name it with --config."
    )?;
    let mut section = "";
    for setting in SETTINGS {
        writeln!(out)?;
        if let Some((table, _)) = setting.key.rsplit_once('.')
            && table != section
        {
            section = table;
            writeln!(out, "[{section}]")?;
        }
        comment(out, setting)?;
        let filter = &resolved.filter;
        match setting.key {
            "filter.enter" => thresholds(out, setting, &config.filter.enter, card, |label| filter.enter(label))?,
            "filter.leave" => thresholds(out, setting, &config.filter.leave, card, |label| filter.leave(label))?,
            "lights.moods" => moods(out, setting, config, resolved)?,
            key => {
                let name = key.rsplit('.').next().unwrap_or_default();
                match (setting.toml(config), setting.example) {
                    (Some(value), _) => writeln!(out, "{name} = {value}")?,
                    (None, example) => writeln!(out, "# {name} = {}", example.unwrap_or_default())?,
                }
            }
        }
    }
    Ok(())
}

/// What a setting means and takes.
fn comment(out: &mut String, setting: &Setting<Config>) -> std::fmt::Result {
    let mut line = String::from("#");
    for word in setting.doc.split(' ').chain(bounds(&setting.takes).split(' ')).filter(|word| !word.is_empty()) {
        if line.len() + 1 + word.len() > COLUMNS {
            writeln!(out, "{line}")?;
            line = String::from("#");
        }
        write!(line, " {word}")?;
    }
    writeln!(out, "{line}")?;
    if let Takes::Word(words) = setting.takes {
        for word in words() {
            let help = word.get_help().map(ToString::to_string).unwrap_or_default();
            writeln!(out, "#   {:<9} {help}", word.get_name())?;
        }
    }
    Ok(())
}

/// What a comment adds to a setting's meaning.
fn bounds(takes: &Takes) -> String {
    match takes {
        Takes::Number(low, high) => format!("From {low} to {high}."),
        Takes::Above(low, high) => format!("Above {low} and at most {high}."),
        Takes::Whole(..) => format!("Takes {takes}."),
        Takes::Path => "A relative path counts from this file's folder, and ~ is the home.".to_owned(),
        Takes::EachMood(each) => bounds(each),
        Takes::Lamp => {
            let [(_, pin), (_, light), _] = LampConfig::KEYS;
            format!("`pin` takes {pin}, `light` {light}, `active_low` true or false.")
        }
        Takes::Switch | Takes::Word(_) | Takes::Text => String::new(),
    }
}

fn moods(out: &mut String, setting: &Setting<Config>, config: &Config, resolved: &Resolved) -> std::fmt::Result {
    writeln!(out, "[{}]", setting.key)?;
    for wired in &resolved.wiring.moods {
        let configured = config.lights.moods.as_ref().and_then(|moods| moods.get(&wired.name));
        let active_low = configured.and_then(|lamp| lamp.active_low);
        let light = LampConfig { pin: wired.pin, light: wired.colour, active_low };
        // One that leaves the lights dark has a line to be uncommented.
        let comment = if wired.dark { "# " } else { "" };
        writeln!(out, "{comment}{} = {}", key(&wired.name), light.toml().unwrap_or_default())?;
    }
    Ok(())
}

fn thresholds(
    out: &mut String,
    setting: &Setting<Config>,
    set: &BTreeMap<String, f32>,
    card: &ModelCard,
    effective: impl Fn(usize) -> f32,
) -> std::fmt::Result {
    writeln!(out, "[{}]", setting.key)?;
    for (index, label) in card.labels.iter().enumerate() {
        let value = effective(index);
        match set.contains_key(label) {
            true => writeln!(out, "{} = {value:?}", key(label))?,
            false => writeln!(out, "# {} = {:?}", key(label), (value * 1e4).round() / 1e4)?,
        }
    }
    Ok(())
}

/// A key as TOML writes it: bare where it can be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { toml_text(name) }
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "?")
}
