//! The processor's features that the engine uses, and memory.

use super::{Check, Machine};

/// Minimum free memory, in KiB. A run takes up to 40 MiB, and the page cache needs some as well.
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

/// Cores, and the kernels that compute the models' convolutions on them, in floating point and in integers.
pub(super) fn processor(machine: &Machine) -> Check {
    let info = machine.text("proc/cpuinfo").unwrap_or_default();
    let cores = info.lines().filter(|line| line.starts_with("processor")).count().max(1);
    let part = machine.cpuinfo("CPU part");
    let core = part.and_then(|part| CORES.iter().find(|(number, _)| *number == part).map(|(_, name)| *name));
    let name = core.map(str::to_owned).or_else(|| machine.cpuinfo("model name"));
    let name = name.unwrap_or_else(|| machine.probed.program.arch.clone());
    let features = machine.cpuinfo("Features").or_else(|| machine.cpuinfo("flags")).unwrap_or_default();

    let program = &machine.probed.program;
    let [float, integer] = kernels(&program.arch, &features, &program.instruction_sets);
    let asked = &program.instruction_sets;
    let because = if asked.is_empty() { String::new() } else { format!(" (TRACT_CPU_ISA is {asked})") };
    let found = format!("{cores} x {name}; the models run on {float} and {integer}{because}");
    if float.starts_with("portable") {
        let fix = "the model runs slowly without AVX2: take another machine, or a lower `fps`";
        return Check::warning("processor", found, fix);
    }
    Check::ok("processor", found)
}

/// The kernels that a program built for `arch` chooses on a processor with these features. They are those of `fused` in
/// `emotion_models`, by the names that its models report. The features are named as in `/proc/cpuinfo`, and `asked` is
/// the value of `TRACT_CPU_ISA`.
fn kernels(arch: &str, features: &str, asked: &str) -> [&'static str; 2] {
    let left_out = |name: &str| asked.split(',').any(|token| token.trim().strip_prefix('-') == Some(name));
    // The engine's names have no underscores, and one differs altogether.
    let engines = |name: &str| if name == "asimddp" { "dotprod".to_owned() } else { name.replace('_', "") };
    let has = |name: &str| features.split_whitespace().any(|feature| feature == name) && !left_out(&engines(name));
    match arch {
        "aarch64" => ["neon f32", if has("asimddp") { "neon dotprod int8" } else { "neon int8" }],
        "x86_64" => {
            let avx2 = has("avx2") && has("fma");
            let float = [(has("avx512f"), "avx512 f32"), (avx2, "avx2 f32"), (true, "portable f32")];
            let integer = [
                (has("avx512_vnni") && has("avx512f"), "avx512vnni int8"),
                (has("avx_vnni"), "avxvnni int8"),
                (avx2, "avx2 int8"),
                (true, "portable int8"),
            ];
            let first = |of: &[(bool, &'static str)]| of.iter().find(|(there, _)| *there).map_or("", |(_, name)| name);
            [first(&float), first(&integer)]
        }
        _ => ["tract f32", "portable int8"],
    }
}

pub(super) fn memory(machine: &Machine) -> Check {
    let info = machine.text("proc/meminfo").unwrap_or_default();
    let kib = |key: &str| -> Option<u64> { super::machine::field(&info, key)?.strip_suffix(" kB")?.parse().ok() };
    let (Some(total), Some(free)) = (kib("MemTotal"), kib("MemAvailable")) else {
        return Check::ok("memory", "not reported by the system");
    };
    let found = format!("{} of {} free", size(free), size(total));
    if free < FREE {
        return Check::warning("memory", found, "stop other programs; `ps aux --sort=-rss | head` names the largest");
    }
    Check::ok("memory", found)
}

/// Formats KiB for people.
fn size(kib: u64) -> String {
    if kib < 1 << 20 { format!("{} MiB", kib >> 10) } else { format!("{:.1} GiB", kib as f64 / f64::from(1 << 20)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::doctor::Probed;
    use emotion_models::{Classifier, Precision, decode, shipped};
    use std::num::NonZeroUsize;
    use std::path::Path;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernels_found_are_those_that_the_shipped_model_runs_on() {
        let found = processor(&Machine::new(Path::new("/"), Probed::of_the_program())).found;
        let (_, kernels) = found.split_once("the models run on ").unwrap();
        let model = decode(shipped::EMOTION).unwrap();
        let kernel = |precision| Classifier::with(&model, "test", precision, NonZeroUsize::MIN).map(|it| it.kernel());
        let float = kernel(Precision::F32).unwrap();
        assert_eq!(kernels.split(" and ").next(), Some(if float == "tract" { "tract f32" } else { float }), "{found}");
        if let Ok(integer) = kernel(Precision::Int8) {
            assert_eq!(
                kernels.split(" and ").nth(1).and_then(|named| named.split(" (").next()),
                Some(integer),
                "{found}"
            );
        }
    }

    #[test]
    fn each_board_has_its_kernels() {
        assert_eq!(kernels("aarch64", "fp asimd crc32", ""), ["neon f32", "neon int8"]);
        assert_eq!(kernels("aarch64", "fp asimd asimdhp asimddp", ""), ["neon f32", "neon dotprod int8"]);
        assert_eq!(kernels("arm", "half thumb neon vfpv4", ""), ["tract f32", "portable int8"]);
        assert_eq!(kernels("x86_64", "sse2 avx2", ""), ["portable f32", "portable int8"]);
        assert_eq!(kernels("x86_64", "avx2 fma avx_vnni", ""), ["avx2 f32", "avxvnni int8"]);
        let all = "avx2 fma avx_vnni avx512f avx512_vnni";
        assert_eq!(kernels("x86_64", all, "-avx512f"), ["avx2 f32", "avxvnni int8"]);
        assert_eq!(kernels("x86_64", all, "-avx512vnni, -avxvnni"), ["avx512 f32", "avx2 int8"]);
        assert_eq!(kernels("aarch64", "asimd asimddp", "-dotprod"), ["neon f32", "neon int8"]);
    }

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        assert_eq!([size(421_888), size(3_884_836)], ["412 MiB", "3.7 GiB"]);
    }
}
