//! Flags for settings of the configuration file, made from the table of settings.

use crate::config::{Config, SETTINGS, Setting, Takes, setting};
use clap::builder::{PossibleValuesParser, StyledStr};
use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

/// The settings that a command takes; none named is all that have a flag.
const SETS: [&[&str]; 4] = [&[], &["lights.backend"], &["precision", "threads"], &["faces", "precision", "threads"]];
/// The flag of `dark`.
pub(super) const LIGHTS: usize = 1;
/// The flags of `bench`.
pub(super) const MODELS: usize = 2;
/// The flags of `classify`.
pub(super) const PHOTO: usize = 3;

/// Settings that flags give: the key, and what the flag says. They win over the configuration file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags<const SET: usize>(Vec<(&'static str, String)>);

/// Flags for every setting that has one.
pub type Settings = Flags<0>;

impl<const SET: usize> Flags<SET> {
    fn settings() -> impl Iterator<Item = (&'static Setting<Config>, &'static str)> {
        let named = |setting: &&Setting<Config>| SETS[SET].is_empty() || SETS[SET].contains(&setting.key);
        SETTINGS.iter().filter(named).filter_map(|setting| Some((setting, setting.flag?.0)))
    }

    /// Whether a flag gives the setting of this key.
    pub fn give(&self, key: &str) -> bool {
        self.0.iter().any(|(given, _)| *given == key)
    }

    /// Puts what the flags say over what the file says.
    pub fn apply(&self, config: &mut Config) {
        for (key, text) in &self.0 {
            // The command line took it already.
            let _ = setting(key).set(config, text);
        }
    }
}

impl<const SET: usize> Args for Flags<SET> {
    fn augment_args(command: Command) -> Command {
        command.args(Self::settings().map(|(setting, _)| argument(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const SET: usize> FromArgMatches for Flags<SET> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |(setting, flag): (&'static Setting<Config>, &str)| {
            Some((setting.key, matches.get_one::<String>(flag)?.clone()))
        };
        Ok(Self(Self::settings().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(setting: &'static Setting<Config>) -> Arg {
    let (flag, value) = setting.flag.unwrap_or_default();
    let argument = Arg::new(flag).long(flag).value_name(value).help(help(setting)).allow_negative_numbers(true);
    match setting.takes {
        Takes::Word(words) => argument.value_parser(PossibleValuesParser::new(words())),
        _ => argument.value_parser(|text: &str| setting.set(&mut Config::default(), text).map(|()| text.to_owned())),
    }
}

/// What the setting of a key means.
pub(super) fn doc(key: &str) -> &'static str {
    setting(key).doc.trim_end_matches('.')
}

/// What a setting means, and its bounds.
fn help(setting: &Setting<Config>) -> StyledStr {
    match setting.takes {
        Takes::Number(low, high) => format!("{} [{low} to {high}]", doc(setting.key)).into(),
        Takes::Whole(low, high, _) => format!("{} [{low} to {high}]", doc(setting.key)).into(),
        _ => doc(setting.key).into(),
    }
}
