//! Whether the user may use the device files that a run needs.

use super::machine::Device;
use super::{Check, Machine, Needs, Verdict};
use crate::lights::LightsBackend;

/// A kind of device file, and who needs it.
struct DeviceKind {
    /// The prefix of its path.
    prefix: &'static str,
    /// Its plural name.
    plural: &'static str,
    /// The group that may use it on Raspberry Pi OS.
    group: &'static str,
    /// The kernel's name for the subsystem, as udev rules write it.
    subsystem: &'static str,
    /// The verdict if the user may not open it; `None` if the run does not need it.
    needed: Option<Verdict>,
}

pub(super) fn access(machine: &Machine, plan: &Needs) -> Check {
    let kinds = [
        DeviceKind {
            prefix: "/dev/video",
            plural: "video devices",
            group: "video",
            subsystem: "video4linux",
            needed: plan.camera_matters(),
        },
        DeviceKind {
            prefix: "/dev/gpiochip",
            plural: "GPIO chips",
            group: "gpio",
            subsystem: "gpio",
            needed: plan.drives_pins(machine).then_some(Verdict::Problem),
        },
        DeviceKind {
            prefix: "/dev/gpiomem",
            plural: "register windows",
            group: "gpio",
            subsystem: "*gpiomem*",
            needed: (plan.backend == LightsBackend::Rppal).then_some(Verdict::Problem),
        },
    ];
    // Only `rppal` needs the registers.
    let kinds = kinds.iter().filter(|kind| kind.prefix != "/dev/gpiomem" || kind.needed.is_some());
    let user = &machine.probed.user.name;
    let (mut may, mut may_not, mut join, mut fixes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut verdict = Verdict::Ok;
    for kind in kinds {
        let all = machine.probed.devices.iter().filter(|it| it.path.to_string_lossy().starts_with(kind.prefix));
        let (usable, refused): (Vec<&Device>, Vec<&Device>) = all.partition(|device| device.usable);
        if !usable.is_empty() {
            may.push(format!("{} {}", usable.len(), kind.plural));
        }
        let Some(first) = refused.first() else { continue };
        let more = if refused.len() > 1 { format!(" and {} more", refused.len() - 1) } else { String::new() };
        may_not.push(format!("{}{more} (group {})", first.path.display(), group_name(machine, first.group)));
        if let Some(bad) = kind.needed {
            verdict = verdict.max(bad);
            match way_in(machine, kind, first.group) {
                WayIn::Join(group) => join.push(group),
                WayIn::Other(fix) => fixes.push(fix),
            }
        }
    }
    let found = match (may.is_empty(), may_not.is_empty()) {
        (true, true) => format!("{user}; there are no video devices and no GPIO chips"),
        (false, true) => format!("{user} may use {}", may.join(", ")),
        (true, false) => format!("{user} may not use {}", may_not.join(", ")),
        (false, false) => format!("{user} may use {}; not {}", may.join(", "), may_not.join(", ")),
    };
    if verdict == Verdict::Ok {
        return Check::ok("access", found);
    }
    if !join.is_empty() {
        fixes.insert(0, format!("sudo usermod -aG {} {user}, then log out and in again", join.join(",")));
    }
    Check::new(verdict, "access", found, fixes.join("; "))
}

/// How the user gets access.
enum WayIn {
    /// By joining this group.
    Join(String),
    /// By this measure.
    Other(String),
}

fn way_in(machine: &Machine, kind: &DeviceKind, group: u32) -> WayIn {
    let DeviceKind { group: wanted, subsystem, .. } = kind;
    let user = &machine.probed.user;
    let name = group_name(machine, group);
    if user.groups.contains(&group) {
        WayIn::Other(format!(
            "{} is in the group {name} and yet refused: let the container or service have the device",
            user.name
        ))
    } else if group == 0 {
        WayIn::Other(format!(
            "sudo groupadd -f {wanted}; echo 'SUBSYSTEM==\"{subsystem}\", GROUP=\"{wanted}\", MODE=\"0660\"' | sudo tee \
             /etc/udev/rules.d/60-moodlight-{wanted}.rules; sudo usermod -aG {wanted} {}; sudo reboot",
            user.name
        ))
    } else if members(machine, group).contains(&user.name) {
        WayIn::Other(format!("log out and in again: {} is in the group {name} from the next login on", user.name))
    } else {
        WayIn::Join(name)
    }
}

/// A group's name; its number where it has none.
fn group_name(machine: &Machine, group: u32) -> String {
    let name = entry(machine, group).and_then(|line| Some(line.split(':').next()?.to_owned()));
    name.unwrap_or_else(|| group.to_string())
}

/// Names of the users that a group lists.
fn members(machine: &Machine, group: u32) -> Vec<String> {
    let line = entry(machine, group).unwrap_or_default();
    line.rsplit(':').next().unwrap_or_default().split(',').map(str::to_owned).collect()
}

/// A group's line of `/etc/group`: `video:x:44:pi,moodlight`.
fn entry(machine: &Machine, group: u32) -> Option<String> {
    let groups = machine.text("etc/group")?;
    let is = |line: &&str| line.split(':').nth(2) == Some(group.to_string().as_str());
    groups.lines().find(is).map(str::to_owned)
}
