//! Precision over recall, and loss and average precision over the epochs, as SVG.

use crate::face::figures::FaceFigures;
use crate::face::metrics::{Findings, Scores};
use crate::report::chart::{LIGHT_VAL, TRAIN, VAL, panel, plain};
use crate::run::history::Epoch;
use anyhow::Result;
use plotters::prelude::*;

/// Precision over recall at every score; a ring marks the score that is used.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn precision_recall(findings: &Findings, scores: &Scores) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (560, 400)).into_drawing_area();
        root.fill(&WHITE).map_err(plain)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..1.0, 0.0..1.02)
            .map_err(plain)?;
        chart
            .configure_mesh()
            .x_desc("recall, faces of at least 10 % of the width")
            .y_desc("precision")
            .bold_line_style(BLACK.mix(0.12))
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(plain)?;
        let points = findings.curve().into_iter().map(|point| (point.recall, point.precision));
        chart.draw_series(LineSeries::new(points, TRAIN.stroke_width(2))).map_err(plain)?;
        let used = (scores.recall.rate(), scores.precision);
        chart.draw_series([Circle::new(used, 5, VAL.stroke_width(2))]).map_err(plain)?;
        root.present().map_err(plain)?;
    }
    Ok(svg)
}

/// Two panels: loss, and average precision with recall.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn history(epochs: &[Epoch<FaceFigures>], best: usize) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (960, 360)).into_drawing_area();
        root.fill(&WHITE).map_err(plain)?;
        let panels = root.split_evenly((1, 2));
        let learned = epochs.iter().filter(|epoch| epoch.epoch > 0);
        let series = |figure: fn(&FaceFigures) -> f64| -> Vec<(f64, f64)> {
            learned.clone().map(|epoch| (epoch.epoch as f64, figure(&epoch.figures))).collect()
        };
        panel(&panels[0], "loss", best, &[("training", TRAIN, series(|epoch| epoch.loss))])?;
        let lines = [
            ("average precision", VAL, series(|epoch| epoch.val.average_precision)),
            ("recall at the threshold", LIGHT_VAL, series(|epoch| epoch.val.recall.rate())),
        ];
        panel(&panels[1], "validation", best, &lines)?;
        root.present().map_err(plain)?;
    }
    Ok(svg)
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
