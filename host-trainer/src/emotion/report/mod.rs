//! What a run has to show for itself: curves, confusion matrix, calibration, pictures, and one page with all of it.

mod confusion;
mod curves;
pub mod evaluation;
mod page;
mod selective;
mod sheet;
pub mod text;

use crate::device::Engine;
use crate::emotion::dataset::Dataset;
use crate::emotion::ece::calibrate;
use crate::emotion::inference::probabilities;
use crate::emotion::metrics::score;
use crate::emotion::task::EmotionTask;
use crate::files::write_whole;
use crate::run::evaluations::note_evaluation;
use crate::run::finished::FinishedRun;
use crate::task::ReportingTask;
use anyhow::Result;
use std::path::Path;

impl ReportingTask for EmotionTask {
    /// Scores a finished run's best epoch on its test folder (its validation part where there is none) and writes the pictures,
    /// `report.txt` and `report.html` into the run folder.
    fn report(run: &Path, data: &Dataset) -> Result<()> {
        let run = FinishedRun::<EmotionTask>::open(run)?;
        let (part, split) = match &data.test {
            Some(test) => ("test", test),
            None => ("validation", &data.val),
        };
        let classes = data.labels.len();
        let input = run.config.input();
        let probabilities = probabilities(&run.net, &run.weights, split, &input, &Engine::cpu());
        let targets = split.targets();
        let scores = score(&probabilities, &targets, classes);
        let calibration = calibrate(&probabilities, &targets, classes);
        let shape = (input.colour.channels(), input.height as usize, input.width as usize);

        let text = format!(
            "{}, on the {part} pictures, trainer's own forward pass, temperature 1\n\n{}",
            run.chosen(),
            text::scores(&data.labels, &scores)
        );
        let groups = sheet::choose(&targets, &probabilities, classes, run.config.run.seed);
        let pictures = page::Pictures {
            curves: curves::curves(&run.history, run.best_epoch)?,
            confusion: confusion::confusion(&data.labels, &scores),
            reliability: curves::reliability(&calibration.bins)?,
            sheet: sheet::sheet(&data.labels, split, &groups, shape)?,
        };
        let page = page::page(&run, data, part, &scores, &text, &pictures);
        let write = |name: &str, content: &str| write_whole(&run.folder.join(name), content.as_bytes());
        write("curves.svg", &pictures.curves)?;
        write("confusion.svg", &pictures.confusion)?;
        write("reliability.svg", &pictures.reliability)?;
        write("sheet.svg", &pictures.sheet)?;
        write("report.txt", &text)?;
        write("report.html", &page)?;
        if data.test.is_some() {
            note_evaluation(&run.folder, run.best_epoch, &scores)?;
        }
        Ok(())
    }

    fn outcome(run: &Path) -> Result<Option<String>> {
        let text = std::fs::read_to_string(run.join("report.txt")).unwrap_or_default();
        let accuracy =
            text.lines().find_map(|line| Some(line.strip_prefix("accuracy ")?.split(", ").next()?.to_owned()));
        let tested = text.lines().next().is_some_and(|line| line.contains("on the test pictures"));
        Ok(accuracy.filter(|_| tested).map(|accuracy| format!("test: accuracy {accuracy}")))
    }
}
