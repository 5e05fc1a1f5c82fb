//! From a run to a model file that others can read.

pub mod card;
pub mod convolutions;
pub mod exporter;
pub mod fold;
pub mod graph;
pub mod measured;
pub mod onnx;
mod qlinear;
pub mod request;

#[cfg(test)]
mod qlinear_tests;
