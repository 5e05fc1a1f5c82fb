//! Charts of lines over the epochs, and of one rate over another, as SVG.

use crate::run::history::Epoch;
use anyhow::{Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

pub(crate) const TRAIN: RGBColor = RGBColor(31, 119, 180);
pub(crate) const VAL: RGBColor = RGBColor(214, 96, 39);
pub(crate) const LIGHT_VAL: RGBColor = RGBColor(240, 180, 150);

pub(crate) type Line<'a> = (&'a str, RGBColor, Vec<(f64, f64)>);

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// A chart whose axes are rates.
pub(crate) type Rates<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws on white, `size` pixels wide and high.
fn drawing(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(plain)?;
        draw(&root)?;
        root.present().map_err(plain)?;
    }
    Ok(svg)
}

/// Two panels, each with its title and lines. `best` marks the best epoch, counted from 1.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub(crate) fn over_epochs(best: usize, panels: [(&str, &[Line<'_>]); 2]) -> Result<String> {
    drawing((960, 360), |root| {
        let areas = root.split_evenly((1, 2));
        areas.iter().zip(panels).try_for_each(|(area, (title, lines))| panel(area, title, best, lines))
    })
}

/// A figure of each epoch but of the run as it started.
pub(crate) fn series<F>(history: &[Epoch<F>], figure: impl Fn(&F) -> f64) -> Vec<(f64, f64)> {
    let learned = history.iter().filter(|epoch| epoch.epoch > 0);
    learned.map(|epoch| (epoch.epoch as f64, figure(&epoch.figures))).collect()
}

/// A chart with a rate on each axis, right and up, each from 0 to `furthest`.
///
/// # Errors
/// Only when the chart cannot be laid out.
pub(crate) fn rates(
    width: u32,
    caption: Option<&str>,
    axes: [&str; 2],
    furthest: [f64; 2],
    draw: impl FnOnce(&mut Rates<'_, '_>) -> Result<()>,
) -> Result<String> {
    drawing((width, 400), |root| {
        let mut builder = ChartBuilder::on(root);
        if let Some(caption) = caption {
            builder.caption(caption, ("sans-serif", 16));
        }
        builder.margin(12).x_label_area_size(36).y_label_area_size(44);
        let mut chart = builder.build_cartesian_2d(0.0..furthest[0], 0.0..furthest[1]).map_err(plain)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(axes[0]).y_desc(axes[1]).bold_line_style(BLACK.mix(0.12)).light_line_style(TRANSPARENT);
        mesh.draw().map_err(plain)?;
        draw(&mut chart)
    })
}

fn panel(area: &Area<'_>, title: &str, best: usize, lines: &[Line<'_>]) -> Result<()> {
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
