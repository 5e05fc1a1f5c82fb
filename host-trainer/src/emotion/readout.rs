//! Reading out some of the labels that a model knows.

use crate::failure::{Blame, Kind, failure};
use anyhow::{Context, Result, ensure};
use emotion_models::{Probabilities, apply_temperature};

/// Indices of the labels to read out among those a model knows; all of them when none is named.
///
/// # Errors
/// Names a label the model does not know or that is named twice; one label alone is refused too.
pub fn outputs(known: &[String], labels: &[String]) -> Result<Vec<usize>> {
    if labels.is_empty() {
        return Ok((0..known.len()).collect());
    }
    let index = |(at, label): (usize, &String)| {
        ensure!(!labels[..at].contains(label), "the label {label} is named twice");
        let found = known.iter().position(|own| own == label);
        found.with_context(|| format!("the label {label} is not among those it knows: {}", known.join(", ")))
    };
    let outputs = labels.iter().enumerate().map(index).collect::<Result<Vec<_>>>().blame(Kind::Usage)?;
    if outputs.len() < 2 {
        return Err(failure(Kind::Usage, "at least two labels are needed"));
    }
    Ok(outputs)
}

/// Softmax over a subset of logits: the full softmax renormalised over it, then the temperature.
pub fn subset(raw: &Probabilities, outputs: &[usize], temperature: f32) -> Probabilities {
    let picked: Vec<f32> = outputs.iter().map(|&output| raw[output]).collect();
    let sum: f32 = picked.iter().sum();
    let shares: Vec<f32> = picked.iter().map(|p| p / sum.max(f32::MIN_POSITIVE)).collect();
    Probabilities::from_slice(&shares).map_or(*raw, |shares| apply_temperature(&shares, temperature))
}

/// The most probable label of a row, the first of equals.
pub fn top(row: &[f32]) -> usize {
    (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn close(found: &Probabilities, expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} is not {expected:?}");
    }

    #[test]
    fn a_subset_is_read_out_by_softmax_over_its_logits() {
        let logits = [0.3f32, -1.2, 2.0, 0.7];
        let softmax = |logits: &[f32]| -> Vec<f32> {
            let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
            logits.iter().map(|logit| logit.exp() / sum).collect()
        };
        let raw = Probabilities::from_slice(&softmax(&logits)).unwrap();
        close(&subset(&raw, &[3, 0], 1.0), &softmax(&[0.7, 0.3]));
        close(&subset(&raw, &[3, 0], 2.0), &softmax(&[0.35, 0.15]));
        close(&subset(&raw, &[0, 1, 2, 3], 1.0), &softmax(&logits));
    }
}
