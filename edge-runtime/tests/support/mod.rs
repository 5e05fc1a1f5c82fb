//! What the tests share: a small model made on the spot, and the program with nothing of the user's around it.
#![allow(dead_code, clippy::unwrap_used)]

use emotion_models::pb::tensor_proto::DataType;
use emotion_models::pb::tensor_shape_proto::{Dimension, dimension};
use emotion_models::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    type_proto,
};
use emotion_models::{
    Colour, CropBox, DEMO_SEED, FrameView, InputSpec, ModelCard, PixelFormat, PixelMap, Precision, Preprocessor,
    TEST_CARD_LABELS, Task, TestCard, embed, encode,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

const SIDE: u32 = 24;

/// A card for a model of grey `SIDE` x `SIDE` inputs.
pub fn card(labels: &[&str]) -> ModelCard {
    ModelCard {
        name: "nearest-mean".to_owned(),
        task: Task::Emotion,
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        input: InputSpec { width: SIDE, height: SIDE, colour: Colour::Grey, pixel_map: PixelMap::SIGNED },
        crop_margin: 0.2,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.6; labels.len()],
        precision: Precision::F32,
        training_data: "the test card".to_owned(),
        data_fingerprint: "none".to_owned(),
        metrics: BTreeMap::new(),
    }
}

/// A model that finds the nearest of the test card's three mean pictures: `softmax(2 b m.x - b |m|^2)`.
pub fn test_card_model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| model(&card(&TEST_CARD_LABELS)))
}

/// The model of [`test_card_model`] with another card; labels beyond the third never win.
pub fn model(card: &ModelCard) -> Vec<u8> {
    const SHARPNESS: f32 = 3.0;
    let means = TEST_CARD_LABELS.map(mean_picture);
    let labels = card.labels.len();
    let mut weight = vec![0.0; means[0].len() * labels];
    let mut bias = vec![-100.0; labels];
    for (label, mean) in means.iter().enumerate().take(labels) {
        for (pixel, value) in mean.iter().enumerate() {
            weight[pixel * labels + label] = 2.0 * SHARPNESS * value;
        }
        bias[label] = -SHARPNESS * mean.iter().map(|value| value * value).sum::<f32>();
    }
    let graph = GraphProto {
        name: "nearest-mean".to_owned(),
        node: vec![
            node("Flatten", &["input"], "flat"),
            node("Gemm", &["flat", "weight", "bias"], "logits"),
            node("Softmax", &["logits"], "probabilities"),
        ],
        initializer: vec![tensor("weight", &[means[0].len(), labels], &weight), tensor("bias", &[labels], &bias)],
        input: vec![value("input", &[1, 1, SIDE as usize, SIDE as usize])],
        output: vec![value("probabilities", &[1, labels])],
        ..Default::default()
    };
    let mut model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(graph),
        ..Default::default()
    };
    embed(&mut model, card);
    encode(&model)
}

fn mean_picture(label: &str) -> Vec<f32> {
    let card = TestCard::new(DEMO_SEED);
    let mut preprocessor = Preprocessor::new(&self::card(&["a", "b"]).input);
    let mut sum = vec![0.0; (SIDE * SIDE) as usize];
    const COUNT: u64 = 12;
    for index in 0..COUNT {
        let picture = card.draw(label, index * 23, 160, 120);
        let frame = FrameView::new(PixelFormat::Rgb, 160, 120, picture.as_raw()).unwrap();
        let bytes = preprocessor.resize(&frame, CropBox::centred_square(160, 120));
        for (sum, &byte) in sum.iter_mut().zip(bytes) {
            *sum += PixelMap::SIGNED.real(f32::from(byte)) / COUNT as f32;
        }
    }
    sum
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

fn tensor(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: DataType::Float as i32,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Default::default()
    }
}

fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = |&size: &usize| Dimension { value: Some(dimension::Value::DimValue(size as i64)), ..Default::default() };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..Default::default() }
}

/// A folder of its own, with a model in it, where the program finds no configuration.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// A folder with `model.onnx`, the test card's model.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.onnx"), test_card_model()).unwrap();
        Self { folder }
    }

    /// A path inside the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder, and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Saves a picture of the test card, and returns its path.
    pub fn picture(&self, name: &str, label: &str) -> PathBuf {
        let path = self.write(name, "");
        TestCard::new(DEMO_SEED).draw(label, 0, 160, 120).save(&path).unwrap();
        path
    }

    /// The program, run inside the folder, with the folder's model, which knows centred squares.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--no-face-search").arg("--model").arg(self.path("model.onnx"));
        command
    }

    /// The program, run inside the folder.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-runtime"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env_remove("XDG_CONFIG_HOME").env_remove("NO_COLOR");
        command
    }
}

/// What a program's run came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The JSON lines of an output.
pub fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The test card's frames in a pixel format, one after the other.
pub fn raw_frames(label: &str, count: u64, format: PixelFormat, width: u32, height: u32) -> Vec<u8> {
    let card = TestCard::new(DEMO_SEED);
    let mut all = Vec::new();
    let mut frame = Vec::new();
    for number in 0..count {
        edge_runtime::pixels::encode(&card.draw(label, number, width, height), format, &mut frame);
        all.extend_from_slice(&frame);
    }
    all
}
