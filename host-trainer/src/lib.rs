//! Trains small emotion classifiers on folders of face pictures and exports them as ONNX.

pub mod files;
pub mod nets;
pub mod operators;
