//! Everything that a run folder is.

pub mod checkpoint;
pub mod config;
pub mod history;
