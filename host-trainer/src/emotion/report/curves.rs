//! Loss and accuracy over the epochs, and confidence against accuracy, as SVG.

use crate::emotion::ece::Bin;
use crate::emotion::figures::EmotionFigures;
use crate::report::chart::{LIGHT_VAL, TRAIN, VAL, panel, plain};
use crate::run::history::Epoch;
use anyhow::Result;
use plotters::prelude::*;

/// Two panels: loss, and accuracy with macro F1. `best` marks the best epoch, counted from 1.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn curves(history: &[Epoch<EmotionFigures>], best: usize) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (960, 360)).into_drawing_area();
        root.fill(&WHITE).map_err(plain)?;
        let panels = root.split_evenly((1, 2));
        let loss = |figure: fn(&EmotionFigures) -> f64| -> Vec<(f64, f64)> { series(history, figure) };
        panel(
            &panels[0],
            "loss",
            best,
            &[("training", TRAIN, loss(|e| e.train.loss)), ("validation", VAL, loss(|e| e.val.loss))],
        )?;
        panel(
            &panels[1],
            "accuracy",
            best,
            &[
                ("training", TRAIN, loss(|e| e.train.accuracy)),
                ("validation", VAL, loss(|e| e.val.accuracy)),
                ("validation macro F1", LIGHT_VAL, loss(|e| e.val.f1)),
            ],
        )?;
        root.present().map_err(plain)?;
    }
    Ok(svg)
}

/// Reliability diagram: each bin's accuracy over its mean confidence; on the diagonal a model is as sure as it is right.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn reliability(bins: &[Bin]) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (420, 400)).into_drawing_area();
        root.fill(&WHITE).map_err(plain)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .caption("confidence and accuracy", ("sans-serif", 16))
            .x_label_area_size(36)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)
            .map_err(plain)?;
        chart
            .configure_mesh()
            .x_desc("confidence")
            .y_desc("accuracy")
            .bold_line_style(BLACK.mix(0.12))
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(plain)?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.4))).map_err(plain)?;
        let points: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
        chart.draw_series(LineSeries::new(points.clone(), VAL.stroke_width(2))).map_err(plain)?;
        chart.draw_series(points.into_iter().map(|point| Circle::new(point, 3, VAL.filled()))).map_err(plain)?;
        root.present().map_err(plain)?;
    }
    Ok(svg)
}

fn series(history: &[Epoch<EmotionFigures>], figure: fn(&EmotionFigures) -> f64) -> Vec<(f64, f64)> {
    history.iter().map(|epoch| (epoch.epoch as f64, figure(&epoch.figures))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::figures::PartFigures;

    fn epoch(epoch: usize, loss: f64) -> Epoch<EmotionFigures> {
        let part = PartFigures { loss, accuracy: 0.5, ..PartFigures::default() };
        let figures = EmotionFigures { train: part, val: part };
        Epoch { epoch, figures, learning_rate: 1e-3, images_per_second: 1.0, seconds: 1.0 }
    }

    #[test]
    fn curves_name_whole_epochs_and_survive_any_history() {
        let history: Vec<_> = (1..=12).map(|number| epoch(number, 1.0 / number as f64)).collect();
        let svg = curves(&history, 7).unwrap();
        let labels: Vec<&str> = svg.lines().map(str::trim).collect();
        assert!(labels.contains(&"10") && !labels.contains(&"10.0"));
        for history in [vec![], vec![epoch(1, 0.3)], vec![epoch(1, f64::NAN), epoch(2, 0.1)]] {
            assert!(curves(&history, 1).unwrap().ends_with("</svg>\n"));
        }
    }

    #[test]
    fn the_reliability_diagram_has_a_point_for_each_bin() {
        let bin = |confidence| Bin { confidence, accuracy: confidence, count: 9 };
        let svg = reliability(&[bin(0.4), bin(0.6), bin(0.9)]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 3);
    }
}
