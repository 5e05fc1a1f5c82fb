//! Which light stands for what, and the pin it hangs on.

use crate::mood::MoodSet;

/// The colour of a light, as the terminal draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum LightColour {
    /// Red.
    Red,
    /// Orange.
    Orange,
    /// Yellow.
    Yellow,
    /// Green.
    Green,
    /// Cyan.
    Cyan,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// White.
    White,
}

impl LightColour {
    /// For moods without a configured light, in label order and round again.
    pub const PALETTE: [Self; 7] =
        [Self::Red, Self::Green, Self::Blue, Self::Yellow, Self::Magenta, Self::Cyan, Self::Orange];

    /// For a mood that has a name and a colour, but no light.
    pub fn of_dark(label: &str) -> Self {
        match label {
            "neutral" => Self::Cyan,
            "surprise" => Self::Yellow,
            "fear" => Self::Magenta,
            _ => Self::Orange,
        }
    }

    /// The name, as the configuration writes it.
    pub fn name(self) -> &'static str {
        self.name_and_rgb().0
    }

    /// Red, green and blue, 0 to 255, of the lit light.
    pub fn rgb(self) -> [u8; 3] {
        self.name_and_rgb().1
    }

    fn name_and_rgb(self) -> (&'static str, [u8; 3]) {
        match self {
            Self::Red => ("red", [255, 64, 56]),
            Self::Orange => ("orange", [255, 150, 40]),
            Self::Yellow => ("yellow", [250, 215, 50]),
            Self::Green => ("green", [52, 211, 92]),
            Self::Cyan => ("cyan", [50, 210, 220]),
            Self::Blue => ("blue", [66, 135, 255]),
            Self::Magenta => ("magenta", [225, 85, 225]),
            Self::White => ("white", [245, 245, 240]),
        }
    }
}

/// One light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LampWiring {
    /// The mood's label, or `camera`.
    pub name: String,
    /// BCM number of the pin; a light without one exists in the terminal only.
    pub pin: Option<u8>,
    /// Its colour.
    pub colour: LightColour,
    /// Whether the pin is low when the light is lit.
    pub active_low: bool,
    /// Whether there is no light, on a pin or in the terminal: the mood has a name and a colour only.
    pub dark: bool,
}

/// All lights of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// One per label, in label order.
    pub moods: Vec<LampWiring>,
    /// The light that shows that the camera is on.
    pub camera: LampWiring,
}

impl Wiring {
    /// The moods that have no light.
    pub fn dark(&self) -> MoodSet {
        let dark = self.moods.iter().enumerate().filter(|(_, lamp)| lamp.dark);
        dark.fold(MoodSet::NONE, |set, (index, _)| set.with(index))
    }
}
