//! Risk against coverage, and the operating curve, as SVG.

use crate::emotion::lights::LitShares;
use crate::emotion::selective::{Coverage, Operating};
use crate::report::chart::{TRAIN, VAL, plain, rates};
use anyhow::Result;
use plotters::prelude::*;

/// The axis ends at the next tenth above the largest value, between 0.1 and 1.
fn end_of_axis(values: impl Iterator<Item = f64>) -> f64 {
    ((values.fold(0.0, f64::max) * 10.0).ceil() / 10.0).clamp(0.1, 1.0)
}

/// Share of errors over the share of pictures that are judged, the surest first.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn coverage(curve: &[Coverage]) -> Result<String> {
    let axes = ["coverage: share of pictures, the surest first", "risk: share of them wrong"];
    let highest = end_of_axis(curve.iter().map(|point| point.risk));
    rates(420, Some("risk against coverage"), axes, [1.0, highest], |chart| {
        let points = curve.iter().map(|point| (point.coverage, point.risk));
        chart.draw_series(LineSeries::new(points, TRAIN.stroke_width(2))).map_err(plain)?;
        Ok(())
    })
}

/// Moods lit rightly over calm faces that light anything, as one factor on all thresholds goes from strict, on the left, to loose; a
/// ring marks the card's thresholds, which light `card`. Without calm faces the axis across has moods lit wrongly.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub fn operating(curve: &[Operating], card: &LitShares) -> Result<String> {
    let (across, axis) = match card.calm.of {
        0 => (wrongly as fn(&LitShares) -> f64, "moods wrongly lit"),
        _ => (calm as fn(&LitShares) -> f64, "calm faces lit"),
    };
    let place = |lit: &LitShares| (across(lit), lit.rightly.rate().unwrap_or(0.0));
    let furthest = end_of_axis(curve.iter().map(|point| across(&point.lit)));
    rates(420, Some("operating curve"), [axis, "moods rightly lit"], [furthest, 1.0], |chart| {
        let points = curve.iter().map(|point| place(&point.lit));
        chart.draw_series(LineSeries::new(points, TRAIN.stroke_width(2))).map_err(plain)?;
        chart.draw_series([Circle::new(place(card), 6, VAL.stroke_width(2))]).map_err(plain)?;
        Ok(())
    })
}

fn wrongly(lit: &LitShares) -> f64 {
    lit.wrongly.rate().unwrap_or(0.0)
}

fn calm(lit: &LitShares) -> f64 {
    lit.calm.rate().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::lights::Share;

    #[test]
    fn the_cards_point_is_marked_and_empty_curves_can_be_drawn() {
        let lit =
            |lit| LitShares { rightly: Share { lit, of: 4 }, wrongly: Share { lit: 0, of: 6 }, calm: Share::default() };
        let curve = [0, 2, 4].map(|count| Operating { factor: 1.0, lit: lit(count) });
        let svg = operating(&curve, &lit(2)).unwrap();
        assert!(svg.matches("<circle").count() == 1 && svg.contains("moods wrongly lit"), "{svg}");
        let calm = LitShares { calm: Share { lit: 1, of: 4 }, ..lit(2) };
        assert!(operating(&curve, &calm).unwrap().contains("calm faces lit"));
        assert!(operating(&[], &LitShares::default()).unwrap().ends_with("</svg>\n"));
        let points = [(0.5, 0.0), (1.0, 0.3)].map(|(coverage, risk)| Coverage { coverage, risk });
        assert!(coverage(&points).unwrap().contains("risk") && coverage(&[]).unwrap().ends_with("</svg>\n"));
        let ends = [0.0, 0.31, 1.0].map(|value| end_of_axis([value].into_iter()));
        assert_eq!(ends, [0.1, 0.4, 1.0]);
    }
}
