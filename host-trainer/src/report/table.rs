//! Tables of figures, as plain text and as HTML.

use super::svg::escape;
use std::fmt::Write;

/// Rows of cells under their heads; the first column names the row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new<S: ToString>(head: impl IntoIterator<Item = S>) -> Self {
        Table { head: head.into_iter().map(|cell| cell.to_string()).collect(), rows: vec![] }
    }

    /// Adds a row of as many cells as there are heads.
    pub fn push(&mut self, name: &str, cells: impl IntoIterator<Item = String>) {
        self.rows.push([name.to_owned()].into_iter().chain(cells).collect());
    }

    /// Columns as wide as their widest cell; the first one from the left, the others from the right.
    pub fn text(&self) -> String {
        let lines = || [&self.head].into_iter().chain(&self.rows);
        let wide = |column: usize| {
            let widths = lines().map(|cells| cells.get(column).map_or(0, |cell| cell.chars().count()));
            widths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(wide).collect();
        let mut text = String::new();
        for cells in lines() {
            let mut line = String::new();
            for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let _ = match column {
                    0 => write!(line, "{cell:width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    /// As an HTML table.
    pub fn html(&self) -> String {
        let cells = |cells: &[String], tag: &str| {
            cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<String>()
        };
        let rows = self.rows.iter().map(|row| format!("<tr>{}</tr>", cells(row, "td"))).collect::<String>();
        format!("<div class=\"wide\"><table><tr>{}</tr>{rows}</table></div>", cells(&self.head, "th"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_html_is_escaped() {
        let mut table = Table::new(["data", "pictures"]);
        table.push("faces", ["1234567890".to_owned()]);
        table.push("a<b", ["9".to_owned()]);
        assert_eq!(table.text(), "data     pictures\nfaces  1234567890\na<b             9\n");
        assert!(table.html().contains("<tr><td>a&lt;b</td><td>9</td></tr></table>"));
    }
}
