//! A child process that delivers frames: starting it, reading with a time limit, quoting its errors, ending it.

use super::camera_error::{CameraError, holder};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Lines of the child's error output that are kept.
const KEPT_LINES: usize = 8;
/// Most bytes of a line.
const MAX_LINE: u64 = 400;
/// How long to wait for the last lines of a child that ended.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(200);

/// The result of a read.
pub(super) enum Read {
    /// So many bytes.
    Bytes(usize),
    /// None in time.
    Nothing,
    /// There will be none.
    End,
}

/// A running child, killed and waited for when it is dropped.
pub(super) struct Child {
    process: process::Child,
    output: ChildStdout,
    program: PathBuf,
    said: Arc<Mutex<Said>>,
    /// Whether the child was waited for; its number may then belong to another process.
    gone: bool,
}

/// What a child wrote to standard error.
#[derive(Default)]
struct Said {
    lines: VecDeque<String>,
    /// The size of the pictures it will deliver, according to libcamera's log.
    size: Option<(u32, u32)>,
    ended: bool,
}

/// The first of these programs that is on PATH; a name that comes earlier wins, wherever it is.
pub(super) fn on_path(names: &[&str]) -> Option<PathBuf> {
    found_in(&std::env::var_os("PATH")?, names)
}

pub(super) fn found_in(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let can_be_started =
        |path: &PathBuf| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(can_be_started)
}

impl Child {
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self, CameraError> {
        let failed = |source| CameraError::NotStarted { program: program.to_owned(), source };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        log_plainly(&mut command);
        end_with_us(&mut command);
        let mut process = command.spawn().map_err(failed)?;
        let (Some(output), Some(errors)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(failed(io::Error::other("its output cannot be read")));
        };
        running().extend(libc::pid_t::try_from(process.id()));
        let said = Arc::new(Mutex::new(Said::default()));
        let child = Self { process, output, program: program.to_owned(), said: Arc::clone(&said), gone: false };
        thread::Builder::new().name("child".to_owned()).spawn(move || listen(errors, &said)).map_err(failed)?;
        Ok(child)
    }

    /// Reads what there is, waiting up to `timeout` for it.
    pub fn read(&mut self, out: &mut [u8], timeout: Duration) -> io::Result<Read> {
        let mut state = libc::pollfd { fd: self.output.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_millis();
            let millis = i32::try_from(left).unwrap_or(i32::MAX);
            // SAFETY: one structure is given, which outlives the call.
            match unsafe { libc::poll(&mut state, 1, millis) } {
                0 => return Ok(Read::Nothing),
                -1 => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
                _ => {
                    return match self.output.read(out) {
                        Ok(0) => Ok(Read::End),
                        Ok(count) => Ok(Read::Bytes(count)),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => Err(error),
                    };
                }
            }
        }
    }

    /// The size of its pictures, if the log gives another one than `width` x `height`.
    pub fn other_size(&self, width: u32, height: u32) -> Option<(u32, u32)> {
        locked(&self.said).size.filter(|&size| size != (width, height))
    }

    /// Whether it ended with success, once it has closed its output.
    pub fn succeeded(&mut self) -> bool {
        let until = Instant::now() + LAST_WORDS_TIMEOUT;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => {
                    self.forget();
                    return status.success();
                }
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                _ => return false,
            }
        }
    }

    /// Notes that the child was waited for.
    fn forget(&mut self) {
        self.gone = true;
        running().retain(|group| u32::try_from(*group) != Ok(self.process.id()));
    }

    /// The fault of a child that closed its output, which means that it ended, or is about to.
    pub fn ended(&mut self) -> CameraError {
        let until = Instant::now() + LAST_WORDS_TIMEOUT;
        while !locked(&self.said).ended && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        let mut status = self.process.try_wait().ok().flatten();
        while status.is_none() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
            status = self.process.try_wait().ok().flatten();
        }
        if status.is_some() {
            self.forget();
        }
        let what = status.map_or("closed its output".to_owned(), |status| format!("ended ({status})"));
        self.fault(what)
    }

    /// The fault of a child that delivers nothing.
    pub fn silent(&self) -> CameraError {
        self.fault("delivers no frames".to_owned())
    }

    /// The fault of a child whose pictures have another size than it was asked for.
    pub fn resized(&self, width: u32, height: u32) -> CameraError {
        self.fault(format!("delivers {width}x{height} pixels: write that size to `width` and `height` in [camera]"))
    }

    /// The fault of a child whose frames are not as long as their size says.
    pub fn misfit(&self, width: u32, height: u32, bytes: usize) -> CameraError {
        self.fault(format!(
            "delivers short or damaged frames: they are not the {bytes} bytes of {width}x{height} YUV420; if that goes on, try another \
             `width` and `height` in [camera]"
        ))
    }

    /// The fault of a pipe that cannot be read.
    pub fn broken(&self, error: &io::Error) -> CameraError {
        self.fault(format!("cannot be read from: {error}"))
    }

    fn fault(&self, what: String) -> CameraError {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned();
        let said = last_words(&locked(&self.said).lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n"));
        let holder = if is_in_use(&said) { self.holder() } else { String::new() };
        let said = if said.is_empty() { said } else { format!(", and says: {said}") };
        CameraError::Program { program: name, what, said: said + &holder }
    }
}

/// The process groups of the children that run.
static RUNNING: Mutex<Vec<libc::pid_t>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<libc::pid_t>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops every child, and what it started, while `work` is done.
pub fn stopped_during(work: &mut dyn FnMut()) {
    // No child ends or starts meanwhile, so the numbers stay their own.
    let groups = running();
    let signal = |signal: libc::c_int| {
        // SAFETY: kill only takes numbers; each is the group of a child that was not waited for.
        groups.iter().for_each(|group| _ = unsafe { libc::kill(-group, signal) });
    };
    signal(libc::SIGSTOP);
    work();
    signal(libc::SIGCONT);
}

/// Whether a program's last words mean that another one has the camera.
fn is_in_use(said: &str) -> bool {
    ["in use by another process", "resource busy", "failed to acquire camera"].iter().any(|words| said.contains(words))
}

impl Child {
    /// Which other program has a camera open, in words; nothing where none can be found.
    fn holder(&self) -> String {
        let names = std::fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.path());
        let is_camera = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["media", "video", "v4l-subdev"].iter().any(|kind| name.starts_with(kind))
        };
        let mut devices: Vec<PathBuf> = names.filter(is_camera).collect();
        devices.sort();
        let mut held = devices.iter().filter_map(|device| holder(Path::new("/proc"), device));
        let other = held.find(|(id, _)| *id != self.process.id());
        other.map_or(String::new(), |(id, name)| format!("; `{name}` ({id}) has it: end that program"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        running().retain(|group| u32::try_from(*group) != Ok(self.process.id()));
        if self.gone {
            return;
        }
        kill_group(&self.process);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends a child that was not waited for, and what it started.
pub(super) fn kill_group(child: &process::Child) {
    if let Ok(group @ 2..) = libc::pid_t::try_from(child.id()) {
        // SAFETY: kill only takes numbers; the child was not waited for, so the group's number is still its own.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

/// Gives the child a process group of its own, since handing on an interrupt of the terminal is up to this program. The
/// system ends the child when the thread that starts it ends, and so when this program ends, for whatever reason.
pub(super) fn end_with_us(command: &mut Command) {
    command.process_group(0);
    #[cfg(target_os = "linux")]
    // SAFETY: between fork and exec only this one system call is made, and it takes numbers alone.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Makes libcamera write its log to the child's error output, which only this program reads. The log alone gives the
/// size of the pictures. Colours are off, which it would also write to pipes (libcamera, "Environment variables").
pub(super) fn log_plainly(command: &mut Command) {
    command.env_remove("LIBCAMERA_LOG_LEVELS").env_remove("LIBCAMERA_LOG_FILE").env("LIBCAMERA_LOG_NO_COLOR", "1");
}

/// Keeps the last lines of a child's error output, and reads it to its end so that it never fills up.
fn listen(errors: process::ChildStderr, said: &Mutex<Said>) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        match errors.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                let mut said = locked(said);
                said.size = size_told(&line).or(said.size);
                if said.lines.len() == KEPT_LINES {
                    // Errors are the last to go: they tell why the child ends, however much it says afterwards.
                    let first = said.lines.iter().position(|line| !is_error(line)).unwrap_or(0);
                    said.lines.remove(first);
                }
                said.lines.push_back(line);
            }
        }
    }
    locked(said).ended = true;
}

// A panic while the lock is held leaves the lines whole.
fn locked(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether libcamera, or its program, calls a line an error.
fn is_error(line: &str) -> bool {
    line.contains("ERROR")
}

/// The size of the first stream in libcamera's line `configuring streams: (0) 640x480-YUV420/sYCC (1) ...`.
fn size_told(line: &str) -> Option<(u32, u32)> {
    let (_, streams) = line.split_once("configuring streams: (0) ")?;
    let (width, rest) = streams.split_once('-')?.0.split_once('x')?;
    Some((width.parse().ok()?, rest.parse().ok()?))
}

/// The last meaningful lines, without libcamera's time and thread. So the same error has the same text each time, and
/// is logged once.
pub(super) fn last_words(text: &str) -> String {
    const QUOTED: usize = 3;
    let plain = |line: &str| {
        let mut line = line.trim().to_owned();
        while line.starts_with('[')
            && let Some((head, rest)) = line.split_once(']')
            && head[1..].chars().all(|letter| letter.is_ascii_digit() || ":.".contains(letter))
        {
            line = rest.trim_start().to_owned();
        }
        // ffmpeg names where in memory a part of it lies: `[rtsp @ 0x55d0]`.
        while let Some((head, rest)) = line.split_once(" @ 0x")
            && let Some((_, rest)) = rest.split_once(']')
        {
            line = format!("{head}]{rest}");
        }
        line.replace(|letter: char| letter.is_control(), "?")
    };
    let lines: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
    // If a line is called an error, the other lines do not matter.
    let grave: Vec<&String> = lines.iter().filter(|line| is_error(line)).collect();
    let chosen: Vec<&String> = if grave.is_empty() { lines.iter().collect() } else { grave };
    chosen[chosen.len().saturating_sub(QUOTED)..].iter().map(|line| line.as_str()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    /// A shell script under a program's name.
    pub(in crate::source) fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn last_words_are_the_same_whenever_they_are_said() {
        let log = |time: &str| {
            format!(
                "[{time}] [1077]  INFO Camera camera_manager.cpp:297 libcamera v0.2\n\
                 [{time}] [1080] ERROR V4L2 v4l2_device.cpp:390 'imx708': Unable to set controls\n\
                 ERROR: *** failed to start camera ***\n"
            )
        };
        let words = last_words(&log("0:12:34.567891234"));
        assert_eq!(words, last_words(&log("7:00:00.000000001")));
        assert_eq!(
            words,
            "ERROR V4L2 v4l2_device.cpp:390 'imx708': Unable to set controls; ERROR: *** failed to start camera ***"
        );
        assert_eq!(last_words("\n\n"), "");
        assert_eq!(last_words("a\nb\nc\nd\u{7}\n"), "b; c; d?");
    }

    #[test]
    fn a_camera_in_use_is_known_by_what_libcamera_says() {
        let said = last_words(
            "[0:12:34.567] [1077] ERROR Camera camera.cpp:1026 Pipeline handler in use by another process\n\
             ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***\n",
        );
        assert!(is_in_use(&said) && said.contains("Pipeline handler in use by another process"), "{said}");
        assert!(!is_in_use("ERROR: *** no cameras available ***"));
    }

    #[test]
    fn the_size_is_read_from_the_log() {
        let line = "INFO Camera camera.cpp:1035 configuring streams: (0) 640x480-YUV420/sYCC (1) 2304x1296-SBGGR10";
        assert_eq!(size_told(line), Some((640, 480)));
        assert_eq!(size_told("INFO RPI vc4.cpp: Sensor: 640x480-YUV420"), None);
    }
}
