//! The configuration held against the model: lights and thresholds for its labels.

use super::{Config, ConfigError, DEFAULT_MOODS, Keys, LampConfig, LightsConfig, Origin};
use crate::lights::{LampWiring, LightColour, Wiring};
use crate::mood::{FilterSettings, is_dark_by_default};
use emotion_models::ModelCard;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a configuration means for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Settings of the mood filter, thresholds in label order.
    pub filter: FilterSettings,
    /// The lights, moods in label order.
    pub wiring: Wiring,
    /// Labels the configuration has no light for, though it lists lights; they get one in the terminal only. Those of
    /// [`is_dark_by_default`] are not missed.
    pub unwired: Vec<String>,
}

/// Holds `config`, read from `origin` with `keys`, against the labels and thresholds of `card`.
///
/// # Errors
/// A mood the model lacks, a pin used twice, a leave threshold above its enter threshold; named with file and line.
pub fn resolve(config: &Config, card: &ModelCard, origin: &Origin, keys: &Keys) -> Result<Resolved, ConfigError> {
    let place = |key: String| match origin {
        Origin::File(_) => keys.place(&key),
        Origin::Defaults => format!("`{key}`"),
    };
    let refused = |key: String, message: String| ConfigError::Refused { place: place(key), message };
    let known = |table: &str, names: Vec<&String>| match names.into_iter().find(|name| !card.labels.contains(name)) {
        Some(name) => Err(refused(
            format!("{table}.{name}"),
            format!("the model `{}` has no mood `{name}`: its moods are {}", card.name, card.labels.join(", ")),
        )),
        None => Ok(()),
    };
    known("filter.enter", config.filter.enter.keys().collect())?;
    known("filter.leave", config.filter.leave.keys().collect())?;
    known("lights.moods", config.lights.moods.iter().flatten().map(|(name, _)| name).collect())?;

    let (mut enter, mut leave) = (Vec::new(), Vec::new());
    for (label, &from_card) in card.labels.iter().zip(&card.thresholds) {
        let enters = config.filter.enter.get(label).copied().unwrap_or(from_card);
        let leaves = config.filter.leave.get(label).copied();
        if let Some(leaves) = leaves
            && leaves > enters
        {
            let message = format!("takes at most the enter threshold, {enters}, not {leaves}");
            return Err(refused(format!("filter.leave.{label}"), message));
        }
        enter.push(enters);
        leave.push(leaves.unwrap_or_else(|| (enters - config.filter.leave_margin).max(0.0)));
    }
    let filter = FilterSettings::new(seconds(config.filter.smoothing), seconds(config.filter.hold), &enter, &leave)
        .map_err(|error| refused("filter".to_owned(), error.to_string()))?;

    let (wiring, unwired) = wire(&config.lights, &card.labels);
    let mut pins = BTreeMap::new();
    for lamp in wiring.moods.iter().chain([&wiring.camera]) {
        let Some(pin) = lamp.pin else { continue };
        if let Some(first) = pins.insert(pin, &lamp.name) {
            let key = match lamp.name.as_str() {
                "camera" => "lights.camera.pin".to_owned(),
                mood => format!("lights.moods.{mood}.pin"),
            };
            let message = format!("pin {pin} is used twice, by `{first}` and `{}`: give each its own", lamp.name);
            return Err(refused(key, message));
        }
    }
    Ok(Resolved { filter, wiring, unwired })
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

/// Every light that the configuration puts on a pin: the listed moods' or the default ones', and the camera's.
pub fn lamps(lights: &LightsConfig) -> Vec<LampWiring> {
    let labels: Vec<String> = match &lights.moods {
        Some(moods) => moods.keys().cloned().collect(),
        None => DEFAULT_MOODS.iter().map(|(label, ..)| (*label).to_owned()).collect(),
    };
    let (wiring, _) = wire(lights, &labels);
    wiring.moods.into_iter().chain([wiring.camera]).collect()
}

/// The lights of `labels`, and the labels that a configured list of lights leaves out.
fn wire(lights: &LightsConfig, labels: &[String]) -> (Wiring, Vec<String>) {
    let lamp = |name: &str, lamp: &LampConfig| LampWiring {
        name: name.to_owned(),
        pin: lamp.pin,
        colour: lamp.light,
        active_low: lamp.active_low.unwrap_or(lights.active_low),
        dark: false,
    };
    let mut unwired = Vec::new();
    let moods = labels
        .iter()
        .enumerate()
        .map(|(index, label)| match (&lights.moods, default_lamp(label)) {
            (Some(moods), _) if moods.contains_key(label) => lamp(label, &moods[label]),
            (None, Some(default)) => lamp(label, &default),
            _ if is_dark_by_default(label) => {
                let light = LightColour::of_dark(label);
                LampWiring { dark: true, ..lamp(label, &LampConfig { pin: None, light, active_low: None }) }
            }
            (configured, _) => {
                if configured.is_some() {
                    unwired.push(label.clone());
                }
                let colour = LightColour::PALETTE[index % LightColour::PALETTE.len()];
                lamp(label, &LampConfig { pin: None, light: colour, active_low: None })
            }
        })
        .collect();
    (Wiring { moods, camera: lamp("camera", &lights.camera) }, unwired)
}

/// The default wiring's light for a label.
fn default_lamp(label: &str) -> Option<LampConfig> {
    let (_, light, pin) = DEFAULT_MOODS.into_iter().find(|(name, ..)| *name == label)?;
    Some(LampConfig { pin: Some(pin), light, active_low: None })
}
