//! `doctor`: whether this machine, its camera, its lights and the configuration fit together, and what to do where not.
//!
//! A [`Machine`] is what files below a root folder say, and the answers to what only system calls and programs tell, so
//! that recordings of other boards can stand in for this one. Each check is a function of it and of the [`Plan`], what
//! a run needs; none writes, opens a camera's stream or drives a pin.

mod access;
mod board;
mod cameras;
mod glibc;
mod lights;
mod machine;
mod power;
mod probe;
mod processor;
mod report;
mod runtime;
mod service;

pub use machine::Machine;
pub use probe::{Answers, Device, Holder, Program, User};
pub use report::{json, text, worst};
pub use runtime::{Configured, Loaded, LoadedModels, Plan};
use serde::Serialize;

/// How a check ended; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Moodlight runs, but not at its best, or not for long.
    Warning,
    /// Moodlight does not do what the configuration asks for.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, such as `kernel` or `light happy`.
    pub id: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, a command or a sentence; `None` where nothing needs doing.
    pub fix: Option<String>,
}

impl Check {
    fn ok(id: impl Into<String>, found: impl Into<String>) -> Self {
        Self { id: id.into(), verdict: Verdict::Ok, found: found.into(), fix: None }
    }

    fn new(verdict: Verdict, id: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id: id.into(), verdict, found: found.into(), fix: Some(fix.into()) }
    }

    fn warning(id: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, id, found, fix)
    }

    fn problem(id: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Verdict::Problem, id, found, fix)
    }
}

/// Looks at everything: the machine from the board up, then what Moodlight is to do with it.
pub fn examine(machine: &Machine, configured: &Configured, loaded: &LoadedModels, plan: &Plan) -> Vec<Check> {
    let mut checks = vec![
        board::board(machine),
        board::kernel(machine),
        board::system(machine),
        processor::processor(machine),
        processor::memory(machine),
    ];
    checks.extend(power::power(machine));
    checks.extend(power::temperature(machine));
    checks.push(runtime::configuration(configured));
    checks.extend(runtime::models(loaded));
    checks.push(access::access(machine, plan));
    checks.extend(cameras::cameras(machine, plan));
    checks.extend(lights::lights(machine, plan));
    checks.push(service::service(machine));
    checks
}
