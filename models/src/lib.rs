//! What a Moodlight model means and how it runs.
//!
//! Trainer and runtime share this crate, so that `evaluate` on the host scores exactly what the device runs:
//!
//! - [`FrameView`] and [`CropBox`]: pixels as a camera, a pipe or a picture delivers them, and the part that a network gets;
//! - [`Picture`]: a picture file as such pixels;
//! - [`InputSpec`] and [`Preprocessor`]: the one way from a crop to the network's input tensor;
//! - [`ModelCard`]: what the model's numbers mean, carried inside the ONNX file ([`embed`], [`read_card`]);
//! - [`Classifier`]: the engine (tract) behind a narrow interface, giving [`Probabilities`];
//! - [`FaceDetector`]: the same engine with a face model, giving [`Faces`];
//! - [`TestCard`]: a drawn face that cycles through the moods, for a first run without a camera and for tests.
//!
//! ```
//! use emotion_models::{Classifier, CropBox, FrameView, PixelFormat, TestCard, shipped};
//!
//! let mut classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped model")?;
//! let picture = TestCard::new(7).draw("happy", 0, 640, 480);
//! let frame = FrameView::new(PixelFormat::Rgb, 640, 480, picture.as_raw())?;
//! let probabilities = classifier.classify(&frame, CropBox::centred_square(640, 480))?;
//! let (index, _) = probabilities.top();
//! assert_eq!(classifier.card().labels[index], "happy");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod autotune;
mod card;
mod classifier;
mod crop;
mod engine;
mod error;
mod face;
mod frame;
mod fused;
mod graph;
mod input;
mod jpeg;
mod kernels;
mod layers;
mod limits;
mod onnx;
pub mod pb;
mod picture;
mod planes;
mod preprocess;
mod printable;
mod probabilities;
mod processor;
mod profile;
mod rect;
mod resample;
pub mod shipped;
mod test_card;
mod walk;

pub use autotune::{AutoTune, PrecisionTimes};
pub use card::{
    CELL, CONTRACT_VERSION, CardError, FACE_LABEL, FaceLimits, MAX_LABELS, ModelCard, OUTPUTS, Precision, Task,
    is_plain_label,
};
pub use classifier::Classifier;
pub use crop::CropBox;
pub use engine::engine_description;
pub use error::ModelError;
pub use face::{
    Detector, Face, FaceDetector, Faces, Letterbox, MAX_FACES, Placement, centrality, decode_faces, main_face,
    tracking_window,
};
pub use frame::{FrameError, FrameView, MAX_SIDE, PixelFormat, UnknownPixelFormat};
pub use input::{Colour, InputSpec, PixelMap};
pub use jpeg::{is_whole_jpeg, without_fill};
pub use kernels::QuantParams;
pub use layers::layer_maps;
pub use onnx::{decode, embed, encode, read_card, read_file};
pub use picture::{MAX_MEMORY, Opened, Picture, PictureError, is_special};
pub use preprocess::Preprocessor;
pub use printable::{composed, printable, printable_path};
pub use probabilities::{Probabilities, apply_temperature};
pub use processor::check_instruction_sets;
pub use profile::{LayerMap, LayerTime};
pub use rect::Rect;
pub use test_card::{DEMO_SEED, Place, Scene, TEST_CARD_LABELS, TestCard, is_reserved_seed};
pub use walk::{Walk, is_left_out, is_picture_name, walk};
