//! Networks in whole numbers, written node by node.

use crate::input::PixelMap;
use crate::pb::attribute_proto::AttributeType;
use crate::pb::tensor_proto::DataType;
use crate::pb::tensor_shape_proto::{Dimension, dimension};
use crate::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A network written node by node with random numbers.
struct Writer {
    graph: GraphProto,
    random: ChaCha8Rng,
    least_weight: i8,
}

/// A value, its channels, and the names of its scale and zero point.
#[derive(Clone)]
struct Wire {
    name: String,
    channels: usize,
    scale: String,
    zero: String,
}

impl Writer {
    fn tensor(&mut self, name: &str, kind: DataType, dims: &[usize], raw: Vec<u8>) -> String {
        let dims = dims.iter().map(|&dim| dim as i64).collect();
        let (name, data_type) = (name.to_owned(), kind as i32);
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            data_type,
            dims,
            raw_data: raw,
            ..Default::default()
        });
        name
    }

    fn quantisation(&mut self, name: &str, scale: f32, zero: i8) -> (String, String) {
        let scale = self.tensor(&format!("{name}.scale"), DataType::Float, &[], scale.to_le_bytes().to_vec());
        (scale, self.tensor(&format!("{name}.zero"), DataType::Int8, &[], vec![zero as u8]))
    }

    fn node(&mut self, op: &str, name: &str, input: &[&str], attributes: &[(&str, &[i64])]) {
        self.graph.node.push(node(op, name, input, attributes));
    }

    /// `relu` sets the output's zero point to -128, which cuts off at 0.
    fn convolution(&mut self, name: &str, from: &Wire, out: usize, kernel: usize, stride: usize, relu: bool) -> Wire {
        let volume = from.channels * kernel * kernel;
        let weights: Vec<u8> =
            (0..out * volume).map(|_| self.random.random_range(self.least_weight..=127) as u8).collect();
        let scales: Vec<u8> = (0..out).flat_map(|_| self.random.random_range(0.0005f32..0.002).to_le_bytes()).collect();
        let biases: Vec<u8> = (0..out).flat_map(|_| self.random.random_range(-9000i32..9000).to_le_bytes()).collect();
        let weights =
            self.tensor(&format!("{name}.weight"), DataType::Int8, &[out, from.channels, kernel, kernel], weights);
        let scales = self.tensor(&format!("{name}.weight_scale"), DataType::Float, &[out], scales);
        let zeros = self.tensor(&format!("{name}.weight_zero"), DataType::Int8, &[], vec![0]);
        let biases = self.tensor(&format!("{name}.bias"), DataType::Int32, &[out], biases);
        let zero = if relu { -128 } else { self.random.random_range(-20..20) };
        let (scale, zero) = self.quantisation(name, self.random_scale(volume), zero);
        let (k, p, s) = (kernel as i64, kernel as i64 / 2, stride as i64);
        let inputs = [&*from.name, &from.scale, &from.zero, &weights, &scales, &zeros, &scale, &zero, &biases];
        let attributes: [(&str, &[i64]); 3] =
            [("kernel_shape", &[k, k]), ("strides", &[s, s]), ("pads", &[p, p, p, p])];
        self.node("QLinearConv", name, &inputs, &attributes);
        Wire { name: name.into(), channels: out, scale, zero }
    }

    fn random_scale(&self, volume: usize) -> f32 {
        0.0007 * (volume as f32).sqrt()
    }

    fn add(&mut self, name: &str, a: &Wire, b: &Wire) -> Wire {
        let mut real = |wire: &Wire| {
            let real = format!("{}.real_for_{name}", wire.name);
            self.node("DequantizeLinear", &real, &[&wire.name, &wire.scale, &wire.zero], &[]);
            real
        };
        let (left, right) = (real(a), real(b));
        self.node("Add", &format!("{name}.sum"), &[&left, &right], &[]);
        let (scale, zero) = self.quantisation(name, 0.02, -128);
        self.node("QuantizeLinear", name, &[&format!("{name}.sum"), &scale, &zero], &[]);
        Wire { name: name.into(), channels: a.channels, scale, zero }
    }
}

/// A small residual network in integers, up to its last real map, which pools what its stem gives, or else its first sum. Odd seeds
/// have weights of -128, which not every kernel takes.
pub fn network(seed: u64, pixels: PixelMap, side: usize, pool: bool) -> ModelProto {
    let random = ChaCha8Rng::seed_from_u64(seed);
    let least_weight = if seed % 2 == 1 { -128 } else { -127 };
    let mut w = Writer { graph: GraphProto { name: "net".into(), ..Default::default() }, random, least_weight };
    w.graph.input.push(info("real", &[1, 1, side as i64, side as i64]));
    let (scale, zero) = w.quantisation("pixels", pixels.scale, (pixels.offset - 128.0) as i8);
    w.node("QuantizeLinear", "pixels", &["real", &scale, &zero], &[]);
    let input = Wire { name: "pixels".into(), channels: 1, scale, zero };
    let mut last = w.convolution("stem", &input, 5, 3, if pool { 2 } else { 1 }, true);
    if pool {
        w.node("MaxPool", "pool", &["stem"], &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])]);
        last = Wire { name: "pool".into(), ..last };
    }
    for (block, (out, stride)) in [(5, 1), (9, 2), (17, 2)].into_iter().enumerate() {
        let first = w.convolution(&format!("{block}.first"), &last, out, 3, stride, true);
        let second = w.convolution(&format!("{block}.second"), &first, out, 3, 1, false);
        let shortcut =
            if stride == 1 { last } else { w.convolution(&format!("{block}.shortcut"), &last, out, 1, stride, false) };
        last = w.add(&format!("{block}.add"), &second, &shortcut);
        if block == 0 && !pool {
            w.node("MaxPool", "pool", &[&last.name], &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])]);
            last = Wire { name: "pool".into(), ..last };
        }
    }
    w.node("DequantizeLinear", "features", &[&last.name, &last.scale, &last.zero], &[]);
    w.node("GlobalAveragePool", "average", &["features"], &[]);
    w.graph.output.push(info("average", &[1, 17, 1, 1]));
    model(w.graph)
}

/// A graph as a file has it.
pub fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(graph),
        ..Default::default()
    }
}

/// A float value that comes in or leaves.
pub fn info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&size| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() })
        .collect();
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { value, ..Default::default() }), ..Default::default() }
}

/// A node whose output has its name.
pub fn node(op: &str, name: &str, input: &[&str], attributes: &[(&str, &[i64])]) -> NodeProto {
    let attribute = attributes
        .iter()
        .map(|(name, ints)| AttributeProto {
            name: (*name).into(),
            r#type: AttributeType::Ints as i32,
            ints: ints.to_vec(),
            ..Default::default()
        })
        .collect();
    NodeProto {
        op_type: op.into(),
        name: name.into(),
        input: input.iter().map(|&name| name.to_owned()).collect(),
        output: vec![name.into()],
        attribute,
        ..Default::default()
    }
}
