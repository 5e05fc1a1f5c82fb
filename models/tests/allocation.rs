//! A warm preprocessor allocates nothing, and a warm model only what the engine needs: counted, thread by thread, by an allocator of
//! this test's own.
#![allow(clippy::unwrap_used)]

use emotion_models::{
    Classifier, Colour, CropBox, FaceDetector, FrameView, InputSpec, PixelFormat, PixelMap, Preprocessor, shipped,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Of this thread: the test harness allocates on its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; only a counter is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps `alloc`'s contract, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_warm_preprocessor_allocates_nothing() {
    let data = vec![128; PixelFormat::Rgb.frame_bytes(640, 480)];
    for colour in [Colour::Grey, Colour::Rgb] {
        let spec = InputSpec { width: 64, height: 64, colour, pixel_map: PixelMap::SIGNED };
        let mut tensor = vec![0.0; spec.len()];
        let mut preprocessor = Preprocessor::new(&spec);
        let crops = [CropBox::centred_square(640, 480), CropBox { x: 31, y: 9, width: 250, height: 300 }];
        let mut pass = |preprocessor: &mut Preprocessor| {
            for format in PixelFormat::ALL {
                let frame = FrameView::new(format, 640, 480, &data).unwrap();
                for crop in crops {
                    preprocessor.tensor(&frame, crop, &mut tensor);
                }
            }
        };
        pass(&mut preprocessor);
        let before = ALLOCATIONS.get();
        for _ in 0..3 {
            pass(&mut preprocessor);
        }
        assert_eq!(ALLOCATIONS.get(), before, "{colour}");
    }
}

/// The convolutions, one operator of ours, allocate nothing. What is counted here is tract's: the tensor that each of its own operators
/// gives, and what it keeps for a turn.
#[test]
fn a_warm_model_allocates_only_in_the_engines_own_operators() {
    let counted = |infer: &mut dyn FnMut()| {
        infer();
        let before = ALLOCATIONS.get();
        infer();
        ALLOCATIONS.get() - before
    };
    let mut classifier = Classifier::from_bytes(shipped::EMOTION, "shipped").unwrap();
    let mut detector = FaceDetector::from_bytes(shipped::FACE, "shipped").unwrap();
    let counts = [counted(&mut || _ = classifier.infer().unwrap()), counted(&mut || detector.infer().unwrap())];
    assert_eq!(counts, [16, 0]);
}
