//! The emotion classifier: trained on folders of face pictures, one folder for each label.

pub mod augment;
pub mod batches;
pub mod bootstrap;
pub mod calibrate;
pub mod card;
pub mod colour;
pub mod crop_margin;
mod cutmix;
mod data;
pub mod dataset;
pub mod ece;
pub mod evaluated;
pub mod export;
#[cfg(test)]
pub(crate) mod export_tests;
pub mod figures;
pub mod gate;
pub mod inference;
pub mod lights;
pub mod loss;
pub mod metrics;
pub mod options;
pub mod readout;
pub mod report;
pub mod robustness;
pub mod robustness_figures;
#[cfg(test)]
mod robustness_tests;
pub mod selective;
pub mod slices;
pub mod task;
pub mod teacher;

pub use task::EmotionTask;
