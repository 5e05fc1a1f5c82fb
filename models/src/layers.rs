//! The maps inside an integer model, to hold the engine against others layer by layer.

use crate::card::Precision;
use crate::engine::{Engine, Input, Operators};
use crate::error::ModelError;
use crate::graph::Reading;
use crate::onnx::read_card;
use crate::pb::ModelProto;
use crate::profile::LayerMap;

/// The maps of an integer model's convolutions for an input given as `[C, H, W]` bytes, in the order they run; `name` stands for the
/// model in messages. Only the first of several fused runs is measured. Loads the model again each time: for comparing,
/// not for frames.
///
/// # Errors
/// A model without a card that this version reads, [`ModelError::NotInteger`], [`ModelError::InputLength`], or
/// [`ModelError::Engine`] for a graph that cannot be run.
pub fn layer_maps(model: &ModelProto, name: &str, bytes: &[u8]) -> Result<Vec<LayerMap>, ModelError> {
    let card = read_card(model).map_err(|error| error.named(name))?;
    if card.precision != Precision::Int8 {
        return Err(ModelError::NotInteger { model: name.to_owned() });
    }
    if bytes.len() != card.input.len() {
        return Err(ModelError::InputLength { model: name.to_owned(), expected: card.input.len(), found: bytes.len() });
    }
    let failed = |doing| move |reason| ModelError::Engine { model: name.to_owned(), doing, reason };
    let reading = Reading { precision: Precision::Int8, pixels: card.input.pixel_map };
    let (mut engine, _) =
        Engine::load(model, card.input.shape(), reading, Operators::Ours { threads: 1 }).map_err(failed("load"))?;
    engine.layer_maps(Input::Bytes(bytes)).map_err(failed("run"))
}
