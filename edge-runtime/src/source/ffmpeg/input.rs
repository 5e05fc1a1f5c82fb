//! From what a user names to the options of `ffmpeg`'s input.

use crate::source::child::on_path;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Options before and with `-i`: those that the argument spells out, if it begins with a dash, else those that its kind needs.
pub(super) fn options(argument: &str) -> Vec<String> {
    let input: &[&str] = match argument {
        spelled if spelled.starts_with('-') => return spelled.split_whitespace().map(str::to_owned).collect(),
        device if device.starts_with("/dev/") => &["-f", "v4l2", "-i"],
        device if device.starts_with("video=") => &["-f", "dshow", "-i"],
        url if url.starts_with("rtsp://") || url.starts_with("rtsps://") => {
            &["-fflags", "nobuffer", "-flags", "low_delay", "-rtsp_transport", "tcp", "-i"]
        }
        other if is_camera_name(other) => &["-f", "avfoundation", "-framerate", "30", "-i"],
        _ => &["-i"],
    };
    let mut options: Vec<String> = input.iter().map(|option| (*option).to_owned()).collect();
    // A file's name is no option, and no protocol.
    let is_file = !argument.contains("://") && options.len() == 1;
    options.push(if is_file { format!("file:{argument}") } else { argument.to_owned() });
    options
}

/// Whether what the argument names goes on for ever, as a camera does, so that its end is a fault.
pub(in crate::source) fn is_live(argument: &str) -> bool {
    let spelled = argument.split_whitespace().skip_while(|word| *word != "-i").nth(1);
    let named = if argument.starts_with('-') { spelled.unwrap_or_default() } else { argument };
    named.contains("://") || named.starts_with("/dev/") || named.starts_with("video=") || is_camera_name(named)
}

/// Whether it is a camera's name or number, as AVFoundation has them.
fn is_camera_name(argument: &str) -> bool {
    cfg!(target_os = "macos") && !argument.contains("://") && !Path::new(argument).exists()
}

/// The program, where it is installed.
pub(super) fn program() -> Option<PathBuf> {
    on_path(&["ffmpeg"])
}

/// The first camera that `ffmpeg` may read here, as an argument; `None` without the program or a camera.
pub(in crate::source) fn first_camera() -> Option<String> {
    let program = program()?;
    if cfg!(target_os = "macos") {
        let mut list = Command::new(program);
        list.args(["-hide_banner", "-f", "avfoundation", "-list_devices", "true", "-i", ""]).stdin(Stdio::null());
        return first_listed(&String::from_utf8_lossy(&list.output().ok()?.stderr));
    }
    first_node(Path::new("/sys/class/video4linux"))
}

/// The number of the first video device that AVFoundation lists, such as `[AVFoundation indev @ 0x7f] [0] FaceTime HD Camera`.
fn first_listed(text: &str) -> Option<String> {
    let video = text.lines().skip_while(|line| !line.contains("video devices:")).skip(1);
    let mut video = video.take_while(|line| !line.contains("audio devices:"));
    let number =
        video.find_map(|line| line.split_once("] [")?.1.split_once(']').map(|(number, _)| number.to_owned()))?;
    number.parse::<u8>().ok().map(|number| number.to_string())
}

/// The node of the first device of Linux; a device's first node is the one that captures.
fn first_node(devices: &Path) -> Option<String> {
    let names = fs::read_dir(devices).ok()?.flatten().map(|entry| entry.file_name());
    let mut numbers: Vec<u32> = names.filter_map(|name| name.to_str()?.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    let captures = |number: &u32| {
        let index = fs::read_to_string(devices.join(format!("video{number}/index")));
        index.is_ok_and(|index| index.trim() == "0")
    };
    numbers.into_iter().find(captures).map(|number| format!("/dev/video{number}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_of_input_has_its_options() {
        for (argument, wanted, live) in [
            ("/dev/video0", "-f v4l2 -i /dev/video0", true),
            ("video=Integrated Camera", "-f dshow -i video=Integrated Camera", true),
            ("http://cam/stream.mjpg", "-i http://cam/stream.mjpg", true),
            ("-f lavfi -i testsrc", "-f lavfi -i testsrc", false),
            ("-f v4l2 -input_format mjpeg -i /dev/video2", "-f v4l2 -input_format mjpeg -i /dev/video2", true),
        ] {
            assert_eq!(options(argument).join(" "), wanted);
            assert_eq!(is_live(argument), live, "{argument}");
        }
        let rtsp = options("rtsp://cam/1").join(" ");
        assert!(rtsp.ends_with("-rtsp_transport tcp -i rtsp://cam/1") && is_live("rtsp://cam/1"), "{rtsp}");
        if !cfg!(target_os = "macos") {
            assert_eq!(options("-a film.mp4".trim_start_matches("-a ")).join(" "), "-i file:film.mp4");
            assert!(!is_live("film.mp4"));
        }
    }

    #[test]
    fn the_first_camera_is_the_first_that_captures() {
        let folder = tempfile::tempdir().unwrap();
        for (name, index) in [("video3", "0\n"), ("video10", "0\n"), ("video1", "1\n"), ("media0", "0\n")] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("index"), index).unwrap();
        }
        assert_eq!(first_node(folder.path()).as_deref(), Some("/dev/video3"));
        assert_eq!(first_node(&folder.path().join("none")), None);
        let listed = "[AVFoundation indev @ 0x7f] AVFoundation video devices:\n[AVFoundation indev @ 0x7f] [0] FaceTime HD\n\
                      [AVFoundation indev @ 0x7f] AVFoundation audio devices:\n[AVFoundation indev @ 0x7f] [0] Microphone\n";
        assert_eq!(first_listed(listed).as_deref(), Some("0"));
        assert_eq!(first_listed(&listed.replace("[AVFoundation indev @ 0x7f] [0] FaceTime HD\n", "")), None);
    }
}
