//! One light, as the configuration describes it.

use super::setting::{Field, Given, Refused, Takes, quoted};
use crate::lights::LightColour;
use crate::lights::board::HIGHEST_PIN;
use clap::ValueEnum;

/// One light.
#[derive(Clone, Debug, PartialEq)]
pub struct LampConfig {
    /// BCM number of its pin.
    pub pin: Option<u8>,
    /// Its colour.
    pub light: LightColour,
    /// In place of the `active_low` of all lights.
    pub active_low: Option<bool>,
}

/// The camera light.
impl Default for LampConfig {
    fn default() -> Self {
        Self { pin: Some(23), light: LightColour::White, active_low: None }
    }
}

/// The default wiring of the moods: label, colour, BCM pin.
pub const DEFAULT_MOODS: [(&str, LightColour, u8); 3] =
    [("angry", LightColour::Red, 17), ("happy", LightColour::Green, 27), ("sad", LightColour::Blue, 22)];

impl LampConfig {
    /// A light's keys, and what each takes.
    pub(super) const KEYS: [(&str, Takes); 3] = [
        ("pin", Takes::Whole(0, HIGHEST_PIN as u32, "a BCM number")),
        (
            "light",
            Takes::Word(|| LightColour::value_variants().iter().filter_map(LightColour::to_possible_value).collect()),
        ),
        ("active_low", Takes::Switch),
    ];

    /// A light of which nothing was said yet.
    pub(super) fn unset() -> Self {
        Self { pin: None, ..Self::default() }
    }

    /// Takes over one key.
    pub(super) fn accept_key(&mut self, key: &str, given: &Given<'_>) -> Result<(), Refused> {
        let Some((_, takes)) = Self::KEYS.iter().find(|(name, _)| *name == key) else {
            let allowed = quoted(Self::KEYS.iter().map(|(name, _)| *name));
            return Err(Refused::new(format!("unknown key: allowed are {allowed}")));
        };
        match key {
            "pin" => self.pin.accept(given, takes),
            "light" => self.light.accept(given, takes),
            _ => self.active_low.accept(given, takes),
        }
    }
}

impl Field for LampConfig {
    fn accept(&mut self, given: &Given<'_>, _: &Takes) -> Result<(), Refused> {
        let (table, mut lamp) = (given.table()?, Self::unset());
        for (key, given) in table {
            let key = key.get_ref();
            lamp.accept_key(key, &Given::File(given.get_ref())).map_err(|refused| refused.inside(key))?;
        }
        if !table.contains_key("light") {
            return Err(Refused::new("lacks `light`, as in light = \"red\""));
        }
        *self = lamp;
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        let pin = self.pin.map(|pin| format!("pin = {pin}, ")).unwrap_or_default();
        let low = self.active_low.map(|low| format!(", active_low = {low}")).unwrap_or_default();
        Some(format!("{{ {pin}light = \"{}\"{low} }}", self.light.name()))
    }
}
