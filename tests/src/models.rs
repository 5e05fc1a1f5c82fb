//! Models without a training run behind them.

use emotion_models::{Colour, InputSpec, ModelCard, PixelMap, Precision, TEST_CARD_LABELS, Task};
use emotion_models::{decode, embed, encode, read_card};
use host_trainer::export::{fold, graph};
use host_trainer::nets::weights::Weights;
use host_trainer::nets::{Options, compact};

/// The bytes of a small model of the test card's labels, with first weights: right in form, without knowledge.
pub fn untrained() -> Vec<u8> {
    let pixel_map = PixelMap { offset: 128.0, scale: 1.0 / 128.0 };
    let input = InputSpec { width: 32, height: 32, colour: Colour::Grey, pixel_map };
    let net = compact(&input, TEST_CARD_LABELS.len(), &Options { widths: [4, 8, 8, 8], ..Options::default() });
    let outputs: Vec<usize> = (0..TEST_CARD_LABELS.len()).collect();
    let mut model = graph::model("untrained", &fold::fold(&net, &Weights::initial(&net, 1), &outputs));
    embed(&mut model, &card(input));
    encode(&model)
}

/// `model` with its card changed by `change`, which need not leave it sensible.
pub fn retouched(model: &[u8], change: impl FnOnce(&mut ModelCard)) -> Vec<u8> {
    let mut model = decode(model).expect("a model");
    let mut card = read_card(&model).expect("a model with a card");
    change(&mut card);
    embed(&mut model, &card);
    encode(&model)
}

fn card(input: InputSpec) -> ModelCard {
    ModelCard {
        name: "untrained".into(),
        task: Task::Emotion,
        labels: TEST_CARD_LABELS.map(String::from).to_vec(),
        input,
        crop_margin: 0.0,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.5; TEST_CARD_LABELS.len()],
        precision: Precision::F32,
        training_data: "none".into(),
        data_fingerprint: "none".into(),
        metrics: Default::default(),
    }
}
