//! Everything that a run folder is.

pub mod checkpoint;
pub(crate) mod command_line;
pub mod config;
pub mod evaluations;
pub mod finished;
pub(crate) mod folder;
pub mod history;
pub mod keys;
pub mod old_keys;
