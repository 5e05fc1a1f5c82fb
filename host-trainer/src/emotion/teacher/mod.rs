//! Teachers: other models whose answers a net learns from beside the labels (Hinton et al. 2015, arXiv:1503.02531).

use super::colour::ColourName;
use crate::failure::{Kind, failure};
use anyhow::{Context, Result};
use emotion_models::pb::{ModelProto, NodeProto, ValueInfoProto};
use emotion_models::{
    Classifier, CropBox, FrameView, InputSpec, ModelCard, PixelFormat, PixelMap, Precision, Preprocessor, Task,
    apply_temperature, decode, embed, read_card, read_file,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A model to learn from. One of ours says what its numbers mean; of any other the configuration does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeacherConfig {
    /// An ONNX file that takes one picture `[1, C, H, W]` and gives one value for each label, `[1, labels]`.
    pub model: PathBuf,
    /// What its outputs stand for, in order, in the words of the data; an empty word for what the data does not know. A model of
    /// ours names them itself.
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

impl Default for TeacherConfig {
    fn default() -> Self {
        TeacherConfig {
            model: PathBuf::new(),
            labels: vec![],
            size: None,
            colour: None,
            offset: None,
            scale: None,
            logits: false,
            sha256: None,
        }
    }
}

impl TeacherConfig {
    /// Opens the model once, and notes its fingerprint.
    ///
    /// # Errors
    /// A file that is not there, is no usable model, or has changed since its fingerprint was noted.
    pub fn note(&mut self) -> Result<()> {
        self.sha256 = Some(self.open()?.1);
        Ok(())
    }

    /// The model, and the fingerprint of its file.
    fn open(&self) -> Result<(Classifier, String)> {
        let name = self.model.display().to_string();
        let bytes = read_file(&self.model)?;
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        if self.sha256.as_ref().is_some_and(|noted| *noted != digest) {
            let message = format!("the teacher {name} has changed since the run was started; put the old file back");
            return Err(failure(Kind::Model, message));
        }
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

/// The teachers of a run, for any number of threads.
pub struct Teachers {
    /// What is copied for a thread that finds none idle; the lock alone makes an engine fit for several threads.
    masters: Mutex<Vec<Teacher>>,
    /// Copies that no thread uses at the moment.
    idle: Mutex<Vec<Vec<Teacher>>>,
    /// Share of a target that is the teachers'.
    share: f32,
    shape: (usize, usize, usize),
}

/// One teacher, with buffers of its own.
#[derive(Clone)]
struct Teacher {
    classifier: Classifier,
    preprocessor: Preprocessor,
    tensor: Vec<f32>,
    /// For each of its outputs the data's label.
    labels: Vec<Option<usize>>,
}

impl Teachers {
    /// Opens the teachers of a run with these labels and this input; `share` of a target is theirs.
    ///
    /// # Errors
    /// A teacher that cannot be opened, has changed, or knows none of the labels.
    pub fn open(teachers: &[TeacherConfig], share: f32, labels: &[String], input: &InputSpec) -> Result<Option<Self>> {
        let masters = teachers.iter().map(|teacher| Teacher::open(teacher, labels)).collect::<Result<Vec<_>>>()?;
        let shape = (input.colour.channels(), input.height as usize, input.width as usize);
        Ok((!masters.is_empty()).then(|| Teachers {
            masters: Mutex::new(masters),
            idle: Mutex::default(),
            share,
            shape,
        }))
    }

    /// Mixes the teachers' answer to `pixels`, `[C, H, W]` of 0 to 255, into `target`, a picture's label or votes of which `trust` is
    /// believed. A label that no teacher knows keeps its share.
    pub fn mix(&self, pixels: &[f32], target: &mut [f32], trust: f32) {
        let idle = locked(&self.idle).pop();
        let mut teachers = idle.unwrap_or_else(|| locked(&self.masters).clone());
        let answer = self.answer(&mut teachers, pixels, target.len());
        locked(&self.idle).push(teachers);
        let Some(answer) = answer else { return };
        let unknown: f32 =
            target.iter().zip(&answer).filter(|(_, answer)| answer.is_none()).map(|(share, _)| share).sum();
        let believed = (1.0 - self.share) * trust;
        for (share, answer) in target.iter_mut().zip(answer) {
            if let Some(answer) = answer {
                *share = believed * *share + (1.0 - believed) * answer * (1.0 - unknown);
            }
        }
    }

    /// The mean of the teachers' answers: for each label that one knows, adding up to one.
    fn answer(&self, teachers: &mut [Teacher], pixels: &[f32], labels: usize) -> Option<Vec<Option<f32>>> {
        let bytes = self.frame(pixels);
        let (channels, height, width) = self.shape;
        let format = if channels == 1 { PixelFormat::Grey } else { PixelFormat::Rgb };
        let frame = FrameView::new(format, width as u32, height as u32, &bytes).ok()?;
        let mut sums = vec![(0.0, 0usize); labels];
        for teacher in teachers {
            for (label, probability) in teacher.answer(&frame)? {
                sums[label].0 += probability;
                sums[label].1 += 1;
            }
        }
        let mean = |&(sum, count): &(f32, usize)| (count > 0).then(|| sum / count as f32);
        let means: Vec<Option<f32>> = sums.iter().map(mean).collect();
        let total: f32 = means.iter().flatten().sum();
        Some(means.into_iter().map(|mean| mean.map(|mean| mean / total.max(f32::MIN_POSITIVE))).collect())
    }

    /// `[C, H, W]` as a frame of bytes.
    fn frame(&self, pixels: &[f32]) -> Vec<u8> {
        let (channels, height, width) = self.shape;
        let area = height * width;
        let byte = |place: usize| pixels[place % channels * area + place / channels].round() as u8;
        (0..channels * area).map(byte).collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Teacher {
    fn open(config: &TeacherConfig, labels: &[String]) -> Result<Self> {
        let (classifier, _) = config.open()?;
        let card = classifier.card();
        let names = if config.labels.is_empty() { &card.labels } else { &config.labels };
        if names.len() != card.labels.len() {
            let message = format!(
                "the teacher {} has {} outputs, and its [[teachers]] names {} labels",
                config.model.display(),
                card.labels.len(),
                names.len()
            );
            return Err(failure(Kind::Config, message));
        }
        let known: Vec<Option<usize>> =
            names.iter().map(|name| labels.iter().position(|label| label == name)).collect();
        if known.iter().flatten().count() < 2 {
            let message = format!(
                "the teacher {} knows {}, and the data bears {}: name its labels in the data's words in a [[teachers]] table",
                config.model.display(),
                names.join(", "),
                labels.join(", ")
            );
            return Err(failure(Kind::Config, message));
        }
        let preprocessor = Preprocessor::new(&card.input);
        Ok(Teacher { tensor: vec![0.0; card.input.len()], preprocessor, labels: known, classifier })
    }

    /// The data's labels that it knows, with their probabilities.
    fn answer(&mut self, frame: &FrameView<'_>) -> Option<Vec<(usize, f32)>> {
        let whole = CropBox::full(frame.width(), frame.height());
        self.preprocessor.tensor(frame, whole, &mut self.tensor);
        let raw = self.classifier.raw_probabilities(&self.tensor).ok()?;
        let answer = apply_temperature(&raw, self.classifier.card().temperature);
        Some(self.labels.iter().zip(answer.iter()).filter_map(|(label, p)| Some(((*label)?, *p))).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Colour, TestCard, shipped};

    const LABELS: [&str; 4] = ["bored", "happy", "angry", "sad"];

    fn labels() -> Vec<String> {
        LABELS.map(str::to_owned).to_vec()
    }

    fn input() -> InputSpec {
        InputSpec { width: 64, height: 64, colour: Colour::Grey, pixel_map: PixelMap::SIGNED }
    }

    /// The shipped model as a teacher in a folder.
    fn shipped_teacher(folder: &std::path::Path) -> TeacherConfig {
        let model = folder.join("teacher.onnx");
        std::fs::write(&model, shipped::EMOTION).unwrap();
        TeacherConfig { model, ..TeacherConfig::default() }
    }

    fn happy_face() -> Vec<f32> {
        let picture = image::DynamicImage::from(TestCard::new(7).draw("happy", 0, 64, 64)).to_luma8();
        picture.iter().map(|&byte| f32::from(byte)).collect()
    }

    #[test]
    fn targets_move_towards_the_teachers_answer_and_keep_what_it_does_not_know() {
        let folder = tempfile::tempdir().unwrap();
        let teachers = [shipped_teacher(folder.path())];
        let mix = |share: f32, trust: f32, mut target: Vec<f32>| {
            let teachers = Teachers::open(&teachers, share, &labels(), &input()).unwrap().unwrap();
            teachers.mix(&happy_face(), &mut target, trust);
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{target:?}");
            target
        };
        assert_eq!(mix(0.0, 1.0, vec![0.0, 0.0, 0.0, 1.0]), [0.0, 0.0, 0.0, 1.0]);
        let half = mix(0.5, 1.0, vec![0.0, 0.0, 0.0, 1.0]);
        assert!(half[1] > 0.35 && half[3] > 0.5, "{half:?}");
        let doubted = mix(0.5, 0.2, vec![0.0, 0.0, 0.0, 1.0]);
        assert!(doubted[1] > 1.6 * half[1], "{doubted:?}");
        let bored = mix(0.5, 1.0, vec![0.8, 0.0, 0.0, 0.2]);
        assert!((bored[0] - 0.8).abs() < 1e-5 && bored[1] > 0.07, "{bored:?}");
    }

    #[test]
    fn a_teacher_that_changed_is_none_or_speaks_another_language_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut teacher = shipped_teacher(folder.path());
        teacher.note().unwrap();
        assert_eq!(teacher.sha256.as_ref().unwrap().len(), 64);
        teacher.note().unwrap();
        let told = |teacher: &TeacherConfig, labels: &[String]| {
            format!("{:#}", Teachers::open(std::slice::from_ref(teacher), 0.5, labels, &input()).err().unwrap())
        };
        assert!(told(&teacher, &["wut".into(), "freude".into()]).contains("angry, happy, sad"));
        let renamed = TeacherConfig { labels: vec!["wut".into(), "freude".into(), String::new()], ..teacher.clone() };
        assert!(Teachers::open(&[renamed], 0.5, &["wut".into(), "freude".into()], &input()).is_ok());
        std::fs::write(&teacher.model, "no model").unwrap();
        assert!(told(&teacher, &labels()).contains("has changed"));
        teacher.sha256 = None;
        assert!(told(&teacher, &labels()).contains("teacher.onnx"));
    }

    #[test]
    fn a_model_of_others_needs_its_meaning_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = decode(shipped::EMOTION).unwrap();
        model.metadata_props.clear();
        let mut teacher = shipped_teacher(folder.path());
        std::fs::write(&teacher.model, emotion_models::encode(&model)).unwrap();
        let told = format!("{:#}", teacher.note().unwrap_err());
        assert!(told.contains("[[teachers]]") && told.contains("labels is missing"), "{told}");
    }
}
