//! Decoded photos: grey, at several sizes, so that any part can be drawn at any scale without aliasing.

use super::annotations::{self, Annotated, AnnotatedFace, INVALID};
use crate::failure::{Kind, failure};
use crate::files::own_name;
use crate::output::tell;
use crate::part::Part;
use crate::progress::Progress;
use crate::random::{Purpose, stream};
use anyhow::Result;
use emotion_models::{Colour, CropBox, InputSpec, Picture, PixelMap, Place, Preprocessor, Rect, TestCard};
use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Longest side, in pixels, at which a photo is kept: a face of 5 % of the width is then still 25 pixels wide.
const MAX_SIDE: u32 = 512;

/// The least share of a box that lies inside its photo; less is taken for a box of another size's picture.
const MIN_INSIDE: f32 = 0.25;

/// One channel of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub pixels: Vec<u8>,
}

/// A face in a photo, in pixels of its first plane.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoFace {
    /// Its bounding box; may reach outside.
    pub rect: Rect,
    /// Index into [`Photos::classes`].
    pub class: usize,
    /// Nobody can make it out: neither to be found nor to be taken for something else.
    pub invalid: bool,
}

/// A photo.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Where it came from, for messages and reports.
    pub path: PathBuf,
    /// The largest plane first, each further one half as large.
    pub planes: Vec<Plane>,
    /// Faces; none in a photo without one.
    pub faces: Vec<PhotoFace>,
    /// Pixels of the picture file for one of the first plane.
    pub reduction: f32,
    /// Its boxes are noisy, as another detector's (pseudo-labels).
    pub noisy_boxes: bool,
}

/// A face crop without a photo, to be pasted into photos without faces; the face fills it as [`CROP_FACE`] says.
#[derive(Clone, Debug)]
pub struct Crop {
    /// The largest plane first.
    pub planes: Vec<Plane>,
}

/// What a run learns from, or is measured on.
#[derive(Clone, Debug, Default)]
pub struct Photos {
    /// All photos.
    pub photos: Vec<Photo>,
    /// Names of the classes of faces.
    pub classes: Vec<String>,
    /// Faces to paste.
    pub crops: Vec<Crop>,
}

/// Where the face lies in a crop of an expression data set, as fractions of its size: left, top, width, height. Measured by eye on
/// forty crops of one such set.
pub const CROP_FACE: Rect = Rect::new(0.13, 0.08, 0.74, 0.88);

/// The class of synthetic faces, and what synthetic photos are called.
pub const SYNTHETIC: &str = "synthetic";

impl Plane {
    fn halved(&self) -> Plane {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        for rows in self.pixels.chunks_exact(2 * self.width).take(height) {
            let (upper, lower) = rows.split_at(self.width);
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            pixels.extend(pairs.take(width).map(|(a, b)| {
                let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
                ((sum + 2) / 4) as u8
            }));
        }
        Plane { width, height, pixels }
    }
}

/// A plane and those half as large, down to some thirty pixels.
pub fn pyramid(first: Plane) -> Vec<Plane> {
    let mut planes = vec![first];
    while let Some(last) = planes.last().filter(|last| last.width.min(last.height) >= 64) {
        planes.push(last.halved());
    }
    planes
}

/// A picture's luma, reduced so that its longest side is at most `longest` pixels, with the factor of the reduction.
///
/// # Errors
/// Says why the picture cannot be read.
pub fn luma(picture: &Picture, longest: u32) -> Result<(Plane, f32), String> {
    let view = picture.view().map_err(|error| error.to_string())?;
    let (width, height) = (view.width(), view.height());
    let reduction = (width.max(height) as f32 / longest as f32).max(1.0);
    let side = |size: u32| ((size as f32 / reduction).round() as u32).max(1);
    let spec =
        InputSpec { width: side(width), height: side(height), colour: Colour::Grey, pixel_map: PixelMap::SIGNED };
    let pixels = Preprocessor::new(&spec).resize(&view, CropBox::full(width, height)).to_vec();
    Ok((Plane { width: spec.width as usize, height: spec.height as usize, pixels }, reduction))
}

impl Photo {
    fn open(annotated: &Annotated, classes: &[String]) -> Result<(Photo, [u8; 32]), String> {
        let bytes = Picture::read(&annotated.path).map_err(|error| error.to_string())?;
        let picture = Picture::decode(&bytes, &annotated.path).map_err(|error| error.to_string())?;
        let (plane, reduction) = luma(&picture, MAX_SIDE)?;
        let [width, height] = [plane.width, plane.height].map(|side| side as f32 * reduction);
        let picture = Rect::new(0.0, 0.0, width, height);
        let outside = |rect: Rect| rect.intersection(picture) < MIN_INSIDE * rect.area();
        if let Some(annotated_face) = annotated.faces.iter().find(|annotated_face| outside(annotated_face.rect)) {
            let Rect { x, y, width: w, height: h } = annotated_face.rect;
            return Err(format!(
                "its box {x},{y},{w},{h} (x, y, width, height) lies outside its {width:.0}x{height:.0} pixels, or nearly so: was it annotated at another size?"
            ));
        }
        let mut hash = Sha256::new();
        hash.update(Sha256::digest(&bytes));
        for face in &annotated.faces {
            <[f32; 4]>::from(face.rect).iter().for_each(|value| hash.update(value.to_le_bytes()));
            hash.update(face.class.as_bytes());
        }
        let face = |annotated_face: &AnnotatedFace| PhotoFace {
            rect: annotated_face.rect.map(|value| value / reduction),
            class: classes.iter().position(|class| *class == annotated_face.class).unwrap_or(0),
            invalid: annotated_face.class == INVALID,
        };
        let faces = annotated
            .faces
            .iter()
            .filter(|annotated_face| annotated_face.rect.width >= 1.0 && annotated_face.rect.height >= 1.0)
            .map(face);
        let photo = Photo {
            path: annotated.path.clone(),
            planes: pyramid(plane),
            faces: faces.collect(),
            reduction,
            noisy_boxes: false,
        };
        Ok((photo, hash.finalize().into()))
    }

    /// Width and height of the first plane.
    pub fn size(&self) -> [f32; 2] {
        self.planes.first().map_or([1.0; 2], |plane| [plane.width as f32, plane.height as f32])
    }

    /// Which of the folders `roots` it lies in; none for a synthetic one.
    pub fn source(&self, roots: &[PathBuf]) -> Option<usize> {
        roots.iter().position(|root| self.path.starts_with(root))
    }

    /// A face's width as a fraction of the photo's.
    pub fn share(&self, face: &PhotoFace) -> f32 {
        face.rect.width / self.size()[0]
    }
}

/// What was read of a data set's part.
pub struct Loaded {
    /// The photos.
    pub photos: Photos,
    /// SHA-256 over pictures and boxes.
    pub fingerprint: String,
    /// Pictures that could not be read.
    pub unreadable: usize,
}

/// Reads the photos of `part` of all data sets.
///
/// # Errors
/// Lists that cannot be read, or a set without that part when `needed`, or without any picture that can be read.
pub fn load(roots: &[PathBuf], part: Part, needed: bool) -> Result<Loaded> {
    let mut annotated = vec![];
    for root in roots {
        match annotations::read(root, part)? {
            Some(photos) => annotated.extend(photos),
            None if needed => return Err(annotations::missing(root, part)),
            None => {}
        }
    }
    let mut classes: Vec<String> = annotated.iter().flat_map(|p| &p.faces).map(|face| face.class.clone()).collect();
    classes.sort();
    classes.dedup();
    let progress = Progress::new("reading photos", annotated.len(), true);
    let open = |one: &Annotated| {
        let opened = Photo::open(one, &classes);
        progress.advance();
        opened
    };
    let opened: Vec<_> = annotated.par_iter().map(open).collect();
    drop(progress);
    let (mut photos, mut files, mut unreadable) = (vec![], vec![], 0);
    for (opened, annotated) in opened.into_iter().zip(&annotated) {
        match opened {
            Ok((photo, digest)) => {
                photos.push(photo);
                files.push((annotated.name.as_str(), digest));
            }
            Err(reason) => {
                tell!("left out {}: {reason}", annotated.path.display());
                unreadable += 1;
            }
        }
    }
    if photos.is_empty() && needed {
        return Err(failure(Kind::Data, format!("not one {part} photo with face boxes could be read")));
    }
    let fingerprint = crate::emotion::dataset::fingerprint(files.iter().map(|(name, digest)| (*name, digest)));
    Ok(Loaded { photos: Photos { photos, classes, crops: vec![] }, fingerprint, unreadable })
}

impl Photos {
    /// Cuts off a part of about `fraction`, the same for the same seed: for validation. Each of the folders `roots` is cut by itself,
    /// so that another one beside it changes nothing about which of its photos were never learned from.
    pub fn split(self, roots: &[PathBuf], fraction: f32, seed: u64) -> (Photos, Photos) {
        let mut by_root: Vec<Vec<usize>> = vec![vec![]; roots.len() + 1];
        for (index, photo) in self.photos.iter().enumerate() {
            by_root[photo.source(roots).unwrap_or(roots.len())].push(index);
        }
        let mut chosen = std::collections::BTreeSet::new();
        for mut photos in by_root.into_iter().filter(|photos| !photos.is_empty()) {
            photos.shuffle(&mut stream(Purpose::Split, seed, 0, 0));
            let count = ((photos.len() as f32 * fraction).round() as usize).clamp(1, photos.len().max(2) - 1);
            chosen.extend(photos.into_iter().take(count));
        }
        let (mut train, mut held) = (vec![], vec![]);
        for (index, photo) in self.photos.into_iter().enumerate() {
            if chosen.contains(&index) { held.push(photo) } else { train.push(photo) }
        }
        let rest = |photos| Photos { photos, classes: self.classes.clone(), crops: vec![] };
        (rest(train), Photos { crops: self.crops, ..rest(held) })
    }

    /// Adds face crops to paste: every picture below `train/` of the folders, at most `most` of each, spread evenly.
    ///
    /// # Errors
    /// A folder without `train/`, or one that cannot be read.
    pub fn add_crops(&mut self, folders: &[PathBuf], most: usize) -> Result<Vec<String>> {
        let mut told = vec![];
        for folder in folders {
            let files: Vec<PathBuf> = crate::emotion::dataset::scan::label_folders(&folder.join("train"))?
                .into_values()
                .flat_map(|label| label.pictures)
                .collect();
            let step = files.len().div_ceil(most.max(1)).max(1);
            let read = |path: &&PathBuf| Some(luma(&Picture::open(path).ok()?, MAX_SIDE / 2).ok()?.0);
            let files: Vec<&PathBuf> = files.iter().step_by(step).collect();
            let crops: Vec<Crop> =
                files.par_iter().filter_map(read).map(|plane| Crop { planes: pyramid(plane) }).collect();
            if crops.is_empty() {
                let message = format!("{} has no face crop in train/LABEL/ that can be read", folder.display());
                return Err(failure(Kind::Data, message));
            }
            told.push(format!("{} face crops of {}", crops.len(), own_name(folder)));
            self.crops.extend(crops);
        }
        Ok(told)
    }

    /// Adds `count` synthetic photos, drawn by the test card, whose seeds begin at `first`: of four, two of a person who fills the picture, one of a person
    /// somewhere in a room, and one of a room with nobody in it.
    pub fn add_synthetic(&mut self, count: u64, first: u64) {
        let class = self.classes.len();
        self.classes.push(SYNTHETIC.to_owned());
        let synthetic: Vec<Photo> =
            (first..first + count).into_par_iter().map(|seed| synthetic_photo(seed, class)).collect();
        self.photos.extend(synthetic);
    }

    /// Those of the photos that `wanted` takes, without crops.
    pub fn filtered(&self, wanted: impl Fn(&Photo) -> bool) -> Photos {
        let photos = self.photos.iter().filter(|photo| wanted(photo)).cloned().collect();
        Photos { photos, classes: self.classes.clone(), crops: vec![] }
    }

    /// The number of faces that can be made out.
    pub fn faces(&self) -> usize {
        self.photos.iter().flat_map(|photo| &photo.faces).filter(|face| !face.invalid).count()
    }
}

/// The synthetic photo of a seed.
fn synthetic_photo(seed: u64, class: usize) -> Photo {
    let card = TestCard::new(seed);
    let mut random = stream(Purpose::Scene, seed, 0, 0);
    let labels = emotion_models::TEST_CARD_LABELS;
    let label = labels[random.random_range(0..labels.len())];
    let frame = random.random_range(0..1000);
    let (width, height) = (320, 240);
    let size = random.random_range(0.1f32..0.4);
    let place = Place { x: random.random_range(0.15..0.85), y: random.random_range(0.3..0.7), size };
    let (picture, face) = match seed % 4 {
        0 => (card.scene(None, frame, width, height), None),
        1 => (card.scene(Some((label, place)), frame, width, height), Some(card.face_at(place, frame, width, height))),
        _ => (card.draw(label, frame, width, height), Some(card.face(frame, width, height))),
    };
    let picture = image::DynamicImage::ImageRgb8(picture).into_luma8();
    let plane = Plane { width: width as usize, height: height as usize, pixels: picture.into_raw() };
    let as_annotated = |rect| PhotoFace { rect, class, invalid: false };
    let faces = face.map(as_annotated).into_iter().collect();
    Photo { path: format!("drawn-{seed}").into(), planes: pyramid(plane), faces, reduction: 1.0, noisy_boxes: false }
}

/// What readers see of a class's name: data without classes has one, and that has no name.
pub fn class_name(class: &str) -> &str {
    if class.is_empty() { "unnamed" } else { class }
}

/// The names of several; of two that are alike the later one bears its number, counted from 1.
pub fn names(folders: &[PathBuf]) -> Vec<String> {
    let own: Vec<String> = folders.iter().map(|folder| own_name(folder)).collect();
    let told = |(at, name): (usize, &String)| match own[..at].contains(name) {
        true => format!("{name} ({})", at + 1),
        false => name.clone(),
    };
    own.iter().enumerate().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_are_told_apart() {
        let folders = ["a/photos", "b", "c/photos/"].map(PathBuf::from);
        assert_eq!(names(&folders), ["photos", "b", "photos (3)"]);
    }

    #[test]
    fn another_folder_leaves_the_first_ones_validation_as_it_was() {
        let photo =
            |path: &str| Photo { path: path.into(), planes: vec![], faces: vec![], reduction: 1.0, noisy_boxes: false };
        let of = |folder: &str, count: usize| -> Vec<Photo> {
            (0..count).map(|number| photo(&format!("{folder}/train/images/{number}.jpg"))).collect()
        };
        let roots = ["first", "second", "third"].map(PathBuf::from);
        let held = |photos: Vec<Photo>| -> Vec<PathBuf> {
            let (train, val) = Photos { photos, ..Photos::default() }.split(&roots, 0.2, 7);
            assert!(train.photos.iter().all(|photo| val.photos.iter().all(|other| other.path != photo.path)));
            val.photos.into_iter().map(|photo| photo.path).collect()
        };
        let alone = held(of("first", 40));
        assert_eq!(alone.len(), 8);
        let together = held([of("first", 40), of("second", 10)].concat());
        assert_eq!(together[..8], alone);
        assert!(together.len() == 10 && together[8..].iter().all(|path| path.starts_with("second")));
    }
}
