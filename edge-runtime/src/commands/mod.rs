//! The commands.

mod bench;
mod classify;
mod completions;
mod dark;
mod doctor;
mod man;
mod print_config;
mod run;
mod snapshot;
mod startup;

use crate::cli::{Cli, Command, RunArgs};
use crate::exit::Failure;
use emotion_models::check_instruction_sets;
use std::process::ExitCode;

/// Does what the command line says; the exit code is 0, and for `doctor` that of its findings.
///
/// # Errors
/// Whatever keeps the command from success.
pub fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, command, run } = cli;
    // What makes lights dark, or only prints, needs no engine.
    if !matches!(command, Some(Command::Dark(_) | Command::Completions(_) | Command::Man)) {
        check_instruction_sets().map_err(Failure::Usage)?;
    }
    let Some(command) = command else { return run::run(&global, &run).map(|()| ExitCode::SUCCESS) };
    if run != RunArgs::default() {
        return Err(Failure::Usage("flags of a command go after its name, as in `edge-runtime run --loop`".to_owned()));
    }
    match command {
        Command::Run(args) => run::run(&global, &args),
        Command::Classify(args) => classify::classify(&global, &args),
        Command::Snapshot(args) => snapshot::snapshot(&global, &args),
        Command::Bench(args) => bench::bench(&global, &args),
        Command::Dark(args) => dark::dark(&global, &args),
        Command::Config(settings) => print_config::print(&global, &settings),
        Command::Doctor(args) => return doctor::doctor(&global, &args),
        Command::Completions(args) => completions::print(&args),
        Command::Man => man::print(),
    }
    .map(|()| ExitCode::SUCCESS)
}
