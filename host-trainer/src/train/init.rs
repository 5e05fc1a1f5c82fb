//! `--init`: starting from another model's weights wherever shapes agree.

use crate::export::graph;
use crate::failure::{Blame, Kind, failure};
use crate::nets::forward::{self, Training};
use crate::nets::tensors::Tensors;
use crate::nets::weights::{Array, Weights};
use crate::nets::{Net, Node, Op, Parameter};
use crate::output::say;
use crate::random::{Purpose, stream};
use crate::run::checkpoint;
use crate::run::config::task_of;
use anyhow::{Context, Result};
use burn::tensor::Tensor;
use emotion_models::{InputSpec, Task};
use std::path::{Path, PathBuf};

/// Which layers came from the other model, and which start from scratch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Layers whose weights were taken.
    pub taken: Vec<String>,
    /// Layers whose shape or name the other model does not have.
    pub fresh: Vec<String>,
    /// Whether normalisations were folded away there, and need [`recalibrate_batch_norm`].
    pub folded: bool,
    /// The other model's labels, if they differ, so that the last layer starts from scratch.
    pub other_labels: Option<Vec<String>>,
}

/// Another model, read to begin with.
pub struct Source {
    /// Where it was read.
    pub path: PathBuf,
    weights: Weights,
    /// Nothing where the file has no card.
    labels: Option<Vec<String>>,
    /// It is a model file, whose normalisations were folded into its convolutions.
    folded: bool,
    /// What its net sees, where it says so.
    input: Option<InputSpec>,
}

impl Source {
    /// Whether a net sees what this one saw, and has all its layers but the last, whose labels may be others.
    pub fn fits(&self, net: &Net, input: &InputSpec) -> bool {
        let unfolded = self.folded.then(|| unfold_batch_norm(net, &self.weights));
        let own = unfolded.as_ref().unwrap_or(&self.weights);
        let with_weights = || net.nodes.iter().filter(|node| !net.parameters_of(node).is_empty());
        let last = with_weights().count().saturating_sub(1);
        let has = |p: &Parameter| own.0.get(&p.name).is_some_and(|array| array.shape == p.shape);
        self.input.as_ref() == Some(input)
            && with_weights().take(last).all(|node| net.parameters_of(node).iter().all(has))
    }
}

/// The model inside this program, to begin with; nothing for a task whose runs begin with random weights.
///
/// # Errors
/// None for a program that passed its tests.
pub fn shipped(task: Task) -> Result<Option<Source>> {
    if task != Task::Emotion {
        return Ok(None);
    }
    of_model(Path::new("the model inside this program"), emotion_models::shipped::EMOTION)
        .map(|(_, source)| Some(source))
}

fn of_model(path: &Path, bytes: &[u8]) -> Result<(Option<Task>, Source)> {
    let weights = graph::parameters(bytes).with_context(|| format!("cannot start from {}", path.display()));
    let weights = weights.blame(Kind::Model)?;
    let card = emotion_models::decode(bytes).and_then(|model| emotion_models::read_card(&model)).ok();
    let made_for = card.as_ref().map(|card| card.task);
    let (labels, input) = card.map(|card| (card.labels, card.input)).unzip();
    Ok((made_for, Source { path: path.into(), weights, labels, folded: true, input }))
}

/// Reads a run folder (its best epoch) or an exported ONNX file.
///
/// # Errors
/// When `from` is neither, is damaged, or is known to have been made for another task than `task`.
pub fn open(from: &Path, task: Task) -> Result<Source> {
    let named = from.display();
    let refuse = |why: String| Err(failure(Kind::Model, why));
    if !from.exists() {
        return refuse(format!("{named} is not there; --init takes a run folder or an exported ONNX file"));
    }
    let config = from.join("config.toml");
    if from.is_dir() && !config.exists() {
        return refuse(format!("{named} is no run folder; --init takes one, or an exported ONNX file"));
    }
    let (made_for, source) = if from.is_dir() {
        let (weights, identity) = checkpoint::load_best(from)?;
        let source = Source { path: from.into(), weights, labels: Some(identity.labels), folded: false, input: None };
        (Some(task_of(&config)), source)
    } else {
        let bytes = std::fs::read(from).with_context(|| format!("cannot read {named}")).blame(Kind::Model)?;
        of_model(from, &bytes)?
    };
    match made_for.filter(|made_for| *made_for != task) {
        Some(other) => refuse(format!("{named} was made for another task: {other}, not {task}")),
        None => Ok(source),
    }
}

/// [`take`], and says what came from there.
///
/// # Errors
/// As [`take`].
pub fn initialise(net: &Net, weights: &mut Weights, source: &Source, labels: &[String]) -> Result<TransferReport> {
    let taken = take(net, weights, source, labels)?;
    let known = if taken.fresh.is_empty() { "every layer".into() } else { taken.taken.join(", ") };
    say!("from {}: {known}", source.path.display())?;
    let fresh = if taken.fresh.is_empty() { "nothing".into() } else { taken.fresh.join(", ") };
    match &taken.other_labels {
        Some(others) => {
            say!("randomly initialised: {fresh}; its labels are {}, not {}", others.join(", "), labels.join(", "))?
        }
        None if source.labels.is_none() => {
            say!("randomly initialised: {fresh}; it does not say its labels, which may be others")?
        }
        None => say!("randomly initialised: {fresh}")?,
    }
    Ok(taken)
}

/// Replaces weights by those of another model. The last layer is taken only if `labels` are the other model's, in the
/// same order: the weights of one label would be a poor start for another.
///
/// # Errors
/// When none of its layers fits.
pub fn take(net: &Net, weights: &mut Weights, source: &Source, labels: &[String]) -> Result<TransferReport> {
    let unfolded = source.folded.then(|| unfold_batch_norm(net, &source.weights));
    let other = unfolded.as_ref().unwrap_or(&source.weights);
    let mut result = TransferReport { folded: source.folded, ..TransferReport::default() };
    let last = net.nodes.iter().rposition(|node| !net.parameters_of(node).is_empty());
    for (index, node) in net.nodes.iter().enumerate() {
        let parameters = net.parameters_of(node);
        if parameters.is_empty() {
            continue;
        }
        let fits = parameters.iter().all(|p| other.0.get(&p.name).is_some_and(|array| array.shape == p.shape));
        // Reported even where the layer does not fit: different labels are the cause.
        let unlike = source.labels.as_ref().filter(|others| Some(index) == last && others.as_slice() != labels);
        if !fits || unlike.is_some() {
            result.fresh.push(node.name.clone());
            result.other_labels = unlike.cloned();
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
        let from = source.path.display();
        let message = format!(
            "{from} has no layer that fits this net; it was made for another task, or with another --arch, --colour or [net] widths"
        );
        return Err(failure(Kind::Model, message));
    }
    Ok(result)
}

/// Recalibrates the normalisations of `taken` layers on the statistics of some pictures. With a batch's statistics, as
/// in training, the net then computes what it computed with its own. Only folded normalisations need this: a model file
/// has no statistics, since they are part of its convolutions. Without it, training would begin with channels of
/// another scale than the later layers expect. Layers that start from scratch are left alone.
pub fn recalibrate_batch_norm(
    net: &Net,
    weights: &mut Weights,
    taken: &TransferReport,
    pixels: &Tensor<4>,
    fast: bool,
) {
    for norm in net.nodes.iter().filter(|node| taken.folded && taken.taken.contains(&node.name)) {
        let Op::BatchNorm { epsilon, .. } = norm.op else { continue };
        // One after the other: each sees what those before it, as rewritten, make of the batch.
        let tensors = Tensors::new(net, weights, &pixels.device(), fast, 0).without_fake_quantize();
        let random = &mut stream(Purpose::Dropout, 0, 0, 0);
        let training = Training { random, frozen_stages: 0, frozen_statistics: false };
        let pass = forward::forward(net, &tensors, pixels.clone(), Some(training));
        let Some((_, of_batch, _)) = pass.statistics.into_iter().find(|(name, ..)| *name == norm.name) else {
            continue;
        };
        let [batch_mean, batch_variance] = of_batch.read();
        let named = |what: &str| weights.values(&format!("{}.{what}", norm.name)).to_vec();
        let [mut gamma, mut beta, mean, variance] = ["gamma", "beta", "mean", "variance"].map(named);
        for channel in 0..gamma.len() {
            let scale = gamma[channel] / (variance[channel] + epsilon).sqrt();
            gamma[channel] = scale * (batch_variance[channel] + epsilon).sqrt();
            beta[channel] += scale * (batch_mean[channel] - mean[channel]);
        }
        let rewritten = [("gamma", gamma), ("beta", beta), ("mean", batch_mean), ("variance", batch_variance)];
        for (what, values) in rewritten {
            let shape = vec![values.len()];
            weights.0.insert(format!("{}.{what}", norm.name), Array { shape, values });
        }
    }
}

/// The layer with weights whose output reaches a normalisation.
fn before_norm<'a>(net: &'a Net, node: &Node) -> Option<&'a Node> {
    let before = &net.nodes[*node.inputs.first()?];
    match before.op {
        Op::Conv { .. } | Op::Dense { .. } => Some(before),
        _ => before_norm(net, before),
    }
}

/// Undoes the folding: a convolution's bias becomes its normalisation's beta, and normalisations keep values as they are.
fn unfold_batch_norm(net: &Net, tensors: &Weights) -> Weights {
    let find = |name: &str| tensors.0.get(name).cloned();
    let mut weights = Weights::default();
    for (index, node) in net.nodes.iter().enumerate() {
        for parameter in net.parameters_of(node) {
            if let Some(array) = find(&parameter.name) {
                weights.0.insert(parameter.name, array);
            }
        }
        let Op::BatchNorm { epsilon, .. } = node.op else { continue };
        // Constants replace what was folded away; only the layer that the file does hold shows whether it fits.
        let fits = |p: &Parameter| tensors.0.get(&p.name).is_some_and(|array| array.shape == p.shape);
        if !before_norm(net, node).is_some_and(|layer| net.parameters_of(layer).iter().any(fits)) {
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
    weights
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::device::Engine;
    use crate::emotion::export_tests::trained;
    use crate::export::fold::fold;
    use crate::face::options::FaceConfig;
    use crate::nets::FaceOptions;
    use crate::run::config::TaskConfig;
    use burn::tensor::TensorData;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_shipped_weights_fit_the_default_net_and_no_other() {
        use crate::emotion::options::EmotionConfig;
        use crate::run::config::Config;
        let source = shipped(Task::Emotion).unwrap().unwrap();
        let fits = |change: fn(&mut EmotionConfig), labels: usize| {
            let mut config = Config::<EmotionConfig>::of_arch(crate::nets::Architecture::Compact).task;
            change(&mut config);
            source.fits(&config.float_net(labels).unwrap(), &config.input())
        };
        assert!(fits(|_| {}, 3) && fits(|_| {}, 5));
        assert!(!fits(|config| config.size = 48, 3));
        assert!(!fits(|config| config.colour = crate::emotion::colour::ColourName::Rgb, 3));
        assert!(!fits(|config| config.net.widths[3] += 8, 3));
        assert!(shipped(Task::Face).unwrap().is_none());
    }

    #[test]
    fn training_begins_where_an_exported_net_was() {
        let net = FaceOptions { widths: [4, 6, 8], blocks: 2 };
        let config = FaceConfig { width: 64, height: 48, net, ..FaceConfig::default() };
        let (net, rng) = (config.float_net(1).unwrap(), &mut ChaCha8Rng::seed_from_u64(3));
        let original = trained(&net, rng);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("face.onnx");
        std::fs::write(&path, emotion_models::encode(&graph::model("face", &fold(&net, &original, &[])))).unwrap();
        let pixels: Vec<f32> = (0..4 * 64 * 48).map(|_| rng.random_range(-1.0..1.0)).collect();
        let pixels = Tensor::from_data(TensorData::new(pixels, [4, 1, 48, 64]), &Engine::cpu().scoring());
        let mut weights = Weights::initial(&net, 1);
        let source = open(&path, Task::Face).unwrap();
        let taken = take(&net, &mut weights, &source, &[]).unwrap();
        assert!(taken.fresh.is_empty(), "{taken:?}");
        let maps = |weights: &Weights, as_training: bool| -> Vec<f32> {
            let tensors = Tensors::new(&net, weights, &pixels.device(), true, 0);
            let random = &mut ChaCha8Rng::seed_from_u64(0);
            let training = as_training.then_some(Training { random, frozen_stages: 0, frozen_statistics: false });
            forward::forward(&net, &tensors, pixels.clone(), training).logits.into_data().try_to_vec().unwrap()
        };
        let wanted = maps(&original, false);
        let size = wanted.iter().fold(0.0f32, |size, x| size.max(x.abs()));
        let apart = |weights: &Weights, as_training: bool| {
            let found = maps(weights, as_training);
            found.iter().zip(&wanted).fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / size
        };
        assert!(apart(&weights, true) > 0.1, "a batch's statistics undo what was folded");
        recalibrate_batch_norm(&net, &mut weights, &taken, &pixels, true);
        assert!(apart(&weights, true) < 1e-3, "{}", apart(&weights, true));
        assert!(apart(&weights, false) < 1e-3, "{}", apart(&weights, false));
    }
}
