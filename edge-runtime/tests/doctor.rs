//! `doctor` on recorded boards: what it finds on sound ones, word for word, and what it says of broken ones.
//! `MOODLIGHT_UPDATE=1` regenerates the expected text; `tests/boards/README.md` lists the sources of the recordings.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::doctor::{
    self, Check, Configured, Device, Holder, Loaded, LoadedModels, Machine, Needs, Probed, Program, User, Verdict,
};
use edge_runtime::lights::LightsBackend;
use edge_runtime::lights::board::GpioLine;
use edge_runtime::output::paint::Ink;
use edge_runtime::source::SourceSpec;
use edge_runtime::source::{Camera, CameraFormat};
use std::fs;
use std::path::{Path, PathBuf};
use support::{Home, card, run};

/// A recorded board and what is to run on it; tests break parts of it.
struct Board {
    root: PathBuf,
    probed: Probed,
    configured: Configured,
    loaded: LoadedModels,
    plan: Needs,
}

impl Board {
    fn new(name: &str) -> Self {
        let root = Path::new("tests/boards").join(name);
        let said = |file: &str| fs::read_to_string(root.join("said").join(file)).ok();
        let bits = if name.ends_with("32bit") { 32 } else { 64 };
        let program = Program {
            arch: if bits == 32 { "arm" } else { "aarch64" }.to_owned(),
            bits,
            glibc: Some("2.36".to_owned()),
            glibc_needed: Some("2.34".to_owned()),
            reads_v4l2: true,
            instruction_sets: String::new(),
        };
        let groups = groups(&said("id").unwrap());
        let probed = Probed {
            program,
            kernel_arch: said("uname").unwrap().trim().to_owned(),
            devices: devices(&said("ls").unwrap(), &groups),
            user: User { name: "pi".to_owned(), root: false, groups },
            cameras: cameras(&said("v4l2").unwrap()),
            holders: Vec::new(),
            rpicam: said("rpicam").map(|text| {
                Ok(text
                    .lines()
                    .filter(|line| line.contains(" : ") && line.contains('[') && !line.contains("Modes"))
                    .map(|line| line.to_owned())
                    .collect())
            }),
            lines: lines(&said("gpioinfo").unwrap()),
            throttled: said("vcgencmd")
                .map(|text| u32::from_str_radix(text.trim().strip_prefix("throttled=0x").unwrap(), 16).unwrap()),
            service: said("systemctl").map(|text| text.trim().to_owned()),
        };
        let card = card(&["angry", "happy", "sad"]);
        let config = Config { source: Some(SourceSpec::Auto), ..Config::default() };
        let wiring = resolve(&config, &card, &Origin::Defaults, &Keys::default()).unwrap().wiring;
        let file = PathBuf::from("/etc/moodlight/config.toml");
        Self {
            root,
            probed,
            configured: Configured {
                origin: Ok(Origin::File(file)),
                source: "auto".to_owned(),
                backend: LightsBackend::Auto,
                unwired: Vec::new(),
            },
            loaded: LoadedModels { emotion: Loaded { file: None, card: Ok(card) }, face: None },
            plan: Needs {
                source: SourceSpec::Auto,
                backend: LightsBackend::Auto,
                lamps: wiring.moods.into_iter().chain([wiring.camera]).collect(),
                configured: true,
            },
        }
    }

    fn checks(&self) -> Vec<Check> {
        let machine = Machine::new(&self.root, self.probed.clone());
        doctor::examine(&machine, &self.configured, &self.loaded, &self.plan)
    }

    /// What is not ok: verdict, what was checked, what was found, and the fix.
    fn complaints(&self) -> Vec<(Verdict, String, String, String)> {
        let bad = self.checks().into_iter().filter(|check| check.verdict != Verdict::Ok);
        bad.map(|check| (check.verdict, check.id, check.found, check.fix.unwrap())).collect()
    }

    /// The only complaint.
    fn complaint(&self) -> (Verdict, String, String, String) {
        let mut all = self.complaints();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    /// The same board with other files: a copy of its tree that tests may write into.
    fn copied(mut self, folder: &Path) -> Self {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap().flatten() {
                let target = to.join(entry.file_name());
                if entry.path().is_dir() {
                    copy(&entry.path(), &target);
                } else {
                    fs::copy(entry.path(), target).unwrap();
                }
            }
        }
        copy(&self.root, folder);
        self.root = folder.to_owned();
        self
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Takes the user out of a group, as the process sees it and as `/etc/group` does.
    fn leave(&mut self, number: u32) {
        self.probed.user.groups.retain(|group| *group != number);
        for device in &mut self.probed.devices {
            device.usable &= device.group != number;
        }
    }
}

/// `groups=1000(pi),44(video)`.
fn groups(id: &str) -> Vec<u32> {
    let list = id.split_once("groups=").unwrap().1;
    list.split(',').map(|group| group.split('(').next().unwrap().parse().unwrap()).collect()
}

/// `crw-rw----+ 1 root video 81, 0 Nov 20 09:17 /dev/video0`.
fn devices(list: &str, groups: &[u32]) -> Vec<Device> {
    let number = |name: &str| match name {
        "root" => 0,
        "video" => 44,
        "gpio" => 993,
        other => panic!("a group {other}"),
    };
    let device = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let group = number(fields[3]);
        let usable = fields[0].get(4..6) == Some("rw") && groups.contains(&group);
        Device { path: fields.last().unwrap().into(), group, usable }
    };
    list.lines().map(device).collect()
}

/// A device, and the lines of `v4l2-ctl --info --list-formats-ext` that matter.
fn cameras(list: &str) -> Vec<Camera> {
    let mut cameras: Vec<Camera> = Vec::new();
    for line in list.lines() {
        if line.starts_with("/dev/") {
            let empty = String::new;
            let (driver, card, bus) = (empty(), empty(), empty());
            cameras.push(Camera { path: line.into(), driver, card, bus, formats: Vec::new(), error: None });
            continue;
        }
        let camera = cameras.last_mut().unwrap();
        let value = || line.split_once(": ").unwrap().1.to_owned();
        if line.contains("Driver name") {
            camera.driver = value();
        } else if line.contains("Card type") {
            camera.card = value();
        } else if line.contains("Bus info") {
            camera.bus = value();
        } else if let Some((_, size)) = line.split_once("Size: Discrete ") {
            let (width, height) = size.split_once('x').unwrap();
            camera.formats.last_mut().unwrap().sizes.push((width.parse().unwrap(), height.parse().unwrap()));
        } else {
            let fourcc: [u8; 4] = line.split('\'').nth(1).unwrap().as_bytes().try_into().unwrap();
            // What the camera port lists is no picture, whatever it is called.
            let port = matches!(camera.driver.as_str(), "unicam" | "rp1-cfe");
            let readable = !port && matches!(&fourcc, b"YUYV" | b"MJPG" | b"NV12" | b"GREY");
            camera.formats.push(CameraFormat { fourcc, readable, sizes: Vec::new() });
        }
    }
    cameras
}

/// `line  17:     "GPIO17"       unused   input  active-high`, below `gpiochip0 - 54 lines:`.
fn lines(list: &str) -> Vec<GpioLine> {
    let mut chip = PathBuf::new();
    let mut lines = Vec::new();
    for line in list.lines() {
        if let Some((name, _)) = line.split_once(" - ") {
            chip = Path::new("/dev").join(name);
            continue;
        }
        let (offset, rest) = line.trim().strip_prefix("line").unwrap().split_once(':').unwrap();
        let quoted: Vec<&str> = rest.split('"').collect();
        lines.push(GpioLine {
            chip: chip.clone(),
            offset: offset.trim().parse().unwrap(),
            name: quoted[1].to_owned(),
            consumer: quoted.get(3).map(|&holder| holder.to_owned()),
            output: rest.contains(" output "),
        });
    }
    lines
}

/// What `doctor` says of a board, held against the recorded words.
fn reads(board: &Board, name: &str) {
    let text = doctor::text(&board.checks(), Ink::None);
    let golden = Path::new("tests/boards").join(format!("{name}.txt"));
    if std::env::var_os("MOODLIGHT_UPDATE").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    let recorded = fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(text, recorded, "{}: MOODLIGHT_UPDATE=1 writes it", golden.display());
}

#[test]
fn sound_boards_read_well() {
    for name in ["pi3", "pi4", "pi5", "pi4-32bit"] {
        reads(&Board::new(name), name);
    }
}

#[test]
fn a_board_with_every_trouble_reads_well_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::new("pi4").copied(folder.path());
    board.write("sys/class/thermal/thermal_zone0/temp", "84250\n");
    board.write("etc/group", "root:x:0:\nvideo:x:44:\ngpio:x:993:moodlight,pi\n");
    board.leave(44);
    board.probed.throttled = Some(0x5_0005);
    board.probed.rpicam = None;
    board.probed.lines[17].consumer = Some("onewire@11".to_owned());
    board.probed.lines[27].consumer = Some("fan-control".to_owned());
    board.probed.service = Some("failed".to_owned());
    board.configured.unwired = vec!["surprised".to_owned()];
    board.loaded.emotion.file = Some("/usr/share/moodlight/emotion.onnx".into());
    let missing = "cannot read the model /usr/share/moodlight/emotion.onnx: No such file or directory; check the path and \
                   its permissions";
    board.loaded.emotion.card = Err(missing.to_owned());
    reads(&board, "pi4-broken");
}

#[test]
fn only_a_32_bit_system_on_a_board_of_64_is_worth_a_warning() {
    for name in ["pi3", "pi4", "pi5"] {
        assert_eq!(Board::new(name).complaints(), [], "{name}");
    }
    let (verdict, id, found, fix) = Board::new("pi4-32bit").complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Warning, "kernel"));
    assert!(found.contains("32-bit system under a 64-bit kernel") && fix.contains("Raspberry Pi OS (64-bit)"));
}

#[test]
fn a_weak_supply_is_found_by_the_firmware_the_sensor_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::new("pi3").copied(folder.path());
    board.probed.throttled = Some(0x5_0005);
    let (verdict, id, found, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "power"));
    assert!(found.contains("too little voltage") && fix.contains("power supply"), "{found}");

    board.probed.throttled = None;
    assert_eq!(board.complaints(), []);
    board.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
    assert_eq!(board.complaint().0, Verdict::Problem);

    fs::remove_dir_all(folder.path().join("sys/class/hwmon")).unwrap();
    board.write("sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n");
    let (verdict, _, found, _) = board.complaint();
    assert_eq!(verdict, Verdict::Warning);
    assert!(found.contains("since the start: too little voltage"), "{found}");
}

#[test]
fn a_hot_board_is_to_be_cooled() {
    let folder = tempfile::tempdir().unwrap();
    let board = Board::new("pi5").copied(folder.path());
    board.write("sys/class/thermal/thermal_zone0/temp", "83750\n");
    let (verdict, id, found, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Warning, "temperature"));
    assert!(found.starts_with("83.8 °C") && fix.contains("cool"), "{found}");
}

#[test]
fn a_user_outside_the_groups_is_told_how_to_join_each() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::new("pi3").copied(folder.path());
    board.leave(44);
    board.leave(993);
    board.probed.cameras.clear();
    board.probed.lines.clear();
    // The groups list the user, but the session is older than that.
    let complaints = board.complaints();
    let access = complaints.iter().find(|(_, id, ..)| id == "access").unwrap();
    assert_eq!(access.0, Verdict::Problem);
    assert!(access.3.contains("log out and in again: pi is in the group video"), "{}", access.3);

    board.write("etc/group", "root:x:0:\nvideo:x:44:\ngpio:x:993:moodlight\n");
    let complaints = board.complaints();
    let access = complaints.iter().find(|(_, id, ..)| id == "access").unwrap();
    assert!(access.3.contains("sudo usermod -aG video,gpio pi, then log out and in again"), "{}", access.3);
    let ids: Vec<&str> = complaints.iter().map(|(_, id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["access", "source", "lights"]);
}

#[test]
fn devices_of_root_alone_need_a_rule() {
    let mut board = Board::new("pi5");
    for device in &mut board.probed.devices {
        if device.path.to_string_lossy().contains("gpiochip") {
            (device.group, device.usable) = (0, false);
        }
    }
    let (verdict, id, found, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "access"));
    assert!(found.contains("/dev/gpiochip0 and 4 more (group root)"), "{found}");
    assert!(fix.contains("/etc/udev/rules.d/") && fix.contains("usermod -aG gpio pi"), "{fix}");
}

#[test]
fn a_line_that_is_held_names_pin_and_holder() {
    let mut board = Board::new("pi5");
    board.probed.lines[27].consumer = Some("fan-control".to_owned());
    let (verdict, id, found, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "light happy"));
    assert_eq!(found, "green on GPIO27 (header pin 13): held by \"fan-control\"");
    assert!(fix.contains("`lights.moods.happy.pin`"), "{fix}");

    board.probed.lines[27].consumer = Some("spi0 CS0".to_owned());
    assert!(board.complaint().3.contains("do_spi 1"));

    // Our own name is fine while the service runs, and a leftover otherwise.
    let mut board = Board::new("pi4");
    assert_eq!(board.complaints(), []);
    board.probed.service = Some("inactive".to_owned());
    let complaints = board.complaints();
    let ids: Vec<&str> = complaints.iter().map(|(_, id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["light angry", "light happy", "light sad", "light camera", "service"]);
}

#[test]
fn older_names_of_lines_are_understood_and_absent_lines_missed() {
    let mut board = Board::new("pi3");
    // GPIO2 is called SDA1 there.
    board.plan.lamps[0].pin = Some(2);
    assert_eq!(board.complaints(), []);
    board.probed.lines.truncate(27);
    let (verdict, id, found, _) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "light happy"));
    assert!(found.contains("no line"), "{found}");
}

#[test]
fn a_raw_node_is_for_libcamera() {
    let mut board = Board::new("pi5");
    board.plan.source = SourceSpec::V4l2("/dev/video0".into());
    let (verdict, id, found, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "source"));
    assert!(found.contains("rp1-cfe gives raw sensor data"), "{found}");
    assert_eq!(fix, "source = \"rpicam\"");
    board.plan.source = SourceSpec::V4l2("/dev/video20".into());
    assert!(board.complaint().2.contains("no camera but video processing"));
    board.plan.source = SourceSpec::V4l2("/dev/video42".into());
    assert!(board.complaint().2.contains("no such device"));
}

#[test]
fn without_rpicam_a_camera_module_cannot_be_read() {
    let mut board = Board::new("pi4");
    board.probed.rpicam = None;
    let complaints = board.complaints();
    assert_eq!(complaints.len(), 2, "{complaints:#?}");
    assert_eq!((complaints[0].0, complaints[0].1.as_str()), (Verdict::Problem, "source"));
    assert!(complaints.iter().all(|(.., fix)| fix.contains("apt install rpicam-apps")), "{complaints:#?}");

    board.probed.rpicam = Some(Ok(Vec::new()));
    assert!(board.complaints().iter().any(|(.., fix)| fix.contains("ribbon cable")));
}

#[test]
fn a_busy_camera_and_a_missing_one_are_told_apart() {
    let mut board = Board::new("pi3");
    // As `CameraError::Busy` has it.
    board.probed.cameras[0].error =
        Some("/dev/video0 is in use by `motion` (812); end that program, or name another camera".to_owned());
    let complaints = board.complaints();
    let (_, _, found, fix) = complaints.iter().find(|(_, id, ..)| id == "camera /dev/video0").unwrap();
    assert!(found.ends_with("in use by `motion` (812)") && fix.starts_with("end that program"), "{found} -> {fix}");
    board.plan.source = SourceSpec::V4l2("/dev/video0".into());
    let source = board.complaints().into_iter().find(|(_, id, ..)| id == "source").unwrap();
    assert!(source.0 == Verdict::Problem && source.2.contains("in use by `motion`"), "{source:?}");

    let mut board = Board::new("pi3");
    board.probed.cameras.clear();
    assert_eq!((board.complaint().0, board.complaint().1.as_str()), (Verdict::Problem, "source"));
    board.plan.configured = false;
    assert_eq!(board.complaint().0, Verdict::Warning);
    board.plan.source = SourceSpec::TestCard;
    assert_eq!(board.complaints(), []);
}

#[test]
fn a_folder_without_pictures_is_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::new("pi4");
    board.plan.source = SourceSpec::Images(folder.path().to_owned());
    let (verdict, id, found, _) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "source"));
    assert!(found.contains("no pictures in it"), "{found}");
    fs::write(folder.path().join("one.png"), "").unwrap();
    assert_eq!(board.complaints(), []);
    board.plan.source = SourceSpec::Images(folder.path().join("none"));
    assert!(board.complaint().2.contains("it is not there"));
}

#[test]
fn a_camera_that_another_program_has_open_is_told_of_before_it_is_missed() {
    let mut board = Board::new("pi4-32bit");
    let device = board.probed.cameras[0].path.clone();
    let held = |program: &str| vec![Holder { device: device.clone(), process: 812, program: program.to_owned() }];
    let camera = |board: &Board| board.checks().into_iter().find(|check| check.id == "camera /dev/video0").unwrap();
    assert_eq!(camera(&board).verdict, Verdict::Ok);
    board.probed.holders = held("motion");
    let found = camera(&board);
    assert_eq!(found.verdict, Verdict::Warning);
    assert!(found.found.ends_with("also open in `motion` (812)"), "{}", found.found);
    assert!(found.fix.unwrap().contains("end that program"));
    // Irrelevant to a run that reads no such camera.
    board.plan.source = SourceSpec::Rpicam;
    assert_eq!(camera(&board).verdict, Verdict::Ok);
    // Our own service has it where it should.
    board.plan.source = SourceSpec::Auto;
    board.probed.holders = held("edge-runtime");
    assert_eq!(camera(&board).verdict, Verdict::Warning);
    board.probed.service = Some("active".to_owned());
    assert!(camera(&board).verdict == Verdict::Ok && camera(&board).found.contains("the running service has it"));
}

#[test]
fn model_configuration_and_service_are_told() {
    let mut board = Board::new("pi4");
    board.loaded.emotion.file = Some("/usr/share/moodlight/emotion.onnx".into());
    board.loaded.emotion.card = Err("cannot read the model /usr/share/moodlight/emotion.onnx".to_owned());
    assert_eq!(board.complaint().1, "model");

    let mut board = Board::new("pi4");
    board.configured.origin = Err("/etc/moodlight/config.toml:3: `fps`: takes a number".to_owned());
    assert!(board.complaint().0 == Verdict::Problem && board.complaint().1 == "configuration");
    board.configured.origin = Ok(Origin::Defaults);
    board.configured.unwired = vec!["sad".to_owned()];
    assert!(board.complaint().0 == Verdict::Warning && board.complaint().2.contains("no light for sad"));

    let mut board = Board::new("pi4");
    for lamp in &mut board.probed.lines {
        lamp.consumer = None;
    }
    board.probed.service = Some("failed".to_owned());
    let (verdict, id, _, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Problem, "service"));
    assert!(fix.contains("journalctl -u moodlight"), "{fix}");
}

#[test]
fn a_pc_is_not_broken_for_being_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::new("pi4");
    board.root = folder.path().to_owned();
    board.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse2 fma avx2\n");
    board.write("sys/class/video4linux/video0/name", "Integrated Camera: Integrated C\n");
    board.write("sys/class/thermal/thermal_zone0/temp", "91000\n");
    board.probed =
        Probed { program: Program { arch: "x86_64".to_owned(), bits: 64, ..Program::default() }, ..Probed::default() };
    board.plan.configured = false;
    let (verdict, id, found, fix) = board.complaint();
    assert_eq!((verdict, id.as_str()), (Verdict::Warning, "video nodes"));
    assert!(found.contains("Integrated Camera") && fix.contains("--features v4l"), "{found}");
    board.plan.source = SourceSpec::TestCard;
    assert_eq!(board.complaints(), []);
    // Where pins are asked for by name, their absence is no small matter.
    board.plan.backend = LightsBackend::Gpiochip;
    assert_eq!(board.complaint().0, Verdict::Problem);
}

#[test]
fn the_program_tells_its_verdict_by_its_exit_code() {
    let home = Home::new();
    let code = |verdict: &str| match verdict {
        "ok" => 0,
        "warning" => 10,
        "problem" => 11,
        other => panic!("{other}"),
    };
    let ran = run(&mut home.program(&["doctor", "--json", "--source", "test-card", "--lights", "terminal"]));
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, Some(code(told["verdict"].as_str().unwrap())), "{}", ran.out);
    let checks = told["checks"].as_array().unwrap();
    let found = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
    assert_eq!(found("model")["verdict"], "ok");
    assert!(found("configuration")["found"].as_str().unwrap().starts_with("no file"));

    home.write("bad.toml", "fps = 0\n");
    let ran = run(&mut home.program(&["doctor", "--config", "bad.toml"]));
    assert_eq!(ran.code, Some(11), "{}", ran.err);
    let line = ran.out.lines().find(|line| line.contains("configuration")).unwrap();
    assert!(line.starts_with("problem") && line.contains("bad.toml:1: `fps`"), "{line}");
    let ran = run(&mut home.bare(&["doctor", "--model", "missing.onnx"]));
    assert_eq!(ran.code, Some(11));
    assert!(ran.out.lines().any(|line| line.starts_with("problem") && line.contains("missing.onnx")), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "colours go to terminals only");
}
