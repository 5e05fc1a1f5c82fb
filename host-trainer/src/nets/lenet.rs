//! The Keras LeNet that this project grew from, layer for layer as its notebook builds it.

use super::{Net, Op, Options};
use emotion_models::InputSpec;

/// Keras' epsilon. Its momentum of 0.99 suits epochs of many steps: `colour3` has 43, and with running statistics that lag a
/// hundred steps behind the weights, early stopping once took the first epoch for the best.
const NORM: Op = Op::BatchNorm { epsilon: 1e-3, momentum: 0.9 };

/// On 256x256 colour pictures and three labels: 6,153,119 parameters, 264 of them not trainable.
pub fn lenet(input: &InputSpec, labels: usize, options: &Options) -> Net {
    let conv = |out| Op::Conv { out, kernel: 3, stride: 1, padding: 0, bias: true };
    let mut net = Net::new(input);
    for (stage, out) in [(1, 6), (2, 16)] {
        net.then(&format!("conv{stage}"), conv(out), stage);
        net.then(&format!("relu{stage}"), Op::Relu, stage);
        net.then(&format!("norm{stage}"), NORM, stage);
        net.then(&format!("pool{stage}"), Op::MaxPool { size: 2 }, stage);
        if stage == 1 {
            net.then("dropout1", Op::Dropout(options.dropout), stage);
        }
    }
    net.then("flatten", Op::Flatten, 2);
    for (stage, out) in [(3, 100), (4, 10)] {
        net.then(&format!("dense{stage}"), Op::Dense { out }, stage);
        net.then(&format!("relu{stage}"), Op::Relu, stage);
        net.then(&format!("norm{stage}"), NORM, stage);
        net.then(&format!("dropout{stage}"), Op::Dropout(options.dropout), stage);
    }
    net.then("logits", Op::Dense { out: labels }, 5);
    net
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotion_models::{Colour, PixelMap};

    #[test]
    fn has_the_seeds_parameters() {
        let pixel_map = PixelMap { offset: 0.0, scale: 1.0 / 255.0 };
        let input = InputSpec { width: 256, height: 256, colour: Colour::Rgb, pixel_map };
        let net = lenet(&input, 3, &Options::default());
        let count =
            |all: bool| -> usize { net.parameters().iter().filter(|p| all || !p.trainable).map(|p| p.len()).sum() };
        assert_eq!((count(true), count(false)), (6_153_119, 264));
    }
}
