//! The table of settings: a row each. From it the file is read and written, the flags and their help are made, and
//! `docs/configuration.md` is held against it.

use super::LampConfig;
use super::setting::{Setting, Takes};
use crate::lights::LightsBackend;
use crate::mood::MAX_HOLD;
use crate::precision::PrecisionChoice;
use crate::source::{CameraRequest, SourceSpec};
use crate::track::WhichFaces;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Makes a struct for each section, its default, and the table of all rows. A row is
/// `/// doc` `key: Type = default, takes [, example "TOML"] [, flag "name" "VALUE"] [, global "FLAG"];`.
macro_rules! settings {
    ($(
        $(#[$about:meta])*
        $name:ident $section:literal $at:expr, {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr, $takes:expr
                    $(, example $example:literal)? $(, flag $flag:literal $value:literal)? $(, global $global:literal)?;
            )*
        } $({ $( $(#[$part_doc:meta])* $part:ident: $part_type:ty, )* })?
    )*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $( $(#[doc = $doc])+ pub $field: $type, )*
                $($( $(#[$part_doc])* pub $part: $part_type, )*)?
            }

            impl Default for $name {
                fn default() -> Self {
                    Self { $( $field: $default, )* $($( $part: Default::default(), )*)? }
                }
            }
        )*

        /// Every setting, section by section.
        pub static SETTINGS: &[Setting<Config>] = &[$($(
            Setting {
                key: concat!($section, stringify!($field)),
                doc: concat!($($doc),+).trim_ascii(),
                takes: $takes,
                example: [$(Some($example),)? None][0],
                flag: [$(Some(($flag, $value)),)? None][0],
                global: [$(Some($global),)? None][0],
                field: |config| {
                    let at: fn(&mut Config) -> &mut $name = $at;
                    &mut at(config).$field
                },
            },
        )*)*];
    };
}

settings! {
    /// Everything that can be configured. `Default` is what holds without a file.
    Config "" |config| config, {
        /// Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera module), ffmpeg:INPUT (what ffmpeg reads),
        /// test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, uyvy, nv12, i420, grey or rgb. Without it auto; the test card
        /// stands in where there is no camera, but not for a service. A relative path in a file counts from the file's folder.
        source: Option<SourceSpec> = None, Takes::Text, example "\"auto\"", flag "source" "SOURCE";
        /// The emotion model, as `host-trainer export` writes it. Without it the one inside the program.
        model: Option<PathBuf> = None, Takes::Path, example "\"emotion.onnx\"", global "--model FILE";
        /// Whether frames are searched for faces. Without, the middle of the frame is taken for one.
        face_search: bool = true, Takes::Switch, global "--no-face-search";
        /// The face model, which finds the faces. Without it the one inside the program.
        face_model: Option<PathBuf> = None, Takes::Path, example "\"face.onnx\"", global "--face-model FILE";
        /// Whose mood counts, of up to six tracked faces.
        faces: WhichFaces = WhichFaces::Largest, Takes::Word(words::<WhichFaces>), flag "faces" "FACES";
        /// The precision that the models run in.
        precision: PrecisionChoice = PrecisionChoice::Auto, Takes::Word(words::<PrecisionChoice>), flag "precision" "PRECISION";
        /// Threads that the models run on. More help where a picture takes milliseconds: see `bench`.
        threads: NonZeroUsize = NonZeroUsize::MIN, Takes::Whole(1, 16, "a whole number"), flag "threads" "N";
        /// Frames a second.
        fps: f64 = 30.0, Takes::Number(0.1, 1000.0), flag "fps" "N";
        /// Seconds each picture, and each mood of the test card, is shown. Without it 2.5; with --every-frame one frame for each
        /// picture.
        dwell: Option<f64> = None, Takes::Number(0.01, 86_400.0), example "2.5", flag "dwell" "SECONDS";
    } {
        /// What is asked of a camera.
        camera: CameraConfig,
        /// What steadies the mood.
        filter: FilterConfig,
        /// The lights.
        lights: LightsConfig,
    }

    /// What is asked of a camera.
    CameraConfig "camera." |config| &mut config.camera, {
        /// Width of the frames asked of a camera, which may give another.
        width: u32 = CameraRequest::default().width, Takes::Whole(32, 8192, "a whole number of pixels");
        /// Height of those frames.
        height: u32 = CameraRequest::default().height, Takes::Whole(32, 8192, "a whole number of pixels");
    }

    /// What steadies the mood.
    FilterConfig "filter." |config| &mut config.filter, {
        /// Time constant of the smoothing, in seconds. 0 smooths nothing.
        smoothing: f64 = 0.25, Takes::Number(0.0, 60.0), flag "smoothing" "SECONDS";
        /// Hold time: the least time between two changes of the lights (of each person's light, with `all`), in seconds. While a
        /// face is in view, a mood stays for twice as long.
        hold: f64 = 0.5, Takes::Number(0.0, MAX_HOLD.as_millis() as f64 / 1e3), flag "hold" "SECONDS";
        /// Hysteresis: how far below its enter threshold a mood is left.
        leave_margin: f32 = 0.1, Takes::Number(0.0, 1.0), flag "leave-margin" "SHARE";
        /// Smoothed probability that enters a mood, by label. The model's card says what is not set here.
        enter: BTreeMap<String, f32> = BTreeMap::new(), Takes::EachMood(&Takes::Above(0.0, 1.0));
        /// Smoothed probability below which a mood is left, by label. Where not set it is the enter threshold less `leave_margin`.
        leave: BTreeMap<String, f32> = BTreeMap::new(), Takes::EachMood(&Takes::Number(0.0, 1.0));
    }

    /// The lights.
    LightsConfig "lights." |config| &mut config.lights, {
        /// How the lights are driven.
        backend: LightsBackend = LightsBackend::Auto, Takes::Word(words::<LightsBackend>), flag "lights" "LIGHTS";
        /// Whether pins are low when their light is lit. Each light may say otherwise for itself.
        active_low: bool = false, Takes::Switch;
        /// The light that shows that the camera is on, and blinks on a fault.
        camera: LampConfig = LampConfig::default(), Takes::Lamp;
        /// One light for each mood of the model. Without any, angry is red on GPIO 17, happy green on 27, sad blue on 22.
        moods: Option<BTreeMap<String, LampConfig>> = None, Takes::EachMood(&Takes::Lamp);
    }
}

impl Config {
    /// Where frames come from.
    pub fn source(&self) -> SourceSpec {
        self.source.clone().unwrap_or_default()
    }
}

fn words<T: ValueEnum>() -> Vec<PossibleValue> {
    T::value_variants().iter().filter_map(T::to_possible_value).collect()
}

/// The setting of a key.
///
/// # Panics
/// There is none of that name: keys are written in this program alone.
pub fn setting(key: &str) -> &'static Setting<Config> {
    SETTINGS.iter().find(|setting| setting.key == key).unwrap_or_else(|| panic!("no setting `{key}`"))
}
