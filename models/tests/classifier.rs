//! The classifier on a tiny ONNX model made here: mean grey -> Gemm -> softmax.
#![allow(clippy::unwrap_used)]

use emotion_models::pb::tensor_proto::DataType;
use emotion_models::pb::tensor_shape_proto::{Dimension, dimension};
use emotion_models::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    type_proto,
};
use emotion_models::{
    Classifier, Colour, CropBox, FrameView, InputSpec, ModelCard, ModelError, PixelFormat, PixelMap, Precision, Task,
    apply_temperature, decode, embed, encode, engine_description, read_card,
};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

const LABELS: [&str; 3] = ["angry", "happy", "sad"];
/// Logits are `WEIGHTS * mean`: a bright picture is happy, a dark one angry.
const WEIGHTS: [f32; 3] = [-2.0, 2.0, 0.0];

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&size| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() })
        .collect();
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: op.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

fn card() -> ModelCard {
    ModelCard {
        name: "tiny".into(),
        task: Task::Emotion,
        labels: LABELS.map(str::to_owned).to_vec(),
        input: InputSpec { width: 16, height: 12, colour: Colour::Grey, pixel_map: PixelMap::SIGNED },
        crop_margin: 0.0,
        limits: Default::default(),
        temperature: 2.0,
        thresholds: vec![0.5; 3],
        precision: Precision::F32,
        training_data: "none".into(),
        data_fingerprint: String::new(),
        metrics: BTreeMap::new(),
    }
}

fn bare_model() -> ModelProto {
    let weights = TensorProto {
        name: "weights".into(),
        dims: vec![1, 3],
        data_type: DataType::Float as i32,
        raw_data: WEIGHTS.iter().flat_map(|weight| weight.to_le_bytes()).collect(),
        ..Default::default()
    };
    ModelProto {
        ir_version: 7,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(GraphProto {
            name: "tiny".into(),
            node: vec![
                node("GlobalAveragePool", &["real"], "mean"),
                node("Flatten", &["mean"], "flat"),
                node("Gemm", &["flat", "weights"], "logits"),
                node("Softmax", &["logits"], "probabilities"),
            ],
            initializer: vec![weights],
            input: vec![value("real", &[1, 1, 12, 16])],
            output: vec![value("probabilities", &[1, 3])],
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn model() -> ModelProto {
    let mut model = bare_model();
    embed(&mut model, &card());
    model
}

fn load(model: &ModelProto) -> Result<Classifier, ModelError> {
    Classifier::from_bytes(&encode(model), "tiny.onnx")
}

fn refusal(change: impl FnOnce(&mut ModelProto)) -> ModelError {
    let mut model = model();
    change(&mut model);
    match load(&model) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

/// The probabilities at temperature 1 for a picture of mean `mean`.
fn expected(mean: f32) -> [f32; 3] {
    let powers = WEIGHTS.map(|weight| (weight * mean).exp());
    powers.map(|power| power / powers.iter().sum::<f32>())
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    assert!(
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5),
        "{found:?} {expected:?}"
    );
}

#[test]
fn classifies_at_the_cards_temperature() {
    let mut classifier = load(&model()).unwrap();
    assert_eq!(classifier.card(), &card());
    for level in [0u8, 100, 255, 30] {
        let data = vec![level; 640 * 480];
        let frame = FrameView::new(PixelFormat::Grey, 640, 480, &data).unwrap();
        let crop = CropBox::centred_square(640, 480);
        let mean = (f32::from(level) - 128.0) / 128.0;
        let raw = classifier.raw_probabilities(&[mean; 16 * 12]).unwrap();
        assert_close(&raw, &expected(mean));
        let whole = classifier.classify(&frame, crop).unwrap();
        assert_eq!(whole, apply_temperature(&raw, 2.0));
        classifier.preprocess(&frame, crop);
        assert_eq!(classifier.infer().unwrap(), whole);
        assert_eq!(classifier.clone().classify(&frame, crop).unwrap(), whole);
    }
}

#[test]
fn an_input_of_another_length_is_refused() {
    let error = load(&model()).unwrap().raw_probabilities(&[0.0; 5]).unwrap_err();
    assert!(matches!(error, ModelError::InputLength { expected: 192, found: 5, .. }), "{error}");
}

#[test]
fn an_input_that_is_not_a_number_is_an_error_and_the_next_frame_works() {
    let mut classifier = load(&model()).unwrap();
    let error = classifier.raw_probabilities(&[f32::NAN; 192]).unwrap_err();
    assert!(matches!(error, ModelError::Engine { doing: "run", .. }), "{error}");
    assert_close(&classifier.raw_probabilities(&[0.0; 192]).unwrap(), &expected(0.0));
}

#[test]
fn works_in_another_thread() {
    let mut classifier = load(&model()).unwrap();
    std::thread::spawn(move || classifier.infer().unwrap()).join().unwrap();
}

#[test]
fn embedding_replaces_the_card_and_keeps_the_rest() {
    let mut model = model();
    model.metadata_props[0].key = "author".into();
    embed(&mut model, &card());
    embed(&mut model, &ModelCard { name: "second".into(), ..card() });
    assert_eq!(read_card(&model).unwrap().name, "second");
    assert_eq!(model.metadata_props.iter().filter(|entry| entry.key == "author").count(), 1);
    assert_eq!(model.metadata_props.iter().filter(|entry| entry.key == "moodlight.name").count(), 1);
}

#[test]
fn refuses_files_that_are_no_models() {
    let whole = encode(&model());
    for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"not a model", &whole[..whole.len() / 2], &whole[..whole.len() - 1]]
    {
        let Err(error) = Classifier::from_bytes(bytes, "photo.onnx") else { panic!("accepted") };
        assert!(error.to_string().contains("photo.onnx"), "{error}");
    }
    assert!(matches!(decode(&whole[..whole.len() - 1]), Err(ModelError::NotOnnx { .. })));
    let Err(error) = Classifier::from_file(Path::new("nowhere/model.onnx")) else { panic!("accepted") };
    assert!(matches!(error, ModelError::Read { .. }) && error.to_string().contains("nowhere"), "{error}");
    // What has no end is not read to it.
    #[cfg(unix)]
    {
        let Err(error) = Classifier::from_file(Path::new("/dev/zero")) else { panic!("accepted") };
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
}

#[test]
fn refuses_a_model_without_a_card_or_of_another_contract() {
    let error = refusal(|model| model.metadata_props.clear());
    assert!(matches!(error, ModelError::NoCard { .. }) && error.to_string().contains("tiny.onnx"), "{error}");
    let error = refusal(|model| model.metadata_props[0].value = "9".into());
    assert!(matches!(&error, ModelError::ContractVersion { found, .. } if found == "9"), "{error}");
    let error = refusal(|model| model.metadata_props.retain(|entry| entry.key != "moodlight.labels"));
    assert!(matches!(error, ModelError::Card { .. }) && error.to_string().contains("moodlight.labels"), "{error}");
}

#[test]
fn refuses_a_graph_that_contradicts_its_card() {
    let graph = |change: fn(&mut GraphProto)| refusal(move |model| change(model.graph.as_mut().unwrap()));
    let carded = |change: fn(&mut ModelCard)| {
        refusal(move |model| {
            let mut card = card();
            change(&mut card);
            embed(model, &card);
        })
    };
    let refusals = [
        ("64", carded(|card| card.input.width = 64)),
        ("[1, 3, 12, 16]", carded(|card| card.input.colour = Colour::Rgb)),
        (
            "[1, 2]",
            carded(|card| {
                card.labels.pop();
                card.thresholds.pop();
            }),
        ),
        ("2", graph(|graph| graph.input.push(value("second", &[1])))),
        ("nowhere", graph(|graph| graph.output[0].name = "nowhere".into())),
        (
            "softmax",
            graph(|graph| {
                graph.node.pop();
                graph.output[0].name = "logits".into();
            }),
        ),
        (
            "?",
            graph(|graph| {
                let Some(type_proto::Value::TensorType(tensor)) = &mut graph.input[0].r#type.as_mut().unwrap().value
                else {
                    panic!()
                };
                tensor.shape.as_mut().unwrap().dim[0].value = None;
            }),
        ),
        (
            "DOUBLE",
            graph(|graph| {
                let Some(type_proto::Value::TensorType(tensor)) = &mut graph.input[0].r#type.as_mut().unwrap().value
                else {
                    panic!()
                };
                tensor.elem_type = DataType::Double as i32;
            }),
        ),
    ];
    for (mention, error) in refusals {
        assert!(matches!(error, ModelError::GraphContradictsCard { .. }), "{mention}: {error}");
        assert!(error.to_string().contains(mention) && error.to_string().contains("tiny.onnx"), "{mention}: {error}");
    }
}

#[test]
fn an_operator_the_engine_lacks_is_named() {
    let error = refusal(|model| model.graph.as_mut().unwrap().node[1].op_type = "Levitate".into());
    assert!(
        matches!(error, ModelError::Engine { doing: "load", .. }) && error.to_string().contains("Levitate"),
        "{error}"
    );
}

#[test]
fn damaged_files_never_take_the_program_down() {
    // The engine's own panics are caught; keep their messages out of the test's output.
    std::panic::set_hook(Box::new(|_| {}));
    let whole = encode(&model());
    for position in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[position] ^= 1 << bit;
            if let Ok(mut classifier) = Classifier::from_bytes(&bytes, "damaged.onnx") {
                let _ = classifier.infer();
            }
        }
    }
    let _ = std::panic::take_hook();
}

/// The models from which the fuzzer starts too, in both precisions.
#[test]
fn damaged_networks_are_refused_or_run() {
    std::panic::set_hook(Box::new(|_| {}));
    for whole in [&include_bytes!("../../fuzz/seeds/float.onnx")[..], include_bytes!("../../fuzz/seeds/integer.onnx")] {
        assert!(Classifier::from_bytes(whole, "seed.onnx").is_ok());
        for position in 0..whole.len() {
            let mut bytes = whole.to_vec();
            bytes[position] ^= 1 << (position % 8);
            let Ok(model) = decode(&bytes) else { continue };
            for precision in [Precision::F32, Precision::Int8] {
                if let Ok(mut classifier) = Classifier::with_precision(&model, "damaged.onnx", precision) {
                    let _ = classifier.infer();
                }
            }
        }
    }
    let _ = std::panic::take_hook();
}

/// A file of a few kilobytes must not ask for the machine's memory or its day.
#[test]
fn networks_of_impossible_size_are_refused() {
    let whole = decode(include_bytes!("../../fuzz/seeds/integer.onnx")).unwrap();
    let grown = |change: &dyn Fn(&mut GraphProto)| {
        let mut model = whole.clone();
        let graph = model.graph.as_mut().unwrap();
        change(graph);
        Classifier::from_model(&model, "grown.onnx").err().unwrap().to_string()
    };
    let nodes = grown(&|graph| {
        let last = graph.node[0].clone();
        graph.node.extend(std::iter::repeat_n(last, 5000));
    });
    assert!(nodes.contains("nodes"), "{nodes}");
    let numbers = grown(&|graph| {
        let one = |name: &str, dims: &[i64]| TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            float_data: vec![0.0; 20_000],
            ..Default::default()
        };
        graph.initializer.extend([one("tall", &[20_000, 1]), one("wide", &[1, 20_000])]);
        let mut add = graph.node.iter().find(|node| node.op_type == "Add").unwrap().clone();
        (add.name, add.input, add.output) = ("outer".into(), vec!["tall".into(), "wide".into()], vec!["outer".into()]);
        graph.node.push(add);
    });
    assert!(numbers.contains("numbers"), "{numbers}");
    // A padding of thirty thousand columns beside a kernel as wide makes no larger map, and a border on every side of it.
    let wide = decode(include_bytes!("../../fuzz/seeds/wide.onnx")).unwrap();
    for precision in [Precision::F32, Precision::Int8] {
        let refused = Classifier::with(&wide, "wide.onnx", precision, NonZeroUsize::MIN).err().unwrap().to_string();
        assert!(refused.contains("paddings"), "{precision}: {refused}");
    }
}

#[test]
fn the_engine_says_its_version() {
    let lock = include_str!("../../Cargo.lock");
    let version =
        lock.split("name = \"tract-core\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(engine_description().starts_with(&format!("tract {version}, ")), "{}", engine_description());
}
