//! `--init`: starting from another model's weights wherever shapes agree.

use crate::export::onnx;
use crate::failure::{Blame, Kind, failure};
use crate::nets::weights::{Array, Weights};
use crate::nets::{Net, Node, Op, Parameter};
use crate::train::checkpoint;
use anyhow::{Context, Result};
use std::path::Path;

/// Which layers came from the other model, and which start anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Layers whose weights were taken.
    pub taken: Vec<String>,
    /// Layers whose shape or name the other model does not have.
    pub fresh: Vec<String>,
}

/// Replaces weights by those of a run folder (its best epoch) or of an exported ONNX file.
///
/// # Errors
/// When `from` is neither, or none of its layers fits.
pub fn take(net: &Net, weights: &mut Weights, from: &Path) -> Result<Taken> {
    let other = if from.is_dir() { checkpoint::load_best(from)?.0 } else { from_onnx(net, from).blame(Kind::Model)? };
    let mut result = Taken::default();
    for node in &net.nodes {
        let parameters = net.parameters_of(node);
        if parameters.is_empty() {
            continue;
        }
        let fits = parameters.iter().all(|p| other.0.get(&p.name).is_some_and(|array| array.shape == p.shape));
        if !fits {
            result.fresh.push(node.name.clone());
            continue;
        }
        for parameter in parameters {
            if let Some(array) = other.0.get(&parameter.name) {
                weights.0.insert(parameter.name, array.clone());
            }
        }
        result.taken.push(node.name.clone());
    }
    if result.taken.is_empty() {
        let from = from.display();
        let message = format!(
            "{from} has no layer that fits this net; it was made for another task, or with another --arch or --colour"
        );
        return Err(failure(Kind::Model, message));
    }
    Ok(result)
}

/// The layer with weights whose output reaches a normalisation.
fn source<'a>(net: &'a Net, node: &Node) -> Option<&'a Node> {
    let before = &net.nodes[*node.inputs.first()?];
    match before.op {
        Op::Conv { .. } | Op::Dense { .. } => Some(before),
        _ => source(net, before),
    }
}

/// Undoes the folding: a convolution's bias becomes its normalisation's beta, and normalisations keep values as they are.
fn from_onnx(net: &Net, path: &Path) -> Result<Weights> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let tensors = onnx::parameters(&bytes).with_context(|| format!("cannot start from {}", path.display()))?;
    let find = |name: &str| tensors.0.get(name).cloned();
    let mut weights = Weights::default();
    for (index, node) in net.nodes.iter().enumerate() {
        for parameter in net.parameters_of(node) {
            if let Some(array) = find(&parameter.name) {
                weights.0.insert(parameter.name, array);
            }
        }
        let Op::BatchNorm { epsilon, .. } = node.op else { continue };
        // Constants stand for what was folded away, which only the layer that the file does hold can tell.
        let fits = |p: &Parameter| tensors.0.get(&p.name).is_some_and(|array| array.shape == p.shape);
        if !source(net, node).is_some_and(|layer| net.parameters_of(layer).iter().any(fits)) {
            continue;
        }
        let before = &net.nodes[node.inputs[0]];
        let folded = matches!(before.op, Op::Conv { bias: false, .. }) && node.inputs[0] + 1 == index;
        let channels = node.shape[0];
        let constant = |value: f32| Array { shape: vec![channels], values: vec![value; channels] };
        let beta = if folded { find(&format!("{}.bias", before.name)) } else { Some(constant(0.0)) };
        let sign = find(&format!("{}.sign.scale", node.name));
        let mut gamma = constant((1.0 + epsilon).sqrt());
        if let Some(sign) = sign.filter(|sign| sign.values.len() == channels) {
            gamma.values.iter_mut().zip(&sign.values).for_each(|(gamma, sign)| *gamma *= sign);
        }
        if let Some(beta) = beta {
            let named = [("gamma", gamma), ("beta", beta), ("mean", constant(0.0)), ("variance", constant(1.0))];
            weights.0.extend(named.map(|(what, array)| (format!("{}.{what}", node.name), array)));
        }
    }
    Ok(weights)
}
