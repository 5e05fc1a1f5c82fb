//! Fused runs against the same graph operator by operator, and against tract's own reading of the ONNX file.
#![allow(clippy::unwrap_used)]

mod allocations;
mod layers;
mod network;

use crate::card::Precision;
use crate::fused::{Fused, Threads};
use crate::graph::{self, Reading};
use crate::input::PixelMap;
use crate::pb::ModelProto;
use network::network;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_core::internal::format_err;
use tract_core::prelude::*;
use tract_onnx::prelude::InferenceModelExt;

fn run(model: TypedModel, input: Tensor) -> Vec<f32> {
    let output = model.into_runnable().unwrap().run(tvec![input.into_tvalue()]).unwrap();
    output[0].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
}

fn fused_operators(model: &TypedModel) -> usize {
    model.nodes().iter().filter(|node| node.op_is::<Fused>()).count()
}

/// The first run of convolutions that is one operator.
fn first_fused(model: &TypedModel) -> &Fused {
    model.nodes().iter().find_map(|node| node.op_as::<Fused>()).unwrap()
}

fn frame(seed: u64, side: usize) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..side * side).map(|_| random.random()).collect()
}

fn fuse(model: TypedModel) -> TractResult<TypedModel> {
    super::fuse(model, Threads::new(1))
}

fn read(model: &ModelProto, precision: Precision, pixels: PixelMap) -> TypedModel {
    graph::typed(model, Reading { precision, pixels }).unwrap()
}

#[test]
fn a_fused_integer_network_equals_its_operators() {
    for seed in 0..8 {
        let pixels = if seed % 2 == 0 { PixelMap::SIGNED } else { PixelMap::UNIT };
        let side = 16 + seed as usize;
        let model = network(seed, pixels, side, seed % 4 < 2);
        let bytes = Tensor::from_shape(&[1, 1, side, side], &frame(seed, side)).unwrap();
        let alone = read(&model, Precision::Int8, pixels);
        let expected = run(alone.clone(), bytes.clone());
        assert!(expected.iter().any(|&value| value != expected[0]), "the network answers the same everywhere");
        for threads in [Threads::new(1), Threads { count: 3, share_all: true }, Threads::new(3)] {
            let fused = super::fuse(alone.clone(), threads).unwrap();
            assert_eq!((fused_operators(&fused), fused.nodes().len() < 8), (1, true), "seed {seed}: {fused}");
            assert_eq!(run(fused.clone(), bytes.clone()), expected, "seed {seed}, {threads:?}");
            let (shared, all) = (first_fused(&fused).program().shared(), first_fused(&fused).plan().steps.len());
            match threads {
                Threads { count: 1, .. } => assert_eq!(shared, 0),
                // Maps of a single row cannot be.
                Threads { share_all: true, .. } => assert!(shared > 0 && shared <= all, "{shared} of {all}"),
                // Which layers are faster differs from machine to machine.
                Threads { .. } => assert!(shared <= all, "{shared} of {all}"),
            }
        }
    }
}

#[test]
fn what_a_processors_kernel_refuses_runs_on_the_portable_one() {
    let fused = fuse(read(&network(1, PixelMap::SIGNED, 16, true), Precision::Int8, PixelMap::SIGNED)).unwrap();
    let (plan, own) = (first_fused(&fused).plan(), first_fused(&fused).program());
    let portable = super::or_portable(Err(format_err!("refused")), plan, Threads::new(1)).unwrap();
    assert_eq!(portable.kernel(), "portable int8");
    let bytes = Tensor::from_shape(&[1, 1, 16, 16], &frame(1, 16)).unwrap();
    let [own, portable] = [own, &*portable].map(|program| {
        let mut output = program.output().unwrap();
        program.run(&mut program.buffers(), &bytes, &mut output).unwrap();
        output
    });
    assert_eq!(own, portable);
}

/// Weights of -128, which this kernel's sums of 16 bits do not hold.
#[cfg(target_arch = "aarch64")]
#[test]
fn neon_without_dot_products_leaves_weights_of_the_least_number_to_the_portable_kernel() {
    let kernel = |seed| {
        let model = network(seed, PixelMap::SIGNED, 16, true);
        first_fused(&fuse(read(&model, Precision::Int8, PixelMap::SIGNED)).unwrap()).program().kernel()
    };
    let dot = std::arch::is_aarch64_feature_detected!("dotprod");
    let expected = if dot { ["neon dotprod int8"; 2] } else { ["neon int8", "portable int8"] };
    assert_eq!([kernel(0), kernel(1)], expected);
}

#[test]
fn bytes_and_real_input_are_the_same() {
    let model = network(3, PixelMap::SIGNED, 16, true);
    let bytes = frame(9, 16);
    let reals: Vec<f32> = bytes.iter().map(|&byte| PixelMap::SIGNED.real(f32::from(byte))).collect();
    // With another pixel map than the graph undoes, the graph keeps its real input.
    let real = fuse(read(&model, Precision::Int8, PixelMap::UNIT)).unwrap();
    let byte = fuse(read(&model, Precision::Int8, PixelMap::SIGNED)).unwrap();
    assert_eq!(byte.input_fact(0).unwrap().datum_type, DatumType::U8);
    let shape = [1, 1, 16, 16];
    let from_reals = run(real, Tensor::from_shape(&shape, &reals).unwrap());
    assert_eq!(run(byte, Tensor::from_shape(&shape, &bytes).unwrap()), from_reals);
}

#[test]
fn reference_tract_stays_near_over_the_whole_network() {
    for seed in 0..4 {
        let model = network(seed, PixelMap::SIGNED, 16, seed % 2 == 0);
        let reals: Vec<f32> = frame(seed, 16).iter().map(|&byte| PixelMap::SIGNED.real(f32::from(byte))).collect();
        let input = Tensor::from_shape(&[1, 1, 16, 16], &reals).unwrap();
        let reference = tract_onnx::onnx()
            .model_for_read(&mut crate::onnx::encode(&model).as_slice())
            .unwrap()
            .into_typed()
            .unwrap();
        let ours = run(fuse(read(&model, Precision::Int8, PixelMap::UNIT)).unwrap(), input.clone());
        for (ours, reference) in ours.iter().zip(run(reference, input)) {
            // Steps of 0.02 in the last map; those of the maps before it add to one or two. See `layers` for each by itself.
            assert!((ours - reference).abs() <= 0.04, "seed {seed}: {ours}, tract {reference}");
        }
    }
}

#[test]
fn read_in_floating_point_it_gives_nearly_the_same() {
    for seed in 0..4 {
        let model = network(seed, PixelMap::SIGNED, 16, seed % 2 == 0);
        let reals: Vec<f32> = frame(seed, 16).iter().map(|&byte| PixelMap::SIGNED.real(f32::from(byte))).collect();
        let input = Tensor::from_shape(&[1, 1, 16, 16], &reals).unwrap();
        let graph = read(&model, Precision::F32, PixelMap::SIGNED);
        let unfused = run(graph.clone().into_optimized().unwrap(), input.clone());
        let fused = fuse(graph).unwrap();
        assert_eq!(fused_operators(&fused), 1, "{fused}");
        let float = run(fused, input.clone());
        let integer = run(fuse(read(&model, Precision::Int8, PixelMap::UNIT)).unwrap(), input);
        for ((float, unfused), integer) in float.iter().zip(&unfused).zip(&integer) {
            assert!((float - unfused).abs() < 1e-4, "seed {seed}: {float}, unfused {unfused}");
            assert!((float - integer).abs() < 0.15, "seed {seed}: {float}, integer {integer}");
        }
    }
}
