//! A chart of lines over the epochs, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

pub(crate) const TRAIN: RGBColor = RGBColor(31, 119, 180);
pub(crate) const VAL: RGBColor = RGBColor(214, 96, 39);
pub(crate) const LIGHT_VAL: RGBColor = RGBColor(240, 180, 150);

pub(crate) type Line<'a> = (&'a str, RGBColor, Vec<(f64, f64)>);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

pub(crate) fn panel(area: &Area<'_>, title: &str, best: usize, lines: &[Line<'_>]) -> Result<()> {
    let values =
        || lines.iter().flat_map(|(_, _, points)| points.iter().map(|point| point.1)).filter(|v| v.is_finite());
    let (low, high) = values().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
    let room = ((high - low) * 0.05).max(1e-3);
    let last = lines.iter().flat_map(|(_, _, points)| points.last()).map(|point| point.0).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(title, ("sans-serif", 16))
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(1.0..last.max(2.0), low - room..high + room)
        .map_err(plain)?;
    let whole = |epoch: &f64| if epoch.fract() == 0.0 { format!("{epoch:.0}") } else { String::new() };
    chart
        .configure_mesh()
        .x_desc("epoch")
        .x_label_formatter(&whole)
        .bold_line_style(BLACK.mix(0.12))
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(plain)?;
    if best > 0 {
        let mark = [(best as f64, low - room), (best as f64, high + room)];
        chart.draw_series(LineSeries::new(mark, BLACK.mix(0.25))).map_err(plain)?;
    }
    for (name, colour, points) in lines {
        let colour = *colour;
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))
            .map_err(plain)?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.2)).draw().map_err(plain)
}

pub(crate) fn plain(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw a chart: {error}")
}
