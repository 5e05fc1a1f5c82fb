//! What a configuration says of a teacher.

use super::super::colour::ColourName;
use crate::failure::{Blame, Kind, failure};
use anyhow::{Context, Result, bail, ensure};
use emotion_models::pb::{ModelProto, NodeProto, ValueInfoProto};
use emotion_models::{
    Classifier, InputSpec, ModelCard, PixelMap, Precision, Task, decode, embed, read_card, read_file,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A model to learn from, or a file with what one answers. A model of ours says what its numbers mean; of any other the
/// configuration does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeacherConfig {
    /// An ONNX file that takes one picture `[1, C, H, W]` and gives one value for each label, `[1, labels]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// In place of a model, a CSV with its answers: column `file` has a picture's path in its data set, others the probability of a
    /// label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<PathBuf>,
    /// The label that each column of the answers stands for; without it every column that is called as a label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// What a model's outputs stand for, in order, in the words of the data; an empty word for what the data does not know. A model
    /// of ours names them itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Rows and columns of its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Colour of its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<ColourName>,
    /// The pixel value, 0 to 255, that is 0 in its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<f32>,
    /// What one step of a pixel's value is in its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Whether it gives logits, to which a softmax is added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub logits: bool,
    /// SHA-256 of the file, in hexadecimal; noted when the run starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl TeacherConfig {
    /// A model's file.
    pub fn of_model(model: &Path) -> Self {
        TeacherConfig { model: Some(model.into()), ..TeacherConfig::default() }
    }

    /// Refuses a table that names neither a model nor answers, or both, or keys of the other.
    ///
    /// # Errors
    /// Says which keys go together.
    pub fn check(&self) -> Result<()> {
        let of_answers = TeacherConfig { answers: None, columns: BTreeMap::new(), sha256: None, ..self.clone() };
        match (&self.model, &self.answers) {
            (Some(_), None) => {
                ensure!(self.columns.is_empty(), "columns in a [[teachers]] belongs to answers, not to a model")
            }
            (None, Some(_)) => ensure!(
                of_answers == TeacherConfig::default(),
                "labels, size, colour, offset, scale and logits in a [[teachers]] belong to a model, not to answers"
            ),
            _ => bail!("each [[teachers]] names either a model, an ONNX file, or answers, a CSV"),
        }
        Ok(())
    }

    /// Opens a model once, and notes the fingerprint of its file or of the answers.
    ///
    /// # Errors
    /// A file that is not there, is no usable model, or has changed since its fingerprint was noted.
    pub fn note(&mut self) -> Result<()> {
        let digest = match &self.answers {
            Some(file) => self.read_answers(file)?.1,
            None => self.open_model()?.1,
        };
        self.sha256 = Some(digest);
        Ok(())
    }

    /// The bytes of the answers in `file`, and its fingerprint.
    pub(super) fn read_answers(&self, file: &Path) -> Result<(Vec<u8>, String)> {
        let name = file.display();
        let bytes = std::fs::read(file).with_context(|| format!("cannot read the teacher's answers {name}"));
        let bytes = bytes.blame(Kind::Data)?;
        let digest = self.fingerprint(file, &bytes)?;
        Ok((bytes, digest))
    }

    /// The model, and the fingerprint of its file.
    pub(super) fn open_model(&self) -> Result<(Classifier, String)> {
        let path = self.model.as_deref().context("a teacher without a model")?;
        let name = path.display().to_string();
        let bytes = read_file(path)?;
        let digest = self.fingerprint(path, &bytes)?;
        let mut model = decode(&bytes).map_err(|error| error.named(&name))?;
        if read_card(&model).is_err() {
            let card = self.card(&model).with_context(|| format!("the teacher {name} has no card of ours"))?;
            if self.logits {
                append_softmax(&mut model);
            }
            embed(&mut model, &card);
        }
        let opened = Classifier::from_model(&model, &name);
        Ok((opened.with_context(|| format!("the teacher {name} cannot be used"))?, digest))
    }

    /// The fingerprint of the file at `path`, which holds `bytes`.
    fn fingerprint(&self, path: &Path, bytes: &[u8]) -> Result<String> {
        let digest = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        if self.sha256.as_ref().is_some_and(|noted| *noted != digest) {
            let name = path.display();
            let message = format!("the teacher {name} has changed since the run was started; put the old file back");
            return Err(failure(Kind::Model, message));
        }
        Ok(digest)
    }

    /// What the configuration says of a model that has no card.
    fn card(&self, model: &ModelProto) -> Result<ModelCard> {
        let keys = "labels, size, colour, offset and scale in its [[teachers]]";
        let missing = |what: &str| failure(Kind::Config, format!("say {keys}: {what} is missing"));
        if self.labels.is_empty() {
            return Err(missing("labels"));
        }
        let size = self.size.ok_or_else(|| missing("size"))?;
        let colour = self.colour.ok_or_else(|| missing("colour"))?.into();
        let offset = self.offset.ok_or_else(|| missing("offset"))?;
        let scale = self.scale.ok_or_else(|| missing("scale"))?;
        // A card's labels are all different, and none is empty.
        let label = |(at, label): (usize, &String)| if label.is_empty() { format!("other{at}") } else { label.clone() };
        Ok(ModelCard {
            name: model.graph.as_ref().map_or("teacher".into(), |graph| graph.name.clone()),
            task: Task::Emotion,
            labels: self.labels.iter().enumerate().map(label).collect(),
            input: InputSpec { width: size, height: size, colour, pixel_map: PixelMap { offset, scale } },
            crop_margin: 0.0,
            limits: Default::default(),
            temperature: 1.0,
            thresholds: vec![0.5; self.labels.len()],
            precision: Precision::F32,
            training_data: "unknown".into(),
            data_fingerprint: String::new(),
            metrics: Default::default(),
        })
    }
}

/// Puts a softmax behind the graph's only output.
fn append_softmax(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    let Some(output) = graph.output.first_mut() else { return };
    let probabilities = format!("{}_probabilities", output.name);
    graph.node.push(NodeProto {
        name: "softmax".into(),
        op_type: "Softmax".into(),
        input: vec![output.name.clone()],
        output: vec![probabilities.clone()],
        ..Default::default()
    });
    *output = ValueInfoProto { name: probabilities, ..output.clone() };
}
