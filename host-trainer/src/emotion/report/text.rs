//! Figures as plain text.

use crate::emotion::metrics::Scores;
use std::fmt::Write;

/// Per-label table, averages, confusion matrix and calibration.
pub fn scores(labels: &[String], scores: &Scores) -> String {
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(13);
    let mut text = format!("{:width$}  precision  recall      F1  pictures\n", "");
    for (label, class) in labels.iter().zip(&scores.per_class) {
        let _ = writeln!(
            text,
            "{label:width$}  {:>9.3}  {:>6.3}  {:>6.3}  {:>8}",
            class.precision, class.recall, class.f1, class.support
        );
    }
    let _ = write!(
        text,
        "{:width$}  {:>9.3}  {:>6.3}  {:>6.3}  {:>8}\n\n\
         accuracy {:.3} (95 % interval {:.3} to {:.3}), top-2 {:.3}, negative log-likelihood {:.3}\n\
         calibration error {:.3}; a perfectly calibrated model of the same confidences: below {:.3} in 95 of 100 draws\n\n",
        "macro average",
        scores.macro_precision,
        scores.macro_recall,
        scores.macro_f1,
        scores.count,
        scores.accuracy,
        scores.interval95.0,
        scores.interval95.1,
        scores.top2,
        scores.loss,
        scores.ece,
        scores.ece_p95
    );
    let _ = writeln!(text, "true \\ predicted");
    let column = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(6);
    let _ = write!(text, "{:width$}", "");
    for label in labels {
        let _ = write!(text, "  {label:>column$}");
    }
    text.push('\n');
    for (label, row) in labels.iter().zip(&scores.confusion) {
        let _ = write!(text, "{label:width$}");
        for count in row {
            let _ = write!(text, "  {count:>column$}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::emotion::metrics::score;

    #[test]
    fn the_table_reads_as_documented() {
        let labels = ["angry".to_owned(), "sad".to_owned()];
        let text = super::scores(&labels, &score(&[0.9, 0.1, 0.2, 0.8, 0.7, 0.3], &[0, 1, 1], 2));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "               precision  recall      F1  pictures");
        assert_eq!(lines[1], "angry              0.500   1.000   0.667         1");
        assert_eq!(lines[3], "macro average      0.750   0.750   0.667         3");
        assert!(lines[5].starts_with("accuracy 0.667 (95 % interval 0.208 to 0.939), top-2 1.000"));
        assert_eq!(
            lines[9..],
            ["                angry     sad", "angry               1       0", "sad                 1       1"]
        );
    }
}
