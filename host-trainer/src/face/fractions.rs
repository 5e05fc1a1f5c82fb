//! Boxes as fractions of the picture's sides, as YOLO and many tools write them, made pixels.

use crate::output::tell_once;
use anyhow::{Context, Result, bail};
use emotion_models::{Rect, is_picture_name, walk};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader, ImageResult};
use std::fs;
use std::path::{Path, PathBuf};

/// Up to this share of boxes under a pixel are slips in a list of pixels; more are fractions mixed with pixels.
const MOST_SLIPS: f32 = 0.1;

/// Takes boxes whose numbers are all at most 1 for fractions of the picture's width and height, and makes them pixels. Boxes under a
/// pixel among others are told. Each box comes with its picture's file.
///
/// # Errors
/// A list `from` in which fractions and pixels are mixed.
pub(super) fn in_pixels(boxes: Vec<(&Path, &mut Rect)>, from: &Path) -> Result<()> {
    let (all, small) = (boxes.len(), boxes.iter().filter(|(_, rect)| is_fraction(**rect)).count());
    let from = from.display();
    if small == 0 {
        return Ok(());
    }
    if small < all {
        if small as f32 > MOST_SLIPS * all as f32 {
            bail!(
                "{from}: {small} of {all} boxes are fractions of the picture, the others are pixels; write all of them alike"
            );
        }
        tell_once(&format!("{from}: {small} of {all} boxes are smaller than a pixel"));
        return Ok(());
    }
    tell_once(&format!("{from}: all numbers are at most 1, so boxes are fractions of the picture's sides"));
    let mut known: Option<(&Path, Option<(u32, u32)>)> = None;
    for (path, rect) in boxes {
        let size = match known {
            Some((last, size)) if last == path => size,
            // A picture that is missing or broken is told where the pictures are read.
            _ => upright_sides(path).ok(),
        };
        known = Some((path, size));
        if let Some((width, height)) = size {
            *rect = scaled(*rect, width as f32, height as f32);
        }
    }
    Ok(())
}

/// A picture and what its text file says.
pub(super) struct YoloPhoto {
    pub path: PathBuf,
    pub name: String,
    /// Boxes as fractions, with their classes.
    pub faces: Vec<(Rect, String)>,
}

fn is_fraction(rect: Rect) -> bool {
    let Rect { x, y, width, height } = rect;
    width <= 1.0 && height <= 1.0 && (-1.0..=1.0).contains(&x) && (-1.0..=1.0).contains(&y)
}

/// Width and height of a picture as it is shown, from the beginning of its file.
fn upright_sides(path: &Path) -> ImageResult<(u32, u32)> {
    let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let lies = matches!(
        decoder.orientation()?,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    Ok(if lies { (height, width) } else { (width, height) })
}

fn scaled(rect: Rect, width: f32, height: f32) -> Rect {
    Rect::new(rect.x * width, rect.y * height, rect.width * width, rect.height * height)
}

/// YOLO's text files: for each picture one of the same name with a line a face, `class cx cy w h`, middle and sides as fractions. A
/// picture with an empty file, or with none, shows no face.
pub(super) fn yolo(labels: &Path, images: &Path) -> Result<Vec<YoloPhoto>> {
    let pictures = walk(images, is_picture_name).with_context(|| format!("cannot read {}", images.display()))?;
    let read = |path: &Path| -> Result<YoloPhoto> {
        let name = path.strip_prefix(images).unwrap_or(path);
        let list = labels.join(name).with_extension("txt");
        let text = if list.is_file() {
            fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?
        } else {
            String::new()
        };
        let mut faces = vec![];
        for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let place = || format!("{}, line {}", list.display(), line + 1);
            let mut words = text.split_whitespace();
            let class = words.next().unwrap_or_default().to_owned();
            let numbers: Vec<f32> = words.map(str::parse).collect::<Result<_, _>>().with_context(place)?;
            let &[x, y, width, height, ..] = numbers.as_slice() else {
                bail!("{}: `class x y w h` is needed", place())
            };
            let rect = Rect::new(x - width / 2.0, y - height / 2.0, width, height);
            if !(width > 0.0 && height > 0.0 && is_fraction(rect)) {
                bail!("{}: middle and sides are fractions of the picture, from 0 to 1", place());
            }
            faces.push((rect, class));
        }
        Ok(YoloPhoto { path: path.to_owned(), name: name.display().to_string(), faces })
    };
    pictures.files.iter().map(|path| read(path)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::face::annotations::read;
    use crate::part::Part;

    fn set(list: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let part = root.path().join("train");
        fs::create_dir_all(part.join("images")).unwrap();
        for name in ["a.png", "b.png"] {
            image::GrayImage::new(200, 100).save(part.join("images").join(name)).unwrap();
        }
        let list = part.join(list);
        fs::create_dir_all(list.parent().unwrap()).unwrap();
        fs::write(list, content).unwrap();
        let path = root.path().to_owned();
        (root, path)
    }

    fn rects(root: &Path) -> Vec<[f32; 4]> {
        let photos = read(root, Part::Train).unwrap().unwrap();
        photos.iter().flat_map(|photo| &photo.faces).map(|face| face.rect.into()).collect()
    }

    #[test]
    fn boxes_that_are_all_fractions_become_pixels_and_mixed_ones_are_refused() {
        let (_kept, root) = set("boxes.csv", "File;X;Y;W;H\na.png;0,25;0,5;0,1;0,2\nb.png;;;;\n");
        assert_eq!(rects(&root), [[50.0, 50.0, 20.0, 20.0]]);
        let (_kept, root) = set("boxes.csv", "file,x,y,w,h\na.png,50,50,20,20\n");
        assert_eq!(rects(&root), [[50.0, 50.0, 20.0, 20.0]]);
        let (_kept, root) = set("boxes.csv", "file,x,y,w,h\na.png,0.25,0.5,0.1,0.2\nb.png,50,50,20,20\n");
        let error = format!("{:#}", read(&root, Part::Train).unwrap_err());
        assert!(error.contains("1 of 2 boxes are fractions") && error.contains("boxes.csv"), "{error}");
    }

    #[test]
    fn yolos_text_files_are_read() {
        let (_kept, root) = set("labels/a.txt", "0 0.3 0.6 0.1 0.2\n\n0 0.5 0.5 0.2 0.2 0.9\n");
        let found = rects(&root);
        for (found, wanted) in found.iter().zip([[50.0, 50.0, 20.0, 20.0], [80.0, 40.0, 40.0, 20.0]]) {
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?}");
        }
        assert_eq!((found.len(), read(&root, Part::Train).unwrap().unwrap().len()), (2, 2));
        let (_kept, root) = set("labels/a.txt", "0 30 60 10 20\n");
        let error = format!("{:#}", read(&root, Part::Train).unwrap_err());
        assert!(error.contains("a.txt, line 1") && error.contains("from 0 to 1"), "{error}");
    }

    #[test]
    fn fractions_are_of_the_upright_picture() {
        let (_kept, root) = set("boxes.csv", "file,x,y,w,h\nturned.jpg,0.25,0.5,0.1,0.2\n");
        let path = root.join("train/images/turned.jpg");
        image::GrayImage::new(200, 100).save(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        // An EXIF block with one entry, orientation 6.
        let exif = b"\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        bytes.splice(2..2, *exif);
        fs::write(&path, bytes).unwrap();
        assert_eq!(rects(&root), [[25.0, 100.0, 10.0, 40.0]]);
    }
}
