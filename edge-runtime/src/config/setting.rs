//! What a setting is: its key, what it takes, and how a value gets into the configuration and out of it.

use crate::lights::{LightColour, LightsBackend};
use crate::precision::PrecisionChoice;
use crate::source::SourceSpec;
use crate::track::WhichFaces;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use emotion_models::composed;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};

/// One row of a table of settings, which describe a `C`.
pub struct Setting<C> {
    /// Its dotted name, such as `filter.hold`.
    pub key: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// As a file would write it, where it has no default.
    pub example: Option<&'static str>,
    /// Name of its flag on the command line, and of the flag's value.
    pub flag: Option<(&'static str, &'static str)>,
    /// The flag for it that every command takes, as documents show it; the command line declares that one itself.
    pub global: Option<&'static str>,
    /// Where it lies in a configuration.
    pub(super) field: fn(&mut C) -> &mut dyn Field,
}

impl<C: Clone> Setting<C> {
    /// Takes over what a flag says. The error says what is allowed.
    ///
    /// # Errors
    /// The setting does not take that.
    pub fn set(&self, config: &mut C, flag: &str) -> Result<(), String> {
        (self.field)(config).accept(&Given::Flag(flag), &self.takes).map_err(|refused| refused.message)
    }

    /// Its value as a file writes it; `None` where it is not set.
    pub fn toml(&self, config: &C) -> Option<String> {
        (self.field)(&mut config.clone()).toml()
    }
}

/// What a setting takes.
#[derive(Clone, Copy)]
pub enum Takes {
    /// A number, both bounds included.
    Number(f64, f64),
    /// A number above the first and up to the second.
    Above(f64, f64),
    /// A whole number, both bounds included, and what it is called.
    Whole(u32, u32, &'static str),
    /// `true` or `false`.
    Switch,
    /// One of a few words.
    Word(fn() -> Vec<PossibleValue>),
    /// Text with a meaning of its own.
    Text,
    /// A file's path.
    Path,
    /// A pin and a colour.
    Lamp,
    /// One of these for each mood.
    EachMood(&'static Takes),
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(low, high) => write!(f, "a number from {low} to {high}"),
            Self::Above(low, high) => write!(f, "a number above {low} and at most {high}"),
            Self::Whole(low, high, name) => write!(f, "{name} from {low} to {high}"),
            Self::Switch => f.write_str("true or false"),
            Self::Word(words) => write!(f, "one of {}", quoted(words().iter().map(PossibleValue::get_name))),
            Self::Text | Self::Path => f.write_str("a string"),
            Self::Lamp | Self::EachMood(_) => f.write_str("a table"),
        }
    }
}

impl Takes {
    /// The number given, where it is one that is taken.
    fn number(&self, given: &Given<'_>) -> Option<f64> {
        let (value, whole) = given.number()?;
        let fits = match *self {
            Self::Number(low, high) => (low..=high).contains(&value),
            Self::Above(low, high) => value > low && value <= high,
            Self::Whole(low, high, _) => whole && (f64::from(low)..=f64::from(high)).contains(&value),
            _ => false,
        };
        fits.then_some(value)
    }
}

/// Names in backquotes, with commas, or `or` between two.
pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(if names.len() == 2 { " or " } else { ", " })
}

/// A value as a file or a flag gives it.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    /// What a file says.
    File(&'a DeValue<'a>),
    /// What a flag says.
    Flag(&'a str),
}

impl<'a> Given<'a> {
    /// A number, and whether it is written as a whole one.
    fn number(self) -> Option<(f64, bool)> {
        match self {
            Self::File(DeValue::Integer(number)) => {
                let value = i128::from_str_radix(number.as_str(), number.radix());
                Some((value.map_or(f64::INFINITY, |value| value as f64), true))
            }
            Self::File(DeValue::Float(number)) => Some((number.as_str().parse().ok()?, false)),
            Self::Flag(text) => Some((text.parse().ok()?, text.parse::<i64>().is_ok())),
            _ => None,
        }
    }

    fn text(self) -> Option<&'a str> {
        match self {
            Self::File(value) => value.as_str(),
            Self::Flag(text) => Some(text),
        }
    }

    pub(super) fn table(self) -> Result<&'a DeTable<'a>, Refused> {
        match self {
            Self::File(DeValue::Table(table)) => Ok(table),
            _ => Err(self.refused(&"a table")),
        }
    }

    fn refused(self, takes: &dyn fmt::Display) -> Refused {
        Refused::new(match self {
            Self::File(DeValue::Array(_)) => "takes no array".to_owned(),
            Self::File(DeValue::Table(_)) => format!("takes {takes}, not a table"),
            Self::File(DeValue::String(text)) => format!("takes {takes}, not {text:?}"),
            Self::File(DeValue::Integer(number)) => format!("takes {takes}, not {number}"),
            Self::File(DeValue::Float(number)) => format!("takes {takes}, not {number}"),
            Self::File(DeValue::Boolean(switch)) => format!("takes {takes}, not {switch}"),
            Self::File(DeValue::Datetime(date)) => format!("takes {takes}, not {date}"),
            Self::Flag(text) => format!("takes {takes}, not {text}"),
        })
    }
}

/// Why a value is not taken.
#[derive(Debug)]
pub struct Refused {
    /// The key inside the setting's own table, with a dot before each part.
    pub(super) within: String,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self { within: String::new(), message: message.to_string() }
    }

    pub(super) fn inside(self, key: &str) -> Self {
        Self { within: format!(".{key}{}", self.within), ..self }
    }
}

/// A value of the configuration.
pub trait Field {
    /// Takes over what is given, or stays as it was.
    ///
    /// # Errors
    /// It is nothing that the setting takes.
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused>;

    /// As a file writes it; `None` where it is not set.
    fn toml(&self) -> Option<String>;
}

/// Types whose value is read and written in one expression each.
macro_rules! fields {
    ($($type:ty: |$given:ident, $takes:ident| $read:expr, |$value:ident| $toml:expr;)*) => {$(
        impl Field for $type {
            fn accept(&mut self, $given: &Given<'_>, $takes: &Takes) -> Result<(), Refused> {
                *self = $read.ok_or_else(|| $given.refused($takes))?;
                Ok(())
            }

            fn toml(&self) -> Option<String> {
                let $value = self;
                Some($toml)
            }
        }
    )*};
}

fields! {
    f64: |given, takes| takes.number(given), |value| format!("{value:?}");
    f32: |given, takes| takes.number(given).map(|value| value as f32), |value| format!("{value:?}");
    u32: |given, takes| takes.number(given).map(|value| value as u32), |value| value.to_string();
    u8: |given, takes| takes.number(given).map(|value| value as u8), |value| value.to_string();
    NonZeroUsize: |given, takes| takes.number(given).and_then(|value| Self::new(value as usize)), |value| value.to_string();
    bool: |given, takes| if let Given::File(value) = given { value.as_bool() } else { None }, |value| value.to_string();
    PathBuf: |given, takes| given.text().map(Self::from), |value| toml_text(&value.display().to_string());
    SourceSpec: |given, takes| given.text().map(str::parse).transpose().map_err(Refused::new)?, |value| toml_text(&value.to_string());
    LightColour: |given, takes| word(given), |value| toml_word(value);
    LightsBackend: |given, takes| word(given), |value| toml_word(value);
    PrecisionChoice: |given, takes| word(given), |value| toml_word(value);
    WhichFaces: |given, takes| word(given), |value| toml_word(value);
}

impl<T: Field + Default> Field for Option<T> {
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
        let mut value = T::default();
        value.accept(given, takes)?;
        *self = Some(value);
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        self.as_ref()?.toml()
    }
}

/// Values by the moods' labels.
impl<T: Field + Default> Field for BTreeMap<String, T> {
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
        let each = if let Takes::EachMood(each) = takes { each } else { takes };
        let mut values = Self::new();
        for (label, given) in given.table()? {
            let label = label.get_ref();
            let value = values.entry(composed(label).into_owned()).or_default();
            value.accept(&Given::File(given.get_ref()), each).map_err(|refused| refused.inside(label))?;
        }
        *self = values;
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        None
    }
}

/// A string as TOML writes it.
pub(super) fn toml_text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn word<T: ValueEnum>(given: &Given<'_>) -> Option<T> {
    T::from_str(given.text()?, false).ok()
}

fn toml_word(word: &impl ValueEnum) -> String {
    toml_text(word.to_possible_value().as_ref().map_or("", PossibleValue::get_name))
}
