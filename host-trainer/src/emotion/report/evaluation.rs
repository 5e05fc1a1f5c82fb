//! The page of an exported model's evaluation: a table of folders, and a section for each with charts and pictures.

use super::{confusion, curves, selective as charts, sheet};
use crate::emotion::dataset::{Item, Split};
use crate::emotion::ece::calibrate;
use crate::emotion::evaluated::Evaluated;
use crate::emotion::lights::Lights;
use crate::emotion::selective::{operating_curve, risk_by_coverage};
use crate::report::page::start;
use crate::report::svg::escape;
use crate::report::table::Table;
use anyhow::Result;
use emotion_models::InputSpec;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Seed of the sample of pictures on the sheet.
const SEED: u64 = 1;

/// What was evaluated.
pub struct Subject<'a> {
    /// The model's name.
    pub model: &'a str,
    /// On which part of which data, and how, in one line.
    pub line: &'a str,
    /// The labels that are read out.
    pub labels: &'a [String],
    /// Those that have a light.
    pub lights: &'a Lights,
    /// What the model reads.
    pub input: &'a InputSpec,
}

/// A folder's part of the page, as HTML.
pub struct Section(String);

/// The page as one HTML file that needs no other; `legend` explains the table's columns.
pub(crate) fn page(subject: &Subject<'_>, table: &Table, legend: &str, sections: &[Section]) -> String {
    let mut html = start(subject.model, "evaluation", subject.line, &[]);
    let legend = escape(legend).replace('\n', "<br>");
    let _ = write!(html, "<h2>Figures</h2>{}<p class=\"soft\">{legend}</p>", table.html());
    sections.iter().for_each(|section| html.push_str(&section.0));
    html + "</html>\n"
}

/// The section of a folder called `title`, with further tables under their headings; `bytes` gives the `[C, H, W]` bytes of a
/// picture as the net sees it, by its index.
///
/// # Errors
/// When a chart cannot be laid out, or a picture cannot be read again.
pub(crate) fn section(
    subject: &Subject<'_>,
    title: &str,
    evaluated: &Evaluated,
    tables: &[(String, Table)],
    bytes: impl FnMut(usize) -> Result<Vec<u8>>,
) -> Result<Section> {
    let Subject { labels, lights, .. } = subject;
    let Evaluated { probabilities, targets, scores, .. } = evaluated;
    let calibration = calibrate(probabilities, targets, labels.len());
    let mut html = format!("<h2>{}</h2>", escape(title));
    let _ = write!(
        html,
        "<p class=\"soft\">The operating curve multiplies all thresholds by one factor, strict on the left, loose on the right; the \
         ring is the card. On the diagonal of confidence and accuracy a model is as sure as it is right.</p>\
         <div class=\"row chart\">{}{}{}{}</div>",
        charts::operating(&operating_curve(probabilities, targets, lights), &evaluated.lit)?,
        charts::coverage(&risk_by_coverage(probabilities, targets, labels.len()))?,
        curves::reliability(&calibration.bins)?,
        confusion::confusion(labels, scores)
    );
    for (heading, table) in tables {
        let _ = write!(html, "<h3>{}</h3>{}", escape(heading), table.html());
    }
    let pictures = pictures(subject, evaluated, bytes)?;
    let _ = write!(
        html,
        "<h3>Pictures</h3><p class=\"soft\">What the model says of them, and how surely. A red frame: wrong.</p>\
         <div class=\"sheet\">{pictures}</div>"
    );
    Ok(Section(html))
}

/// A sheet of the mistakes that the model is surest of, and of a fair sample.
fn pictures(
    subject: &Subject<'_>,
    evaluated: &Evaluated,
    mut bytes: impl FnMut(usize) -> Result<Vec<u8>>,
) -> Result<String> {
    let Subject { labels, input, .. } = subject;
    let mut groups = sheet::choose(&evaluated.targets, &evaluated.probabilities, labels.len(), SEED);
    // Only the chosen pictures are in memory.
    let (mut items, mut pixels, mut places) = (vec![], vec![], BTreeMap::new());
    for tile in groups.iter_mut().flat_map(|group| &mut group.tiles) {
        let index = tile.picture;
        if let Some(&place) = places.get(&index) {
            tile.picture = place;
            continue;
        }
        tile.picture = items.len();
        places.insert(index, items.len());
        pixels.extend(bytes(index)?);
        items.push(Item { path: Default::default(), label: evaluated.targets[index], votes: None, source: 0 });
    }
    let split = Split::alone(items, pixels, input.len(), vec![]);
    let shape = (input.colour.channels(), input.height as usize, input.width as usize);
    sheet::sheet(labels, &split, &groups, shape)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Colour, PixelMap};

    #[test]
    fn the_page_has_its_tables_charts_and_pictures_and_escapes_names() {
        let labels = ["happy", "neutral"].map(str::to_owned);
        let lights = Lights::new(&labels, &[0.6, 0.5], &[]).unwrap();
        let input =
            InputSpec { width: 2, height: 3, colour: Colour::Grey, pixel_map: PixelMap { offset: 0.0, scale: 1.0 } };
        let subject = Subject { model: "a<b", line: "on faces", labels: &labels, lights: &lights, input: &input };
        let evaluated = Evaluated::new(vec![0.9, 0.1, 0.7, 0.3, 0.2, 0.8], vec![0, 1, 1], &lights);
        let mut table = Table::new(["data", "accuracy"]);
        table.push("faces", ["0.667".to_owned()]);
        let more = [("Robustness".to_owned(), table.clone())];
        let mut asked = vec![];
        let bytes = |index: usize| {
            asked.push(index);
            Ok(vec![index as u8; 6])
        };
        let one = section(&subject, "faces & more", &evaluated, &more, bytes).unwrap();
        let html = page(&subject, &table, "lit: yes\nnot: no", &[one]);
        for word in
            ["a&lt;b", "faces &amp; more", "operating curve", "risk against coverage", "confidence", "predicted"]
        {
            assert!(html.contains(word), "{word}");
        }
        assert!(
            html.contains("lit: yes<br>not: no") && html.contains("<h3>Robustness</h3>") && html.ends_with("</html>\n")
        );
        // The mistake is on the sheet twice, and read once.
        assert_eq!((html.matches("<image").count(), html.matches("true: neutral").count()), (4, 2));
        asked.sort_unstable();
        assert_eq!(asked, [0, 1, 2]);
    }
}
