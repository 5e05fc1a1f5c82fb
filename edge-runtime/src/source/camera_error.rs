//! Why a camera gives no frames, and what to do about it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a camera gives no frames. The same cause always has the same message, so that it is logged once.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// This program was built without V4L2.
    #[error(
        "cannot read {}: this program was built without V4L2; build it with `--features v4l`, which needs libclang, or \
         use `source = \"ffmpeg:{}\"`, and for a camera module `source = \"rpicam\"`", .0.display(), .0.display()
    )]
    NotBuilt(PathBuf),
    /// There is no such device.
    #[error("no camera at {}: plug it in, or name another; {others}", path.display())]
    Missing {
        /// The device that was named.
        path: PathBuf,
        /// The devices that exist, in words.
        others: String,
    },
    /// The device may not be opened.
    #[error(
        "may not open {}: its group is `{group}`; join it with `sudo usermod -aG {group} {user}`, then log in again, or restart the \
         service", path.display()
    )]
    Forbidden {
        /// The device.
        path: PathBuf,
        /// The group that may open it.
        group: String,
        /// The user who may not open it.
        user: String,
    },
    /// Another program uses the device.
    #[error("{} is in use by {holder}", path.display())]
    Busy {
        /// The device.
        path: PathBuf,
        /// The program, and what to do.
        holder: String,
    },
    /// The device captures nothing.
    #[error("{} captures no pictures ({what}): name another; {others}", path.display())]
    NoCapture {
        /// The device.
        path: PathBuf,
        /// What it is.
        what: String,
        /// The cameras there are, in words.
        others: String,
    },
    /// The device delivers only raw sensor data.
    #[error("{} gives raw sensor data, which libcamera makes pictures of: use `source = \"rpicam\"`", .0.display())]
    Raw(PathBuf),
    /// None of the device's formats is one this program reads.
    #[error(
        "{} offers no format this program reads: it has {formats}; NV12, YU12, YUYV, UYVY, GREY and MJPG are \
         read", path.display()
    )]
    Unreadable {
        /// The device.
        path: PathBuf,
        /// What it has.
        formats: String,
    },
    /// The device went away.
    #[error("{} was unplugged, or its driver gave up: plug it in again; `dmesg` may say more", .0.display())]
    Gone(PathBuf),
    /// No frames come.
    #[error("{} delivers no frames: plug it in again, or name another", .0.display())]
    Silent(PathBuf),
    /// Frames come, but none is of use.
    #[error("{} delivers frames, but {what}: try another cable or port", path.display())]
    Broken {
        /// The device.
        path: PathBuf,
        /// What is wrong with them.
        what: &'static str,
    },
    /// The bus lacks bandwidth for this rate and size.
    #[error(
        "{} needs more than its USB port has left: lower `fps`, or `width` and `height` in [camera], or use another \
         port", .0.display()
    )]
    Bandwidth(PathBuf),
    /// The driver refused something.
    #[error("{} failed to {what}: {source}; plug it in again, or name another", path.display())]
    Failed {
        /// The device.
        path: PathBuf,
        /// The operation that failed.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Neither `rpicam-vid` nor `libcamera-vid` is there.
    #[error(
        "no rpicam-vid on PATH, which reads camera modules: `sudo apt install rpicam-apps` on Raspberry Pi OS (before \
         2024: libcamera-apps)"
    )]
    NoProgram,
    /// There is no `ffmpeg`.
    #[error("no ffmpeg on PATH, which reads this source: `sudo apt install ffmpeg`, or on a Mac `brew install ffmpeg`")]
    NoFfmpeg,
    /// The program cannot be started.
    #[error("cannot start {}: {source}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The program ended, or was asked to end.
    #[error("{program} {what}{said}")]
    Program {
        /// Its name.
        program: String,
        /// What it did.
        what: String,
        /// Its last output, if any.
        said: String,
    },
}

/// Number and name of another process that has `device` open. `proc` is where the system lists processes. `None` if
/// there is no such process, or it is not visible.
pub fn holder(proc: &Path, device: &Path) -> Option<(u32, String)> {
    let device = device.canonicalize().unwrap_or_else(|_| device.to_owned());
    let has_open = |folder: &Path| {
        let open = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == device)
    };
    let number = |name: &OsStr| name.to_str()?.parse::<u32>().ok();
    let processes = fs::read_dir(proc).ok()?.flatten();
    let others = processes.filter_map(|entry| Some((number(&entry.file_name())?, entry.path())));
    let (id, folder) = others.filter(|(id, _)| *id != std::process::id()).find(|(_, folder)| has_open(folder))?;
    let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
    Some((id, name.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_process_that_holds_a_device_is_named() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("video0");
        fs::write(&device, "").unwrap();
        let proc = root.path().join("proc");
        for (id, name) in [("12", "cat"), ("345", "motion")] {
            fs::create_dir_all(proc.join(id).join("fd")).unwrap();
            fs::write(proc.join(id).join("comm"), format!("{name}\n")).unwrap();
        }
        fs::create_dir_all(proc.join("self/fd")).unwrap();
        assert_eq!(holder(&proc, &device), None);
        std::os::unix::fs::symlink(&device, proc.join("345/fd/7")).unwrap();
        // Links in /dev/v4l lead to the node.
        let by_id = root.path().join("usb-camera");
        std::os::unix::fs::symlink("video0", &by_id).unwrap();
        for name in [&device, &by_id] {
            assert_eq!(holder(&proc, name), Some((345, "motion".to_owned())));
        }
    }

    #[test]
    fn a_child_that_holds_a_file_is_found_among_the_real_processes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let input = fs::File::open(file.path()).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").stdin(input).spawn().unwrap();
        let found = holder(Path::new("/proc"), file.path());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, Some((child.id(), "sleep".to_owned())));
    }
}
