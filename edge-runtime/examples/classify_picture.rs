//! Classifies one picture: `classify_picture PICTURE` prints the mood of its largest face, and where it is.

use emotion_models::{Classifier, Detector, FaceDetector, Picture, main_face, shipped};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: classify_picture PICTURE")?;
    let mut finder = FaceDetector::from_bytes(shipped::FACE, "the shipped face model")?;
    let mut classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped emotion model")?;

    let picture = Picture::open(Path::new(&path))?;
    let pixels = picture.view()?;
    let threshold = finder.threshold();
    let faces = finder.detect_in_photo(&pixels, threshold)?;
    let Some(face) = main_face(&faces, picture.width, picture.height) else {
        println!("no face");
        return Ok(());
    };
    let probabilities = classifier.classify(&pixels, face.crop(classifier.card().crop_margin))?;
    let (label, probability) = probabilities.top();
    let [x, y] = face.rect.centre();
    println!("{} {probability:.2} at {x:.0},{y:.0}", classifier.card().labels[label]);
    Ok(())
}
