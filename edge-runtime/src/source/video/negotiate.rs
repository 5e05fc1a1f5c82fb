//! Chooses which of a camera's formats to request.

use super::driver::{FourCc, Offer};
use emotion_models::PixelFormat;

/// How a format's bytes become a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Encoding {
    /// They are one.
    Pixels(PixelFormat),
    /// A JPEG picture.
    Jpeg,
}

/// Formats this program reads. Among formats without compression the first is preferred: NV12 and YU12 move fewer bytes
/// than YUYV and UYVY, and all have colour, which GREY lacks.
const READABLE: [(FourCc, Encoding); 7] = [
    (*b"NV12", Encoding::Pixels(PixelFormat::Nv12)),
    (*b"YU12", Encoding::Pixels(PixelFormat::I420)),
    (*b"YUYV", Encoding::Pixels(PixelFormat::Yuyv)),
    (*b"UYVY", Encoding::Pixels(PixelFormat::Uyvy)),
    (*b"GREY", Encoding::Pixels(PixelFormat::Grey)),
    (*b"MJPG", Encoding::Jpeg),
    (*b"JPEG", Encoding::Jpeg),
];

/// The share of the requested frame rate that counts as reaching it: cameras report 29.97 for 30.
const REACHED: f64 = 0.95;

/// How a format is read; `None` where it is not.
pub(in crate::source) fn encoding(fourcc: FourCc) -> Option<Encoding> {
    READABLE.iter().find(|(code, _)| *code == fourcc).map(|(_, encoding)| *encoding)
}

/// Whether a device with these formats captures only raw sensor data, which libcamera has to process.
pub(in crate::source) fn is_raw(offered: &[FourCc]) -> bool {
    offered.iter().any(|&fourcc| is_bayer(fourcc)) && !offered.iter().any(|&fourcc| encoding(fourcc).is_some())
}

/// Whether a format's code is one of the raw Bayer patterns of `linux/videodev2.h`.
fn is_bayer(fourcc: FourCc) -> bool {
    match &fourcc {
        b"BA81" | b"GBRG" | b"GRBG" | b"RGGB" | b"BYR2" | b"BD10" => true,
        [b'B', b'A' | b'G', b'1', b'0' | b'2' | b'4' | b'6'] => true,
        [b'G', b'B' | b'R', b'1', b'0' | b'2' | b'4' | b'6'] => true,
        [b'R', b'G', b'1', b'0' | b'2' | b'4' | b'6'] => true,
        // Packed, and with fewer bits than the sensor sees.
        [b'p', b'B' | b'G' | b'g' | b'R', b'A' | b'C' | b'E', last] => *last == fourcc[2],
        [b'a' | b'b', b'B' | b'G' | b'g' | b'R', b'A', b'8'] => true,
        // As the Raspberry Pi 5 compresses them.
        [b'P', b'C', b'1' | b'2', b'B' | b'G' | b'g' | b'R' | b'M'] => true,
        _ => false,
    }
}

/// The offers this program reads, the best first.
///
/// The requested size comes first, then the smallest that covers it, then the largest. At the same size, an
/// uncompressed format wins if it reaches the requested rate; a driver that reports no rate is assumed to. Next comes a
/// compressed format that reaches it, then the fastest.
pub(in crate::source) fn ranked(offers: &[Offer], width: u32, height: u32, fps: f64) -> Vec<Offer> {
    let mut readable: Vec<Offer> = offers.iter().copied().filter(|offer| encoding(offer.fourcc).is_some()).collect();
    let preference = |offer: &Offer| READABLE.iter().position(|(code, _)| *code == offer.fourcc);
    readable.sort_by(|a, b| {
        misfit(a, width, height)
            .cmp(&misfit(b, width, height))
            .then_with(|| shortfall(a, fps).total_cmp(&shortfall(b, fps)))
            .then_with(|| preference(a).cmp(&preference(b)))
    });
    readable
}

/// How badly a size fits: 0 for the requested one, more for larger ones, most for those that do not cover it.
fn misfit(offer: &Offer, width: u32, height: u32) -> u64 {
    nearness((offer.width, offer.height), width, height)
}

/// As [`misfit`], for a size alone; the driver's code picks the least of a camera's sizes.
pub(in crate::source) fn nearness(size: (u32, u32), width: u32, height: u32) -> u64 {
    let area = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let (found, wanted) = (area(size.0, size.1), area(width, height));
    if size.0 >= width && size.1 >= height { found - wanted } else { u64::MAX - found }
}

/// How many frames a second are missing.
fn shortfall(offer: &Offer, fps: f64) -> f64 {
    match offer.fps {
        Some(rate) if rate < fps * REACHED => fps - rate,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(fourcc: &FourCc, width: u32, height: u32, fps: impl Into<Option<f64>>) -> Offer {
        Offer { fourcc: *fourcc, width, height, fps: fps.into() }
    }

    fn first(offers: &[Offer]) -> Option<Offer> {
        ranked(offers, 640, 480, 30.0).first().copied()
    }

    #[test]
    fn pixels_are_preferred_where_they_are_fast_enough() {
        let (slow, fast) = (offer(b"YUYV", 640, 480, 15.0), offer(b"YUYV", 640, 480, 29.97));
        let jpeg = offer(b"MJPG", 640, 480, 60.0);
        assert_eq!(first(&[jpeg, fast]), Some(fast));
        assert_eq!(first(&[slow, jpeg]), Some(jpeg));
        let unknown = offer(b"GREY", 640, 480, None);
        assert_eq!(first(&[jpeg, unknown]), Some(unknown));
        // None is fast enough: the fastest.
        let jpeg = offer(b"MJPG", 640, 480, 10.0);
        assert_eq!(first(&[jpeg, slow]), Some(slow));
    }

    #[test]
    fn the_wanted_size_comes_before_the_format() {
        let jpeg = offer(b"MJPG", 640, 480, 30.0);
        let large = offer(b"YUYV", 1280, 720, 30.0);
        let larger = offer(b"YUYV", 1920, 1080, 30.0);
        let (small, smaller) = (offer(b"NV12", 320, 240, 30.0), offer(b"NV12", 160, 120, 30.0));
        assert_eq!(first(&[large, jpeg, small]), Some(jpeg));
        assert_eq!(first(&[larger, large, small]), Some(large));
        assert_eq!(first(&[smaller, small]), Some(small));
    }

    #[test]
    fn raw_is_what_only_a_sensor_sees() {
        for raw in [b"RG10", b"pRAA", b"BA81", b"pgCC", b"BYR2", b"PC1g"] {
            assert!(is_raw(&[*raw]), "{}", String::from_utf8_lossy(raw));
        }
        for other in [b"GREY", b"YUYV", b"RGB3", b"BGR4", b"H264", b"MJPG", b"Y10P"] {
            assert!(!is_raw(&[*other]), "{}", String::from_utf8_lossy(other));
        }
        assert!(!is_raw(&[*b"RG10", *b"YUYV"]));
        assert!(!is_raw(&[]));
    }

    fn any_offer() -> impl Strategy<Value = Offer> {
        let codes = vec![*b"YUYV", *b"NV12", *b"GREY", *b"MJPG", *b"H264", *b"RG10", *b"UYVY", *b"\0\xff??"];
        let side = prop::sample::select(vec![0u32, 1, 160, 480, 640, 1080, 1920, u32::MAX]);
        let rate = prop::option::of(prop_oneof![Just(0.0), Just(f64::INFINITY), 0.1f64..120.0]);
        (prop::sample::select(codes), side.clone(), side, rate).prop_map(|(fourcc, width, height, fps)| Offer {
            fourcc,
            width,
            height,
            fps,
        })
    }

    proptest! {
        #[test]
        fn nothing_unreadable_is_chosen_and_pixels_win_where_they_can(
            offers in prop::collection::vec(any_offer(), 0..12), fps in 1.0f64..60.0,
        ) {
            let chosen = ranked(&offers, 640, 480, fps);
            prop_assert!(chosen.iter().all(|offer| encoding(offer.fourcc).is_some()));
            prop_assert_eq!(chosen.len(), offers.iter().filter(|offer| encoding(offer.fourcc).is_some()).count());
            if let Some(best) = chosen.first() && encoding(best.fourcc) == Some(Encoding::Jpeg) {
                let better = |offer: &&Offer| {
                    (offer.width, offer.height) == (best.width, best.height)
                        && matches!(encoding(offer.fourcc), Some(Encoding::Pixels(_)))
                        && offer.fps.is_none_or(|rate| rate >= fps)
                };
                prop_assert!(chosen.iter().find(better).is_none());
            }
        }
    }
}
