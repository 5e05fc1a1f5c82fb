//! A machine, as described by its files and by what was probed.

use crate::lights::board::GpioLine;
use crate::source::Camera;
use std::fs;
use std::path::{Path, PathBuf};

/// A machine to check: this one, or a recording of another.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The folder that holds its `proc`, `sys` and `etc`: `/` for this machine.
    root: PathBuf,
    /// What system calls and other programs reported.
    pub probed: Probed,
}

impl Machine {
    /// A machine whose files lie below `root`.
    pub fn new(root: &Path, probed: Probed) -> Self {
        Self { root: root.to_owned(), probed }
    }

    /// The content of a small text file, without the NUL that ends strings of the device tree, and trimmed; `None`
    /// where it cannot be read, or is empty. `path` begins at the root, without a slash.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.root.join(path)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\0').trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Sorted names of a folder's entries.
    pub(super) fn entries(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Whether `path` exists; a broken link counts.
    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.root.join(path)).is_ok()
    }

    /// The value of the first `key : value` line of `/proc/cpuinfo` with this key.
    pub(super) fn cpuinfo(&self, key: &str) -> Option<String> {
        field(&self.text("proc/cpuinfo")?, key).map(str::to_owned)
    }

    /// The board's model, as its firmware names it: `Raspberry Pi 4 Model B Rev 1.5`.
    pub(super) fn model(&self) -> Option<String> {
        self.text("proc/device-tree/model")
    }

    /// Whether the board is a Raspberry Pi.
    pub(super) fn is_pi(&self) -> bool {
        self.model().is_some_and(|model| model.starts_with("Raspberry Pi"))
    }
}

/// What only system calls, drivers and other programs can report. `Default` is empty.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    /// This program.
    pub program: Program,
    /// The kernel's architecture, as `uname -m` names it.
    pub kernel_arch: String,
    /// The user who runs this program.
    pub user: User,
    /// Device files of cameras and GPIO.
    pub devices: Vec<Device>,
    /// The V4L2 devices.
    pub cameras: Vec<Camera>,
    /// Other programs that have them open. Several can open a device, but only one of them can capture.
    pub holders: Vec<Holder>,
    /// The cameras that libcamera lists; `None` if its programs are not installed.
    pub rpicam: Option<Result<Vec<String>, String>>,
    /// The GPIO lines of the header.
    pub lines: Vec<GpioLine>,
    /// What `vcgencmd get_throttled` says.
    pub throttled: Option<u32>,
    /// What `systemctl is-active` says of Moodlight's service, such as `active` or `failed`.
    pub service: Option<String>,
}

/// This program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The architecture it was built for, as Rust names it: `aarch64`, `arm`, `x86_64`.
    pub arch: String,
    /// Bits of a pointer.
    pub bits: u32,
    /// The glibc it runs with.
    pub glibc: Option<String>,
    /// The oldest glibc that it can run with.
    pub glibc_needed: Option<String>,
    /// Whether it was built to read V4L2 cameras.
    pub reads_v4l2: bool,
    /// `TRACT_CPU_ISA`, which disables instruction sets.
    pub instruction_sets: String,
}

/// The user who runs a program.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Login name, or the number where it has none.
    pub name: String,
    /// Whether it is root.
    pub root: bool,
    /// Numbers of the process's groups.
    pub groups: Vec<u32>,
}

/// A device file.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its path.
    pub path: PathBuf,
    /// Number of its group.
    pub group: u32,
    /// Whether the user may read and write it.
    pub usable: bool,
}

/// A program that has a device open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The device.
    pub device: PathBuf,
    /// Number of its process.
    pub process: u32,
    /// Its name.
    pub program: String,
}

/// The value of the first `key : value` line with this key.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}
