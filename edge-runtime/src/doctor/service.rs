//! The systemd service, where it is installed.

use super::{Check, Machine};

/// Name of the service's unit.
pub(super) const UNIT: &str = "moodlight.service";

/// Folders that hold units; the first match wins.
const FOLDERS: [&str; 3] = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/// Whether the unit is installed.
pub(super) fn installed(machine: &Machine) -> bool {
    FOLDERS.iter().any(|folder| machine.has(&format!("{folder}/{UNIT}")))
}

/// Checks whether the service runs, as far as systemd reports.
pub(super) fn runs(machine: &Machine) -> bool {
    machine.probed.service.as_deref() == Some("active")
}

pub(super) fn service(machine: &Machine) -> Check {
    if !installed(machine) {
        return Check::ok("service", "not installed: Moodlight runs while you run it");
    }
    let enabled = machine.has(&format!("etc/systemd/system/multi-user.target.wants/{UNIT}"));
    let boot = if enabled { "starts with the system" } else { "does not start with the system" };
    match (machine.probed.service.as_deref(), enabled) {
        (None, _) => Check::ok("service", format!("installed, {boot}; systemd does not report whether it runs")),
        (Some(state @ ("active" | "activating" | "reloading")), true) => {
            Check::ok("service", format!("{state}, {boot}"))
        }
        (Some(state @ ("active" | "activating" | "reloading")), false) => {
            Check::warning("service", format!("{state}, but {boot}"), "sudo systemctl enable moodlight")
        }
        (Some("failed"), _) => {
            Check::problem("service", format!("failed, {boot}"), "`journalctl -u moodlight -e` says why")
        }
        (Some(state), true) => {
            Check::warning("service", format!("{state}, though it {boot}"), "sudo systemctl start moodlight")
        }
        (Some(state), false) => {
            Check::warning("service", format!("installed, but {state}"), "sudo systemctl enable --now moodlight")
        }
    }
}
