//! The pins of the configured lights, and which programs hold them.

use super::{Check, Machine, Needs, service};
use crate::lights::LampWiring;
use crate::lights::LightsBackend;
use crate::lights::board::{CONSUMER, GpioLine};

/// The pin of the 40-pin header for each BCM number, from GPIO0 on.
const HEADER: [u8; 28] =
    [27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13];

/// Name prefixes under which the kernel itself holds lines, and how to release each.
const HOLDERS: [(&str, &str); 4] = [
    ("spi", "SPI has it: `sudo raspi-config nonint do_spi 1` and a reboot free it, or give the light another pin"),
    (
        "onewire",
        "1-Wire has it: `sudo raspi-config nonint do_onewire 1` and a reboot free it, or give the light another pin",
    ),
    (
        "w1",
        "1-Wire has it: `sudo raspi-config nonint do_onewire 1` and a reboot free it, or give the light another pin",
    ),
    ("sysfs", "a program exported it through /sys/class/gpio: end that program, or restart the board"),
];

pub(super) fn lights(machine: &Machine, plan: &Needs) -> Vec<Check> {
    if !plan.drives_pins(machine) {
        let found = match plan.backend {
            LightsBackend::None => "none are driven: `lights.backend` says so",
            LightsBackend::Auto => "drawn in the terminal: there are no header pins here",
            _ => "drawn in the terminal: `lights.backend` says so",
        };
        return vec![Check::ok("lights", found)];
    }
    if machine.probed.lines.is_empty() {
        let found = "no GPIO line can be seen: /dev/gpiochip* is not there, or closed to you";
        let fix = "see `access`; on a board without header pins, lights.backend = \"terminal\"";
        return vec![Check::problem("lights", found, fix)];
    }
    plan.lamps.iter().map(|lamp| light(machine, lamp)).collect()
}

fn light(machine: &Machine, lamp: &LampWiring) -> Check {
    let id = format!("light {}", lamp.name);
    let colour = lamp.colour.name();
    let Some(pin) = lamp.pin else {
        return Check::ok(id, format!("{colour}, in the terminal only: the configuration gives it no pin"));
    };
    let name = format!("GPIO{pin}");
    let place = HEADER.get(usize::from(pin)).map(|place| format!(" (header pin {place})")).unwrap_or_default();
    let low = if lamp.active_low { ", active low" } else { "" };
    let found = format!("{colour} on {name}{place}{low}");
    let lines = &machine.probed.lines;
    // Older device trees name lines by their second purpose, such as `SDA1`.
    let numbered = || lines.iter().find(|line| line.offset == u32::from(pin) && !line.name.starts_with("GPIO"));
    let Some(line) = lines.iter().find(|line| line.name == name).or_else(numbered) else {
        return Check::problem(id, format!("{found}: the kernel has no line of that name"), other_pin(lamp));
    };
    let Some(holder) = &line.consumer else { return Check::ok(id, format!("{found}, free")) };
    if holder == CONSUMER && service::runs(machine) {
        return Check::ok(id, format!("{found}, held by the running service"));
    }
    let hint = HOLDERS.iter().find(|(start, _)| holder.starts_with(start)).map(|(_, hint)| (*hint).to_owned());
    Check::problem(id, format!("{found}: held by \"{holder}\"{}", direction(line)), hint.unwrap_or_else(|| stop(lamp)))
}

fn direction(line: &GpioLine) -> &'static str {
    if line.output { ", which drives it" } else { "" }
}

fn key(lamp: &LampWiring) -> String {
    if lamp.name == "camera" { "lights.camera.pin".to_owned() } else { format!("lights.moods.{}.pin", lamp.name) }
}

fn stop(lamp: &LampWiring) -> String {
    format!("end the program that holds it, or set `{}` to another pin", key(lamp))
}

fn other_pin(lamp: &LampWiring) -> String {
    format!("`gpioinfo` lists the lines there are; set `{}` to one of them", key(lamp))
}
