//! `host-trainer`: pictures in folders become an ONNX model that carries its own meaning.

use anyhow::Result;
use clap::Parser;
use host_trainer::cli::{Cli, Command};
use host_trainer::{audit, commands, draw, evaluate, predict};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    host_trainer::memory::keep_large_blocks();
    host_trainer::files::outlive_size_limit();
    let done = match Cli::parse().command {
        Command::Train(args) => commands::train(&args),
        Command::Export(args) => commands::export(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Draw(args) => draw::run(&args),
    };
    report(done)
}

fn report(done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        // Where standard error leads nowhere, the exit code still tells.
        let _ = writeln!(std::io::stderr(), "host-trainer: {}", causes(&error));
        ExitCode::FAILURE
    })
}

/// The error and its causes, without those that it already names itself.
fn causes(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}
