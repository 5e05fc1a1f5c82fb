//! `bench`: how fast every stage is.

mod live;
mod precision;
mod report;
mod stages;
mod synthetic;

use crate::cli::{BenchArgs, Global};
use crate::exit::Failure;
use crate::output;
use crate::setup::Setup;

pub(super) fn bench(global: &Global, args: &BenchArgs) -> Result<(), Failure> {
    let setup = Setup::new(global, &args.settings)?;
    let mut report = match &args.source {
        None => synthetic::measure(&setup, args)?,
        Some(source) => live::measure(&setup, source, args.frames)?,
    };
    report.engine += &match setup.config.threads.get() {
        1 => ", one thread".to_owned(),
        threads => format!(", {threads} threads"),
    };
    let (facts, layers) = precision::measure(&setup, args.layers)?;
    report.facts.splice(0..0, facts);
    report.layers = layers;
    let text = if args.json {
        format!("{}\n", report.json())
    } else if args.markdown {
        report.markdown()
    } else {
        report.text()
    };
    Ok(output::print(text)?)
}
