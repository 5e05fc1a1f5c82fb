//! Which light stands for what, and the pin it hangs on.

/// The colour of a light, as the terminal draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Colour {
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

impl Colour {
    /// For moods without a configured light, in label order and round again.
    pub const PALETTE: [Self; 7] =
        [Self::Red, Self::Green, Self::Blue, Self::Yellow, Self::Magenta, Self::Cyan, Self::Orange];

    /// The name, as the configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
            Self::Cyan => "cyan",
            Self::Blue => "blue",
            Self::Magenta => "magenta",
            Self::White => "white",
        }
    }

    /// Red, green and blue, 0 to 255, of the lit light.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Self::Red => [255, 64, 56],
            Self::Orange => [255, 150, 40],
            Self::Yellow => [250, 215, 50],
            Self::Green => [52, 211, 92],
            Self::Cyan => [50, 210, 220],
            Self::Blue => [66, 135, 255],
            Self::Magenta => [225, 85, 225],
            Self::White => [245, 245, 240],
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
    pub colour: Colour,
    /// Whether the pin is low when the light is lit.
    pub active_low: bool,
}

/// All lights of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// One per label, in label order.
    pub moods: Vec<LampWiring>,
    /// The light that tells that the camera is on.
    pub camera: LampWiring,
}
