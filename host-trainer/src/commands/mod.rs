//! One file for each command: its arguments and its `run`.

pub mod audit;
pub mod bench_train;
mod compute_args;
pub mod crop;
pub mod draw;
pub mod evaluate;
pub mod export;
mod face_search;
mod labellings;
pub mod predict;
pub mod quantize;
pub mod recipe;
pub mod task_flags;
pub mod train;
pub mod train_args;
