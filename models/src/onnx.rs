//! The card inside the ONNX file: written, read, and held against the graph.

use crate::card::{CardError, ModelCard, OUTPUTS, PREFIX, Task};
use crate::error::ModelError;
use crate::limits::MAX_BYTES;
use crate::pb::tensor_proto::{DataLocation, DataType};
use crate::pb::tensor_shape_proto::dimension::Value as Dim;
use crate::pb::type_proto::Value as TypeValue;
use crate::pb::{GraphProto, ModelProto, StringStringEntryProto, ValueInfoProto};
use prost::Message;
use std::io::Read;
use std::path::Path;

/// The bytes of a model as an ONNX file holds them.
pub fn encode(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The content of a model's file.
///
/// # Errors
/// [`ModelError::Read`] where it cannot be read, is no regular file, or is larger than any model.
pub fn read_file(path: &Path) -> Result<Vec<u8>, ModelError> {
    let failed = |source| ModelError::Read { path: path.to_owned(), source };
    let refused = |why: &str| failed(std::io::Error::other(why.to_owned()));
    // Checked before it is opened: opening a pipe would block until it has a writer.
    let about = std::fs::metadata(path).map_err(failed)?;
    if about.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    if !about.is_file() {
        return Err(refused("it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused("it is larger than 256 MiB, as no model is"));
    }
    Ok(bytes)
}

/// Reads an ONNX file's bytes.
///
/// # Errors
/// [`ModelError::NotOnnx`] when they are something else, cut short or damaged.
pub fn decode(bytes: &[u8]) -> Result<ModelProto, ModelError> {
    let not_onnx = |reason: String| ModelError::NotOnnx { model: "the model".to_owned(), reason };
    let model = ModelProto::decode(bytes).map_err(|error| not_onnx(error.to_string()))?;
    // Protobuf reads many other files, empty ones among them, as a message of unknown fields.
    let graph = model.graph.as_ref().ok_or_else(|| not_onnx("it holds no graph".to_owned()))?;
    if graph.node.is_empty() || graph.input.is_empty() || graph.output.is_empty() {
        return Err(not_onnx("its graph has no nodes, no input or no output".to_owned()));
    }
    Ok(model)
}

/// Puts `card` into `model` in place of any card it had; other properties stay.
pub fn embed(model: &mut ModelProto, card: &ModelCard) {
    model.metadata_props.retain(|entry| !entry.key.starts_with(PREFIX));
    let entries = card.to_properties().into_iter().map(|(key, value)| StringStringEntryProto { key, value });
    model.metadata_props.extend(entries);
}

/// Reads the card of `model` and holds the graph against it.
///
/// # Errors
/// No card, another contract version, a card that makes no sense, or a graph whose input or output differs from what
/// the card says.
pub fn read_card(model: &ModelProto) -> Result<ModelCard, ModelError> {
    let name = || "the model".to_owned();
    let properties = model.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone()));
    let card = ModelCard::from_properties(properties).map_err(|error| match error {
        CardError::NoCard => ModelError::NoCard { model: name() },
        CardError::ContractVersion { found } => ModelError::ContractVersion { model: name(), found },
        source => ModelError::Card { model: name(), source },
    })?;
    let contradiction = |detail: String| ModelError::GraphContradictsCard { model: name(), detail };
    let graph = model.graph.as_ref().ok_or_else(|| contradiction("there is no graph".to_owned()))?;
    check_graph(graph, &card).map_err(contradiction)?;
    Ok(card)
}

fn check_graph(graph: &GraphProto, card: &ModelCard) -> Result<(), String> {
    // Older exporters list the weights among the inputs.
    let weights = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !weights(&input.name)).collect();
    let [input] = inputs[..] else {
        return Err(format!("the card describes one input, the graph has {}", inputs.len()));
    };
    let expected = card.input.shape().map(|dim| dim as i64);
    check_tensor(input, "input", &expected)?;
    let [output] = &graph.output[..] else {
        return Err(format!("the card describes one output, the graph has {}", graph.output.len()));
    };
    match card.task {
        Task::Emotion => check_tensor(output, "output", &[1, card.labels.len() as i64])?,
        Task::Face => {
            let [columns, rows] = card.cells().map(|cells| cells as i64);
            check_tensor(output, "output", &[1, OUTPUTS as i64, rows, columns])?;
        }
    }
    // The engine takes this for granted and panics otherwise.
    for output in &graph.output {
        let made = graph.node.iter().any(|node| node.output.contains(&output.name));
        if !made && !weights(&output.name) && !graph.input.iter().any(|input| input.name == output.name) {
            return Err(format!("no node of the graph makes its output `{}`", output.name));
        }
    }
    let elsewhere = graph.initializer.iter().find(|tensor| tensor.data_location == Some(DataLocation::External as i32));
    if let Some(tensor) = elsewhere {
        return Err(format!("the weights `{}` lie in another file, a model is one file", tensor.name));
    }
    Ok(())
}

/// Compares a graph's input or output with the float tensor of axes `expected` that the card describes.
fn check_tensor(value: &ValueInfoProto, which: &str, expected: &[i64]) -> Result<(), String> {
    let Some(TypeValue::TensorType(tensor)) = value.r#type.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return Err(format!("the graph's {which} `{}` has no tensor type", value.name));
    };
    if tensor.elem_type != DataType::Float as i32 {
        let kind = DataType::try_from(tensor.elem_type)
            .map_or("of unknown type".to_owned(), |kind| format!("{kind:?}").to_uppercase());
        return Err(format!("the graph's {which} `{}` is {kind}, the card asks for 32-bit floats", value.name));
    }
    let found: Vec<Option<&Dim>> =
        tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| dim.value.as_ref()).collect();
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(dim, &size)| matches!(dim, Some(Dim::DimValue(found)) if *found == size));
    if fits {
        return Ok(());
    }
    let found: Vec<String> = found
        .into_iter()
        .map(|dim| match dim {
            Some(Dim::DimValue(size)) => size.to_string(),
            Some(Dim::DimParam(name)) => name.clone(),
            None => "?".to_owned(),
        })
        .collect();
    Err(format!("the graph's {which} `{}` is [{}], the card says {expected:?}", value.name, found.join(", ")))
}
