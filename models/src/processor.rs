//! What the processor has, and what `TRACT_CPU_ISA` leaves of it to the engine and to us.
//!
//! `TRACT_CPU_ISA`, the engine's own variable, takes instruction sets away: `-avx512f,-avx512vnni,-avxvnni` shows on one processor what
//! another one, without them, would do. What the processor lacks it cannot give.

use tract_core::tract_linalg::isa::{self, Isa, IsaSet};

const VARIABLE: &str = "TRACT_CPU_ISA";

/// Whether `TRACT_CPU_ISA`, if it is set, names instruction sets of this processor's architecture: the engine stops at others, or
/// passes them over.
///
/// # Errors
/// Says which name is none.
pub fn check_instruction_sets() -> Result<(), String> {
    let Some(asked) = std::env::var_os(VARIABLE) else { return Ok(()) };
    match asked.to_str() {
        Some(asked) => check(asked),
        None => Err(format!("{VARIABLE} is no text; unset it")),
    }
}

fn check(asked: &str) -> Result<(), String> {
    for token in asked.split(',').map(str::trim).filter(|token| !token.is_empty()) {
        let name = token.strip_prefix(['+', '-']).unwrap_or(token);
        if !named(name).is_some_and(is_native) {
            return Err(format!(
                "{VARIABLE}: `{name}` is no instruction set of this processor's kind that the engine knows; unset it, or leave some out \
                 as in -avx512f,-avx512vnni,-avxvnni or -dotprod"
            ));
        }
    }
    Ok(())
}

/// The set of one name; none for a name that the engine does not know.
fn named(name: &str) -> Option<IsaSet> {
    name.parse().ok()
}

fn is_native(set: IsaSet) -> bool {
    set.arch().is_some_and(|arch| arch.is_native())
}

/// Whether an instruction set is left.
pub(crate) fn is_left(set: Isa) -> bool {
    isa::native().has(set)
}

/// The names of what the engine or our kernels can use here.
pub(crate) fn features() -> Vec<&'static str> {
    let held_back = |name: &str| named(name).is_some_and(|set| is_native(set) && !set.iter().all(is_left));
    found().into_iter().filter(|(name, there)| *there && !held_back(name)).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "x86_64")]
fn found() -> Vec<(&'static str, bool)> {
    use std::arch::is_x86_feature_detected as has;
    vec![
        ("avx2", has!("avx2")),
        ("fma", has!("fma")),
        ("avx512f", has!("avx512f")),
        ("avx512vnni", has!("avx512vnni")),
        ("avxvnni", has!("avxvnni")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn found() -> Vec<(&'static str, bool)> {
    use std::arch::is_aarch64_feature_detected as has;
    vec![("neon", has!("neon")), ("dotprod", has!("dotprod")), ("fp16", has!("fp16")), ("i8mm", has!("i8mm"))]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn found() -> Vec<(&'static str, bool)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn only_this_architectures_sets_may_be_left_out() {
        let [own, other] = if cfg!(target_arch = "x86_64") { ["avx512f", "dotprod"] } else { ["dotprod", "avx512f"] };
        for fine in ["", ",", own, &format!("-{own}"), &format!(" -{own} , +{own},")] {
            assert_eq!(check(fine), Ok(()), "{fine:?}");
        }
        for wrong in
            ["nonsense", "-AVX512F", "-", "é", "\u{2212}avx512f", &format!("-{other}"), &format!("-{own},-{other}")]
        {
            assert!(
                check(wrong).is_err_and(|told| told.contains("TRACT_CPU_ISA") && told.contains("unset")),
                "{wrong:?}"
            );
        }
    }
}
