//! Loss and accuracy over the epochs, and confidence against accuracy, as SVG.

use crate::emotion::ece::Bin;
use crate::emotion::figures::EmotionFigures;
use crate::report::chart::{LIGHT_VAL, TRAIN, VAL, over_epochs, plain, rates, series};
use crate::run::history::Epoch;
use anyhow::Result;
use plotters::prelude::*;

/// Two panels: loss, and accuracy with macro F1. `best` marks the best epoch, counted from 1.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn curves(history: &[Epoch<EmotionFigures>], best: usize) -> Result<String> {
    let line = |figure: fn(&EmotionFigures) -> f64| series(history, figure);
    let loss = [("training", TRAIN, line(|e| e.train.loss)), ("validation", VAL, line(|e| e.val.loss))];
    let accuracy = [
        ("training", TRAIN, line(|e| e.train.accuracy)),
        ("validation", VAL, line(|e| e.val.accuracy)),
        ("validation macro F1", LIGHT_VAL, line(|e| e.val.f1)),
    ];
    over_epochs(best, [("loss", &loss), ("accuracy", &accuracy)])
}

/// Reliability diagram: each bin's accuracy over its mean confidence; on the diagonal a model is as sure as it is right.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn reliability(bins: &[Bin]) -> Result<String> {
    rates(420, Some("confidence and accuracy"), ["confidence", "accuracy"], [1.0, 1.0], |chart| {
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.4))).map_err(plain)?;
        let points: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
        chart.draw_series(LineSeries::new(points.clone(), VAL.stroke_width(2))).map_err(plain)?;
        chart.draw_series(points.into_iter().map(|point| Circle::new(point, 3, VAL.filled()))).map_err(plain)?;
        Ok(())
    })
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
