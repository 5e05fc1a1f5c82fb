//! Nets whose convolutions compute in 8-bit integers.

use super::{Net, Node, Op, QuantParamsSource};
use emotion_models::{InputSpec, QuantParams};

impl Net {
    /// The same net with its convolutions in 8-bit integers: a [`Op::Quantize`] layer behind the input, behind each
    /// convolution with its normalisation and ReLU, and behind each sum. What follows the last pooling stays float, and so does a
    /// convolution that gives the result.
    pub fn quantized(&self, input: &InputSpec) -> Net {
        let mut net = Net { nodes: vec![] };
        let mut places: Vec<usize> = vec![];
        for (index, node) in self.nodes.iter().enumerate() {
            let inputs = node.inputs.iter().map(|&input| places[input]).collect();
            net.nodes.push(Node { inputs, ..node.clone() });
            let source = match node.op {
                Op::Input => Some(QuantParamsSource::Given(QuantParams::of_pixels(input.pixel_map))),
                _ if self.ends_layer(index) && !self.is_last(index) => Some(QuantParamsSource::Observed),
                _ => None,
            };
            let place = net.nodes.len() - 1;
            places.push(match source {
                Some(source) => {
                    net.push(&format!("{}.quantized", node.name), Op::Quantize(source), &[place], node.stage)
                }
                None => place,
            });
        }
        net
    }

    /// Whether the net's convolutions compute in 8-bit integers.
    pub fn is_quantized(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.op, Op::Quantize(_)))
    }

    /// The only reader of a layer's output.
    pub fn only_reader(&self, index: usize) -> Option<usize> {
        let mut readers = (0..self.nodes.len()).filter(|&at| self.nodes[at].inputs.contains(&index));
        readers.next().filter(|_| readers.next().is_none())
    }

    /// The normalisation that folds into this convolution, because it alone reads its output.
    pub fn norm_behind(&self, conv: usize) -> Option<usize> {
        self.only_reader(conv).filter(|&next| matches!(self.nodes[next].op, Op::BatchNorm { .. }))
    }

    /// The [`Op::Quantize`] layer whose numbers reach a layer, through what leaves numbers as they are.
    pub fn quantize_before(&self, index: usize) -> Option<usize> {
        let before = *self.nodes[index].inputs.first()?;
        match self.nodes[before].op {
            Op::Quantize(_) => Some(before),
            Op::MaxPool { .. } | Op::Dropout(_) | Op::BatchNorm { .. } => self.quantize_before(before),
            _ => None,
        }
    }

    /// Whether an integer layer's output is this node's: the last of convolution, normalisation and ReLU, or of sum and ReLU.
    fn ends_layer(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        let next = self.only_reader(index).map(|next| &self.nodes[next].op);
        let goes_on = match node.op {
            Op::Conv { .. } => matches!(next, Some(Op::BatchNorm { .. } | Op::Relu)),
            Op::BatchNorm { .. } | Op::Add => matches!(next, Some(Op::Relu)),
            _ => false,
        };
        let belongs = match node.op {
            Op::Conv { .. } | Op::Add => true,
            Op::BatchNorm { .. } => matches!(self.nodes[node.inputs[0]].op, Op::Conv { .. }),
            Op::Relu => match &self.nodes[node.inputs[0]] {
                Node { op: Op::BatchNorm { .. }, inputs, .. } => matches!(self.nodes[inputs[0]].op, Op::Conv { .. }),
                before => matches!(before.op, Op::Conv { .. } | Op::Add),
            },
            _ => false,
        };
        belongs && !goes_on
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nets::Architecture;
    use crate::run::config::{Config, TaskConfig};

    #[test]
    fn every_convolution_and_sum_ends_on_a_grid_of_its_own() {
        for (arch, expected) in [(Architecture::Compact, 1 + 1 + 4 * 2 + 3 + 4), (Architecture::Lenet, 1 + 2)] {
            let config = Config::of_arch(arch).task;
            let net = arch.build(&config.input(), 3, &config.net).unwrap();
            assert!(!net.is_quantized());
            let quantized = net.quantized(&config.input());
            let quant_params = quantized.nodes.iter().filter(|node| matches!(node.op, Op::Quantize(_))).count();
            assert_eq!(quant_params, expected, "{}", arch.name());
            for (index, node) in quantized.nodes.iter().enumerate() {
                if matches!(node.op, Op::Conv { .. }) {
                    assert!(quantized.quantize_before(index).is_some(), "{}", node.name);
                }
            }
            let original: Vec<_> = net.parameters().into_iter().map(|parameter| parameter.name).collect();
            let kept = quantized.parameters().into_iter().map(|p| p.name).filter(|name| !name.ends_with(".range"));
            assert_eq!(kept.collect::<Vec<_>>(), original);
        }
    }
}
