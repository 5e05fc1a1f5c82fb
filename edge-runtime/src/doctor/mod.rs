//! `doctor` checks whether this machine, its camera, its lights and the configuration fit together, and says what to do
//! if not.
//!
//! A [`Machine`] is what files below a root folder say, and what system calls and programs reported. So recordings of
//! other boards can stand in for this one. Each check is a function of the machine and of the [`Needs`] of a run. No
//! check writes, opens a camera's stream or drives a pin.

mod access;
mod board;
mod cameras;
mod check;
mod glibc;
mod lights;
mod machine;
mod power;
mod probe;
mod processor;
mod report;
mod runtime;
mod service;

pub use check::{Check, Verdict};
pub use machine::{Device, Holder, Machine, Probed, Program, User};
pub use report::{json, text, worst};
pub use runtime::{Configured, Loaded, LoadedModels, Needs};

/// Runs all checks: the machine from the board up, then what Moodlight needs of it.
pub fn examine(machine: &Machine, configured: &Configured, loaded: &LoadedModels, needs: &Needs) -> Vec<Check> {
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
    checks.push(access::access(machine, needs));
    checks.extend(cameras::cameras(machine, needs));
    checks.extend(lights::lights(machine, needs));
    checks.push(service::service(machine));
    checks
}
