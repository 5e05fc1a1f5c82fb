//! The model card: what a model's numbers mean, carried in the ONNX file as `moodlight.*` properties.

use crate::input::{Colour, InputSpec, PixelMap};
use crate::printable::composed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Version of the contract between trainer and runtime that this crate writes and reads.
pub const CONTRACT_VERSION: u32 = 1;

/// Most labels a model may have.
pub const MAX_LABELS: usize = 16;

/// Shortest and longest side of a network's input, in pixels.
const INPUT_SIDES: std::ops::RangeInclusive<u32> = 8..=1024;

/// Every key of the card begins with this.
pub(crate) const PREFIX: &str = "moodlight.";
/// Key of the contract version, the one key whose meaning never changes.
pub(crate) const VERSION_KEY: &str = "moodlight.contract_version";
const METRICS: &str = "metrics.";

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// A face crop in, one probability per mood out.
    Emotion,
    /// A whole frame in, where the faces are out.
    Face,
}

/// The precision that a model's weights and activations are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// 8-bit integers; scales and zero points live in the graph.
    Int8,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Emotion => "emotion",
            Self::Face => "face",
        })
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "emotion" => Ok(Self::Emotion),
            "face" => Ok(Self::Face),
            other => Err(format!("unknown task `{other}`: emotion or face")),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f32" => Ok(Self::F32),
            "int8" => Ok(Self::Int8),
            other => Err(format!("unknown precision `{other}`: f32 or int8")),
        }
    }
}

/// The meaning of a model: everything that the runtime needs to know besides the graph itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// A short name, such as `compact-64`.
    pub name: String,
    /// What the model is for.
    pub task: Task,
    /// The labels in output order: 2 to [`MAX_LABELS`] for [`Task::Emotion`], without commas or control characters; `face` alone
    /// for [`Task::Face`].
    pub labels: Vec<String>,
    /// Size, colour and pixel map of the input tensor `[1, C, H, W]`.
    pub input: InputSpec,
    /// How much larger than the face box the crop is, as a fraction of its size; see [`crate::Face::crop`].
    pub crop_margin: f32,
    /// Which faces an emotion model can judge; of no meaning for a face model.
    #[serde(default)]
    pub limits: FaceLimits,
    /// Softmax temperature found by calibration, above 0; see `apply_temperature`.
    pub temperature: f32,
    /// Per label, the smoothed probability, above 0 and at most 1, needed to enter that mood; a face model's score from which on
    /// something is a face.
    pub thresholds: Vec<f32>,
    /// The precision of the graph.
    pub precision: Precision,
    /// What the model was trained on, in words.
    pub training_data: String,
    /// SHA-256 over the training pictures, hexadecimal.
    pub data_fingerprint: String,
    /// Measured figures by name, such as `test_accuracy`; finite.
    pub metrics: BTreeMap<String, f64>,
}

/// The label of a face model's one output.
pub const FACE_LABEL: &str = "face";

/// Pixels of the input, on both axes, that one cell of the maps stands for.
pub const CELL: u32 = 8;

/// Maps of the network, in order: the centre's logit; the centre's offset from the cell's middle, right and down, in cells; the
/// natural logarithms of the box's width and height in cells.
pub const OUTPUTS: usize = 5;

/// Which faces an emotion model can judge; others count as unsure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceLimits {
    /// The least mean side of a face's box, the square root of its area, in pixels of the frame. Default 24, half of what the
    /// smallest training pictures have.
    pub smallest_face: f32,
    /// The least share of the box that lies in the frame, 0 to 1. Default 0.8.
    pub least_inside: f32,
    /// The least width of the box as a fraction of its height; a head turned away is narrower. Default 0.5.
    pub narrowest_face: f32,
}

impl Default for FaceLimits {
    fn default() -> Self {
        Self { smallest_face: 24.0, least_inside: 0.8, narrowest_face: 0.5 }
    }
}

/// Why a card is not one the runtime can trust.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CardError {
    /// No property says which contract the card keeps.
    #[error("no `{VERSION_KEY}` property: the file carries no model card")]
    NoCard,
    /// Another contract version.
    #[error("contract version `{found}`, while this program reads version {CONTRACT_VERSION}")]
    ContractVersion {
        /// The version as the file states it.
        found: String,
    },
    /// A property is missing.
    #[error("the card lacks `{PREFIX}{0}`")]
    Missing(String),
    /// A property's text cannot be read.
    #[error("the card's `{PREFIX}{key}` is `{value}`: {reason}")]
    Unreadable {
        /// The key without its prefix.
        key: String,
        /// The text found.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value can be read but makes no sense.
    #[error("the card's {field} cannot be right: {reason}")]
    Invalid {
        /// The field of [`ModelCard`].
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

fn require(holds: bool, field: &'static str, reason: impl FnOnce() -> String) -> Result<(), CardError> {
    if holds { Ok(()) } else { Err(CardError::Invalid { field, reason: reason() }) }
}

/// Whether a card can hold this label: not empty, no comma, no control character, no space around it.
pub fn is_plain_label(label: &str) -> bool {
    !label.is_empty() && label.trim() == label && !label.contains(|c: char| c == ',' || c.is_control())
}

impl ModelCard {
    /// Columns and rows of a face model's maps.
    pub fn cells(&self) -> [usize; 2] {
        [self.input.width, self.input.height].map(|side| (side / CELL) as usize)
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// [`CardError::Invalid`] with the field and what it should have been.
    pub fn validate(&self) -> Result<(), CardError> {
        let count = self.labels.len();
        match self.task {
            Task::Emotion => require((2..=MAX_LABELS).contains(&count), "labels", || {
                format!("{count} of them, where a model has 2 to {MAX_LABELS}")
            })?,
            Task::Face => {
                require(self.labels == [FACE_LABEL], "labels", || {
                    format!("`{}`, where a face model has `{FACE_LABEL}`", self.labels.join(","))
                })?;
                let fits = self.input.width.is_multiple_of(CELL) && self.input.height.is_multiple_of(CELL);
                require(fits, "input size", || {
                    let (width, height) = (self.input.width, self.input.height);
                    format!("{width}x{height} pixels, where a face model's sides are multiples of {CELL}")
                })?;
            }
        }
        for (index, label) in self.labels.iter().enumerate() {
            require(is_plain_label(label), "labels", || {
                format!("`{}` is empty or has a comma, a control character or space around it", label.escape_debug())
            })?;
            require(!self.labels[..index].contains(label), "labels", || format!("`{label}` is there twice"))?;
        }
        for (field, side) in [("input width", self.input.width), ("input height", self.input.height)] {
            require(INPUT_SIDES.contains(&side), field, || {
                format!("{side} pixels, not {} to {}", INPUT_SIDES.start(), INPUT_SIDES.end())
            })?;
        }
        let map = self.input.pixel_map;
        require(map.offset.is_finite(), "pixel offset", || format!("{} is not finite", map.offset))?;
        require(map.scale.is_normal(), "pixel scale", || format!("{} is zero or not finite", map.scale))?;
        require((-0.5..=4.0).contains(&self.crop_margin), "crop margin", || {
            format!("{} does not lie from -0.5 to 4", self.crop_margin)
        })?;
        let FaceLimits { smallest_face, least_inside, narrowest_face } = self.limits;
        for (field, value, largest) in [
            ("smallest face", smallest_face, 10_000.0),
            ("least inside", least_inside, 1.0),
            ("narrowest face", narrowest_face, 10.0),
        ] {
            require((0.0..=largest).contains(&value), field, || format!("{value} does not lie from 0 to {largest}"))?;
        }
        require((0.01..=100.0).contains(&self.temperature), "temperature", || {
            format!("{} does not lie from 0.01 to 100", self.temperature)
        })?;
        require(self.thresholds.len() == count, "thresholds", || {
            format!("{} of them for {count} labels", self.thresholds.len())
        })?;
        for &threshold in &self.thresholds {
            require(threshold > 0.0 && threshold <= 1.0, "thresholds", || {
                format!("{threshold} is not above 0 and at most 1")
            })?;
        }
        for (name, value) in &self.metrics {
            require(!name.is_empty() && value.is_finite(), "metrics", || format!("`{name}` is {value}"))?;
        }
        Ok(())
    }

    /// The card as key and value pairs for ONNX `metadata_props`, in a fixed order. Floats are written so that reading
    /// them back gives the same bits.
    pub fn to_properties(&self) -> Vec<(String, String)> {
        let list = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        let input = &self.input;
        let mut properties: Vec<(String, String)> = [
            ("contract_version", CONTRACT_VERSION.to_string()),
            ("name", self.name.clone()),
            ("task", self.task.to_string()),
            ("labels", self.labels.join(",")),
            ("input_width", input.width.to_string()),
            ("input_height", input.height.to_string()),
            ("input_channels", input.colour.channels().to_string()),
            ("input_colour", input.colour.to_string()),
            ("pixel_offset", input.pixel_map.offset.to_string()),
            ("pixel_scale", input.pixel_map.scale.to_string()),
            ("crop_margin", self.crop_margin.to_string()),
            ("smallest_face", self.limits.smallest_face.to_string()),
            ("least_inside", self.limits.least_inside.to_string()),
            ("narrowest_face", self.limits.narrowest_face.to_string()),
            ("temperature", self.temperature.to_string()),
            ("thresholds", list(&self.thresholds)),
            ("precision", self.precision.to_string()),
            ("training_data", self.training_data.clone()),
            ("data_fingerprint", self.data_fingerprint.clone()),
        ]
        .into_iter()
        .map(|(key, value)| (format!("{PREFIX}{key}"), value))
        .collect();
        properties
            .extend(self.metrics.iter().map(|(name, value)| (format!("{PREFIX}{METRICS}{name}"), value.to_string())));
        properties
    }

    /// Reads a card from a model's properties; keys that are not the contract's are passed over.
    ///
    /// # Errors
    /// No card, another contract version, a missing or unreadable property, or what [`ModelCard::validate`] refuses.
    pub fn from_properties(properties: impl Iterator<Item = (String, String)>) -> Result<Self, CardError> {
        let found = Properties(
            properties.filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?.to_owned(), value))).collect(),
        );
        match found.0.get("contract_version") {
            None => return Err(CardError::NoCard),
            Some(version) if *version != CONTRACT_VERSION.to_string() => {
                return Err(CardError::ContractVersion { found: version.clone() });
            }
            Some(_) => {}
        }
        let colour: Colour = found.parse("input_colour")?;
        let channels: usize = found.parse("input_channels")?;
        if channels != colour.channels() {
            return Err(found.unreadable("input_channels", format!("{colour} has {}", colour.channels())));
        }
        let card = Self {
            name: found.text("name")?.to_owned(),
            task: found.parse("task")?,
            labels: found.list::<String>("labels")?.iter().map(|label| composed(label).into_owned()).collect(),
            input: InputSpec {
                width: found.parse("input_width")?,
                height: found.parse("input_height")?,
                colour,
                pixel_map: PixelMap { offset: found.parse("pixel_offset")?, scale: found.parse("pixel_scale")? },
            },
            crop_margin: found.parse("crop_margin")?,
            limits: found.limits()?,
            temperature: found.parse("temperature")?,
            thresholds: found.list("thresholds")?,
            precision: found.parse("precision")?,
            training_data: found.text("training_data")?.to_owned(),
            data_fingerprint: found.text("data_fingerprint")?.to_owned(),
            metrics: found
                .0
                .keys()
                .filter_map(|key| Some((key, key.strip_prefix(METRICS)?)))
                .map(|(key, name)| Ok((name.to_owned(), found.parse(key)?)))
                .collect::<Result<_, CardError>>()?,
        };
        card.validate()?;
        Ok(card)
    }
}

/// The card's properties by key, without their prefix.
struct Properties(BTreeMap<String, String>);

impl Properties {
    fn text(&self, key: &str) -> Result<&str, CardError> {
        self.0.get(key).map(String::as_str).ok_or_else(|| CardError::Missing(key.to_owned()))
    }

    fn unreadable(&self, key: &str, reason: String) -> CardError {
        CardError::Unreadable { key: key.to_owned(), value: self.0.get(key).cloned().unwrap_or_default(), reason }
    }

    fn parse<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Result<T, CardError> {
        self.text(key)?.trim().parse().map_err(|error: T::Err| self.unreadable(key, error.to_string()))
    }

    /// The limits, which cards older than face detection lack.
    fn limits(&self) -> Result<FaceLimits, CardError> {
        let mut limits = FaceLimits::default();
        let fields = [
            ("smallest_face", &mut limits.smallest_face),
            ("least_inside", &mut limits.least_inside),
            ("narrowest_face", &mut limits.narrowest_face),
        ];
        for (key, field) in fields {
            if self.0.contains_key(key) {
                *field = self.parse(key)?;
            }
        }
        Ok(limits)
    }

    /// A comma-separated list; empty text is the empty list.
    fn list<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Result<Vec<T>, CardError> {
        let text = self.text(key)?.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        text.split(',')
            .map(|item| item.trim().parse().map_err(|error: T::Err| self.unreadable(key, error.to_string())))
            .collect()
    }
}
