//! `config`: the configuration as it holds now.

use crate::cli::{Global, Settings};
use crate::config;
use crate::exit::Failure;
use crate::output;
use crate::setup::Setup;

pub(super) fn print(global: &Global, settings: &Settings) -> Result<(), Failure> {
    let setup = Setup::new(global, settings)?;
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    Ok(output::print(config::write(&setup.config, &resolved, classifier.card(), &setup.origin))?)
}
