//! The processor, as far as the engine makes use of it, and memory.

use super::{Check, Machine};

/// Least memory, in KiB, that should be free: a run takes up to 40 MiB, and the page cache needs some as well.
const FREE: u64 = 100 * 1024;

/// Names of Arm's cores by `CPU part`, for the boards Moodlight is for.
const CORES: [(&str, &str); 6] = [
    ("0xd03", "Cortex-A53"),
    ("0xd04", "Cortex-A35"),
    ("0xd05", "Cortex-A55"),
    ("0xd07", "Cortex-A57"),
    ("0xd08", "Cortex-A72"),
    ("0xd0b", "Cortex-A76"),
];

/// Cores, and the instructions that tract picks its kernels by. It reads the same file: `arm64/mod.rs`, `arm32/mod.rs`
/// and `x86_64_fma` of tract-linalg.
pub(super) fn processor(machine: &Machine) -> Check {
    let info = machine.text("proc/cpuinfo").unwrap_or_default();
    let cores = info.lines().filter(|line| line.starts_with("processor")).count().max(1);
    let part = machine.cpuinfo("CPU part");
    let core = part.and_then(|part| CORES.iter().find(|(number, _)| *number == part).map(|(_, name)| *name));
    let name = core.map(str::to_owned).or_else(|| machine.cpuinfo("model name"));
    let name = name.unwrap_or_else(|| machine.answers.program.arch.clone());
    let list = machine.cpuinfo("Features").or_else(|| machine.cpuinfo("flags")).unwrap_or_default();
    let has = |names: &[&str]| list.split_whitespace().any(|feature| names.contains(&feature));

    let wanted: &[(&str, &[&str])] = match machine.answers.program.arch.as_str() {
        "aarch64" => &[("asimd", &["asimd"]), ("dotprod", &["asimddp"]), ("fp16", &["asimdhp"])],
        "arm" => &[("neon", &["neon", "asimd"])],
        "x86_64" => &[("avx2", &["avx2"]), ("fma", &["fma"]), ("avx512f", &["avx512f"])],
        _ => &[],
    };
    let named = |there: bool| -> Vec<&str> {
        wanted.iter().filter(|(_, names)| has(names) == there).map(|(name, _)| *name).collect()
    };
    let (used, lacks) = (named(true), named(false));
    let mut found = format!("{cores} x {name}");
    if !used.is_empty() {
        found = format!("{found}; the engine uses {}", used.join(", "));
    }
    if !lacks.is_empty() {
        found = format!("{found} (no {})", lacks.join(", no "));
    }
    // What every processor of an architecture has or not is its nature; to lack these makes the engine crawl.
    let crawls = |name: &str| ["neon", "asimd", "avx2", "fma"].contains(&name);
    match lacks.iter().find(|name| crawls(name)) {
        Some(_) => {
            Check::warning("processor", found, "the model runs slowly here: take another board, or a lower `fps`")
        }
        None => Check::ok("processor", found),
    }
}

pub(super) fn memory(machine: &Machine) -> Check {
    let info = machine.text("proc/meminfo").unwrap_or_default();
    let kib = |key: &str| -> Option<u64> { super::machine::field(&info, key)?.strip_suffix(" kB")?.parse().ok() };
    let (Some(total), Some(free)) = (kib("MemTotal"), kib("MemAvailable")) else {
        return Check::ok("memory", "the system does not tell");
    };
    let found = format!("{} of {} free", size(free), size(total));
    if free < FREE {
        return Check::warning("memory", found, "stop other programs; `ps aux --sort=-rss | head` names the largest");
    }
    Check::ok("memory", found)
}

/// KiB as people read them.
fn size(kib: u64) -> String {
    if kib < 1 << 20 { format!("{} MiB", kib >> 10) } else { format!("{:.1} GiB", kib as f64 / f64::from(1 << 20)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Answers;
    use std::path::Path;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_features_found_are_those_the_engine_reports() {
        let found = processor(&Machine::new(Path::new("/"), Answers::of_the_program())).found;
        let used =
            found.split_once("the engine uses ").map_or("", |(_, used)| used.split(" (").next().unwrap_or_default());
        let engine = emotion_models::engine_description();
        let says = |name: &str| engine.split([' ', ',']).any(|word| word == name);
        for name in ["avx2", "fma", "avx512f", "dotprod", "fp16"] {
            assert_eq!(used.split(", ").any(|word| word == name), says(name), "{name}: {found} | {engine}");
        }
    }

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        assert_eq!([size(421_888), size(3_884_836)], ["412 MiB", "3.7 GiB"]);
    }
}
