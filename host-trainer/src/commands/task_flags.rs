//! Which flags belong to one task only: those that stand under its heading in `--help`. The rule that refuses a flag of the other
//! task asks the same headings. And which belong to new runs only, by the struct that declares them.

use crate::failure::{Kind, failure};
use crate::run::command_line::quoted_path;
use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use emotion_models::Task;
use std::path::Path;

/// Heading of the flags that only emotion nets know.
pub const EMOTION: &str = "Moods (--task emotion)";
/// Heading of the flags that only face nets know.
pub const FACE: &str = "Faces (--task face)";

/// The structs of `train`'s flags that say what a new run is.
const NEW_RUN: [&str; 3] = ["NewRunArgs", "EmotionArgs", "FaceArgs"];

/// Those of them that say where a run's data are now.
const MOVABLE: [&str; 1] = ["data"];

/// The flags given that not every run takes.
#[derive(Clone, Debug, Default)]
pub struct TaskFlags {
    /// Those that only one task knows.
    of_task: Vec<(Task, String)>,
    /// Those that only a new run knows.
    of_new_run: Vec<String>,
}

impl TaskFlags {
    /// Those among the arguments of the command that was chosen.
    pub fn given(program: &Command, matches: &ArgMatches) -> Self {
        let chosen = matches.subcommand().and_then(|(name, given)| Some((program.find_subcommand(name)?, given)));
        let Some((command, given)) = chosen else { return Self::default() };
        let mut flags = Self::default();
        for argument in command.get_arguments() {
            if given.value_source(argument.get_id().as_str()) != Some(ValueSource::CommandLine) {
                continue;
            }
            let flag = format!("--{}", argument.get_long().unwrap_or_default());
            match argument.get_help_heading() {
                Some(EMOTION) => flags.of_task.push((Task::Emotion, flag.clone())),
                Some(FACE) => flags.of_task.push((Task::Face, flag.clone())),
                _ => {}
            }
            // Of data that were moved a resumed run is told; it knows them again by their fingerprint.
            if is_of_new_run(command, argument) && !MOVABLE.contains(&argument.get_id().as_str()) {
                flags.of_new_run.push(flag);
            }
        }
        flags
    }

    /// Refuses a flag that means nothing to `task`, which would otherwise be passed over in silence.
    ///
    /// # Errors
    /// Names the flag and the task that knows it.
    pub fn refuse_other(&self, task: Task) -> Result<()> {
        match self.of_task.iter().find(|(own, _)| *own != task) {
            Some((own, flag)) => {
                let message = format!("{flag} only applies to --task {own}; this run has the task {task}");
                Err(failure(Kind::Usage, message))
            }
            None => Ok(()),
        }
    }

    /// Refuses a flag that would make `run`, which is resumed, another run.
    ///
    /// # Errors
    /// Names the flag, and how another run begins with what this one has learned.
    pub fn refuse_change(&self, run: &Path) -> Result<()> {
        match self.of_new_run.first() {
            Some(flag) => {
                let run = quoted_path(run);
                let message =
                    format!("{flag} cannot change a run that goes on; start a new one with --init {run} --out NEW");
                Err(failure(Kind::Usage, message))
            }
            None => Ok(()),
        }
    }
}

fn is_of_new_run(command: &Command, argument: &Arg) -> bool {
    let mut structs = command.get_groups().filter(|group| NEW_RUN.contains(&group.get_id().as_str()));
    structs.any(|group| group.get_args().any(|member| member == argument.get_id()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cli::Cli;
    use clap::{ArgAction, CommandFactory};

    /// What has to stand before the flag, and a value that it takes.
    fn line(command: &str, argument: &clap::Arg) -> Vec<String> {
        let needed = match command {
            "train" => vec!["--out", "x"],
            "quantize" | "export" => vec!["x", "--out", "x"],
            _ => vec!["--model", "x", "--data", "x"],
        };
        let mut words: Vec<String> = ["host-trainer", command].into_iter().chain(needed).map(str::to_owned).collect();
        words.push(format!("--{}", argument.get_long().unwrap()));
        if !matches!(argument.get_action(), ArgAction::SetTrue) {
            let possible = argument.get_possible_values();
            words.push(possible.first().map_or("1".into(), |value| value.get_name().to_owned()));
        }
        words
    }

    #[test]
    fn every_flag_under_a_tasks_heading_is_refused_for_the_other_task() {
        let program = Cli::command();
        let mut counts = [0, 0];
        for command in program.get_subcommands() {
            for argument in command.get_arguments() {
                let own = match argument.get_help_heading() {
                    Some(EMOTION) => Task::Emotion,
                    Some(FACE) => Task::Face,
                    _ => continue,
                };
                counts[usize::from(own == Task::Face)] += 1;
                let other = if own == Task::Face { Task::Emotion } else { Task::Face };
                let words = line(command.get_name(), argument);
                let matches = program.clone().try_get_matches_from(&words).unwrap();
                let given = TaskFlags::given(&program, &matches);
                given.refuse_other(own).unwrap();
                let refused = given.refuse_other(other).unwrap_err();
                let flag = format!("--{}", argument.get_long().unwrap());
                assert!(refused.to_string().starts_with(&flag), "{refused}");
                assert_eq!(crate::failure::kind_of(&refused), Some(Kind::Usage));
            }
        }
        assert!(counts[0] >= 15 && counts[1] >= 3, "{counts:?}");
    }

    #[test]
    fn a_resumed_run_takes_no_flag_that_would_make_it_another_run() {
        let program = Cli::command();
        let resumed = |flags: &str| {
            let words = format!("host-trainer train --resume x {flags}");
            let matches = program.clone().try_get_matches_from(words.split_whitespace()).unwrap();
            TaskFlags::given(&program, &matches).refuse_change(Path::new("x"))
        };
        for flags in
            ["", "--data x --epochs 9 --threads 2 --device cpu --operators fast --cache disk --quantize --summary"]
        {
            resumed(flags).unwrap();
        }
        for flag in ["--seed 1", "--ema 0", "--dropout 0", "--no-augment", "--crops x", "--out x", "--arch lenet"] {
            let refused = resumed(flag).unwrap_err();
            let typed = flag.split(' ').next().unwrap();
            let wanted = format!("{typed} cannot change a run that goes on; start a new one with --init x --out NEW");
            assert_eq!(refused.to_string(), wanted);
            assert_eq!(crate::failure::kind_of(&refused), Some(Kind::Usage));
        }
        resumed("--average 0").unwrap_err();
    }
}
