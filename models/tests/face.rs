//! The face detector on a tiny ONNX model made here: a bright patch is a face.
#![allow(clippy::unwrap_used)]

use emotion_models::pb::attribute_proto::AttributeType;
use emotion_models::pb::tensor_proto::DataType;
use emotion_models::pb::tensor_shape_proto::{Dimension, dimension};
use emotion_models::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use emotion_models::{
    Classifier, Colour, CropBox, Detector, FACE_LABEL, FaceDetector, FrameView, InputSpec, ModelCard, ModelError,
    PixelFormat, PixelMap, Precision, Task, decode, embed, encode, layer_maps, shipped,
};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

const WIDTH: usize = 160;
const HEIGHT: usize = 120;

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&size| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() })
        .collect();
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// A convolution of 8x8 with step 8: the centre's logit is 10 times the cell's mean, less 5; every box is 3 by 4 cells.
fn model() -> ModelProto {
    let mut weights = vec![0.0; 5 * 64];
    weights[..64].fill(10.0 / 64.0);
    let biases = [-5.0, 0.0, 0.0, 3f32.ln(), 4f32.ln()];
    let ints = |name: &str| AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: vec![8, 8],
        ..Default::default()
    };
    let node = NodeProto {
        op_type: "Conv".into(),
        name: "head".into(),
        input: ["real", "weights", "biases"].map(str::to_owned).to_vec(),
        output: vec!["face".into()],
        attribute: vec![ints("kernel_shape"), ints("strides")],
        ..Default::default()
    };
    let mut model = ModelProto {
        ir_version: 7,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(GraphProto {
            name: "bright".into(),
            node: vec![node],
            initializer: vec![floats("weights", &[5, 1, 8, 8], &weights), floats("biases", &[5], &biases)],
            input: vec![value("real", &[1, 1, HEIGHT as i64, WIDTH as i64])],
            output: vec![value("face", &[1, 5, HEIGHT as i64 / 8, WIDTH as i64 / 8])],
            ..Default::default()
        }),
        ..Default::default()
    };
    embed(&mut model, &card());
    model
}

fn card() -> ModelCard {
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    ModelCard {
        name: "bright".into(),
        task: Task::Face,
        labels: vec![FACE_LABEL.into()],
        input: InputSpec { width, height, colour: Colour::Grey, pixel_map: PixelMap::SIGNED },
        crop_margin: 0.0,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.6],
        precision: Precision::F32,
        training_data: "none".into(),
        data_fingerprint: String::new(),
        metrics: BTreeMap::new(),
    }
}

/// A dark picture with a bright patch of a quarter of a window's cell.
fn frame(width: usize, height: usize, [left, top]: [usize; 2], side: usize) -> Vec<u8> {
    let mut pixels = vec![0; width * height];
    for row in top..top + side {
        pixels[row * width + left..][..side].fill(255);
    }
    pixels
}

#[test]
fn a_face_is_found_where_it_is_in_the_frame() {
    let mut detector = FaceDetector::from_bytes(&encode(&model()), "bright.onnx").unwrap();
    assert_eq!((detector.threshold(), detector.card().cells()), (0.6, [20, 15]));
    // Cell (5, 3) of the whole frame, of 32 pixels.
    let pixels = frame(640, 480, [160, 96], 32);
    let view = FrameView::new(PixelFormat::Grey, 640, 480, &pixels).unwrap();
    let faces = detector.detect(&view, CropBox::full(640, 480), 0.6).unwrap();
    let [x, y] = faces[0].rect.centre();
    assert_eq!(faces.len(), 1);
    assert!((x - 176.0).abs() < 0.01 && (y - 112.0).abs() < 0.01, "{faces:?}");
    assert!((faces[0].rect.width - 96.0).abs() < 0.01 && (faces[0].rect.height - 128.0).abs() < 0.01, "{faces:?}");
    assert!(detector.detect(&view, CropBox::full(640, 480), 0.999).unwrap().is_empty());
    // The same patch is four cells in a window of half the size.
    let window = CropBox { x: 96, y: 48, width: 320, height: 240 };
    let faces = detector.detect(&view, window, 0.6).unwrap();
    assert!(faces.iter().any(|face| face.rect.width < 50.0), "{faces:?}");
    let outside = CropBox { x: 320, y: 240, width: 320, height: 240 };
    assert!(detector.detect(&view, outside, 0.6).unwrap().is_empty());
}

#[test]
fn a_high_frame_keeps_its_proportions() {
    let mut detector = FaceDetector::from_bytes(&encode(&model()), "bright.onnx").unwrap();
    // 240x480 stands as 60x120 in the middle of 160x120: 4 pixels a pixel, from column 50 on; cell 9 begins at column 72.
    let pixels = frame(240, 480, [88, 192], 32);
    let view = FrameView::new(PixelFormat::Grey, 240, 480, &pixels).unwrap();
    let faces = detector.detect(&view, CropBox::full(240, 480), 0.6).unwrap();
    let [x, y] = faces[0].rect.centre();
    assert!((x - 104.0).abs() < 0.01 && (y - 208.0).abs() < 0.01, "{faces:?}");
    assert!((faces[0].rect.width - 96.0).abs() < 0.01, "{faces:?}");
}

#[test]
fn models_stay_in_their_places() {
    let face = encode(&model());
    let error = Classifier::from_bytes(&face, "bright.onnx").map(|_| ()).unwrap_err();
    assert!(matches!(error, ModelError::WrongTask { task: Task::Face, .. }), "{error}");
    assert!(error.to_string().contains("bright.onnx is a model for the task `face`"), "{error}");
    let error = FaceDetector::from_bytes(shipped::EMOTION, "emotion.onnx").map(|_| ()).unwrap_err();
    assert!(matches!(error, ModelError::WrongTask { task: Task::Emotion, .. }), "{error}");
}

/// The face model from which the fuzzer starts, too.
#[test]
fn damaged_networks_are_refused_or_run() {
    let whole = include_bytes!("../../fuzz/seeds/face.onnx");
    assert_eq!(FaceDetector::from_bytes(whole, "seed.onnx").unwrap().precision(), Precision::Int8);
    // The engine's own panics are caught; keep their messages out of the test's output.
    std::panic::set_hook(Box::new(|_| {}));
    for position in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[position] ^= 1 << (position % 8);
        let Ok(model) = decode(&bytes) else { continue };
        for precision in [Precision::F32, Precision::Int8] {
            if let Ok(mut detector) = FaceDetector::with(&model, "damaged.onnx", precision, NonZeroUsize::MIN) {
                let pixels = vec![128; detector.card().input.len()];
                let _ = detector.detect_in_input(&pixels, 0.0);
            }
        }
    }
    let _ = std::panic::take_hook();
}

#[test]
fn the_maps_inside_are_there_to_be_compared() {
    let model = decode(shipped::FACE).unwrap();
    let bytes: Vec<u8> = (0..WIDTH * HEIGHT).map(|index| (index * 7 % 251) as u8).collect();
    let maps = layer_maps(&model, "face.onnx", &bytes).unwrap();
    let convolutions = model.graph.as_ref().unwrap().node.iter().filter(|node| node.op_type == "QLinearConv");
    assert_eq!(
        maps.iter().map(|map| &map.name).collect::<Vec<_>>(),
        convolutions.map(|node| &node.name).collect::<Vec<_>>()
    );
    assert!(maps.iter().all(|map| map.numbers.len() == map.shape.iter().product()));
    assert!(maps.iter().all(|map| map.numbers.iter().any(|&number| number != map.numbers[0])));
    assert_eq!(maps.iter().filter(|map| map.added).count(), 2);
    assert!(matches!(layer_maps(&model, "face.onnx", &bytes[1..]), Err(ModelError::InputLength { .. })));
    assert!(matches!(layer_maps(&self::model(), "bright.onnx", &bytes), Err(ModelError::NotInteger { .. })));
}

#[test]
fn cards_that_contradict_the_maps_are_refused() {
    let refusal = |change: fn(&mut ModelCard)| {
        let (mut model, mut card) = (model(), card());
        change(&mut card);
        embed(&mut model, &card);
        FaceDetector::from_bytes(&encode(&model), "bright.onnx").map(|_| ()).unwrap_err().to_string()
    };
    assert!(refusal(|card| card.labels = vec!["nose".into()]).contains("`nose`, where a face model has `face`"));
    assert!(refusal(|card| card.input.width = 164).contains("multiples of 8"));
    assert!(refusal(|card| card.input.width = 168).contains("contradicts its graph"));
    assert!(refusal(|card| card.precision = Precision::Int8).contains("0 are integer"));
    let error = FaceDetector::with(&model(), "bright.onnx", Precision::Int8, NonZeroUsize::MIN);
    assert!(matches!(error.map(|_| ()), Err(ModelError::NotInteger { .. })));
}
