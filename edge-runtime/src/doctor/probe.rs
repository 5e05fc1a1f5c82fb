//! Probes this machine for what only system calls, drivers and other programs can report.

use super::machine::{Device, Holder, Machine, Probed, Program, User};
use super::{glibc, service};
use crate::accounts::{user_id, user_name};
use crate::lights::board;
use crate::source::{self, Camera, holder, rpicam};
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

impl Machine {
    /// This machine. Probing takes as long as its slowest program: libcamera's list takes a second on a Raspberry Pi.
    pub fn here() -> Self {
        let root = Path::new("/");
        Self::new(root, Probed::of_this_machine(&Self::new(root, Probed::default())))
    }
}

impl Probed {
    /// Probes this machine, whose files are `files`.
    pub(super) fn of_this_machine(files: &Machine) -> Self {
        let cameras = source::cameras();
        Self {
            kernel_arch: kernel_arch(),
            user: user(),
            devices: devices(Path::new("/dev")),
            holders: holders(Path::new("/proc"), &cameras),
            cameras,
            rpicam: rpicam::list_cameras(),
            lines: board::header_lines(),
            throttled: files
                .is_pi()
                .then(|| said("vcgencmd", &["get_throttled"]))
                .flatten()
                .and_then(|text| throttled(&text)),
            service: service::installed(files).then(|| said("systemctl", &["is-active", service::UNIT])).flatten(),
            ..Self::of_the_program()
        }
    }

    /// What this program knows about itself.
    pub(super) fn of_the_program() -> Self {
        let program = Program {
            arch: std::env::consts::ARCH.to_owned(),
            bits: usize::BITS,
            glibc: glibc::loaded(),
            glibc_needed: glibc::needed(),
            reads_v4l2: source::READS_V4L2,
            instruction_sets: std::env::var("TRACT_CPU_ISA").unwrap_or_default(),
        };
        Self { program, ..Self::default() }
    }
}

/// The standard output of a program, whether it succeeds or fails; `None` if it is not installed or prints nothing.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    let text = String::from_utf8_lossy(&command.output().ok()?.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The number in `throttled=0x50005`.
fn throttled(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("throttled=0x")?, 16).ok()
}

/// The programs that have the cameras open, as far as this one may see. `proc` is where the system lists processes.
fn holders(proc: &Path, cameras: &[Camera]) -> Vec<Holder> {
    let held = |camera: &Camera| {
        let (process, program) = holder(proc, &camera.path)?;
        Some(Holder { device: camera.path.clone(), process, program })
    };
    cameras.iter().filter_map(held).collect()
}

fn kernel_arch() -> String {
    // SAFETY: an utsname is arrays of characters, for which zeros are valid.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: it is given a valid utsname to fill.
    if unsafe { libc::uname(&raw mut names) } != 0 {
        return "unknown".to_owned();
    }
    // SAFETY: uname filled the field with a string that ends with a NUL.
    unsafe { CStr::from_ptr(names.machine.as_ptr()) }.to_string_lossy().into_owned()
}

fn user() -> User {
    let mut groups = vec![0; 1024];
    // SAFETY: the list has room for as many numbers as are announced, more than a process can be in on Linux by default.
    let count = unsafe { libc::getgroups(groups.len() as libc::c_int, groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(count).unwrap_or(0));
    // SAFETY: it takes nothing and cannot fail.
    groups.push(unsafe { libc::getegid() });
    User { name: user_name(), root: user_id() == 0, groups }
}

/// The device files of cameras and GPIO in a folder, in order of their numbers.
fn devices(folder: &Path) -> Vec<Device> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        ["video", "gpiochip", "gpiomem"]
            .iter()
            .any(|kind| name.strip_prefix(kind).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())))
    });
    paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    paths.into_iter().filter_map(device).collect()
}

fn device(path: PathBuf) -> Option<Device> {
    let group = std::fs::metadata(&path).ok()?.gid();
    let name = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: it is given a string that ends with a NUL, and keeps nothing of it.
    let answer = unsafe { libc::faccessat(libc::AT_FDCWD, name.as_ptr(), libc::R_OK | libc::W_OK, libc::AT_EACCESS) };
    Some(Device { path, group, usable: answer == 0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_vcgencmd_says_is_a_hexadecimal_number() {
        assert_eq!(throttled("throttled=0x50005"), Some(0x5_0005));
        for other in ["", "throttled=", "VCHI initialization failed", "throttled=0xzz"] {
            assert_eq!(throttled(other), None, "{other}");
        }
    }

    #[test]
    fn device_files_are_found_by_name_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["video10", "video2", "gpiochip0", "gpiomem", "gpiomem0", "videodev", "media0"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = devices(folder.path());
        let names: Vec<_> = found.iter().map(|device| device.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["video2", "gpiomem", "video10", "gpiomem0", "gpiochip0"]);
        assert!(found.iter().all(|device| device.usable));
    }

    #[test]
    fn whoever_has_a_camera_open_is_found() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("video0");
        std::fs::write(&device, "").unwrap();
        let fds = root.path().join("proc/812/fd");
        std::fs::create_dir_all(&fds).unwrap();
        std::fs::write(root.path().join("proc/812/comm"), "motion\n").unwrap();
        std::os::unix::fs::symlink(&device, fds.join("3")).unwrap();
        let text = String::new;
        let camera = |path: &Path| Camera {
            path: path.to_owned(),
            driver: text(),
            card: text(),
            bus: text(),
            formats: Vec::new(),
            error: None,
        };
        let found = holders(&root.path().join("proc"), &[camera(&root.path().join("video1")), camera(&device)]);
        assert_eq!(found, [Holder { device, process: 812, program: "motion".to_owned() }]);
    }

    #[test]
    fn a_program_that_is_not_there_says_nothing() {
        assert_eq!(said("a-program-that-nobody-has", &[]), None);
        assert_eq!(said("echo", &["active"]).as_deref(), Some("active"));
    }
}
