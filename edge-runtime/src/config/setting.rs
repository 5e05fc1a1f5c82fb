//! What a setting is: its key, what it takes, and how a value gets into the configuration and out of it.

use clap::ValueEnum;
use clap::builder::PossibleValue;
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
    /// Where it lies in a configuration.
    pub(super) field: fn(&mut C) -> &mut dyn Field,
}

impl<C: Clone> Setting<C> {
    /// Takes over what a flag says. The error says what is allowed.
    ///
    /// # Errors
    /// The setting does not take that.
    pub fn set(&self, config: &mut C, flag: &str) -> Result<(), String> {
        (self.field)(config).accept(&Given::flag(flag, &self.takes), &self.takes).map_err(|refused| refused.message)
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
    fn number(&self, given: &Given<'_>) -> Result<f64, Refused> {
        let Value::Number { value, whole } = given.value else { return Err(given.refused(self)) };
        let fits = match *self {
            Self::Number(low, high) => (low..=high).contains(&value),
            Self::Above(low, high) => value > low && value <= high,
            Self::Whole(low, high, _) => whole && (f64::from(low)..=f64::from(high)).contains(&value),
            _ => false,
        };
        if fits { Ok(value) } else { Err(given.refused(self)) }
    }
}

/// Names in backquotes, with commas, or `or` between two.
pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(if names.len() == 2 { " or " } else { ", " })
}

/// A value as a file or a flag gives it.
pub struct Given<'a> {
    value: Value<'a>,
    /// As it was written, for messages.
    written: String,
}

enum Value<'a> {
    Number { value: f64, whole: bool },
    Switch(bool),
    Text(&'a str),
    Table(&'a DeTable<'a>),
    Array,
    Date,
}

impl<'a> Given<'a> {
    /// What a file says.
    pub(super) fn file(value: &'a DeValue<'a>) -> Self {
        let (value, written) = match value {
            DeValue::Integer(number) => {
                let value = i128::from_str_radix(number.as_str(), number.radix()).map_or(f64::INFINITY, |it| it as f64);
                (Value::Number { value, whole: true }, number.to_string())
            }
            DeValue::Float(number) => {
                let value = number.as_str().parse().unwrap_or(f64::NAN);
                (Value::Number { value, whole: false }, number.to_string())
            }
            DeValue::Boolean(switch) => (Value::Switch(*switch), switch.to_string()),
            DeValue::String(text) => (Value::Text(text), format!("{text:?}")),
            DeValue::Table(table) => (Value::Table(table), "a table".to_owned()),
            DeValue::Array(_) => (Value::Array, "an array".to_owned()),
            DeValue::Datetime(date) => (Value::Date, date.to_string()),
        };
        Self { value, written }
    }

    fn flag(text: &'a str, takes: &Takes) -> Self {
        let value = match (takes, text.parse()) {
            (Takes::Number(..) | Takes::Above(..) | Takes::Whole(..), Ok(value)) => {
                Value::Number { value, whole: text.parse::<i64>().is_ok() }
            }
            _ => Value::Text(text),
        };
        Self { value, written: text.to_owned() }
    }

    pub(super) fn table(&self) -> Result<&'a DeTable<'a>, Refused> {
        match self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.refused(&"a table")),
        }
    }

    fn text(&self, takes: &Takes) -> Result<&'a str, Refused> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.refused(takes)),
        }
    }

    fn refused(&self, takes: &dyn fmt::Display) -> Refused {
        Refused::new(match self.value {
            Value::Array => "takes no array".to_owned(),
            _ => format!("takes {takes}, not {}", self.written),
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
    pub(super) fn new(message: String) -> Self {
        Self { within: String::new(), message }
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

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
                *self = takes.number(given)? as $number;
                Ok(())
            }

            fn toml(&self) -> Option<String> {
                Some(format!("{self:?}"))
            }
        }
    )*};
}

numbers!(f64, f32, u32, u8);

impl Field for NonZeroUsize {
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
        *self = Self::new(takes.number(given)? as usize).ok_or_else(|| given.refused(takes))?;
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Field for bool {
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
        let Value::Switch(switch) = given.value else { return Err(given.refused(takes)) };
        *self = switch;
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! words {
    ($($word:ty),*) => {$(
        impl Field for $word {
            fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
                *self = Self::from_str(given.text(takes)?, false).map_err(|_| given.refused(takes))?;
                Ok(())
            }

            fn toml(&self) -> Option<String> {
                self.to_possible_value().map(|word| toml_text(word.get_name()))
            }
        }
    )*};
}

words!(
    crate::lights::Colour,
    crate::lights::LightsBackend,
    crate::precision::PrecisionChoice,
    crate::track::WhichFaces
);

impl Field for crate::source::SourceSpec {
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
        let parsed = given.text(takes)?.parse();
        *self = parsed.map_err(|error: crate::source::SourceSpecError| Refused::new(error.to_string()))?;
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        Some(toml_text(&self.to_string()))
    }
}

impl Field for PathBuf {
    fn accept(&mut self, given: &Given<'_>, takes: &Takes) -> Result<(), Refused> {
        *self = given.text(takes)?.into();
        Ok(())
    }

    fn toml(&self) -> Option<String> {
        Some(toml_text(&self.display().to_string()))
    }
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
            let value = values.entry(label.to_string()).or_default();
            value.accept(&Given::file(given.get_ref()), each).map_err(|refused| refused.inside(label))?;
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
