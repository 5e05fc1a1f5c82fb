//! The board, its kernel and its system.

use super::{Check, Machine};

pub(super) fn board(machine: &Machine) -> Check {
    let Some(model) = machine.model() else {
        let name = machine.text("sys/class/dmi/id/product_name").map(|name| format!(" ({name})")).unwrap_or_default();
        let found = format!("not a Raspberry Pi{name}: lights are drawn in the terminal, cameras are USB ones");
        return Check::ok("board", found);
    };
    let revision = machine.cpuinfo("Revision").map(|code| format!(", revision {code}")).unwrap_or_default();
    Check::ok("board", format!("{model}{revision}"))
}

/// Checks the kernel, and whether the program is a 64-bit one where the processor allows that.
pub(super) fn kernel(machine: &Machine) -> Check {
    let program = &machine.probed.program;
    let release = machine.text("proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned());
    let kernel = &machine.probed.kernel_arch;
    let found = match program.arch == *kernel {
        true => format!("Linux {release}, {kernel}, as this program is"),
        false => format!("Linux {release}, {kernel}; this program is {}", program.arch),
    };
    if program.bits == 32 && can_64(machine) {
        let found = match kernel.as_str() {
            "aarch64" => format!("{found}, on a 32-bit system under a 64-bit kernel"),
            _ => format!("{found}, on a 32-bit system"),
        };
        let fix = "the board can do 64 bits, and the model runs faster there: install Raspberry Pi OS (64-bit) and the \
                   aarch64 program";
        return Check::warning("kernel", found, fix);
    }
    Check::ok("kernel", found)
}

/// Whether the processor has a 64-bit mode: `CPU part` of the Cortex-A cores, of which those of Armv8 are 0xd...
fn can_64(machine: &Machine) -> bool {
    machine.probed.kernel_arch == "aarch64" || machine.cpuinfo("CPU part").is_some_and(|part| part.starts_with("0xd"))
}

/// The distribution, and the C library this program was linked against.
pub(super) fn system(machine: &Machine) -> Check {
    let release = machine.text("etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = name.map_or_else(|| "unknown distribution".to_owned(), |name| name.trim_matches('"').to_owned());
    let program = &machine.probed.program;
    let libc = match (&program.glibc, &program.glibc_needed) {
        (Some(found), Some(needed)) => format!(", glibc {found} (this program needs {needed} or newer)"),
        (Some(found), None) => format!(", glibc {found}"),
        (None, _) => ", no glibc".to_owned(),
    };
    Check::ok("system", name + &libc)
}
