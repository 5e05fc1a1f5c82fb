//! `draw`: test-card faces as a data set, to try things out without photographs, and to mix into photographs.

use crate::failure::{Blame, INTERRUPTED, Kind};
use crate::files;
use crate::output::{say, tell};
use crate::part::Part;
use crate::progress::Progress;
use anyhow::{Context, Result, ensure};
use clap::Args;
use emotion_models::{TEST_CARD_LABELS, TestCard, is_reserved_seed};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Persons of the test card below this belong to tests and the demo (see [`is_reserved_seed`]).
const FIRST_FREE: u64 = 1000;
/// Persons set aside for each seed of `draw`, so that two seeds never draw the same person.
const PERSONS: u64 = 1_000_000;

/// The label of calm faces.
const CALM: &str = "neutral";

/// Arguments of `draw`.
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// Folder to make; it gets LABEL/*.png below train/, val/ and test/.
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Which persons are drawn; two seeds never share one.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Training pictures per label.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub per_label: u64,
    /// Validation pictures per label, and as many test pictures, of other persons.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub held_out: u64,
    /// Rows and columns of a picture.
    #[arg(long, default_value_t = 128, value_name = "PIXELS")]
    pub size: u32,
    /// Draw the persons that belong to tests and the demo instead; never train on them.
    #[arg(long)]
    pub reserved: bool,
    /// Draw calm faces as well, under the label neutral.
    #[arg(long)]
    pub neutral: bool,
}

impl DrawArgs {
    fn labels(&self) -> Vec<&'static str> {
        TEST_CARD_LABELS.into_iter().chain(self.neutral.then_some(CALM)).collect()
    }
}

/// One picture to draw.
struct Sketch {
    part: Part,
    label: &'static str,
    person: u64,
    number: u64,
}

/// Draws the data set.
///
/// # Errors
/// When the folder is there already, cannot be made, or too many persons are asked for.
pub fn run(args: &DrawArgs) -> Result<ExitCode> {
    let sketches = check(args).and_then(|()| sketches(args)).blame(Kind::Usage)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, interrupted.clone())?;
    }
    let done = draw_all(args, &sketches, &interrupted);
    if done.is_err() || interrupted.load(Ordering::Relaxed) {
        // A part of a data set would pass for a whole one.
        for part in Part::ALL {
            let _ = std::fs::remove_dir_all(args.out.join(part.name()));
        }
        let _ = std::fs::remove_dir(&args.out);
    }
    done?;
    if interrupted.load(Ordering::Relaxed) {
        tell!("host-trainer: stopped; what was drawn is removed");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    say!("{}: {} faces of {}", args.out.display(), sketches.len(), args.labels().join(", "))?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &DrawArgs) -> Result<()> {
    ensure!((16..=2048).contains(&args.size), "--size {} is outside 16..=2048", args.size);
    ensure!(args.per_label > 0, "--per-label must be at least 1");
    for part in Part::ALL {
        let there = args.out.join(part.name()).exists();
        ensure!(!there, "{} already holds a data set ({part}/); choose another folder", args.out.display());
    }
    Ok(())
}

fn draw_all(args: &DrawArgs, sketches: &[Sketch], interrupted: &AtomicBool) -> Result<()> {
    for part in Part::ALL {
        for label in args.labels() {
            if sketches.iter().any(|sketch| sketch.part == part) {
                files::make_folder(&args.out.join(part.name()).join(label))?;
            }
        }
    }
    let progress = Progress::new("drawing", sketches.len(), true);
    sketches.par_iter().try_for_each(|sketch| {
        progress.advance();
        if interrupted.load(Ordering::Relaxed) { Ok(()) } else { draw(&args.out, sketch, args.size) }
    })
}

/// Every picture shows another person.
fn sketches(args: &DrawArgs) -> Result<Vec<Sketch>> {
    let names = args.labels();
    let labels = names.len() as u64;
    let each = args.per_label + 2 * args.held_out;
    let all = each.checked_mul(labels).context("too many pictures")?;
    let limit = if args.reserved { FIRST_FREE } else { PERSONS };
    ensure!(all <= limit, "{all} pictures need {all} persons, and there are {limit}; ask for fewer");
    let first = match args.reserved {
        true => 0,
        false => args
            .seed
            .checked_mul(PERSONS)
            .and_then(|seed| seed.checked_add(FIRST_FREE))
            .context("--seed is too large")?,
    };
    let mut sketches = vec![];
    for number in 0..each {
        let part = match number {
            _ if number < args.per_label => Part::Train,
            _ if number < args.per_label + args.held_out => Part::Val,
            _ => Part::Test,
        };
        for (index, label) in names.iter().copied().enumerate() {
            let person = first + number * labels + index as u64;
            debug_assert_eq!(is_reserved_seed(person), args.reserved);
            sketches.push(Sketch { part, label, person, number });
        }
    }
    Ok(sketches)
}

fn draw(out: &Path, sketch: &Sketch, size: u32) -> Result<()> {
    let path = out.join(sketch.part.name()).join(sketch.label).join(format!("{:06}.png", sketch.number));
    // A different moment of each person's small motion.
    let picture = TestCard::new(sketch.person).draw(sketch.label, sketch.number * 7, size, size);
    picture.save(&path).with_context(|| format!("cannot write {}", path.display())).blame(Kind::Output)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn args(seed: u64, reserved: bool) -> DrawArgs {
        DrawArgs { out: "unused".into(), seed, per_label: 5, held_out: 2, size: 64, reserved, neutral: false }
    }

    #[test]
    fn training_persons_are_never_the_reserved_ones_and_seeds_share_none() {
        let persons = |seed, reserved| -> Vec<u64> {
            sketches(&args(seed, reserved)).unwrap().iter().map(|sketch| sketch.person).collect()
        };
        assert!(persons(0, false).into_iter().chain(persons(3, false)).all(|person| !is_reserved_seed(person)));
        assert!(persons(3, true).into_iter().all(is_reserved_seed));
        let calm = sketches(&DrawArgs { neutral: true, ..args(1, false) }).unwrap();
        assert_eq!(calm.iter().filter(|sketch| sketch.label == CALM).count(), 9);
        assert!(persons(1, false).iter().all(|person| !persons(2, false).contains(person)));
    }
}
