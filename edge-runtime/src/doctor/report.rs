//! Reports the checks, as text and as JSON.

use super::{Check, Verdict};
use crate::output::paint::Ink;
use crate::plural::counted;
use serde_json::{Value, json};

/// Width of the longest verdict.
const VERDICT: usize = 7;

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    fn colour(self) -> [u8; 3] {
        match self {
            Self::Ok => [52, 211, 92],
            Self::Warning => [250, 215, 50],
            Self::Problem => [255, 64, 56],
        }
    }
}

/// The worst of the verdicts.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}

/// A line for each check, with the remedy below it, and at the end the number of checks for each verdict.
pub fn text(checks: &[Check], ink: Ink) -> String {
    let width = checks.iter().map(|check| check.id.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        ink.foreground(&mut text, check.verdict.colour());
        text.push_str(&format!("{:<VERDICT$}", check.verdict.word()));
        ink.reset(&mut text);
        text.push_str(&format!("  {:<width$}  {}\n", check.id, check.found));
        if let Some(fix) = &check.fix {
            text.push_str(&" ".repeat(VERDICT + 2 + width + 2));
            ink.bold(&mut text);
            text.push_str(&format!("-> {fix}"));
            ink.reset(&mut text);
            text.push('\n');
        }
    }
    text.push_str(&format!("\n{}\n", total(checks)));
    text
}

fn total(checks: &[Check]) -> String {
    let count = |verdict: Verdict, what: &str| {
        let number = checks.iter().filter(|check| check.verdict == verdict).count() as u64;
        (number > 0).then(|| counted(number, what))
    };
    let found = [count(Verdict::Problem, "problem"), count(Verdict::Warning, "warning")];
    let found: Vec<String> = found.into_iter().flatten().collect();
    if found.is_empty() { format!("All {} checks are ok.", checks.len()) } else { format!("{}.", found.join(", ")) }
}

/// One object: the worst verdict, and the checks in order.
pub fn json(checks: &[Check]) -> Value {
    json!({ "verdict": worst(checks), "checks": checks })
}
