//! `edge-runtime`: a camera looks at a face, a light shows its mood.

use clap::Parser;
use edge_runtime::{cli::Cli, commands, exit::Failure, memory, output};
use emotion_models::printable;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    memory::return_large_buffers();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => error.exit(),
        Err(help) => {
            return end(help
                .print()
                .and_then(|()| std::io::stdout().flush())
                .map(|()| ExitCode::SUCCESS)
                .map_err(Failure::from));
        }
    };
    let log = output::start_log();
    // The panic hook has darkened the lights and said what happened; what is left is the exit code.
    let result = catch_unwind(AssertUnwindSafe(|| commands::dispatch(cli)))
        .unwrap_or_else(|_| Err(Failure::Internal("stopped after a panic".to_owned())));
    if let Some(log) = log {
        log.flush();
    }
    end(result)
}

fn end(result: Result<ExitCode, Failure>) -> ExitCode {
    match result {
        Ok(code) => code,
        // Who closed the pipe has read enough, as in `| head -1`.
        Err(failure) if failure.is_reader_gone() => ExitCode::from(failure.code()),
        Err(failure) => {
            // Standard error may be closed too; the exit code still reports the failure.
            let _ = writeln!(std::io::stderr(), "error: {}", printable(&failure.to_string()));
            ExitCode::from(failure.code())
        }
    }
}
