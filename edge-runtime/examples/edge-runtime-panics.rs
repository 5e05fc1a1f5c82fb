//! The runtime with the feature `test-panic`, for the emulated Pi alone and under a name of its own, so that nothing takes it for
//! the one that is shipped: a run panics at the frame that MOODLIGHT_PANIC_AT names in the environment.

use clap::Parser;
use edge_runtime::{cli::Cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
