//! Contact sheets: pictures in rows, under a title for each group, as SVG.

use super::svg::{escape, open};
use crate::random::{Purpose, stream};
use anyhow::Result;
use rand::seq::SliceRandom;
use std::fmt::Write;

/// Height of a group's title.
const TITLE: usize = 30;

/// Pictures under one title.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group<T> {
    /// What they share.
    pub title: String,
    /// The pictures, in order.
    pub tiles: Vec<T>,
}

/// How the pictures lie on a sheet, and how many there are at most.
pub(crate) struct Layout {
    /// Pictures in a row.
    pub columns: usize,
    /// From one picture's corner to the next one's, right and down.
    pub step: (usize, usize),
    /// Rows of errors.
    pub mistakes: usize,
    /// Rows of pictures drawn at random.
    pub random: usize,
}

impl Layout {
    /// The first of the `mistakes`, which `what` names, and a random sample of `all`, drawn by `seed`.
    pub fn choose<T>(&self, what: &str, mut mistakes: Vec<T>, mut all: Vec<T>, seed: u64) -> [Group<T>; 2] {
        let found = mistakes.len();
        mistakes.truncate(self.columns * self.mistakes);
        let title = format!("{what}, {} of {found}", mistakes.len());
        all.shuffle(&mut stream(Purpose::Sheet, seed, 0, 0));
        all.truncate(self.columns * self.random);
        [Group { title, tiles: mistakes }, Group { title: "drawn at random".into(), tiles: all }]
    }

    /// The groups, one below the other; `draw` draws a picture at its upper left corner.
    ///
    /// # Errors
    /// Those of `draw`.
    pub fn sheet<T>(
        &self,
        groups: &[Group<T>],
        mut draw: impl FnMut(&mut String, &T, (usize, usize)) -> Result<()>,
    ) -> Result<String> {
        let Layout { columns, step, .. } = *self;
        let height_of = |group: &Group<T>| TITLE + group.tiles.len().div_ceil(columns) * step.1;
        let height = groups.iter().map(height_of).sum::<usize>();
        let mut svg = open(columns * step.0 + 12, height.max(1));
        let mut top = 0;
        for group in groups {
            let title = escape(&group.title);
            let _ = write!(svg, "<text x=\"12\" y=\"{}\" font-weight=\"bold\">{title}</text>", top + 19);
            for (index, tile) in group.tiles.iter().enumerate() {
                let corner = (12 + index % columns * step.0, top + TITLE + index / columns * step.1);
                draw(&mut svg, tile, corner)?;
            }
            top += height_of(group);
        }
        Ok(svg + "</svg>")
    }
}
