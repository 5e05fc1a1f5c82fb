//! Whatever bytes a file holds, loading it as a model and running it ends soon, without an uncaught panic and within bounds of
//! memory: as an emotion model and as a face model, at both precisions and at the faster one. The loader turns a panic of tract's
//! into an error. A panic of our own code is a finding.
#![no_main]

use emotion_models::{Classifier, AutoTune, FaceDetector, Precision, decode};
use libfuzzer_sys::fuzz_target;
use std::num::NonZeroUsize;
use std::panic::{set_hook, take_hook};

fuzz_target!(
    init: {
        let abort = take_hook();
        set_hook(Box::new(move |panic| {
            let ours = |file: &str| file.contains("models/src/") || file.contains("fuzz_targets/");
            if panic.location().is_none_or(|place| ours(place.file())) {
                abort(panic);
            }
        }));
    },
    |bytes: &[u8]| {
        let Ok(model) = decode(bytes) else { return };
        for precision in [Precision::F32, Precision::Int8] {
            if let Ok(mut classifier) = Classifier::with_precision(&model, "fuzzed", precision) {
                let _ = classifier.infer();
            }
            if let Ok(mut finder) = FaceDetector::with(&model, "fuzzed", precision, NonZeroUsize::MIN) {
                // Mid grey, and every cell of the maps decoded.
                let pixels = vec![128; finder.card().input.len()];
                let _ = finder.detect_in_input(&pixels, 0.0);
            }
        }
        // Auto-tuning takes a third of a second: some files will do.
        if bytes.len() % 16 == 0 {
            let _ = Classifier::fastest(&model, "fuzzed", NonZeroUsize::MIN);
            let _ = FaceDetector::fastest(&model, "fuzzed", NonZeroUsize::MIN);
        }
    }
);
