//! The cameras, which program reads each of them, and whether the configured one is there.

use super::machine::{Device, Holder};
use super::{Check, Machine, Needs, Verdict, service};
use crate::plural::counted;
use crate::source::{Camera, Images, SourceError, SourceSpec};
use std::collections::BTreeSet;
use std::path::Path;

/// Drivers of the board's camera sockets. Their nodes give raw sensor data, from which libcamera makes pictures.
const SENSORS: [&str; 2] = ["unicam", "rp1-cfe"];
/// Name prefixes of drivers for the board's own video processing. These codecs and image processors resemble cameras.
const PROCESSORS: [&str; 6] = ["bcm2835-codec", "bcm2835-isp", "pispbe", "rpivid", "rpi-hevc-dec", "hevc"];

const CABLE: &str = "check the ribbon cable at both ends, and that /boot/firmware/config.txt says camera_auto_detect=1; \
                     then restart the board";
const PROGRAM: &str = "sudo apt install rpicam-apps";
const BUILD: &str = "build with `--features v4l` (it needs libclang-dev)";

fn is_sensor(camera: &Camera) -> bool {
    SENSORS.contains(&camera.driver.as_str())
}

fn is_processor(camera: &Camera) -> bool {
    PROCESSORS.iter().any(|name| camera.driver.starts_with(name))
}

/// A device that delivers finished pictures, such as a USB camera.
fn is_camera(camera: &Camera) -> bool {
    !is_sensor(camera) && !is_processor(camera)
}

fn is_readable(camera: &Camera) -> bool {
    is_camera(camera) && camera.error.is_none() && camera.is_readable()
}

pub(super) fn cameras(machine: &Machine, plan: &Needs) -> Vec<Check> {
    let all = &machine.probed.cameras;
    let mut checks = vec![source(machine, plan)];
    // `access` reports nodes that may not be opened. A USB camera has a second node, for metadata, which offers no
    // format.
    let refused =
        |camera: &Camera| machine.probed.devices.iter().any(|device| device.path == camera.path && !device.usable);
    let shown = |camera: &&Camera| {
        is_camera(camera) && !refused(camera) && (camera.error.is_some() || !camera.formats.is_empty())
    };
    checks.extend(all.iter().filter(shown).map(|camera| device(machine, camera, plan)));
    checks.extend(module(machine, plan));
    let processors: Vec<&Camera> = all.iter().filter(|camera| is_processor(camera)).collect();
    if !processors.is_empty() {
        let drivers: BTreeSet<&str> = processors.iter().map(|camera| camera.driver.as_str()).collect();
        let drivers = drivers.into_iter().collect::<Vec<_>>().join(", ");
        let found = format!(
            "{} of {drivers}: the board's own video processing, no cameras",
            counted(processors.len() as u64, "device")
        );
        checks.push(Check::ok("video nodes", found));
    }
    checks.extend(unread(machine, plan));
    checks
}

/// Checks whether the configured source is available.
fn source(machine: &Machine, plan: &Needs) -> Check {
    let description = plan.source.description();
    let bad = |found: String, fix: &str| match plan.camera_matters() {
        Some(verdict) => Check::new(verdict, "source", found, fix),
        None => Check::ok("source", found),
    };
    match &plan.source {
        SourceSpec::V4l2(path) => named(machine, path, bad),
        SourceSpec::Rpicam => match &machine.probed.rpicam {
            Some(Ok(listed)) if !listed.is_empty() => Check::ok("source", format!("rpicam: {}", short(&listed[0]))),
            Some(Ok(_)) => bad("rpicam: libcamera lists no camera".to_owned(), CABLE),
            Some(Err(reason)) => bad(format!("rpicam: {reason}"), "`rpicam-hello --list-cameras` shows it in full"),
            None => bad("rpicam: neither rpicam-vid nor libcamera-vid is installed".to_owned(), PROGRAM),
        },
        SourceSpec::Auto => {
            let usb = machine.probed.cameras.iter().find(|camera| is_readable(camera));
            let listed = machine.probed.rpicam.iter().flatten().flatten().next();
            match (usb, listed) {
                (Some(camera), _) => Check::ok("source", format!("auto: {} at {}", camera.card, camera.path.display())),
                (None, Some(name)) => Check::ok("source", format!("auto: {}, through rpicam", short(name))),
                (None, None) if plan.configured => bad("auto: no camera that can be read".to_owned(), missing(machine)),
                (None, None) => {
                    let found = "auto: no camera, so the test card stands in until a source is named";
                    if machine.is_pi() { bad(found.to_owned(), missing(machine)) } else { Check::ok("source", found) }
                }
            }
        }
        SourceSpec::Images(path) if !path.exists() => {
            let fix = "put pictures there, or name another place in `source`";
            Check::problem("source", format!("{description}: it is not there"), fix)
        }
        SourceSpec::Images(path) => match Images::open(path, 1, false) {
            Ok(_) => Check::ok("source", description),
            Err(error) => {
                let found = match error {
                    SourceError::NoPictures(_) => format!("{description}: no pictures in it"),
                    error => error.to_string(),
                };
                Check::problem("source", found, "put pictures there, or name another place in `source`")
            }
        },
        _ => Check::ok("source", description),
    }
}

/// What `auto` needs to find a camera.
fn missing(machine: &Machine) -> &'static str {
    let refused = |device: &Device| !device.usable && is_video(&device.path);
    if machine.probed.devices.iter().any(refused) {
        "see `access`"
    } else if !machine.probed.cameras.iter().any(is_sensor) {
        "plug a USB camera in, or connect a camera module"
    } else if machine.probed.rpicam.is_none() {
        PROGRAM
    } else {
        CABLE
    }
}

fn is_video(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("video"))
}

/// Checks whether the configured V4L2 device can be read.
fn named(machine: &Machine, path: &Path, bad: impl Fn(String, &str) -> Check) -> Check {
    let name = format!("v4l2:{}", path.display());
    // A link such as /dev/v4l/by-id/... leads to the node.
    let node = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Some(camera) = machine.probed.cameras.iter().find(|camera| camera.path == path || camera.path == node) else {
        if !machine.probed.program.reads_v4l2 {
            return bad(format!("{name}: this build reads no V4L2 cameras"), BUILD);
        }
        let others: Vec<String> = machine
            .probed
            .cameras
            .iter()
            .filter(|camera| is_readable(camera))
            .map(|camera| format!("source = \"v4l2:{}\"", camera.path.display()))
            .collect();
        let fix = match others.as_slice() {
            [] => "plug it in; `ls -l /dev/v4l/by-id` lists what is".to_owned(),
            others => format!("plug it in, or {}", others.join(" or ")),
        };
        return bad(format!("{name}: no such device"), &fix);
    };
    if is_sensor(camera) {
        let found = format!("{name}: {} gives raw sensor data, which libcamera makes pictures of", camera.driver);
        return bad(found, "source = \"rpicam\"");
    }
    if is_processor(camera) {
        return bad(format!("{name}: {} is no camera but video processing", camera.driver), "source = \"auto\"");
    }
    match &camera.error {
        Some(error) => {
            let (found, fix) = apart(error);
            bad(format!("{name}: {found}"), fix)
        }
        None if is_readable(camera) => Check::ok("source", format!("{name}: {}", camera.card)),
        None => bad(format!("{name}: {} offers no format this program reads", camera.card), "source = \"auto\""),
    }
}

/// A USB camera, or another device that delivers finished pictures.
fn device(machine: &Machine, camera: &Camera, plan: &Needs) -> Check {
    let id = format!("camera {}", camera.path.display());
    if let Some(error) = &camera.error {
        let (found, fix) = apart(error);
        return match plan.source.is_camera() {
            true => Check::warning(id, found, fix),
            false => Check::ok(id, found),
        };
    }
    let formats: Vec<String> = camera
        .formats
        .iter()
        .map(|format| {
            let name = String::from_utf8_lossy(&format.fourcc).trim().to_owned();
            let largest = format.sizes.iter().max_by_key(|(width, height)| u64::from(*width) * u64::from(*height));
            let size = largest.map(|(width, height)| format!(" up to {width}x{height}")).unwrap_or_default();
            let unread = if format.readable { "" } else { " (not read)" };
            format!("{name}{size}{unread}")
        })
        .collect();
    let found = format!("{} ({}): {}", camera.card, camera.driver, formats.join(", "));
    let holder = machine.probed.holders.iter().find(|holder| holder.device == camera.path);
    if let Some(Holder { process, program, .. }) = holder
        && is_readable(camera)
    {
        if program == env!("CARGO_PKG_NAME") && service::runs(machine) {
            return Check::ok(id, format!("{found}; the running service has it"));
        }
        let found = format!("{found}; also open in `{program}` ({process})");
        let wanted = matches!(plan.source, SourceSpec::Auto | SourceSpec::V4l2(_));
        let fix = "end that program where both want pictures: a camera gives them to one only";
        return if wanted { Check::warning(id, found, fix) } else { Check::ok(id, found) };
    }
    if is_readable(camera) || !plan.source.is_camera() {
        return Check::ok(id, found);
    }
    Check::warning(
        id,
        format!("{found}; none is one this program reads"),
        "take a camera that gives NV12, YU12, YUYV, UYVY, GREY or MJPG",
    )
}

/// Splits a driver's error into what was found and what to do. The messages of `source` separate them with a semicolon.
fn apart(error: &str) -> (&str, &str) {
    let fallback = "end the programs that may use it, and plug it in again; `dmesg | tail` may say more";
    error.split_once("; ").unwrap_or((error, fallback))
}

/// Camera modules at the board's own sockets, which libcamera reads.
fn module(machine: &Machine, plan: &Needs) -> Option<Check> {
    let nodes: Vec<&Camera> = machine.probed.cameras.iter().filter(|camera| is_sensor(camera)).collect();
    let wanted = plan.source == SourceSpec::Rpicam;
    let bad = |found: String, fix: &str| {
        let asked = wanted || plan.source == SourceSpec::Auto;
        let verdict = if wanted { Verdict::Problem } else { Verdict::Warning };
        if asked { Check::new(verdict, "camera module", found, fix) } else { Check::ok("camera module", found) }
    };
    let raw = nodes.first().map(|first| {
        let more = if nodes.len() > 1 { format!(" and {} more", nodes.len() - 1) } else { String::new() };
        format!("{} at {}{more}", first.driver, first.path.display())
    });
    match (&machine.probed.rpicam, raw) {
        (Some(Ok(listed)), raw) if !listed.is_empty() => {
            let held = machine.probed.holders.iter().find(|holder| nodes.iter().any(|node| node.path == holder.device));
            if let Some(Holder { process, program, .. }) = held
                && !service::runs(machine)
            {
                let found = format!("{}; open in `{program}` ({process})", short(&listed[0]));
                return Some(bad(found, "end that program: a camera module gives pictures to one only"));
            }
            let raw = raw.map(|raw| format!("; libcamera has {raw}")).unwrap_or_default();
            let listed = listed.iter().map(|name| short(name)).collect::<Vec<_>>().join("; ");
            Some(Check::ok("camera module", format!("{listed}{raw}")))
        }
        (Some(Err(reason)), _) => Some(bad(reason.clone(), "`rpicam-hello --list-cameras` shows it in full")),
        (Some(Ok(_)), Some(raw)) => Some(bad(format!("{raw}, but libcamera lists no camera"), CABLE)),
        (None, Some(raw)) => Some(bad(format!("{raw}: raw sensor data, and no rpicam-vid to read it"), PROGRAM)),
        (Some(Ok(_)), None) if machine.is_pi() => Some(Check::ok("camera module", "none: libcamera lists no camera")),
        (_, None) => None,
    }
}

/// Video devices of a build that reads none.
fn unread(machine: &Machine, plan: &Needs) -> Option<Check> {
    if machine.probed.program.reads_v4l2 {
        return None;
    }
    let nodes = machine.entries("sys/class/video4linux");
    let name = |node: &String| machine.text(&format!("sys/class/video4linux/{node}/name"));
    let names: BTreeSet<String> = nodes.iter().filter_map(name).collect();
    if nodes.is_empty() {
        return None;
    }
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let found = format!("{} ({names}), but this build reads no V4L2 cameras", counted(nodes.len() as u64, "device"));
    Some(if plan.source.is_camera() {
        Check::warning("video nodes", found, BUILD)
    } else {
        Check::ok("video nodes", found)
    })
}

/// A camera's name and size of `0 : imx708 [4608x2592 10-bit RGGB] (/base/axi/...)`.
fn short(listed: &str) -> &str {
    let name = listed.split_once(" : ").map_or(listed, |(_, name)| name);
    name.split_once(" (").map_or(name, |(name, _)| name).trim()
}
