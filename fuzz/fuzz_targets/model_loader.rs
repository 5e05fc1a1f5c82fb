//! Whatever bytes a file holds, loading and running it as a model ends soon, without a panic that gets out and without memory
//! beyond bounds; both arithmetics are tried.
#![no_main]

use emotion_models::{Classifier, Precision, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = decode(bytes) else { return };
    for precision in [Precision::F32, Precision::Int8] {
        if let Ok(mut classifier) = Classifier::with_precision(&model, "fuzzed", precision) {
            let _ = classifier.infer();
        }
    }
});
