//! The part of a frame that a network gets.

/// A rectangle of pixels: left, top, width and height. It may reach outside the frame until [`CropBox::clamp_to`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// Left edge in pixels from the frame's left.
    pub x: i32,
    /// Upper edge in pixels from the frame's top.
    pub y: i32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl CropBox {
    /// The largest square in the middle of a frame of `width` x `height` pixels.
    pub fn centred_square(width: u32, height: u32) -> Self {
        let side = width.min(height);
        Self { x: ((width - side) / 2) as i32, y: ((height - side) / 2) as i32, width: side, height: side }
    }

    /// The whole frame of `width` x `height` pixels.
    pub fn full(width: u32, height: u32) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// The box grown about its centre by the fraction `margin` of its size: 0.25 makes it 1.25 times as wide and high.
    /// A negative margin shrinks it; one that is not a finite number changes nothing.
    pub fn with_margin(self, margin: f32) -> Self {
        let factor = if margin.is_finite() { (1.0 + f64::from(margin)).max(0.0) } else { 1.0 };
        let grow = |start: i32, size: u32| {
            let grown = (f64::from(size) * factor).round().min(f64::from(i32::MAX)) as u32;
            let middle = f64::from(start) + f64::from(size) / 2.0;
            ((middle - f64::from(grown) / 2.0).round() as i32, grown)
        };
        let (x, width) = grow(self.x, self.width);
        let (y, height) = grow(self.y, self.height);
        Self { x, y, width, height }
    }

    /// The box made to lie inside a frame of `width` x `height` pixels (both at least 1), and never empty.
    ///
    /// A box larger than the frame shrinks about its centre, keeping its proportions, until it fits; then it moves
    /// inside. Cutting off what lies outside would change the proportions, and the network would see a squeezed face.
    pub fn clamp_to(self, width: u32, height: u32) -> Self {
        let (own_width, own_height) = (f64::from(self.width.max(1)), f64::from(self.height.max(1)));
        let shrink = (f64::from(width) / own_width).min(f64::from(height) / own_height).min(1.0);
        let fit = |start: i32, own: f64, frame: u32| {
            let size = ((own * shrink).round() as u32).clamp(1, frame.max(1));
            let wanted = f64::from(start) + (own - f64::from(size)) / 2.0;
            (wanted.floor().clamp(0.0, f64::from(frame.saturating_sub(size))) as i32, size)
        };
        let (x, new_width) = fit(self.x, own_width, width);
        let (y, new_height) = fit(self.y, own_height, height);
        Self { x, y, width: new_width, height: new_height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn squares_and_margins() {
        assert_eq!(CropBox::centred_square(640, 480), CropBox { x: 80, y: 0, width: 480, height: 480 });
        assert_eq!(CropBox::centred_square(3, 8), CropBox { x: 0, y: 2, width: 3, height: 3 });
        let face = CropBox { x: 100, y: 50, width: 40, height: 60 };
        assert_eq!(face.with_margin(0.5), CropBox { x: 90, y: 35, width: 60, height: 90 });
        assert_eq!(face.with_margin(0.0), face);
        assert_eq!(face.with_margin(f32::NAN), face);
    }

    #[test]
    fn a_box_over_the_edge_moves_in_and_a_larger_one_shrinks_in_proportion() {
        let over = CropBox { x: -20, y: 450, width: 100, height: 100 };
        assert_eq!(over.clamp_to(640, 480), CropBox { x: 0, y: 380, width: 100, height: 100 });
        let large = CropBox { x: 0, y: -60, width: 600, height: 600 };
        assert_eq!(large.clamp_to(640, 480), CropBox { x: 60, y: 0, width: 480, height: 480 });
    }

    proptest! {
        #[test]
        fn any_box_clamps_inside_the_frame(
            x in any::<i32>(), y in any::<i32>(), w in any::<u32>(), h in any::<u32>(), margin in any::<f32>(),
            width in 1..=crate::MAX_SIDE, height in 1..=crate::MAX_SIDE,
        ) {
            for given in [CropBox { x, y, width: w, height: h }, CropBox { x, y, width: w, height: h }.with_margin(margin)] {
                let inside = given.clamp_to(width, height);
                prop_assert!(inside.width >= 1 && inside.height >= 1);
                prop_assert!(inside.x >= 0 && inside.y >= 0);
                prop_assert!(inside.x as u32 + inside.width <= width);
                prop_assert!(inside.y as u32 + inside.height <= height);
                prop_assert_eq!(inside.clamp_to(width, height), inside);
            }
        }

        #[test]
        fn a_box_inside_the_frame_stays(x in 0..500i32, y in 0..300i32, w in 1..=140u32, h in 1..=180u32) {
            let given = CropBox { x, y, width: w, height: h };
            prop_assert_eq!(given.clamp_to(640, 480), given);
        }
    }
}
