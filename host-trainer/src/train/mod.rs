//! Training: batches in, checkpoints and a history out. [`session`] is a run from its configuration to its report, [`trainer`] the
//! loop over epochs and steps, `step` one step.

mod backward;
mod calibrate;
pub mod early_stopping;
mod ema;
pub mod init;
pub mod optimizer;
pub mod prefetch;
mod progress;
pub mod quantize;
pub mod run_to_end;
pub mod schedule;
pub mod session;
mod step;
pub mod stopwatch;
pub mod trainer;
