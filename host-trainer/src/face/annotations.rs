//! Photos with face boxes, in the formats that people have them in.

use super::fractions::{self, YoloPhoto};
use crate::emotion::dataset::scan;
use crate::failure::{Blame, Kind, failure};
use crate::output::tell;
use crate::part::Part;
use crate::spreadsheet;
use anyhow::{Context, Result, anyhow, bail};
use emotion_models::Rect;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A photo and its ground truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotated {
    /// The picture's file.
    pub path: PathBuf,
    /// Its name within the data set.
    pub name: String,
    /// None of them for a photo without a face.
    pub faces: Vec<AnnotatedFace>,
}

/// An annotated face, in pixels of the picture file.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotatedFace {
    /// Its bounding box.
    pub rect: Rect,
    /// What kind of face, such as `with_mask`; empty where nothing says.
    pub class: String,
}

/// The formats, for messages.
pub const FORMATS: &str = "PART/boxes.csv (file,x,y,w,h) beside PART/images/, WIDER's PART/*bbx_gt.txt beside PART/images/ or \
                           wider_face_split/ beside WIDER_PART/images/, YOLO's PART/labels/*.txt beside PART/images/, or Pascal VOC's PART/annotations/*.xml beside PART/images/, where PART is train, val or test";

/// The photos of a part of a data set; `None` where the set has no such part.
///
/// # Errors
/// A list that cannot be read, or that says something impossible: with the file and its line.
pub fn read(root: &Path, part: Part) -> Result<Option<Vec<Annotated>>> {
    read_part(root, part).blame(Kind::Data)
}

fn read_part(root: &Path, part: Part) -> Result<Option<Vec<Annotated>>> {
    let folder = root.join(part.name());
    let images = folder.join("images");
    if folder.join("boxes.csv").is_file() {
        let mut photos = boxes(&folder, &images)?;
        fractions::in_pixels(rects(&mut photos), &folder.join("boxes.csv"))?;
        tell_unlisted(&images, &photos, "boxes.csv");
        return Ok(Some(photos));
    }
    let split = root.join(format!("wider_face_split/wider_face_{part}_bbx_gt.txt"));
    if split.is_file() {
        return wider(&split, &root.join(format!("WIDER_{part}/images"))).map(Some);
    }
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().ends_with("bbx_gt.txt") {
            return wider(&entry.path(), &images).map(Some);
        }
    }
    let labels = folder.join("labels");
    if labels.is_dir() {
        let photo = |photo: YoloPhoto| {
            let faces = photo.faces.into_iter().map(|(rect, class)| AnnotatedFace { rect, class }).collect();
            Annotated { path: photo.path, name: photo.name, faces }
        };
        let mut photos: Vec<Annotated> = fractions::yolo(&labels, &images)?.into_iter().map(photo).collect();
        fractions::in_pixels(rects(&mut photos), &labels)?;
        return Ok(Some(photos));
    }
    for (annotations, images) in [("annotations", "images"), ("Annotations", "JPEGImages")] {
        let annotations = folder.join(annotations);
        if annotations.is_dir() {
            let (images, photos) = (folder.join(images), voc(&annotations, &folder.join(images))?);
            tell_unlisted(&images, &photos, "annotations");
            return Ok(Some(photos));
        }
    }
    Ok(None)
}

/// Every box, with its picture's file.
fn rects(photos: &mut [Annotated]) -> Vec<(&Path, &mut Rect)> {
    let mut all = vec![];
    for Annotated { path, faces, .. } in photos {
        let path: &Path = path;
        all.extend(faces.iter_mut().map(|face| (path, &mut face.rect)));
    }
    all
}

/// Unlisted pictures might show faces or none. They are left out, with a warning.
fn tell_unlisted(images: &Path, photos: &[Annotated], list: &str) {
    let listed: HashSet<&Path> = photos.iter().map(|photo| photo.path.as_path()).collect();
    let unlisted = scan::entries(images).unwrap_or_default();
    let unlisted = unlisted.iter().filter(|path| !listed.contains(path.as_path()) && scan::is_picture(path));
    let count = unlisted.clone().count();
    if let Some(first) = unlisted.take(1).next() {
        tell!(
            "left out {count} in {} that {list} does not name, such as {}: a photo without a face has to be named, too",
            images.display(),
            first.file_name().unwrap_or_default().display()
        );
    }
}

fn rect(values: [f32; 4]) -> Result<Rect> {
    let [_, _, width, height] = values;
    let sound = values.iter().all(|value| value.is_finite() && value.abs() < 1e6) && width > 0.0 && height > 0.0;
    if sound {
        Ok(values.into())
    } else {
        bail!("the box {values:?} is none: x, y, width, height in pixels are needed")
    }
}

/// `boxes.csv`: one row a face, one without numbers for a photo without a face; `meta.csv`, where it is there, names classes in its
/// column `class`, row by row.
fn boxes(folder: &Path, images: &Path) -> Result<Vec<Annotated>> {
    let path = folder.join("boxes.csv");
    let classes = classes(&folder.join("meta.csv"))?;
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut reader =
        spreadsheet::reader(&bytes).map_err(|reason| anyhow!("cannot read {}: {reason}", path.display()))?;
    let header = reader.headers().with_context(|| format!("in {}", path.display()))?.clone();
    if header.is_empty() {
        bail!("{} is empty; a first line file,x,y,w,h is needed, then one for each face", path.display());
    }
    let column = |name: &str| {
        let found = spreadsheet::column(&header, name);
        found.with_context(|| format!("{} has no column `{name}`; file,x,y,w,h are needed", path.display()))
    };
    let columns = [column("x")?, column("y")?, column("w")?, column("h")?];
    let file = column("file")?;
    let (mut photos, mut empty) = (BTreeMap::<String, Vec<AnnotatedFace>>::new(), vec![]);
    for (row, record) in reader.records().enumerate() {
        let place_of = || format!("{}, line {}", path.display(), row + 2);
        let record = record.with_context(place_of)?;
        let name = record.get(file).filter(|name| !name.is_empty()).with_context(place_of)?;
        let faces = photos.entry(name.to_owned()).or_default();
        let values = columns.map(|column| record.get(column).unwrap_or_default());
        if values.iter().all(|value| value.is_empty()) {
            empty.push((name.to_owned(), row));
            continue;
        }
        let mut numbers = [0.0; 4];
        for (number, value) in numbers.iter_mut().zip(values) {
            *number = spreadsheet::number(value).with_context(|| format!("{}: `{value}` is no number", place_of()))?;
        }
        let class = classes.get(row).cloned().unwrap_or_default();
        faces.push(AnnotatedFace { rect: rect(numbers).with_context(place_of)?, class });
    }
    if let Some((name, row)) = empty.iter().find(|(name, _)| photos.get(name).is_some_and(|faces| !faces.is_empty())) {
        bail!("{}, line {}: it says that {name} has no face, and another line marks one", path.display(), row + 2);
    }
    Ok(photos.into_iter().map(|(name, faces)| Annotated { path: images.join(&name), name, faces }).collect())
}

fn classes(path: &Path) -> Result<Vec<String>> {
    if !path.is_file() {
        return Ok(vec![]);
    }
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    let header = reader.headers().with_context(|| format!("in {}", path.display()))?;
    let Some(column) = header.iter().position(|name| name == "class") else { return Ok(vec![]) };
    reader
        .records()
        .map(|record| {
            let record = record.with_context(|| format!("in {}", path.display()))?;
            Ok(record.get(column).unwrap_or_default().to_owned())
        })
        .collect()
}

/// WIDER FACE's list (Yang et al. 2016): the picture's name, the number of faces, then a line a face that begins with x y w h. The
/// eighth number is 1 for a face nobody can make out.
fn wider(path: &Path, images: &Path) -> Result<Vec<Annotated>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut photos = vec![];
    while let Some((_, name)) = lines.next() {
        let place_of = |at: usize| format!("{}, line {}", path.display(), at + 1);
        let (at, count) = lines.next().with_context(|| format!("{}: it ends behind {name}", path.display()))?;
        let count: usize = count.trim().parse().with_context(|| {
            format!("{}: `{count}` is no number of faces, which follows a picture's name", place_of(at))
        })?;
        let mut faces = vec![];
        // A picture without faces has one line of zeros all the same.
        for _ in 0..count.max(1) {
            let (at, line) =
                lines.next().with_context(|| format!("{}: it ends among the faces of {name}", path.display()))?;
            let numbers: Vec<f32> = line
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .with_context(|| format!("{}: `{line}` is no list of numbers", place_of(at)))?;
            let &[x, y, width, height, ..] = numbers.as_slice() else {
                bail!("{}: `{line}` has no x, y, width and height", place_of(at))
            };
            let invalid = numbers.get(7) == Some(&1.0);
            if count > 0 && width > 0.0 && height > 0.0 {
                let class = if invalid { INVALID } else { "" }.to_owned();
                faces.push(AnnotatedFace { rect: rect([x, y, width, height]).with_context(|| place_of(at))?, class });
            }
        }
        let name = name.trim().to_owned();
        photos.push(Annotated { path: images.join(&name), name, faces });
    }
    Ok(photos)
}

/// The class of faces that are neither to be found nor to be taken for something else.
pub const INVALID: &str = "invalid";

/// What Pascal VOC itself marks (Everingham et al. 2010, table 1): no faces, and people among them whose faces are not annotated.
const PASCALS: [&str; 20] = [
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

/// Pascal VOC (Everingham et al. 2010): one XML file a picture, objects with a `bndbox` each. Every object counts as a face, its
/// `name` as the class, but for what Pascal VOC itself marks, which is refused; one annotated `difficult` as a face nobody can make out.
fn voc(annotations: &Path, images: &Path) -> Result<Vec<Annotated>> {
    let mut files: Vec<PathBuf> = fs::read_dir(annotations)
        .with_context(|| format!("cannot read {}", annotations.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml")))
        .collect();
    files.sort();
    let read = |path: &PathBuf| -> Result<Annotated> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let document = roxmltree::Document::parse(&text).with_context(|| format!("in {}", path.display()))?;
        let text_of = |node: roxmltree::Node<'_, '_>, tag: &str| {
            let child = node.children().find(|child| child.has_tag_name(tag));
            child.and_then(|child| child.text()).map(|text| text.trim().to_owned())
        };
        let root = document.root_element();
        let name = text_of(root, "filename").with_context(|| format!("{} names no <filename>", path.display()))?;
        let mut faces = vec![];
        for object in root.children().filter(|child| child.has_tag_name("object")) {
            let bounds = object.children().find(|child| child.has_tag_name("bndbox"));
            let bounds = bounds.with_context(|| format!("{}: an <object> without <bndbox>", path.display()))?;
            let side = |tag: &str| -> Result<f32> {
                let text = text_of(bounds, tag).with_context(|| format!("{}: no <{tag}>", path.display()))?;
                text.parse().with_context(|| format!("{}: <{tag}> is `{text}`, no number", path.display()))
            };
            let [left, top, right, bottom] = [side("xmin")?, side("ymin")?, side("xmax")?, side("ymax")?];
            let difficult = text_of(object, "difficult").is_some_and(|text| text == "1");
            let name = text_of(object, "name").unwrap_or_default();
            if PASCALS.contains(&name.as_str()) {
                bail!("{}: a `{name}` is no face; a set is needed whose objects are faces", path.display());
            }
            let class = if difficult { INVALID.to_owned() } else { name };
            let rect = rect([left, top, right - left, bottom - top]);
            faces.push(AnnotatedFace { rect: rect.with_context(|| format!("in {}", path.display()))?, class });
        }
        Ok(Annotated { path: images.join(&name), name, faces })
    };
    files.iter().map(read).collect()
}

/// Refuses a folder that holds nothing to learn faces from.
///
/// # Errors
/// Says what is needed.
pub fn missing(root: &Path, part: Part) -> anyhow::Error {
    let named = root.to_string_lossy();
    let repeated = named.rsplit_once('*').filter(|(folder, _)| Path::new(folder).is_dir());
    failure(
        Kind::Data,
        match repeated {
            _ if root.is_dir() => format!("{named} has no {part} photos with face boxes; needed: {FORMATS}"),
            Some((folder, _)) => {
                format!("{named}: photos are seen as their faces need, so that *N has no use here; name {folder}")
            }
            None => format!("{named} is no folder that can be read; check the path and its permissions"),
        },
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn faces(root: &Path) -> Vec<(String, usize, String)> {
        let photos = read(root, Part::Train).unwrap().unwrap();
        photos
            .into_iter()
            .map(|p| (p.name, p.faces.len(), p.faces.first().map_or(String::new(), |f| f.class.clone())))
            .collect()
    }

    #[test]
    fn boxes_with_and_without_classes() {
        let boxes = "file,x,y,w,h\na.jpg,1,2,3,4\nb.jpg,,,,\na.jpg,5,6,7,8\n";
        let root = folder(&[("train/boxes.csv", boxes)]);
        assert_eq!(faces(root.path()), [("a.jpg".into(), 2, String::new()), ("b.jpg".into(), 0, String::new())]);
        let meta = "file,row,class\na.jpg,0,masked\nb.jpg,0,\na.jpg,1,bare\n";
        let root = folder(&[("train/boxes.csv", boxes), ("train/meta.csv", meta)]);
        assert_eq!(faces(root.path())[0].2, "masked");
        assert!(read(root.path(), Part::Test).unwrap().is_none());
        let root = folder(&[("train/boxes.csv", "file,x,y,w,h\na.jpg,1,2,0,4\n")]);
        assert!(format!("{:#}", read(root.path(), Part::Train).unwrap_err()).contains("line 2: the box"));
        let root = folder(&[("train/boxes.csv", "file,x,y,w,h\na.jpg,1,2,three,4\n")]);
        let error = format!("{:#}", read(root.path(), Part::Train).unwrap_err());
        assert!(error.contains("line 2") && error.contains("three"), "{error}");
        let root = folder(&[("train/boxes.csv", "file,x,y,w,h\na.jpg,1,2,3,4\na.jpg,,,,\n")]);
        let error = format!("{:#}", read(root.path(), Part::Train).unwrap_err());
        assert!(error.contains("line 3") && error.contains("a.jpg has no face"), "{error}");
        let root = folder(&[("train/boxes.csv", "")]);
        assert!(format!("{:#}", read(root.path(), Part::Train).unwrap_err()).contains("boxes.csv is empty"));
    }

    #[test]
    fn widers_list() {
        let list = "0--Parade/a.jpg\n2\n10 20 30 40 0 0 0 0 0 0\n1 2 3 4 0 0 0 1 0 0\nb.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n";
        let root = folder(&[("train/wider_face_train_bbx_gt.txt", list)]);
        assert_eq!(
            faces(root.path()),
            [("0--Parade/a.jpg".into(), 2, String::new()), ("b.jpg".into(), 0, String::new())]
        );
        let photos = read(root.path(), Part::Train).unwrap().unwrap();
        assert_eq!(photos[0].faces[1].class, INVALID);
        let root = folder(&[("train/x_bbx_gt.txt", "a.jpg\n2\n1 2 3 4\n")]);
        assert!(read(root.path(), Part::Train).unwrap_err().to_string().contains("ends among the faces of a.jpg"));
    }

    #[test]
    fn pascals_files() {
        let xml = "<annotation><filename>a.png</filename><object><name>with_mask</name><bndbox><xmin>79</xmin><ymin>105</ymin>\
                   <xmax>109</xmax><ymax>142</ymax></bndbox></object></annotation>";
        let root = folder(&[("train/annotations/a.xml", xml)]);
        let photos = read(root.path(), Part::Train).unwrap().unwrap();
        assert_eq!(
            photos[0].faces,
            [AnnotatedFace { rect: Rect::new(79.0, 105.0, 30.0, 37.0), class: "with_mask".into() }]
        );
        let root = folder(&[("train/annotations/a.xml", &xml.replace("with_mask", "dog"))]);
        assert!(format!("{:#}", read(root.path(), Part::Train).unwrap_err()).contains("a.xml: a `dog` is no face"));
        let root = folder(&[("train/annotations/a.xml", "<annotation><filename>")]);
        assert!(format!("{:#}", read(root.path(), Part::Train).unwrap_err()).contains("a.xml"));
    }
}
