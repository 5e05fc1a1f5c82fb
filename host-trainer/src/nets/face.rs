//! The face net: dense 3x3 convolutions down to one cell for 8x8 pixels, residual blocks there, and a head of five maps.

use super::{Net, Op};
use emotion_models::{InputSpec, OUTPUTS};
use serde::{Deserialize, Serialize};

const NORM: Op = Op::BatchNorm { epsilon: 1e-5, momentum: 0.9 };

/// What may be varied within the face net.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceOptions {
    /// Channels at a half, a quarter and an eighth of the input's size.
    pub widths: [usize; 3],
    /// Residual blocks of two convolutions at an eighth.
    pub blocks: usize,
}

impl Default for FaceOptions {
    fn default() -> Self {
        FaceOptions { widths: [8, 16, 32], blocks: 2 }
    }
}

/// Three convolutions that halve the map, one between them, residual blocks, one more convolution, and a 1x1
/// convolution to the maps of [`emotion_models::OUTPUTS`].
///
/// With the default options on 160x120 grey pixels: 55 k parameters, 19.7 M multiply-accumulates, and cells that see 103 pixels.
pub fn face(input: &InputSpec, options: &FaceOptions) -> Net {
    let mut net = Net::new(input);
    let [half, quarter, eighth] = options.widths;
    let layer = |net: &mut Net, name: &str, out: usize, stride: usize, stage: usize| {
        net.then(&format!("{name}.conv"), convolution(out, 3, stride), stage);
        net.then(&format!("{name}.norm"), NORM, stage);
        net.then(&format!("{name}.relu"), Op::Relu, stage)
    };
    layer(&mut net, "half", half, 2, 1);
    layer(&mut net, "quarter", quarter, 2, 2);
    layer(&mut net, "quarter2", quarter, 1, 2);
    let mut last = layer(&mut net, "eighth", eighth, 2, 3);
    for index in 0..options.blocks {
        let stage = index + 4;
        let name = |what: &str| format!("block{}.{what}", index + 1);
        let start = last;
        net.push(&name("conv1"), convolution(eighth, 3, 1), &[start], stage);
        net.then(&name("norm1"), NORM, stage);
        net.then(&name("relu1"), Op::Relu, stage);
        net.then(&name("conv2"), convolution(eighth, 3, 1), stage);
        let path = net.then(&name("norm2"), NORM, stage);
        net.push(&name("add"), Op::Add, &[path, start], stage);
        last = net.then(&name("relu2"), Op::Relu, stage);
    }
    layer(&mut net, "neck", eighth, 1, options.blocks + 4);
    let head = Op::Conv { out: OUTPUTS, kernel: 1, stride: 1, padding: 0, bias: true };
    net.then("maps", head, options.blocks + 5);
    net
}

fn convolution(out: usize, kernel: usize, stride: usize) -> Op {
    Op::Conv { out, kernel, stride, padding: kernel / 2, bias: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotion_models::{Colour, PixelMap};

    #[test]
    fn stays_small() {
        let input = InputSpec { width: 160, height: 120, colour: Colour::Grey, pixel_map: PixelMap::SIGNED };
        let net = face(&input, &FaceOptions::default());
        let parameters: usize = net.parameters().iter().map(|parameter| parameter.len()).sum();
        assert!(parameters < 60_000, "{parameters}");
        assert!(net.macs() < 20_000_000, "{}", net.macs());
        assert_eq!(net.nodes.last().map(|node| node.shape.clone()), Some(vec![5, 15, 20]));
    }
}
