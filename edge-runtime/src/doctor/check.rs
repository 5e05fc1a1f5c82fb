//! The result of a check.

use serde::Serialize;

/// The verdict of a check, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// Moodlight runs, but not at its best, or not for long.
    Warning,
    /// Moodlight does not do what the configuration asks for.
    Problem,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked, such as `kernel` or `light happy`.
    pub id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// The remedy, a command or a sentence; `None` if nothing needs doing.
    pub fix: Option<String>,
}

impl Check {
    pub(super) fn ok(id: impl Into<String>, found: impl Into<String>) -> Self {
        Self { id: id.into(), verdict: Verdict::Ok, found: found.into(), fix: None }
    }

    pub(super) fn new(
        verdict: Verdict,
        id: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { id: id.into(), verdict, found: found.into(), fix: Some(fix.into()) }
    }

    pub(super) fn warning(id: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, id, found, fix)
    }

    pub(super) fn problem(id: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Verdict::Problem, id, found, fix)
    }
}
