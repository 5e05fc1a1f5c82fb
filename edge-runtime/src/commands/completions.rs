//! `completions`: what a shell needs to complete this command line.

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Failure;
use clap::CommandFactory;
use std::io::{self, Write};

pub(super) fn print(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Written at once: the generator panics where standard output is closed.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut text);
    let mut stdout = io::stdout().lock();
    stdout.write_all(&text)?;
    Ok(stdout.flush()?)
}
