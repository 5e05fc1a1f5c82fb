//! The default net: a small residual network (He et al. 2016) of dense 3x3 convolutions, which is what tract runs well.

use super::{Net, Op, Options};
use emotion_models::InputSpec;

const NORM: Op = Op::BatchNorm { epsilon: 1e-5, momentum: 0.9 };

fn conv(out: usize, kernel: usize, stride: usize) -> Op {
    Op::Conv { out, kernel, stride, padding: kernel / 2, bias: false }
}

/// Stem with step 2 and max-pooling, then four stages of one residual block, each after the first halving the map.
///
/// With the default widths 32, 56, 104, 192 on 64x64 grey pictures: 0.76 M parameters, 12.6 M multiply-accumulates.
pub fn compact(input: &InputSpec, labels: usize, options: &Options) -> Net {
    let mut net = Net::new(input);
    net.then("stem.conv", conv(options.widths[0], 3, 2), 1);
    net.then("stem.norm", NORM, 1);
    net.then("stem.relu", Op::Relu, 1);
    let mut last = net.then("stem.pool", Op::MaxPool { size: 2 }, 1);
    for (index, &width) in options.widths.iter().enumerate() {
        let stage = index + 2;
        let stride = if index == 0 { 1 } else { 2 };
        let name = |what: &str| format!("block{}.{what}", index + 1);
        let start = last;
        let mut path = net.push(&name("conv1"), conv(width, 3, stride), &[start], stage);
        path = net.push(&name("norm1"), NORM, &[path], stage);
        path = net.push(&name("relu1"), Op::Relu, &[path], stage);
        path = net.push(&name("conv2"), conv(width, 3, 1), &[path], stage);
        path = net.push(&name("norm2"), NORM, &[path], stage);
        let mut shortcut = start;
        if stride != 1 || net.nodes[start].shape[0] != width {
            shortcut = net.push(&name("shortcut"), conv(width, 1, stride), &[start], stage);
            shortcut = net.push(&name("shortcut_norm"), NORM, &[shortcut], stage);
        }
        let sum = net.push(&name("add"), Op::Add, &[path, shortcut], stage);
        last = net.push(&name("relu2"), Op::Relu, &[sum], stage);
    }
    net.then("average", Op::GlobalAveragePool, 6);
    if options.dropout > 0.0 {
        net.then("dropout", Op::Dropout(options.dropout), 6);
    }
    net.then("logits", Op::Dense { out: labels }, 6);
    net
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotion_models::{Colour, PixelMap};

    #[test]
    fn stays_small() {
        let pixel_map = PixelMap { offset: 128.0, scale: 1.0 / 128.0 };
        for (side, macs) in [(64, 13_000_000), (96, 29_000_000)] {
            let input = InputSpec { width: side, height: side, colour: Colour::Grey, pixel_map };
            let net = compact(&input, 7, &Options::default());
            let parameters: usize = net.parameters().iter().map(|p| p.len()).sum();
            assert!(parameters < 800_000, "{parameters}");
            assert!(net.macs() < macs, "{}", net.macs());
        }
    }
}
