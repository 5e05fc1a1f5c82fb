//! Power and temperature: causes of a slow Raspberry Pi or of a camera that drops out.

use super::{Check, Machine, Verdict};

/// A Raspberry Pi throttles from this temperature on, in degrees Celsius. At 85 it throttles to its lowest clock.
/// <https://www.raspberrypi.com/documentation/computers/config_txt.html#monitoring-core-temperature>
const HOT: f64 = 80.0;

/// Bits of `get_throttled`. The same bit shifted left by 16: it happened at some time since boot.
/// <https://www.raspberrypi.com/documentation/computers/os.html#get_throttled>
const BITS: [(u32, &str); 4] =
    [(0, "too little voltage"), (1, "its clock capped"), (2, "slowed down"), (3, "at its soft temperature limit")];
const UNDER_VOLTAGE: u32 = 1;

const SUPPLY: &str = "take the power supply made for the board (5.1 V, 3 A; 5 A for a Pi 5) and a short, thick cable, and \
                      unplug USB devices that draw much";
const COOLING: &str = "cool the board: a heat sink, a fan, or a case with air around it";

/// Checks the power supply; `None` on other boards than a Raspberry Pi.
pub(super) fn power(machine: &Machine) -> Option<Check> {
    if !machine.is_pi() {
        return None;
    }
    let hwmon = || {
        let sensors = machine.entries("sys/class/hwmon").into_iter().map(|name| format!("sys/class/hwmon/{name}"));
        let sensor =
            sensors.into_iter().find(|path| machine.text(&format!("{path}/name")).as_deref() == Some("rpi_volt"))?;
        machine.text(&format!("{sensor}/in0_lcrit_alarm"))
    };
    // `vcgencmd` reports the most. The file `get_throttled` is read last, because newer kernels log a complaint about
    // that.
    let word = machine.probed.throttled;
    Some(match (word, hwmon()) {
        (Some(word), _) => throttled(word),
        (None, Some(alarm)) if alarm == "0" => Check::ok("power", "full voltage now"),
        (None, Some(_)) => Check::problem("power", "too little voltage now", SUPPLY),
        (None, None) => match legacy(machine) {
            Some(word) => throttled(word),
            None => Check::ok("power", "not reported by the system"),
        },
    })
}

/// The firmware's report, from the file that older kernels have.
fn legacy(machine: &Machine) -> Option<u32> {
    let text = machine.text("sys/devices/platform/soc/soc:firmware/get_throttled")?;
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

fn throttled(word: u32) -> Check {
    let named = |shift: u32| -> Vec<&str> {
        BITS.iter().filter(|(bit, _)| word >> (bit + shift) & 1 == 1).map(|(_, name)| *name).collect()
    };
    let (now, since) = (named(0), named(16));
    let when = |names: Vec<&str>, when: &str| match names.as_slice() {
        [] => None,
        names => Some(format!("{when}: {}", names.join(", "))),
    };
    let told: Vec<String> = [when(now, "now"), when(since, "since the start")].into_iter().flatten().collect();
    if told.is_empty() {
        return Check::ok("power", "full voltage and full speed since the start");
    }
    let verdict = if word & UNDER_VOLTAGE == 1 { Verdict::Problem } else { Verdict::Warning };
    let fix = if word & (UNDER_VOLTAGE << 16 | UNDER_VOLTAGE) == 0 { COOLING } else { SUPPLY };
    Check::new(verdict, "power", format!("{} (throttled={word:#x})", told.join("; ")), fix)
}

/// The processor's temperature; `None` where the system does not report it.
pub(super) fn temperature(machine: &Machine) -> Option<Check> {
    let millidegrees: f64 = machine.text("sys/class/thermal/thermal_zone0/temp")?.parse().ok()?;
    let degrees = millidegrees / 1e3;
    let found = format!("{degrees:.1} °C");
    Some(if machine.is_pi() && degrees >= HOT {
        Check::warning("temperature", format!("{found}: the board slows down from {HOT:.0} °C on"), COOLING)
    } else {
        Check::ok("temperature", found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_told_and_under_voltage_now_is_the_worst() {
        for (word, verdict, says, fix) in [
            (0, Verdict::Ok, "full voltage", None),
            (0x5_0005, Verdict::Problem, "now: too little voltage, slowed down; since the start: too", Some(SUPPLY)),
            (0x5_0000, Verdict::Warning, "since the start: too little voltage, slowed down", Some(SUPPLY)),
            (
                0xe_0008,
                Verdict::Warning,
                "now: at its soft temperature limit; since the start: its clock",
                Some(COOLING),
            ),
            (0x2_0000, Verdict::Warning, "since the start: its clock capped (throttled=0x20000)", Some(COOLING)),
        ] {
            let check = throttled(word);
            assert_eq!((check.verdict, check.fix.as_deref()), (verdict, fix), "{word:x}");
            assert!(check.found.starts_with(says), "{}", check.found);
        }
    }
}
