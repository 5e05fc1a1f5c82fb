//! What an evaluation says on standard output: text for people, JSON for programs.

use super::evaluator::FolderResult;
use super::tables::{Group, of_folders, of_groups, of_robustness};
use crate::commands::evaluate::args::EvaluateArgs;
use crate::emotion::bootstrap::Intervals;
use crate::emotion::evaluated::{Evaluated, legend};
use crate::emotion::lights::Lights;
use crate::emotion::metrics::Scores;
use crate::emotion::report::text;
use crate::emotion::robustness_figures::Robustness;
use crate::output::say;
use anyhow::Result;
use serde::Serialize;

/// What was found.
pub struct Found<'a> {
    /// The labels that are read out.
    pub labels: &'a [String],
    /// Those that have a light.
    pub lights: &'a Lights,
    /// The folders, in the order given.
    pub folders: &'a [FolderResult],
    /// The column of groups and, by folder, its groups, where these were asked for.
    pub groups: Option<(&'a str, &'a [Vec<Group>])>,
}

#[derive(Serialize)]
struct FolderReport<'a> {
    model: String,
    data: String,
    split: &'a str,
    labels: &'a [String],
    skipped: usize,
    undecodable: usize,
    no_face: usize,
    #[serde(flatten)]
    scores: &'a Scores,
    #[serde(flatten)]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    voted_out: usize,
    #[serde(flatten)]
    lit: Lit<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    robustness: Option<&'a Robustness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slices: Option<Vec<Slice<'a>>>,
}

/// Shares from 0 to 1; none where no picture is asked about.
#[derive(Serialize)]
struct Lit<'a> {
    rightly_lit: Option<f64>,
    wrongly_lit: Option<f64>,
    calm_lit: Option<f64>,
    bootstrap95: &'a Intervals,
}

#[derive(Serialize)]
struct Slice<'a> {
    value: &'a str,
    count: usize,
    accuracy: f64,
    macro_f1: f64,
    ece: f64,
    #[serde(flatten)]
    lit: Lit<'a>,
}

impl<'a> Lit<'a> {
    fn of(evaluated: &'a Evaluated) -> Self {
        let lit = evaluated.lit;
        Lit {
            rightly_lit: lit.rightly.rate(),
            wrongly_lit: lit.wrongly.rate(),
            calm_lit: lit.calm.rate(),
            bootstrap95: &evaluated.intervals,
        }
    }
}

impl<'a> Slice<'a> {
    fn of(group: &'a Group) -> Self {
        let Scores { count, accuracy, macro_f1, ece, .. } = group.evaluated.scores;
        Slice { value: &group.value, count, accuracy, macro_f1, ece, lit: Lit::of(&group.evaluated) }
    }
}

/// Prints an object for one folder, an array for several.
///
/// # Errors
/// When standard output cannot be written to.
pub fn json(args: &EvaluateArgs, found: &Found<'_>) -> Result<()> {
    let mut reports = vec![];
    for (index, result) in found.folders.iter().enumerate() {
        let slices = found.groups.map(|(_, groups)| groups[index].iter().map(Slice::of).collect());
        let details = || Details {
            voted_out: result.folder.voted_out,
            lit: Lit::of(&result.evaluated),
            robustness: result.robustness.as_ref(),
            slices,
        };
        reports.push(FolderReport {
            model: args.model.display().to_string(),
            data: result.folder.data.display().to_string(),
            split: args.split.name(),
            labels: found.labels,
            skipped: result.folder.skipped,
            undecodable: result.undecodable,
            no_face: result.no_face,
            scores: &result.evaluated.scores,
            details: args.is_detailed().then(details),
        });
    }
    match &reports[..] {
        [report] => say!("{}", serde_json::to_string(report)?),
        reports => say!("{}", serde_json::to_string(reports)?),
    }
}

/// Prints figures by label for one folder, a table for several, and what else was asked for.
///
/// # Errors
/// When standard output cannot be written to.
pub fn text(args: &EvaluateArgs, found: &Found<'_>) -> Result<()> {
    let (model, split) = (args.model.display(), args.split.name());
    match found.folders {
        [one] => {
            say!("{model} on {} {split}", one.folder.data.display())?;
            let scores = text::scores(found.labels, &one.evaluated.scores);
            say!("{}\n\n{}", counts(one), scores.trim_end())?;
        }
        several => {
            say!("{model} on {split}")?;
            several.iter().try_for_each(|result| say!("{}: {}", result.folder.title, counts(result)))?;
        }
    }
    if !args.is_detailed() {
        return Ok(());
    }
    say!("\n{}{}", of_folders(found.folders).text(), legend(found.labels, found.lights))?;
    if let Some(table) = of_robustness(&found.folders.iter().collect::<Vec<_>>()) {
        say!("\n{}", table.text().trim_end())?;
    }
    if let Some((column, groups)) = found.groups {
        let titles = found.folders.iter().map(|result| result.folder.title.as_str());
        let titles = titles.map(|title| (found.folders.len() > 1).then_some(title));
        let each: Vec<_> = titles.zip(groups.iter().map(Vec::as_slice)).collect();
        say!("\n{}", of_groups(column, &each).text().trim_end())?;
    }
    Ok(())
}

/// How many pictures were evaluated, and why others were not.
fn counts(result: &FolderResult) -> String {
    let FolderResult { folder, undecodable, no_face, evaluated, .. } = result;
    let mut counts = format!("{} pictures", evaluated.scores.count);
    if folder.skipped > 0 {
        counts += &format!(", {} more bear labels that the model lacks", folder.skipped);
    }
    if folder.voted_out > 0 {
        counts += &format!(", people's votes leave {} more out", folder.voted_out);
    }
    if *no_face > 0 {
        counts += &format!(", no face found in {no_face} more (--no-face-search takes pictures whole)");
    }
    if *undecodable > 0 {
        counts += &format!(", {undecodable} more could not be read");
    }
    counts
}
