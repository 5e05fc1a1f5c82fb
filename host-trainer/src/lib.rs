//! Trains small emotion classifiers on folders of face pictures, and face locators on photos, and exports them as ONNX.
//!
//! Pictures ([`dataset`]) become batches ([`batches`], [`augment`]) that a net ([`nets`], over [`operators`]) learns from
//! ([`train`]); the best epoch is reported on ([`report`]) and exported ([`export`]). Where faces are is learned in [`face`].

pub mod audit;
pub mod augment;
pub mod batches;
pub mod bench_train;
pub mod cli;
pub mod commands;
pub mod config;
pub mod crop;
mod cutmix;
pub mod dataset;
pub mod device;
pub mod draw;
pub mod evaluate;
pub mod export;
pub mod face;
pub mod failure;
pub mod files;
pub mod init;
pub mod memory;
pub mod metrics;
pub mod nets;
pub mod operators;
mod output;
pub mod predict;
mod progress;
pub mod quantize;
mod random;
pub mod report;
mod search;
pub mod train;
