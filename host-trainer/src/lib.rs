//! Trains small emotion classifiers on folders of face pictures and exports them as ONNX.

pub mod augment;
pub mod batches;
pub mod config;
mod cutmix;
pub mod dataset;
pub mod export;
pub mod files;
pub mod init;
pub mod memory;
pub mod metrics;
pub mod nets;
pub mod operators;
mod progress;
mod random;
pub mod train;
