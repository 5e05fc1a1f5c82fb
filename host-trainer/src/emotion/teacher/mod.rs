//! Teachers: other models whose answers a net learns from beside the labels (Hinton et al. 2015, arXiv:1503.02531).

mod answers;
mod config;
mod model;

pub use config::TeacherConfig;

use super::dataset::PictureName;
use answers::Answers;
use anyhow::Result;
use emotion_models::{FrameView, InputSpec, PixelFormat};
use model::ModelTeacher;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The teachers of a run, for any number of threads.
pub struct Teachers {
    /// What is copied for a thread that finds none idle; the lock alone makes an engine fit for several threads.
    masters: Mutex<Vec<ModelTeacher>>,
    /// Copies that no thread uses at the moment.
    idle: Mutex<Vec<Vec<ModelTeacher>>>,
    /// Teachers of whom there are only answers.
    answers: Vec<Answers>,
    /// Share of a target that is the teachers'.
    share: f32,
    shape: (usize, usize, usize),
}

impl Teachers {
    /// Opens the teachers of a run with these labels, this input and these training `pictures`; `share` of a target is theirs.
    ///
    /// # Errors
    /// A teacher that cannot be opened, has changed, or knows none of the labels or of the pictures.
    pub fn open(
        teachers: &[TeacherConfig],
        share: f32,
        labels: &[String],
        input: &InputSpec,
        pictures: &[PictureName],
    ) -> Result<Option<Self>> {
        let (mut masters, mut answers) = (vec![], vec![]);
        for teacher in teachers {
            match &teacher.answers {
                Some(file) => answers.push(Answers::open(teacher, file, labels, pictures)?),
                None => masters.push(ModelTeacher::open(teacher, labels)?),
            }
        }
        let shape = (input.colour.channels(), input.height as usize, input.width as usize);
        Ok((!teachers.is_empty()).then(|| Teachers {
            masters: Mutex::new(masters),
            idle: Mutex::default(),
            answers,
            share,
            shape,
        }))
    }

    /// Mixes the teachers' answer into `target`, the label or votes of the training picture with index `picture`, of which `trust` is
    /// believed. Models answer to `pixels`, the picture as augmented, `[C, H, W]` of 0 to 255. A label that no teacher knows keeps
    /// its share; where no teacher knows any, the rest is spread.
    ///
    /// # Errors
    /// A model that cannot answer.
    pub fn mix(&self, pixels: &[f32], picture: usize, target: &mut [f32], trust: f32) -> Result<()> {
        let Some(answer) = self.answer(pixels, picture, target.len())? else {
            spread(target, trust);
            return Ok(());
        };
        let unknown: f32 =
            target.iter().zip(&answer).filter(|(_, answer)| answer.is_none()).map(|(share, _)| share).sum();
        let believed = (1.0 - self.share) * trust;
        for (share, answer) in target.iter_mut().zip(answer) {
            if let Some(answer) = answer {
                *share = believed * *share + (1.0 - believed) * answer * (1.0 - unknown);
            }
        }
        Ok(())
    }

    /// The mean of the teachers' answers: for each label that one knows, adding up to one; `None` where none knows any.
    fn answer(&self, pixels: &[f32], picture: usize, labels: usize) -> Result<Option<Vec<Option<f32>>>> {
        let mut known: Vec<(usize, f32)> = self.answers.iter().flat_map(|answers| answers.answer(picture)).collect();
        let idle = locked(&self.idle).pop();
        let mut models = idle.unwrap_or_else(|| locked(&self.masters).clone());
        if !models.is_empty() {
            let bytes = self.frame(pixels);
            let (channels, height, width) = self.shape;
            let format = if channels == 1 { PixelFormat::Grey } else { PixelFormat::Rgb };
            let frame = FrameView::new(format, width as u32, height as u32, &bytes)?;
            for model in &mut models {
                known.append(&mut model.answer(&frame)?);
            }
        }
        locked(&self.idle).push(models);
        let mut sums = vec![(0.0, 0usize); labels];
        for (label, probability) in known {
            sums[label].0 += probability;
            sums[label].1 += 1;
        }
        let mean = |&(sum, count): &(f32, usize)| (count > 0).then(|| sum / count as f32);
        let means: Vec<Option<f32>> = sums.iter().map(mean).collect();
        let total: f32 = means.iter().flatten().sum();
        Ok((total > 0.0).then(|| means.into_iter().map(|mean| mean.map(|mean| mean / total)).collect()))
    }

    /// `[C, H, W]` as a frame of bytes.
    fn frame(&self, pixels: &[f32]) -> Vec<u8> {
        let (channels, height, width) = self.shape;
        let area = height * width;
        let byte = |place: usize| pixels[place % channels * area + place / channels].round() as u8;
        (0..channels * area).map(byte).collect()
    }
}

/// Believes `trust` of a target, and spreads the rest over all labels.
pub fn spread(target: &mut [f32], trust: f32) {
    let each = (1.0 - trust) / target.len() as f32;
    target.iter_mut().for_each(|share| *share = trust * *share + each);
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Colour, PixelMap, TestCard, decode, shipped};

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
        TeacherConfig::of_model(&model)
    }

    fn picture(number: usize) -> PictureName {
        PictureName { folder: "faces".into(), path: format!("train/happy/{number}.png") }
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
            let teachers = Teachers::open(&teachers, share, &labels(), &input(), &[]).unwrap().unwrap();
            teachers.mix(&happy_face(), 0, &mut target, trust).unwrap();
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
    fn answers_in_a_file_count_as_a_models_do_and_pictures_without_one_keep_their_label() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("answers.csv");
        std::fs::write(&csv, "file,happy,sad\nfaces/train/happy/0.png,0.25,0.75\ntrain/happy/1.png,1,0\n").unwrap();
        let mut answers = TeacherConfig { answers: Some(csv.clone()), ..TeacherConfig::default() };
        answers.note().unwrap();
        let pictures = [picture(0), picture(1), picture(2)];
        let open = |teachers: &[TeacherConfig]| {
            Teachers::open(teachers, 0.5, &labels(), &input(), &pictures).unwrap().unwrap()
        };
        let mixed = |teachers: &Teachers, picture: usize, trust: f32| {
            let mut target = vec![0.0, 1.0, 0.0, 0.0];
            teachers.mix(&happy_face(), picture, &mut target, trust).unwrap();
            target
        };
        let alone = open(std::slice::from_ref(&answers));
        assert_eq!(mixed(&alone, 0, 1.0), [0.0, 0.625, 0.0, 0.375]);
        assert_eq!(mixed(&alone, 1, 1.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(mixed(&alone, 2, 1.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(mixed(&alone, 2, 0.5), [0.125, 0.625, 0.125, 0.125]);
        let model = shipped_teacher(folder.path());
        let (both, model) = (open(&[answers.clone(), model.clone()]), open(&[model]));
        assert_eq!(mixed(&both, 2, 1.0), mixed(&model, 2, 1.0));
        // The mean of 0.75 and what the model says of a happy face, which is little.
        let sad = mixed(&both, 0, 1.0)[3];
        assert!(sad > 0.15 && sad < 0.3 && mixed(&model, 0, 1.0)[3] < 0.1, "{sad}");
        std::fs::write(&csv, "file,happy,sad\ntrain/happy/1.png,1,0\n").unwrap();
        assert!(answers.note().unwrap_err().to_string().contains("answers.csv has changed"));
    }

    #[test]
    fn keys_of_a_model_and_of_answers_do_not_mix() {
        let told =
            |text: &str| toml::from_str::<TeacherConfig>(text).unwrap().check().map_err(|error| error.to_string());
        assert_eq!(told("model = 'a.onnx'\nlabels = ['happy', 'sad']\nsize = 48"), Ok(()));
        assert_eq!(told("answers = 'a.csv'\ncolumns = { joy = 'happy' }\nsha256 = '0'"), Ok(()));
        for (text, word) in [
            ("", "either a model"),
            ("model = 'a.onnx'\nanswers = 'a.csv'", "either a model"),
            ("model = 'a.onnx'\ncolumns = { joy = 'happy' }", "columns"),
            ("answers = 'a.csv'\nsize = 48", "size"),
        ] {
            assert!(told(text).is_err_and(|told| told.contains(word)), "{text}");
        }
    }

    #[test]
    fn a_teacher_that_changed_is_none_or_speaks_another_language_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut teacher = shipped_teacher(folder.path());
        teacher.note().unwrap();
        assert_eq!(teacher.sha256.as_ref().unwrap().len(), 64);
        teacher.note().unwrap();
        let told = |teacher: &TeacherConfig, labels: &[String]| {
            format!("{:#}", Teachers::open(std::slice::from_ref(teacher), 0.5, labels, &input(), &[]).err().unwrap())
        };
        assert!(told(&teacher, &["wut".into(), "freude".into()]).contains("angry, disgust, fear, happy"));
        let renamed = TeacherConfig {
            labels: ["wut", "", "", "freude", "", "", ""].map(str::to_owned).to_vec(),
            ..teacher.clone()
        };
        assert!(Teachers::open(&[renamed], 0.5, &["wut".into(), "freude".into()], &input(), &[]).is_ok());
        std::fs::write(teacher.model.as_ref().unwrap(), "no model").unwrap();
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
        std::fs::write(teacher.model.as_ref().unwrap(), emotion_models::encode(&model)).unwrap();
        let told = format!("{:#}", teacher.note().unwrap_err());
        assert!(told.contains("[[teachers]]") && told.contains("labels is missing"), "{told}");
    }
}
