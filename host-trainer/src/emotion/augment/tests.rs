use super::*;
use crate::random::{Purpose, stream};

const SHAPE: (usize, usize, usize) = (2, 9, 12);

fn picture() -> Vec<u8> {
    (0..2 * 9 * 12).map(|index| (index * 53 % 256) as u8).collect()
}

fn apply(augment: &Augment, index: u64) -> Vec<f32> {
    let mut target = vec![0.0; picture().len()];
    augment.apply(&picture(), &mut target, SHAPE, &mut stream(Purpose::Augment, 1, 1, index));
    target
}

fn warp(warp: &Warp) -> Vec<f32> {
    let mut target = vec![0.0; picture().len()];
    warp.apply(&picture(), &mut target, SHAPE);
    target
}

#[test]
fn no_change_is_exact() {
    let floats: Vec<f32> = picture().into_iter().map(f32::from).collect();
    assert_eq!(apply(&Augment::none(), 0), floats);
    assert_eq!(warp(&Warp::new(false, 0.0, (1.0, 1.0), (0.0, 0.0), 12, 9)), floats);
}

#[test]
fn the_mirror_image_is_exact() {
    let flipped = warp(&Warp::new(true, 0.0, (1.0, 1.0), (0.0, 0.0), 12, 9));
    for (row, mirrored) in picture().chunks(12).zip(flipped.chunks(12)) {
        assert!(row.iter().rev().map(|&byte| f32::from(byte)).eq(mirrored.iter().copied()));
    }
}

#[test]
fn moved_pictures_are_reflected_at_the_edge() {
    let moved = warp(&Warp::new(false, 0.0, (1.0, 1.0), (3.0, 0.0), 12, 9));
    let row: Vec<f32> = picture()[..12].iter().map(|&byte| f32::from(byte)).collect();
    assert_eq!(moved[3..12], row[..9]);
    assert_eq!(moved[..3], [row[2], row[1], row[0]]);
}

#[test]
fn any_warp_agrees_with_sampling_by_the_formula() {
    let picture = picture();
    let mut random = stream(Purpose::Augment, 2, 0, 0);
    for _ in 0..200 {
        let angle = random.random_range(-3.2f32..3.2);
        let (zoom, shift) = (random.random_range(0.3f32..2.0), random.random_range(-9.0f32..9.0));
        let warp = Warp::new(random.random(), angle, (zoom, zoom * 1.1), (shift, -shift), 12, 9);
        let mut target = vec![0.0; picture.len()];
        warp.apply(&picture, &mut target, SHAPE);
        for (place, &value) in target[..108].iter().enumerate() {
            let (x, y) = ((place % 12) as f32, (place / 12) as f32);
            let at = |axis: usize| warp.matrix[2 * axis] * x + warp.matrix[2 * axis + 1] * y + warp.offset[axis];
            if (-5.0..16.0).contains(&at(0)) && (-4.0..12.0).contains(&at(1)) {
                let expected = bilinear(&picture, at(0), at(1));
                // Positions are rounded to 1/65536 along a row, and neighbours differ by up to 255.
                assert!((value - expected).abs() < 0.2, "{value} is not {expected}");
            }
        }
    }
}

fn bilinear(picture: &[u8], x: f32, y: f32) -> f32 {
    let reflect = |index: i32, size: i32| {
        let index = index.rem_euclid(2 * size);
        if index < size { index } else { 2 * size - 1 - index }
    };
    let pixel = |x: i32, y: i32| f32::from(picture[(reflect(y, 9) * 12 + reflect(x, 12)) as usize]);
    let (left, top) = (x.floor() as i32, y.floor() as i32);
    let (u, v) = (x - left as f32, y - top as f32);
    let line = |y: i32| pixel(left, y) * (1.0 - u) + pixel(left + 1, y) * u;
    line(top) * (1.0 - v) + line(top + 1) * v
}

#[test]
fn changes_repeat_and_keep_the_range() {
    let strong = Augment { blur: 0.5, erase: 0.5, ..Augment::compact() };
    for index in 0..200 {
        let changed = apply(&strong, index);
        assert_eq!(changed, apply(&strong, index));
        assert!(changed.iter().all(|value| (0.0..=255.001).contains(value)), "{changed:?}");
    }
    assert_ne!(apply(&strong, 0), apply(&strong, 1));
}

#[test]
fn blur_keeps_one_tone_and_smooths_the_rest() {
    let mut flat = vec![77.0; picture().len()];
    blur(&mut flat, SHAPE, 1.3);
    assert!(flat.iter().all(|value| (value - 77.0).abs() < 1e-3));
    let mut target = apply(&Augment::none(), 0);
    let roughness = |values: &[f32]| values.windows(2).map(|pair| (pair[0] - pair[1]).abs()).sum::<f32>();
    let before = roughness(&target);
    blur(&mut target, SHAPE, 1.0);
    assert!(roughness(&target) < before / 2.0);
}

#[test]
fn amounts_out_of_range_are_named() {
    assert!(Augment::compact().check().is_ok() && Augment::lenet().check().is_ok());
    let error = Augment { erase: 1.5, ..Augment::none() }.check().expect_err("out of range");
    assert!(error.contains("augment.erase") && error.contains("1.5"));
    assert!(Augment { zoom: f32::NAN, ..Augment::none() }.check().is_err());
}

#[test]
fn every_change_of_a_camera_repeats_changes_something_and_keeps_the_range() {
    let camera: [(&str, Augment); 11] = [
        ("aspect", Augment { aspect: 0.2, ..Augment::none() }),
        ("zoom_out", Augment { zoom_out: 1.0, ..Augment::none() }),
        ("surround", Augment { zoom_out: 1.0, constant_border: 1.0, ..Augment::none() }),
        ("gamma", Augment { gamma: 0.4, ..Augment::none() }),
        ("side light", Augment { side_light: 1.0, ..Augment::none() }),
        ("low light", Augment { low_light: 1.0, ..Augment::none() }),
        ("motion blur", Augment { motion_blur: 1.0, ..Augment::none() }),
        ("downscale", Augment { downscale: 1.0, ..Augment::none() }),
        ("noise", Augment { noise: 1.0, ..Augment::none() }),
        ("jpeg", Augment { jpeg: 1.0, ..Augment::none() }),
        ("occlusion", Augment { occlusion: 1.0, ..Augment::none() }),
    ];
    for (name, augment) in camera {
        assert!(augment.check().is_ok(), "{name}");
        let changed: Vec<Vec<f32>> = (0..50).map(|index| apply(&augment, index)).collect();
        let unlike = changed.iter().filter(|&picture| picture != &apply(&Augment::none(), 0)).count();
        assert!(unlike >= 45, "{name} changed {unlike} of 50");
        for (index, picture) in changed.iter().enumerate() {
            assert_eq!(picture, &apply(&augment, index as u64), "{name}");
            assert!(picture.iter().all(|value| (0.0..=255.01).contains(value)), "{name}: {picture:?}");
        }
    }
}

#[test]
fn motion_and_downscaling_keep_one_tone() {
    for augment in [Augment { motion_blur: 1.0, ..Augment::none() }, Augment { downscale: 1.0, ..Augment::none() }] {
        let mut target = vec![0.0; picture().len()];
        augment.apply(&vec![90; picture().len()], &mut target, SHAPE, &mut stream(Purpose::Augment, 1, 1, 3));
        assert!(target.iter().all(|value| (value - 90.0).abs() < 0.01), "{target:?}");
    }
}

#[test]
fn a_view_wider_than_the_picture_shows_the_surrounding_tone() {
    let zoomed_out = Augment { zoom_out: 1.0, zoom: 0.4, constant_border: 1.0, ..Augment::none() };
    let seen = apply(&zoomed_out, 5);
    assert!(seen[0] == seen[11] && seen[0] == seen[107], "{seen:?}");
}
