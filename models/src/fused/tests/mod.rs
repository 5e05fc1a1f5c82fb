//! Fused runs against the same graph operator by operator, and against tract's own reading of the ONNX file.
#![allow(clippy::unwrap_used)]

use crate::card::Precision;
use crate::fused::Fused;
use crate::graph::{self, Reading};
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
use tract_core::prelude::*;
use tract_onnx::prelude::InferenceModelExt;

/// A network written node by node with random numbers.
struct Writer {
    graph: GraphProto,
    random: ChaCha8Rng,
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
        let attribute = attributes
            .iter()
            .map(|(name, ints)| AttributeProto {
                name: (*name).into(),
                r#type: AttributeType::Ints as i32,
                ints: ints.to_vec(),
                ..Default::default()
            })
            .collect();
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            name: name.into(),
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: vec![name.into()],
            attribute,
            ..Default::default()
        });
    }

    /// `relu` sets the output's zero point to -128, which cuts off at 0.
    fn convolution(&mut self, name: &str, from: &Wire, out: usize, kernel: usize, stride: usize, relu: bool) -> Wire {
        let volume = from.channels * kernel * kernel;
        let weights: Vec<u8> = (0..out * volume).map(|_| self.random.random_range(-127i8..=127) as u8).collect();
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

/// A small residual network in integers, up to its last real map, with or without the stem's pooling.
fn network(seed: u64, pixels: PixelMap, side: usize, pool: bool) -> ModelProto {
    let random = ChaCha8Rng::seed_from_u64(seed);
    let mut w = Writer { graph: GraphProto { name: "net".into(), ..Default::default() }, random };
    let info = |name: &str, dims: &[i64]| {
        let dim = dims
            .iter()
            .map(|&size| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() })
            .collect();
        let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
        let value = Some(type_proto::Value::TensorType(tensor));
        ValueInfoProto {
            name: name.into(),
            r#type: Some(TypeProto { value, ..Default::default() }),
            ..Default::default()
        }
    };
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
    }
    w.node("DequantizeLinear", "features", &[&last.name, &last.scale, &last.zero], &[]);
    w.node("GlobalAveragePool", "average", &["features"], &[]);
    w.graph.output.push(info("average", &[1, 17, 1, 1]));
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(w.graph),
        ..Default::default()
    }
}

fn run(model: TypedModel, input: Tensor) -> Vec<f32> {
    let output = model.into_runnable().unwrap().run(tvec![input.into_tvalue()]).unwrap();
    output[0].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
}

fn fused_operators(model: &TypedModel) -> usize {
    model.nodes().iter().filter(|node| node.op_is::<Fused>()).count()
}

fn frame(seed: u64, side: usize) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..side * side).map(|_| random.random()).collect()
}

fn fuse(model: TypedModel) -> TractResult<TypedModel> {
    super::fuse(model, 1)
}

fn read(model: &ModelProto, precision: Precision, pixels: PixelMap) -> TypedModel {
    graph::typed(model, Reading { precision, pixels }).unwrap()
}

#[test]
fn a_fused_integer_network_equals_its_operators() {
    for seed in 0..8 {
        let pixels = if seed % 2 == 0 { PixelMap::SIGNED } else { PixelMap::UNIT };
        let side = 16 + seed as usize;
        let model = network(seed, pixels, side, seed % 4 < 2);
        let bytes = Tensor::from_shape(&[1, 1, side, side], &frame(seed, side)).unwrap();
        let alone = read(&model, Precision::Int8, pixels);
        let expected = run(alone.clone(), bytes.clone());
        assert!(expected.iter().any(|&value| value != expected[0]), "the network answers the same everywhere");
        for threads in [1, 3] {
            let fused = super::fuse(alone.clone(), threads).unwrap();
            assert_eq!((fused_operators(&fused), fused.nodes().len() < 8), (1, true), "seed {seed}: {fused}");
            assert_eq!(run(fused, bytes.clone()), expected, "seed {seed}, {threads} threads");
        }
    }
}

#[test]
fn bytes_and_real_input_are_the_same() {
    let model = network(3, PixelMap::SIGNED, 16, true);
    let bytes = frame(9, 16);
    let reals: Vec<f32> = bytes.iter().map(|&byte| PixelMap::SIGNED.real(f32::from(byte))).collect();
    // With another pixel map than the graph undoes, the graph keeps its real input.
    let real = fuse(read(&model, Precision::Int8, PixelMap::UNIT)).unwrap();
    let byte = fuse(read(&model, Precision::Int8, PixelMap::SIGNED)).unwrap();
    assert_eq!(byte.input_fact(0).unwrap().datum_type, DatumType::U8);
    let shape = [1, 1, 16, 16];
    let from_reals = run(real, Tensor::from_shape(&shape, &reals).unwrap());
    assert_eq!(run(byte, Tensor::from_shape(&shape, &bytes).unwrap()), from_reals);
}

#[test]
fn stock_tract_agrees_within_a_step() {
    for seed in 0..4 {
        let model = network(seed, PixelMap::SIGNED, 16, true);
        let reals: Vec<f32> = frame(seed, 16).iter().map(|&byte| PixelMap::SIGNED.real(f32::from(byte))).collect();
        let input = Tensor::from_shape(&[1, 1, 16, 16], &reals).unwrap();
        let stock = tract_onnx::onnx()
            .model_for_read(&mut crate::onnx::encode(&model).as_slice())
            .unwrap()
            .into_typed()
            .unwrap();
        let ours = run(fuse(read(&model, Precision::Int8, PixelMap::UNIT)).unwrap(), input.clone());
        for (ours, stock) in ours.iter().zip(run(stock, input)) {
            // Steps of 0.02 in the last map; those of the maps before it add to one or two.
            assert!((ours - stock).abs() <= 0.04, "seed {seed}: {ours}, tract {stock}");
        }
    }
}

#[test]
fn read_in_floating_point_it_gives_nearly_the_same() {
    for seed in 0..4 {
        let model = network(seed, PixelMap::SIGNED, 16, true);
        let reals: Vec<f32> = frame(seed, 16).iter().map(|&byte| PixelMap::SIGNED.real(f32::from(byte))).collect();
        let input = Tensor::from_shape(&[1, 1, 16, 16], &reals).unwrap();
        let graph = read(&model, Precision::F32, PixelMap::SIGNED);
        let unfused = run(graph.clone().into_optimized().unwrap(), input.clone());
        let fused = fuse(graph).unwrap();
        assert_eq!(fused_operators(&fused), 1, "{fused}");
        let float = run(fused, input.clone());
        let integer = run(fuse(read(&model, Precision::Int8, PixelMap::UNIT)).unwrap(), input);
        for ((float, unfused), integer) in float.iter().zip(&unfused).zip(&integer) {
            assert!((float - unfused).abs() < 1e-4, "seed {seed}: {float}, unfused {unfused}");
            assert!((float - integer).abs() < 0.15, "seed {seed}: {float}, integer {integer}");
        }
    }
}
