//! The parts of a data set.

use std::fmt;

/// A part of a data set, named as its folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Part {
    /// What the weights are fitted to.
    Train,
    /// What chooses epochs, thresholds and temperature.
    Val,
    /// What only measures.
    Test,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The folder's name: `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

impl Part {
    /// The part that a folder of this name is, whatever its letters' case: data sets call them by several names.
    pub fn of_folder(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Val),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn flags_name_the_parts_as_their_folders_are_named() {
        let flags: Vec<String> =
            Part::value_variants().iter().map(|part| part.to_possible_value().unwrap().get_name().to_owned()).collect();
        assert_eq!(flags, Part::ALL.map(Part::name));
    }
}
