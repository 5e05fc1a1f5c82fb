//! `host-trainer`: pictures in folders become an ONNX model that carries its own meaning.

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches};
use emotion_models::printable;
use host_trainer::cli::{Cli, Command};
use host_trainer::commands::task_flags::TaskFlags;
use host_trainer::commands::{audit, bench_train, crop, draw, evaluate, export, predict, quantize, recipe, train};
use host_trainer::failure;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    host_trainer::memory::keep_large_blocks();
    host_trainer::files::outlive_size_limit();
    let program = Cli::command();
    let matches = program.clone().get_matches();
    let given = TaskFlags::given(&program, &matches);
    let command = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command;
    if let Err(told) = emotion_models::check_instruction_sets() {
        return report(Err(failure::failure(failure::Kind::Usage, told)));
    }
    let done = match command {
        Command::Train(args) => train::run(&args, &given),
        Command::Quantize(args) => quantize::run(&args, &given),
        Command::Export(args) => export::run(&args, &given),
        Command::Crop(args) => crop::run(&args),
        Command::Evaluate(args) => evaluate::run(&args, &given),
        Command::Predict(args) => predict::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Draw(args) => draw::run(&args),
        Command::Recipe(args) => recipe::run(&args),
        Command::BenchTrain(args) => bench_train::run(&args),
    };
    report(done)
}

fn report(done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        let kind = failure::kind_of(&error);
        if failure::is_reader_gone(&error) {
            return ExitCode::from(failure::Kind::Output as u8);
        }
        let report = if kind.is_none() { "; this is an error in the program, please report it" } else { "" };
        // Where standard error leads nowhere, the exit code still reports the failure.
        let _ = writeln!(std::io::stderr(), "host-trainer: {}{report}", printable(&failure::causes(&error)));
        ExitCode::from(kind.map_or(1, |kind| kind as u8))
    })
}
