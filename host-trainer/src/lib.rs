//! Trains small emotion classifiers on folders of face pictures, and face locators on photos, and exports them as ONNX.
//!
//! [`commands`] holds one file for each command. Pictures ([`emotion::dataset`]) become batches ([`emotion::batches`]) that a net
//! ([`nets`], over [`operators`]) learns from ([`train`]). What training writes is a run folder ([`run`]). Its best epoch is reported
//! on ([`report`]) and exported ([`export`]). Where faces are is learned in [`face`].

pub mod cli;
pub mod commands;
mod date;
pub mod device;
pub mod emotion;
pub mod export;
pub mod face;
pub mod failure;
pub mod files;
mod interrupt;
pub mod memory;
pub mod nets;
pub mod operators;
mod output;
pub mod part;
mod progress;
mod random;
pub mod report;
pub mod run;
mod spreadsheet;
pub mod task;
mod threads;
pub mod train;
