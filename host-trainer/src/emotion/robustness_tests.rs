#![allow(clippy::unwrap_used)]
use super::robustness::Perturbation;
use emotion_models::{CropBox, Picture, PixelFormat};

/// A picture of `side` x `side` pixels, each channel of which is made by `tone` from column, row and channel.
fn picture(format: PixelFormat, side: u32, tone: impl Fn(u32, u32, u32) -> u8) -> Picture {
    let channels = format.row_bytes(1) as u32;
    let each = |y: u32| (0..side).flat_map(move |x| (0..channels).map(move |channel| (x, y, channel)));
    let data = (0..side).flat_map(each).map(|(x, y, channel)| tone(x, y, channel)).collect();
    Picture { format, width: side, height: side, data }
}

fn applied(perturbation: Perturbation, picture: &Picture, name: &str) -> Picture {
    perturbation.apply(picture, CropBox::full(picture.width, picture.height), name).unwrap()
}

#[test]
fn every_perturbation_changes_a_picture_and_is_the_same_in_every_run() {
    for format in [PixelFormat::Grey, PixelFormat::Rgb] {
        let plain = picture(format, 100, |x, y, channel| (x * 2 + y / 2 + 10 * channel) as u8);
        for perturbation in Perturbation::ALL {
            let changed = applied(perturbation, &plain, "test/happy/1.png");
            assert_eq!(changed.format, format);
            assert!(changed.view().is_ok() && changed.data != plain.data, "{perturbation:?}");
            assert_eq!(changed.data, applied(perturbation, &plain, "test/happy/1.png").data, "{perturbation:?}");
        }
    }
}

#[test]
fn tones_agree_with_hand_calculation() {
    let plain = picture(PixelFormat::Grey, 101, |x, _, _| if x < 50 { 255 } else { 100 });
    let dark = applied(Perturbation::Dark, &plain, "a");
    // 0.4 * 255 and 0.4 * 255 * (100 / 255) ^ 2.2.
    assert_eq!((dark.data[0], dark.data[100]), (102, 13));
    let blurred = applied(Perturbation::MotionBlur, &plain, "a");
    // At the border five of nine pixels are bright: (5 * 255 + 4 * 100) / 9.
    assert_eq!((blurred.data[45], blurred.data[49], blurred.data[54]), (255, 186, 100));
    let flat = picture(PixelFormat::Grey, 101, |_, _, _| 100);
    let lit = applied(Perturbation::SideLight, &flat, "a");
    let mut ends = [lit.data[0], lit.data[100]];
    ends.sort_unstable();
    assert_eq!((ends, lit.data[50]), ([40, 160], 100));
}

#[test]
fn noise_has_its_deviation() {
    let flat = picture(PixelFormat::Rgb, 120, |_, _, _| 128);
    let noisy = applied(Perturbation::Noise, &flat, "a");
    let squares = noisy.data.iter().map(|value| (f64::from(*value) - 128.0).powi(2)).sum::<f64>();
    let deviation = (squares / noisy.data.len() as f64).sqrt() / 255.0;
    assert!((deviation - 0.08).abs() < 0.002, "{deviation}");
}

#[test]
fn a_quarter_is_hidden_at_a_place_that_the_name_draws() {
    let white = picture(PixelFormat::Grey, 64, |_, _, _| 255);
    let hidden = |name: &str| applied(Perturbation::Occlusion, &white, name).data;
    assert_eq!(hidden("a").iter().filter(|value| **value == 128).count(), 32 * 32);
    assert_ne!(hidden("a"), hidden("b"));
}

#[test]
fn the_crop_moves_and_grows_and_last_pixels_go_on() {
    let plain = picture(PixelFormat::Grey, 200, |x, _, _| x as u8);
    let crop = CropBox { x: 50, y: 50, width: 100, height: 100 };
    let across = |perturbation: Perturbation| perturbation.apply(&plain, crop, "a").unwrap();
    let shift = across(Perturbation::Shift);
    assert!([38, 62].contains(&shift.data[0]) && shift.width == 100, "{}", shift.data[0]);
    let wide = across(Perturbation::Wider);
    assert_eq!((wide.width, wide.height, wide.data[0], wide.data[149]), (150, 150, 25, 174));
    let beyond = applied(Perturbation::Wide, &plain, "a");
    assert_eq!((beyond.width, beyond.data[0], beyond.data[25], beyond.data[26], beyond.data[249]), (250, 0, 0, 1, 199));
}

#[test]
fn few_pixels_keep_the_proportions() {
    let wide = Picture { format: PixelFormat::Rgb, width: 96, height: 64, data: vec![7; 96 * 64 * 3] };
    let few = applied(Perturbation::FewPixels, &wide, "a");
    assert_eq!((few.width, few.height, few.data.len()), (48, 32, 48 * 32 * 3));
    let small = picture(PixelFormat::Grey, 40, |x, _, _| x as u8);
    assert_eq!(applied(Perturbation::FewPixels, &small, "a").data, small.data);
}
