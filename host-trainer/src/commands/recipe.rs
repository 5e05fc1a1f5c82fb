//! `recipe`: a file of commands, from the data sets to the shipped files. What is done is not done again, and a training run that was
//! cut off goes on.

use crate::failure::{Blame, INTERRUPTED, Kind, failure};
use crate::files;
use crate::interrupt::interrupted;
use crate::output::{say, tell};
use crate::run::checkpoint;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a step is looked after.
const POLL: Duration = Duration::from_millis(100);

/// Arguments of `recipe`.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// The recipe: a TOML file with a list of steps.
    #[arg(value_name = "RECIPE.toml")]
    pub recipe: PathBuf,
    /// Folder that holds the data sets that the recipe names.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for runs and files; a second call with the same folder goes on where the first stopped.
    #[arg(long, value_name = "DIR", default_value = "recipe")]
    pub work: PathBuf,
    /// Print the commands, and which of them are done, and run none.
    #[arg(long)]
    pub dry_run: bool,
    /// Stop after the step of this name.
    #[arg(long, value_name = "STEP")]
    pub until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    step: Vec<Step>,
}

/// One command of this program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Its name, in messages and for `--until`.
    name: String,
    /// The folder or file that it makes, within the work folder.
    makes: String,
    /// Its words, without the program's name. `{work}` is the work folder, `{recipe}` the folder of the recipe's file; other paths are
    /// those of data sets.
    run: Vec<String>,
}

/// What is left to do of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Done,
    /// A training run that was cut off.
    Begun,
    ToDo,
}

/// Runs the steps of a recipe that are not done yet.
///
/// # Errors
/// A recipe that cannot be read, or a step that fails.
pub fn run(args: &RecipeArgs) -> Result<ExitCode> {
    let recipe = read(&args.recipe)?;
    if let Some(until) = &args.until {
        let names: Vec<&str> = recipe.step.iter().map(|step| step.name.as_str()).collect();
        let message = format!("--until {until}: the recipe's steps are {}", names.join(", "));
        ensure!(names.contains(&until.as_str()), failure(Kind::Usage, message));
    }
    ensure!(
        args.data.is_dir(),
        failure(Kind::Data, format!("{} is no folder; name the data sets' with --data", args.data.display()))
    );
    if !args.dry_run {
        files::make_folder(&args.work)?;
    }
    let [data, work, folder] = [args.data.as_path(), &args.work, folder_of(&args.recipe)].map(absolute);
    let (data, work, folder) = (data?, work?, folder?);
    let interrupted = interrupted()?;
    for (index, step) in recipe.step.iter().enumerate() {
        let state = step.state(&work);
        let words = step.words(&work, &folder, state);
        let (number, count, name) = (index + 1, recipe.step.len(), &step.name);
        match state {
            State::Done => say!("step {number} of {count}, {name}: done")?,
            _ => say!("step {number} of {count}, {name}: host-trainer {}", words.join(" "))?,
        }
        if state != State::Done && !args.dry_run {
            let began = Instant::now();
            let code = execute(&words, &data, &interrupted)?;
            if code != 0 {
                tell!("host-trainer: the step {name} ended with exit code {code}; the same command goes on from there");
                return Ok(ExitCode::from(code));
            }
            say!("step {number} of {count}, {name}: {:.0} s", began.elapsed().as_secs_f64())?;
        }
        if args.until.as_ref() == Some(name) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Recipe> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let parsed = text.and_then(|text| toml::from_str(&text).with_context(|| format!("in {}", path.display())));
    let recipe: Recipe = parsed.blame(Kind::Config)?;
    ensure!(!recipe.step.is_empty(), failure(Kind::Config, format!("{} has no step", path.display())));
    Ok(recipe)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot use {}", path.display()))
}

impl Step {
    /// A run is done when its report is written; anything else when it is there.
    fn state(&self, work: &Path) -> State {
        let made = work.join(&self.makes);
        let trains = matches!(self.run.first().map(String::as_str), Some("train" | "quantize"));
        match trains {
            true if made.join("report.html").exists() => State::Done,
            true if checkpoint::last(&made).exists() => State::Begun,
            false if made.exists() => State::Done,
            _ => State::ToDo,
        }
    }

    /// The command's words; a run that was cut off is resumed in place of begun.
    fn words(&self, work: &Path, folder: &Path, state: State) -> Vec<String> {
        let [work_text, folder] = [work, folder].map(|path| path.to_string_lossy());
        match state {
            State::Begun => vec!["train".into(), "--resume".into(), work.join(&self.makes).display().to_string()],
            _ => self.run.iter().map(|word| word.replace("{work}", &work_text).replace("{recipe}", &folder)).collect(),
        }
    }
}

/// Runs this program with these words in the folder of the data sets, and returns its exit code. A signal to stop goes on to the
/// step, which saves its run.
fn execute(words: &[String], data: &Path, interrupted: &AtomicBool) -> Result<u8> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(program);
    command.args(words).current_dir(data);
    // In a group of its own it gets a signal once, from here; a second one would end it before it has saved.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut step = command.spawn().context("cannot start a step")?;
    let mut asked = false;
    let status = loop {
        if let Some(status) = step.try_wait().context("cannot wait for a step")? {
            break status;
        }
        if !asked && interrupted.load(Ordering::Relaxed) {
            asked = true;
            ask_to_stop(&mut step);
        }
        std::thread::sleep(POLL);
    };
    let code = status.code().map_or(INTERRUPTED, |code| u8::try_from(code).unwrap_or(1));
    // Whatever the step made of the signal, no other begins.
    Ok(if asked && code == 0 { INTERRUPTED } else { code })
}

#[cfg(unix)]
fn ask_to_stop(step: &mut Child) {
    if let Ok(id) = libc::pid_t::try_from(step.id()) {
        // SAFETY: `kill` takes no pointers; the process was not waited for yet, so that the number is still its own.
        unsafe { libc::kill(id, libc::SIGTERM) };
    }
}

#[cfg(not(unix))]
fn ask_to_stop(step: &mut Child) {
    let _ = step.kill();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn step(makes: &str, run: &[&str]) -> Step {
        Step { name: "a".into(), makes: makes.into(), run: run.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_step_is_done_begun_or_to_do() {
        let work = tempfile::tempdir().unwrap();
        let work = work.path();
        let (train, export) = (step("run", &["train", "--out", "{work}/run"]), step("m.onnx", &["export"]));
        assert_eq!((train.state(work), export.state(work)), (State::ToDo, State::ToDo));
        assert_eq!(train.words(work, work, State::ToDo)[2], work.join("run").display().to_string());
        std::fs::create_dir_all(work.join("run/checkpoints")).unwrap();
        assert_eq!(train.state(work), State::ToDo);
        std::fs::write(checkpoint::last(&work.join("run")), "").unwrap();
        assert_eq!(train.state(work), State::Begun);
        assert_eq!(train.words(work, work, State::Begun)[1], "--resume");
        std::fs::write(work.join("run/report.html"), "").unwrap();
        std::fs::write(work.join("m.onnx"), "").unwrap();
        assert_eq!((train.state(work), export.state(work)), (State::Done, State::Done));
    }

    #[test]
    fn the_projects_own_recipes_and_their_nets_are_taken() {
        for (name, steps) in [("emotion", 6), ("seed", 2)] {
            let path = Path::new("../recipes").join(name).with_extension("toml");
            assert_eq!(read(&path).unwrap().step.len(), steps, "{name}");
        }
        for net in ["emotion-net.toml", "emotion-taught-net.toml", "seed-net.toml"] {
            let net = Path::new("../recipes").join(net);
            let mut config = crate::run::config::Config::<crate::emotion::options::EmotionConfig>::read(&net).unwrap();
            config.task.data.sources.push("fer7".into());
            config.check().unwrap();
        }
    }

    #[test]
    fn a_recipe_that_is_none_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.toml");
        for (text, word) in
            [("steps = []\n", "line 1"), ("[[step]]\nname = 'a'\nrun = []\n", "makes"), ("step = []", "no step")]
        {
            std::fs::write(&path, text).unwrap();
            let told = crate::failure::causes(&read(&path).unwrap_err());
            assert!(told.contains("r.toml") && told.contains(word), "{told}");
        }
    }
}
