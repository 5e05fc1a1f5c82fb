//! Precision over recall, and loss and average precision over the epochs, as SVG.

use crate::face::figures::FaceFigures;
use crate::face::metrics::{Findings, Scores};
use crate::report::chart::{LIGHT_VAL, TRAIN, VAL, over_epochs, plain, rates, series};
use crate::run::history::Epoch;
use anyhow::Result;
use plotters::prelude::*;

/// Precision over recall at every score; a ring marks the score that is used.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn precision_recall(findings: &Findings, scores: &Scores) -> Result<String> {
    let axes = ["recall, faces of at least 10 % of the width", "precision"];
    rates(560, None, axes, [1.0, 1.02], |chart| {
        let points = findings.curve().into_iter().map(|point| (point.recall, point.precision));
        chart.draw_series(LineSeries::new(points, TRAIN.stroke_width(2))).map_err(plain)?;
        let used = (scores.recall.rate(), scores.precision);
        chart.draw_series([Circle::new(used, 5, VAL.stroke_width(2))]).map_err(plain)?;
        Ok(())
    })
}

/// Two panels: loss, and average precision with recall.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn history(epochs: &[Epoch<FaceFigures>], best: usize) -> Result<String> {
    let line = |figure: fn(&FaceFigures) -> f64| series(epochs, figure);
    let loss = [("training", TRAIN, line(|e| e.loss))];
    let validation = [
        ("average precision", VAL, line(|e| e.val.average_precision)),
        ("recall at the threshold", LIGHT_VAL, line(|e| e.val.recall.rate())),
    ];
    over_epochs(best, [("loss", &loss), ("validation", &validation)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn any_history_and_any_findings_can_be_drawn() {
        for count in 0..3 {
            let epochs: Vec<Epoch<_>> = (1..=count).map(|epoch| Epoch { epoch, ..Epoch::default() }).collect();
            assert!(history(&epochs, 1).unwrap().ends_with("</svg>\n"));
        }
        let findings = Findings::default();
        let svg = precision_recall(&findings, &findings.at(0.5, &[])).unwrap();
        assert!(svg.contains("precision"));
    }
}
