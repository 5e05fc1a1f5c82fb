//! Runs a model on pictures, for `tests/engines/compare.py`: how much processor time an inference takes, and what it answers.
//!
//! `inference MODEL.onnx f32|int8|reference PICTURES RUNS`: `reference` is float32 by tract's own operators. PICTURES holds pictures one
//! after the other as the input's bytes `[C, H, W]`. Prints a JSON object: the kernel, milliseconds of each run, and the
//! probabilities of each picture.

use emotion_models::{Classifier, check_instruction_sets, decode};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inference: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, precision, pictures, runs] = arguments.as_slice() else {
        return Err("usage: inference MODEL.onnx f32|int8|reference PICTURES RUNS".into());
    };
    check_instruction_sets()?;
    let model = decode(&std::fs::read(path)?)?;
    let mut classifier = match precision.as_str() {
        "reference" | "stock" => Classifier::reference(&model, path)?,
        precision => Classifier::with_precision(&model, path, precision.parse()?)?,
    };
    let (input, bytes) = (classifier.card().input, std::fs::read(pictures)?);
    let mut answers = Vec::new();
    for picture in bytes.chunks_exact(input.len()) {
        let real: Vec<f32> = picture.iter().map(|&byte| input.pixel_map.real(f32::from(byte))).collect();
        let answer: Vec<String> = classifier.raw_probabilities(&real)?.iter().map(f32::to_string).collect();
        answers.push(format!("[{}]", answer.join(",")));
    }
    let mut times = Vec::new();
    for _ in 0..runs.parse()? {
        let began = thread_seconds();
        classifier.infer()?;
        times.push(((thread_seconds() - began) * 1e3).to_string());
    }
    let kernel = classifier.kernel();
    println!("{{\"kernel\":\"{kernel}\",\"ms\":[{}],\"answers\":[{}]}}", times.join(","), answers.join(","));
    Ok(())
}

/// Processor time of this thread, in seconds.
fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes the time to the place it is given, and nothing else.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
