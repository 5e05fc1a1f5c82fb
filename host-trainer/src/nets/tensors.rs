//! A net's parameters on a device.

use super::weights::Weights;
use super::{Net, Node, Op};
use crate::operators::{self, reference};
use burn::tensor::{Device, Tensor, TensorData};
use emotion_models::QuantParams;
use std::collections::BTreeMap;

/// A net's parameters on a device, each flattened to one axis; trainable ones collect gradients on an autodiff device.
pub struct Tensors {
    named: BTreeMap<String, Tensor<1>>,
    /// By layer; none while observers still find the ranges.
    pub(super) quant_params: Option<BTreeMap<String, QuantParams>>,
    pub(super) fast: bool,
}

impl Tensors {
    /// Copies weights to a device, where `fast` chooses our own operators; parameters of the first `frozen` stages take no part
    /// in training.
    pub fn new(net: &Net, weights: &Weights, device: &Device, fast: bool, frozen: usize) -> Self {
        let tensor = |name: &str| {
            let values = weights.values(name).to_vec();
            let len = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [len]), device)
        };
        let named = net
            .parameters()
            .into_iter()
            .map(|parameter| {
                let tensor = tensor(&parameter.name);
                let learns = device.is_autodiff() && parameter.trainable && parameter.stage > frozen;
                (parameter.name, if learns { tensor.require_grad() } else { tensor })
            })
            .collect();
        Tensors { named, quant_params: net.is_quantized().then(|| quant_params(net, weights)), fast }
    }

    /// Without fake quantisation a quantised net computes as the float net that it is made from.
    pub fn without_fake_quantize(self) -> Self {
        Tensors { quant_params: None, ..self }
    }

    /// The tensor of a parameter.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        self.named.get(name)
    }

    pub(super) fn flat(&self, node: &Node, what: &str) -> Tensor<1> {
        self.named[&format!("{}.{what}", node.name)].clone()
    }

    /// Scale and zero point of a [`Op::Quantize`] layer, unless fake quantisation is off.
    pub(super) fn quant_params(&self, node: &Node) -> Option<QuantParams> {
        self.quant_params.as_ref()?.get(&node.name).copied()
    }

    pub(super) fn fake_quantize(&self, x: Tensor<4>, params: QuantParams) -> Tensor<4> {
        if self.fast { operators::fake_quantize(x, params) } else { reference::fake_quantize(x, params) }
    }
}

/// Scales and zero points of a net's [`Op::Quantize`] layers.
fn quant_params(net: &Net, weights: &Weights) -> BTreeMap<String, QuantParams> {
    let params = |node: &Node| match node.op {
        Op::Quantize(source) => Some((node.name.clone(), weights.quant_params(node, source))),
        _ => None,
    };
    net.nodes.iter().filter_map(params).collect()
}
