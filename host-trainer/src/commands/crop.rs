//! `crop`: a folder of whole photos cut to faces, to train on one's own snapshots.

use super::face_search::{Search, SearchArgs};
use crate::emotion::dataset::scan;
use crate::failure::{Blame, INTERRUPTED, Kind, failure};
use crate::files;
use crate::output::{say, tell};
use crate::part::Part;
use crate::progress::Progress;
use crate::threads::share_out;
use anyhow::{Context, Result, ensure};
use clap::Args;
use emotion_models::{Picture, PixelFormat, decode, read_card, shipped};
use image::{DynamicImage, GrayImage, RgbImage};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// Faces of fewer pixels teach a net little.
const MIN_SIDE: u32 = 24;

/// Arguments of `crop`.
#[derive(Debug, Args)]
pub struct CropArgs {
    /// Folder with photos, in train/LABEL/*, LABEL/* or any other order.
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Folder to make; it gets the same folders, with a PNG for each photo that shows a face.
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// By which fraction of the face's mean side a crop is larger than it; the shipped emotion model's by default.
    #[arg(long, value_name = "SHARE")]
    pub margin: Option<f32>,
    /// Model that finds the faces; the one inside this program by default.
    #[arg(long, value_name = "FACE.onnx")]
    pub face_model: Option<PathBuf>,
}

/// What became of a photo.
enum Outcome {
    Cut,
    NoFace,
    TooSmall,
    Unreadable(String),
}

/// Cuts the photos.
///
/// # Errors
/// When the folders cannot be used, no photo shows a face, or a crop cannot be written.
pub fn run(args: &CropArgs) -> Result<ExitCode> {
    check(args).blame(Kind::Usage)?;
    let margin = match args.margin {
        Some(margin) => margin,
        None => read_card(&decode(shipped::EMOTION)?)?.crop_margin,
    };
    let search = Search::open(&SearchArgs { no_face_search: false, face_model: args.face_model.clone() }, margin)?;
    let photos = scan::pictures(&args.data)?;
    if photos.is_empty() {
        return Err(failure(Kind::Data, format!("{} holds no pictures", args.data.display())));
    }
    let interrupted = crate::interrupt::interrupted()?;
    let progress = Progress::new("cutting", photos.len(), true);
    let outcomes = share_out(&search, &photos, &progress, |search, path| {
        let stop = interrupted.load(Ordering::Relaxed);
        (!stop).then(|| (path, cut(args, search, path)))
    });
    drop(progress);
    let [mut cut, mut none, mut small, mut unreadable] = [0; 4];
    for (path, outcome) in outcomes {
        let outcome = outcome.with_context(|| {
            format!("{} is not whole: remove it before you cut the photos again", args.out.display())
        })?;
        let why = match outcome {
            Outcome::Cut => {
                cut += 1;
                continue;
            }
            Outcome::NoFace => {
                none += 1;
                "no face found".to_owned()
            }
            Outcome::TooSmall => {
                small += 1;
                format!("its face is smaller than {MIN_SIDE} pixels")
            }
            Outcome::Unreadable(reason) => {
                unreadable += 1;
                reason
            }
        };
        tell!("left out {}: {why}", path.display());
    }
    if interrupted.load(Ordering::Relaxed) {
        let out = args.out.display();
        tell!(
            "host-trainer: interrupted; {out} holds {cut} crops of {} photos: remove it before you cut them again",
            photos.len()
        );
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if cut == 0 {
        let message =
            format!("not one of {} photos in {} shows a face that can be cut", photos.len(), args.data.display());
        return Err(failure(Kind::Data, message));
    }
    let (out, all) = (args.out.display(), photos.len());
    say!("{out}: {cut} of {all} photos cut; no face: {none}, a face too small: {small}, not to be read: {unreadable}")?;
    // Without parts, its folders are labels.
    match scan::scan(&args.out).is_ok_and(|parts| parts.contains_key(&Part::Train)) {
        true => say!("look through them, remove what is wrong, then: host-trainer train --data {out} --out RUN")?,
        false => say!(
            "look through them and remove what is wrong; to train on them, have a folder for each label in {out}/"
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &CropArgs) -> Result<()> {
    let (data, out) = (&args.data, &args.out);
    ensure!(data.is_dir(), "{} is no folder with photos", data.display());
    let inside = files::resolved(out).starts_with(files::resolved(data));
    ensure!(!inside, "{} lies in {}: name another folder", out.display(), data.display());
    let taken = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    ensure!(!taken, "{} is there and not empty: name another folder", out.display());
    let margin = args.margin.unwrap_or(0.0);
    ensure!((-0.5..=4.0).contains(&margin), "--margin {margin} does not lie from -0.5 to 4");
    Ok(())
}

fn cut(args: &CropArgs, search: &mut Search, path: &Path) -> Result<Outcome> {
    let picture = match Picture::open_leniently(path) {
        Ok(opened) if opened.cut => return Ok(Outcome::Unreadable("the JPEG is cut off".to_owned())),
        Ok(opened) => opened.picture,
        Err(error) => return Ok(Outcome::Unreadable(error.to_string())),
    };
    let frame = match picture.view() {
        Ok(frame) => frame,
        Err(error) => return Ok(Outcome::Unreadable(error.to_string())),
    };
    let Some((part, face)) = search.crop(&frame)? else { return Ok(Outcome::NoFace) };
    if face.is_some_and(|face| face.rect.width < MIN_SIDE as f32) {
        return Ok(Outcome::TooSmall);
    }
    let (width, height) = (picture.width, picture.height);
    let whole = match picture.format {
        PixelFormat::Grey => GrayImage::from_raw(width, height, picture.data).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, picture.data).map(DynamicImage::from),
    };
    let whole = whole.context("a picture has the wrong size")?;
    let crop = whole.crop_imm(part.x as u32, part.y as u32, part.width, part.height);
    let target = target(args, path);
    if let Some(folder) = target.parent() {
        files::make_folder(folder)?;
    }
    let mut png = std::io::Cursor::new(vec![]);
    crop.write_to(&mut png, image::ImageFormat::Png)?;
    files::write_whole(&target, png.get_ref())?;
    Ok(Outcome::Cut)
}

/// Where a photo's crop goes. The photo's whole name stays, so that `a.jpg` and `a.png` do not become one.
fn target(args: &CropArgs, path: &Path) -> PathBuf {
    let below = path.strip_prefix(&args.data).unwrap_or(path);
    let mut name = below.as_os_str().to_owned();
    name.push(".png");
    args.out.join(name)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn links_are_followed_unless_they_lead_back_and_pipes_are_no_photos() {
        let [root, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let at = |name: &str| root.path().join(name);
        image::GrayImage::new(4, 4).save(at("a.png")).unwrap();
        image::GrayImage::new(4, 4).save(other.path().join("b.png")).unwrap();
        std::os::unix::fs::symlink(root.path(), at("loop")).unwrap();
        std::os::unix::fs::symlink(other.path(), at("other")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe.png")).status().unwrap().success());
        assert_eq!(scan::pictures(root.path()).unwrap(), [at("a.png"), at("other/b.png")]);
    }
}
