//! CutMix (Yun et al. 2019, arXiv:1905.04899): a rectangle of each picture comes from another, and so does its share of the
//! label.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

/// Mixes the pictures of a batch and returns, for each, which picture its rectangle comes from.
///
/// `pixels` is `[N, C, H, W]`, `targets` `[N, K]` with rows that sum to one. The share left of each picture is drawn from
/// Beta(2, 2), the rectangle has the picture's proportions and lies anywhere, cut off at the edge, and labels are mixed by
/// the area that was really replaced.
pub fn mix(
    pixels: &mut [f32],
    targets: &mut [f32],
    (channels, height, width): (usize, usize, usize),
    random: &mut ChaCha8Rng,
) -> Vec<usize> {
    let stride = channels * height * width;
    let count = pixels.len() / stride;
    let classes = targets.len().checked_div(count).unwrap_or(0);
    let mut partners: Vec<usize> = (0..count).collect();
    partners.shuffle(random);
    let (before, labels) = (pixels.to_vec(), targets.to_vec());
    for (index, &partner) in partners.iter().enumerate() {
        let area = draw_rectangle(height, width, random);
        for channel in 0..channels {
            for y in area.top..area.bottom {
                let row = (channel * height + y) * width;
                let (to, from) = (index * stride + row, partner * stride + row);
                pixels[to + area.left..to + area.right].copy_from_slice(&before[from + area.left..from + area.right]);
            }
        }
        let share = ((area.bottom - area.top) * (area.right - area.left)) as f32 / (height * width) as f32;
        for class in 0..classes {
            let (own, other) = (labels[index * classes + class], labels[partner * classes + class]);
            targets[index * classes + class] = own * (1.0 - share) + other * share;
        }
    }
    partners
}

struct Rectangle {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

fn draw_rectangle(height: usize, width: usize, random: &mut ChaCha8Rng) -> Rectangle {
    // Beta(2, 2) exists: both parameters are positive.
    let kept = Beta::new(2.0f32, 2.0).map_or(0.5, |beta| beta.sample(random));
    let side = (1.0 - kept).max(0.0).sqrt();
    let mut range = |size: usize| {
        let centre = random.random_range(0..size) as f32 + 0.5;
        let half = side * size as f32 / 2.0;
        let edge = |place: f32| place.round().clamp(0.0, size as f32) as usize;
        (edge(centre - half), edge(centre + half))
    };
    let ((top, bottom), (left, right)) = (range(height), range(width));
    Rectangle { top, bottom, left, right }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn labels_follow_the_area_that_was_replaced() {
        let (count, classes, shape) = (6, 3, (2, 8, 8));
        let stride = shape.0 * shape.1 * shape.2;
        let mut pixels: Vec<f32> = (0..count).flat_map(|index| vec![index as f32; stride]).collect();
        let mut targets = vec![0.0; count * classes];
        (0..count).for_each(|index| targets[index * classes + index % classes] = 1.0);
        let partners = mix(&mut pixels, &mut targets, shape, &mut stream(Purpose::Mix, 1, 1, 1));
        let mut any = false;
        for (index, &partner) in partners.iter().enumerate() {
            let picture = &pixels[index * stride..][..stride];
            let replaced = picture.iter().filter(|&&value| value == partner as f32 && partner != index).count();
            assert!(picture.iter().all(|&value| value == index as f32 || value == partner as f32));
            let target = &targets[index * classes..][..classes];
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            if index % classes != partner % classes {
                assert!((target[partner % classes] - replaced as f32 / stride as f32).abs() < 1e-6);
                any |= replaced > 0;
            }
        }
        assert!(any);
    }

    #[test]
    fn rectangles_cover_a_third_of_the_picture_on_average() {
        let mut random = stream(Purpose::Mix, 1, 1, 2);
        let area = |r: Rectangle| ((r.bottom - r.top) * (r.right - r.left)) as f64 / 4096.0;
        let mean = (0..4000).map(|_| area(draw_rectangle(64, 64, &mut random))).sum::<f64>() / 4000.0;
        // Half on average before the edge cuts some off.
        assert!((0.25..0.40).contains(&mean), "{mean}");
    }
}
