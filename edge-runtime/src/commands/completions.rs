//! `completions`: what a shell needs to complete this command line.

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Failure;
use crate::output;
use clap::CommandFactory;

pub(super) fn print(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Written at once: the generator panics where standard output is closed.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut text);
    Ok(output::print(text)?)
}
