//! The face locator: trained on photos with face boxes, by heat maps of where faces' centres are (Zhou et al., "Objects as
//! Points", 2019).
//!
//! Photos with boxes ([`annotations`], [`photos`]) become scenes ([`scene`], [`hide`], [`tone`]) with maps to learn ([`targets`], [`loss`])
//! for the net ([`crate::nets::face`]); the best epoch by average precision on validation ([`matching`]) is reported on
//! ([`report`]) and exported ([`export`]).

pub mod annotations;
pub mod batches;
pub mod card;
pub mod checkpoint;
pub mod command;
pub mod config;
pub mod evaluate;
pub mod export;
pub mod gate;
pub mod hide;
pub mod look;
pub mod looked;
pub mod loss;
pub mod matching;
pub mod photos;
pub mod quantize;
pub mod report;
pub mod run;
pub mod sampling;
pub mod scene;
pub mod targets;
pub mod tone;
pub mod trainer;
pub mod variants;

pub use command::train;
pub use config::{FaceConfig, task_of};
