//! A warm run on one thread allocates nothing: counted, thread by thread, by an allocator of the tests' own.

use super::network::network;
use super::{first_fused, frame, fuse, read};
use crate::card::Precision;
use crate::input::PixelMap;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tract_core::prelude::Tensor;

struct Counting;

thread_local! {
    /// Of this thread: other tests allocate beside it.
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
fn a_warm_run_allocates_nothing() {
    let bytes = Tensor::from_shape(&[1, 1, 16, 16], &frame(4, 16)).unwrap();
    let reals = bytes.cast_to::<f32>().unwrap().into_owned();
    let inputs = [(Precision::Int8, bytes), (Precision::F32, reals)];
    for ((precision, input), pool) in inputs.into_iter().flat_map(|input| [(input.clone(), true), (input, false)]) {
        let model = network(4, PixelMap::SIGNED, 16, pool);
        let fused = fuse(read(&model, precision, PixelMap::SIGNED)).unwrap();
        let program = first_fused(&fused).program();
        let (mut buffers, mut output) = (program.buffers(), program.output().unwrap());
        program.run(&mut buffers, &input, &mut output).unwrap();
        let before = ALLOCATIONS.get();
        program.run(&mut buffers, &input, &mut output).unwrap();
        assert_eq!(ALLOCATIONS.get() - before, 0, "{precision}");
    }
}
