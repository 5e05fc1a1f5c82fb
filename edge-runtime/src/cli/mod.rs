//! The command line.

mod flags;

use crate::exit::EXIT_CODES;
use crate::source::SourceSpec;
use clap::{Arg, Args, Parser, Subcommand};
use emotion_models::PixelFormat;
pub use flags::{Flags, Settings};
use flags::{LIGHTS, MODELS, PHOTO};
use std::path::PathBuf;

/// The sources, as `--help` lists them.
pub const SOURCES: &str = "\
Sources:
  auto                 the first camera: one V4L2 reads, such as a USB camera, else a camera module through rpicam,
                       else a webcam through ffmpeg where this program was built without V4L2
  v4l2:DEVICE          a camera by its node or a link to it, as in v4l2:/dev/video0 or v4l2:/dev/v4l/by-id/usb-...
  rpicam               a Raspberry Pi's camera module, through rpicam-vid (libcamera-vid)
  ffmpeg:INPUT         what the program ffmpeg reads: a webcam (/dev/video0; on a Mac 0), a video file, a URL (rtsp://...)
  test-card            a face this program draws itself, changing its mood
  test-card:scene      the same face, walking through a room and out of it
  images:DIR|FILE      pictures, each shown for a while (--dwell), in order of their paths
  stdin:WxH:FORMAT     raw frames on standard input; FORMAT is yuyv, uyvy, nv12, i420, grey or rgb

Where no source is named and there is no camera, the test card stands in; not for a service, and not with --wait.";

/// Most frames that `bench` measures.
const MAX_BENCH_FRAMES: u64 = 1_000_000;

/// A camera looks at a face; a light shows its mood.
#[derive(Debug, Parser)]
#[command(name = "edge-runtime", version, after_help = format!("{SOURCES}\n\n{EXIT_CODES}"))]
pub struct Cli {
    /// Flags every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `run`, the command that is meant when none is named.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Flags every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Configuration file [default: ~/.config/moodlight/config.toml, else /etc/moodlight/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The emotion model
    #[arg(long, global = true, value_name = "FILE", help = flags::doc("model"))]
    pub model: Option<PathBuf>,
    /// The face model
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_face_search", help = flags::doc("face_model"))]
    pub face_model: Option<PathBuf>,
    /// Take the centred square of every frame for a face, and a picture given to `classify` as a whole
    #[arg(long, global = true)]
    pub no_face_search: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Let lights follow the mood of a face (the default command)
    Run(RunArgs),
    /// Report the mood of the faces in photos
    Classify(ClassifyArgs),
    /// Take one frame of the source, and report the mood of the faces in it
    Snapshot(SnapshotArgs),
    /// Measure the speed of every stage, start-up, and memory
    Bench(BenchArgs),
    /// Put out every configured light, for instance after a run that was killed
    Dark(DarkArgs),
    /// Print the configuration as it holds now, with comments
    Config(Settings),
    /// Check board, camera, lights, model and configuration, and say what to do where something is wrong
    Doctor(DoctorArgs),
    /// Print completions of this command line for a shell
    #[command(args = hidden_globals())]
    Completions(CompletionsArgs),
    /// Print the manual page, to be read with `man -l`
    #[command(args = hidden_globals())]
    Man,
}

/// Flags of `dark`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct DarkArgs {
    /// Flags that win over the configuration file.
    #[command(flatten)]
    pub settings: Flags<LIGHTS>,
}

/// Flags of `run`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct RunArgs {
    /// Flags that win over the configuration file.
    #[command(flatten)]
    pub settings: Settings,
    /// Take every frame, in order, as fast as it goes; time is the frame number over --fps
    #[arg(long)]
    pub every_frame: bool,
    /// Begin again after the last picture
    #[arg(long = "loop")]
    pub repeat: bool,
    /// Stop after N frames
    #[arg(long, value_name = "N", value_parser = frames, allow_negative_numbers = true)]
    pub frames: Option<u64>,
    /// Keep trying a camera that is not there, as a service does, in place of ending with exit code 5
    #[arg(long)]
    pub wait: bool,
    /// Write a JSON object for each frame, one a line
    #[arg(long)]
    pub json: bool,
    /// Draw no picture beside the lights
    #[arg(long)]
    pub no_picture: bool,
}

/// Flags of `classify`.
#[derive(Args, Clone, Debug)]
pub struct ClassifyArgs {
    /// Write a JSON object for each picture, one a line
    #[arg(long)]
    pub json: bool,
    /// Flags that win over the configuration file.
    #[command(flatten)]
    pub settings: Flags<PHOTO>,
    /// Draw boxes, moods and probabilities into a copy of the picture: a file ending in .png or .jpg, or a folder; takes the place of a
    /// file that is there
    #[arg(long, value_name = "OUT")]
    pub annotate: Option<PathBuf>,
    /// Photos, or folders of them; with --no-face-search face crops
    #[arg(required = true, value_name = "PICTURE")]
    pub pictures: Vec<PathBuf>,
}

/// Flags of `snapshot`.
#[derive(Args, Clone, Debug)]
pub struct SnapshotArgs {
    /// Flags that win over the configuration file.
    #[command(flatten)]
    pub settings: Settings,
    /// Write the frame with boxes, moods and probabilities to a file ending in .png or .jpg; takes the place of a file that is there
    #[arg(long, value_name = "FILE")]
    pub annotate: Option<PathBuf>,
    /// Write one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Flags of `bench`.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// Measure with the frames of this source as they come, and the latency from camera to light
    #[arg(long, value_name = "SOURCE", conflicts_with = "format")]
    pub source: Option<SourceSpec>,
    /// Pixel format of the 640x480 frames: yuyv, uyvy, nv12, i420, grey or rgb
    #[arg(long, default_value = "yuyv")]
    pub format: PixelFormat,
    /// Flags that win over the configuration file.
    #[command(flatten)]
    pub settings: Flags<MODELS>,
    /// Show layer by layer where the time of an inference goes
    #[arg(long)]
    pub layers: bool,
    /// Frames to measure
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bench_frames, allow_negative_numbers = true)]
    pub frames: u64,
    /// Write one JSON object
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Write tables in Markdown, as in docs/performance.md
    #[arg(long)]
    pub markdown: bool,
}

/// Flags of `completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Flags of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Flags that win over the configuration file.
    #[command(flatten)]
    pub settings: Settings,
    /// Write one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The flags of [`Global`] for a command in which they do nothing: it takes them, as every command does, but does not list them.
fn hidden_globals() -> Vec<Arg> {
    let globals = Global::augment_args(clap::Command::new("globals"));
    globals.get_arguments().map(|flag| flag.clone().hide(true)).collect()
}

fn frames(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| "takes a whole number from 1 on".to_owned())
}

fn bench_frames(text: &str) -> Result<u64, String> {
    let count = frames(text).ok().filter(|count| *count <= MAX_BENCH_FRAMES);
    count.ok_or_else(|| format!("takes a whole number from 1 to {MAX_BENCH_FRAMES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_takes_the_global_flags_of_the_settings() {
        use clap::CommandFactory;
        let command = Cli::command();
        for shown in crate::config::SETTINGS.iter().filter_map(|setting| setting.global) {
            let name = shown.trim_start_matches("--").split(' ').next();
            assert!(command.get_arguments().any(|flag| flag.is_global_set() && flag.get_long() == name), "{shown}");
        }
    }

    #[test]
    fn flags_need_no_command_and_globals_go_anywhere() {
        let parse = |line: &str| Cli::try_parse_from(line.split_whitespace());
        let bare = parse("edge-runtime --source test-card --frames 3");
        assert!(bare.is_ok_and(|cli| cli.run.frames == Some(3) && cli.command.is_none()));
        let named = parse("edge-runtime --model a.onnx run --loop");
        assert!(named.is_ok_and(
            |cli| cli.global.model.is_some() && matches!(cli.command, Some(Command::Run(run)) if run.repeat)
        ));
        assert!(parse("edge-runtime config --model a.onnx").is_ok());
        for wrong in ["--fps 0", "--hold 2", "--smoothing nan", "--frames 0", "--source camera", "classify"] {
            assert!(parse(&format!("edge-runtime {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_commands_with_models_list_the_flags_for_them() {
        for (command, listed) in [("classify", true), ("completions", false), ("man", false)] {
            let help = Cli::try_parse_from(["edge-runtime", command, "--help"]).err();
            let help = help.map(|help| help.to_string()).unwrap_or_default();
            assert!(help.contains("--help"), "{help}");
            for flag in ["--config", "--model", "--face-model", "--no-face-search"] {
                assert_eq!(help.contains(flag), listed, "{command} {flag}: {help}");
            }
        }
        let taken = Cli::try_parse_from(["edge-runtime", "man", "--model", "a.onnx"]);
        assert!(taken.is_ok_and(|cli| cli.global.model.is_some()));
    }

    #[test]
    fn a_number_out_of_range_is_refused_with_the_range() {
        for (line, says) in [
            ("--fps -1", "a number from 0.1 to 1000"),
            ("--fps fast", "a number from 0.1 to 1000"),
            ("--hold -0.5", "a number from 0 to 1.5"),
            ("--smoothing -1e3", "a number from 0 to 60"),
            ("--dwell -2", "a number from 0.01 to 86400"),
            ("--leave-margin -0.1", "a number from 0 to 1"),
            ("--frames -1", "a whole number from 1 on"),
            ("--frames 1.5", "a whole number from 1 on"),
            ("bench --frames 0", "a whole number from 1 to 1000000"),
        ] {
            let refusal = Cli::try_parse_from(format!("edge-runtime {line}").split_whitespace()).err();
            assert!(refusal.is_some_and(|error| error.to_string().contains(says)), "{line}");
        }
    }
}
