//! `config`: the configuration as it holds now.

use crate::cli::{Global, Settings};
use crate::config;
use crate::exit::Failure;
use crate::setup::Setup;
use std::io::{self, Write};

pub(super) fn print(global: &Global, settings: &Settings) -> Result<(), Failure> {
    let setup = Setup::new(global, settings)?;
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    let text = config::write(&setup.config, &resolved, classifier.card(), &setup.origin);
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
