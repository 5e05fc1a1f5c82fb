//! `auto`: the first available camera.
//!
//! A V4L2 camera, such as a USB one, takes precedence over a camera module. Somebody who plugs one into a board with a
//! module wants the new one. Name `rpicam` to use the module anyway.

use super::{Camera, FrameSource, Playback, SourceError, ffmpeg, rpicam, v4l2};

/// Opens the first camera that can be opened: V4L2 cameras in the order of their nodes, then libcamera's; where V4L2 is not built in,
/// then what ffmpeg reads.
pub(super) fn open(playback: &Playback) -> Result<Box<dyn FrameSource>, SourceError> {
    let (request, fps) = (&playback.camera, playback.fps);
    let found = v4l2::cameras();
    let mut refusal = None;
    for camera in found.iter().filter(|camera| camera.is_readable()) {
        match v4l2::open(&camera.path, request, fps) {
            Ok(source) => return Ok(source),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    let modules = rpicam::list_cameras();
    if let Some(Ok(cameras)) = &modules
        && !cameras.is_empty()
    {
        return Ok(rpicam::open(request, fps)?);
    }
    if !v4l2::IS_BUILT_IN
        && let Some(camera) = ffmpeg::first_camera()
    {
        return Ok(ffmpeg::open(&camera, playback)?);
    }
    Err(refusal.map_or_else(|| SourceError::NoCamera(not_found(&found, &modules)), SourceError::from))
}

/// Whether there is a camera that this program reads by itself. What ffmpeg reads is nobody's first choice: a webcam goes on only
/// where somebody asks for it.
pub fn is_any() -> bool {
    v4l2::cameras().iter().any(Camera::is_readable)
        || rpicam::list_cameras().is_some_and(|modules| modules.is_ok_and(|cameras| !cameras.is_empty()))
}

/// What was searched for, and what was there.
fn not_found(found: &[Camera], modules: &Option<Result<Vec<String>, String>>) -> String {
    let devices = if !v4l2::IS_BUILT_IN {
        "this program was built without V4L2 (on other machines than Arm ones, build it with `--features v4l`, or install ffmpeg)"
            .to_owned()
    } else if found.is_empty() {
        "there is no /dev/video*".to_owned()
    } else {
        let first = found.iter().find_map(|camera| camera.error.as_deref());
        format!(
            "none of {} devices /dev/video* can be read{}",
            found.len(),
            first.map_or(String::new(), |why| format!(" ({why})"))
        )
    };
    let modules = match modules {
        None => "there is no rpicam-vid for camera modules".to_owned(),
        Some(Ok(_)) => "rpicam-vid lists no camera module".to_owned(),
        Some(Err(said)) => format!("rpicam-vid fails ({said})"),
    };
    format!("{devices}, and {modules}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(error: Option<&str>) -> Camera {
        let text = String::new;
        Camera {
            path: "/dev/video0".into(),
            driver: text(),
            card: text(),
            bus: text(),
            formats: Vec::new(),
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_searched_for_is_named() {
        let said = not_found(&[], &None);
        assert!(said.contains(if v4l2::IS_BUILT_IN { "no /dev/video*" } else { "--features v4l" }), "{said}");
        assert!(said.contains("no rpicam-vid"), "{said}");
        let said = not_found(&[camera(None), camera(Some("may not open"))], &Some(Ok(Vec::new())));
        assert!(said.contains("lists no camera module"), "{said}");
        assert!(
            !v4l2::IS_BUILT_IN || said.contains("none of 2 devices /dev/video* can be read (may not open)"),
            "{said}"
        );
        assert!(not_found(&[], &Some(Err("cut off".to_owned()))).contains("rpicam-vid fails (cut off)"));
    }
}
