//! What a network's input tensor is: size, colour and the map from bytes to real numbers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The colour planes a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// One plane: BT.601 luma, `0.299 R + 0.587 G + 0.114 B`.
    Grey,
    /// Three planes: red, green, blue.
    Rgb,
}

impl Colour {
    /// Planes of the tensor: 1 for grey, 3 for RGB.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grey => "grey",
            Self::Rgb => "rgb",
        })
    }
}

impl FromStr for Colour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "grey" => Ok(Self::Grey),
            "rgb" => Ok(Self::Rgb),
            other => Err(format!("unknown colour `{other}`: use grey or rgb")),
        }
    }
}

/// The affine map from a byte to the network's real number: `real = (pixel - offset) * scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelMap {
    /// The pixel value, 0 to 255, that becomes 0.0.
    pub offset: f32,
    /// The real number one step of pixel value stands for; not 0.
    pub scale: f32,
}

impl PixelMap {
    /// `(pixel - 128) / 128`: the byte minus 128 is the int8 input itself, so a quantised net needs no extra pass.
    pub const SIGNED: Self = Self { offset: 128.0, scale: 1.0 / 128.0 };
    /// `pixel / 255`, what `lenet` takes.
    pub const UNIT: Self = Self { offset: 0.0, scale: 1.0 / 255.0 };

    /// The real number for a pixel value of 0.0 to 255.0.
    #[inline]
    pub fn real(&self, pixel: f32) -> f32 {
        (pixel - self.offset) * self.scale
    }
}

/// A network's input: width, height, colour and pixel map. The tensor's axes are NCHW with N = 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Grey or RGB planes.
    pub colour: Colour,
    /// From bytes to real numbers.
    pub pixel_map: PixelMap,
}

impl InputSpec {
    /// Numbers in the tensor: channels x height x width.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.colour.channels() * self.width as usize * self.height as usize
    }

    /// The tensor's axes: `[1, channels, height, width]`.
    pub fn shape(&self) -> [usize; 4] {
        [1, self.colour.channels(), self.height as usize, self.width as usize]
    }
}
