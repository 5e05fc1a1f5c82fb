//! The emotion classifier: trained on folders of face pictures, one folder for each label.

pub mod augment;
pub mod batches;
pub mod calibrate;
pub mod crop_margin;
mod cutmix;
pub mod dataset;
pub mod ece;
pub mod loss;
pub mod metrics;
