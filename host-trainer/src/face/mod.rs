//! The face locator: trained on photos with face boxes, by heat maps of where faces' centres are (Zhou et al., "Objects as
//! Points", 2019).
//!
//! Photos with boxes ([`annotations`], [`photos`]) become scenes ([`scenes`]) with maps to learn ([`targets`], [`loss`])
//! for the net ([`crate::nets::face`]); the best epoch by average precision on validation ([`metrics`]) is reported on
//! ([`report`]) and exported ([`export`]).

pub mod annotations;
pub mod batches;
pub mod card;
pub mod data;
pub mod detections;
pub mod export;
pub mod figures;
mod fractions;
pub mod gate;
pub mod inference;
pub mod loss;
pub mod metrics;
pub mod options;
pub mod perturbations;
pub mod photos;
pub mod report;
pub mod scenes;
pub mod targets;
pub mod task;

pub use task::FaceTask;
