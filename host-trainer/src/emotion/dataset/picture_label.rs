//! A picture's label: its folder's, or what most people voted for.

use super::labelling::Votes;

/// Where people voted, figures are taken only on pictures of which more than this share of the votes agree.
const MAJORITY: f32 = 0.5;

/// What is known of a picture's label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PictureLabel {
    /// Index of its folder's label or, where people voted, of the label with most votes.
    pub(super) label: usize,
    /// The share of the votes that each label has, where people voted.
    pub(super) votes: Option<Box<[f32]>>,
}

impl PictureLabel {
    /// What is known of the picture at the path `relative` of its data set, which lies in the folder of the label with index
    /// `folder` among all `labels`; `None` where the votes leave it out.
    pub(super) fn of(relative: &str, folder: usize, labels: &[String], votes: Option<&Votes>) -> Option<Self> {
        let Some((votes, row)) = votes.and_then(|votes| Some((votes, votes.rows.get(relative)?))) else {
            return Some(PictureLabel { label: folder, votes: None });
        };
        let votes = among(labels, &votes.labels, row.as_ref()?);
        Some(PictureLabel { label: most(&votes, folder), votes: Some(votes) })
    }

    /// Whether the picture's label is its folder's or one on which more than half of the votes agree.
    pub(super) fn is_agreed(&self) -> bool {
        self.votes.as_ref().is_none_or(|votes| votes[self.label] > MAJORITY)
    }
}

/// Shares of `own` labels as shares of all `labels`.
fn among(labels: &[String], own: &[String], shares: &[f32]) -> Box<[f32]> {
    let share = |label: &String| own.iter().position(|other| other == label).map_or(0.0, |place| shares[place]);
    labels.iter().map(share).collect()
}

/// The label with most votes; of several, the folder's or the first.
fn most(votes: &[f32], folder: usize) -> usize {
    let first = (0..votes.len()).fold(0, |best, label| if votes[label] > votes[best] { label } else { best });
    if votes[folder] == votes[first] { folder } else { first }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_majority_counts_and_of_equals_the_folder() {
        let labels = ["angry", "happy", "sad"].map(str::to_owned);
        let rows = [("clear.png", Some(vec![0.75, 0.25])), ("even.png", Some(vec![0.5, 0.5])), ("out.png", None)];
        let rows = rows.map(|(name, shares)| (name.to_owned(), shares)).into();
        let votes = Votes { labels: vec!["happy".into(), "sad".into()], rows, digest: [0; 32] };
        let of = |name: &str, folder| PictureLabel::of(name, folder, &labels, Some(&votes));
        let clear = of("clear.png", 0).unwrap();
        assert_eq!((clear.label, clear.votes.as_deref()), (1, Some(&[0.0, 0.75, 0.25][..])));
        assert!(clear.is_agreed());
        let even = of("even.png", 2).unwrap();
        assert_eq!((even.label, even.is_agreed()), (2, false));
        assert_eq!(of("out.png", 0), None);
        let unlisted = of("other.png", 0).unwrap();
        assert_eq!((unlisted.label, unlisted.votes.is_none(), unlisted.is_agreed()), (0, true, true));
    }
}
