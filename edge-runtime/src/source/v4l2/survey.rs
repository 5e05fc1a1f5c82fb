//! What video devices there are.

use super::node::{Card, Node, Sizes};
use crate::source::cameras::{Camera, CameraFormat};
use crate::source::trouble::CameraError;
use crate::source::video::choice::encoding;
use crate::source::video::fault::fault;
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use v4l::v4l_sys::{V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE_MPLANE, V4L2_CAP_VIDEO_M2M};

/// How long one device may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Drivers of a Raspberry Pi's camera port: what their nodes list is a step on the way to a picture.
const CAMERA_PORT: [&str; 2] = ["unicam", "rp1-cfe"];
/// Drivers of a Raspberry Pi's picture processors, which capture nothing by themselves.
const PROCESSORS: [&str; 3] = ["bcm2835-isp", "pispbe", "bcm2835-codec"];

/// The video devices of this machine, by the number of their nodes.
pub(in crate::source) fn survey() -> Vec<Camera> {
    nodes().into_iter().map(survey_one).collect()
}

fn nodes() -> Vec<PathBuf> {
    let names = fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut numbers: Vec<u32> = names.filter_map(|name| name.to_str()?.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| PathBuf::from(format!("/dev/video{number}"))).collect()
}

/// Asks one device on a thread of its own, which is left behind if the driver hangs.
fn survey_one(path: PathBuf) -> Camera {
    let (answer, answered) = channel();
    let asked = path.clone();
    let spawned = thread::Builder::new().name("survey".to_owned()).spawn(move || {
        let _ = answer.send(catch_unwind(|| ask(&asked)));
    });
    match (spawned, answered.recv_timeout(PATIENCE)) {
        (Ok(_), Ok(Ok(Ok((_, camera, good_for))))) => Camera {
            trouble: (good_for == Use::Raw).then(|| CameraError::Raw(camera.path.clone()).to_string()),
            ..camera
        },
        (Ok(_), Ok(Ok(Err(error)))) => {
            let trouble = fault(&path, "open", error).to_string();
            silent(path, trouble)
        }
        (Ok(_), Ok(Err(_))) => silent(path, "its driver's library stumbled".to_owned()),
        _ => silent(path, "its driver does not answer".to_owned()),
    }
}

/// A device that can be named and no more.
fn silent(path: PathBuf, trouble: String) -> Camera {
    let (driver, card, bus) = (String::new(), String::new(), String::new());
    Camera { path, driver, card, bus, formats: Vec::new(), trouble: Some(trouble) }
}

/// What a device is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Its pictures can be read.
    Camera,
    /// It gives raw data, for libcamera to make pictures of.
    Raw,
    /// It captures no pictures; what it is instead.
    Other(String),
}

/// Opens a device and asks what it is.
pub(super) fn ask(path: &Path) -> io::Result<(Node, Camera, Use)> {
    let node = Node::open(path)?;
    let empty =
        |driver, card, bus| Camera { path: path.to_owned(), driver, card, bus, formats: Vec::new(), trouble: None };
    let Card { driver, card, bus, capabilities } = match node.card() {
        Ok(card) => card,
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL)) => {
            let camera = empty(String::new(), String::new(), String::new());
            return Ok((node, camera, Use::Other("it is no video device".to_owned())));
        }
        Err(error) => return Err(error),
    };
    let can = |flags| capabilities & flags != 0;
    let other = if PROCESSORS.iter().any(|name| driver.starts_with(name)) || can(V4L2_CAP_VIDEO_M2M) {
        Some(format!("it is {card}, which works on the pictures of others"))
    } else if !can(V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE) {
        Some(format!("it is {card}, a part that captures none"))
    } else if !can(V4L2_CAP_VIDEO_CAPTURE) || !can(V4L2_CAP_STREAMING) {
        Some(format!("it is {card}, which hands them over in a way this program does not know"))
    } else {
        None
    };
    let port = CAMERA_PORT.contains(&driver.as_str());
    let mut camera = empty(driver, card, bus);
    if let Some(what) = other
        && !port
    {
        return Ok((node, camera, Use::Other(what)));
    }
    let formats = node.formats().into_iter().map(|fourcc| CameraFormat {
        fourcc,
        readable: !port && encoding(fourcc).is_some(),
        sizes: match node.sizes(fourcc) {
            None => Vec::new(),
            Some(Sizes::Some(sizes)) => sizes,
            Some(Sizes::Between(least, most, _)) => vec![least, most],
        },
    });
    camera.formats = formats.collect();
    let found = if port || camera.is_raw() { Use::Raw } else { Use::Camera };
    Ok((node, camera, found))
}
