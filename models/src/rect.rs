//! An upright rectangle: the box of a face, and what two boxes have in common.

/// An upright rectangle, in pixels unless its owner says otherwise; it may reach outside the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge; x grows to the right.
    pub x: f32,
    /// Upper edge; y grows downwards.
    pub y: f32,
    /// From the left edge to the right.
    pub width: f32,
    /// From the upper edge to the lower.
    pub height: f32,
}

impl Rect {
    /// A rectangle by its left upper corner and its sides.
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self { x, y, width, height }
    }

    /// The middle: x and y.
    pub fn centre(self) -> [f32; 2] {
        [self.x + self.width / 2.0, self.y + self.height / 2.0]
    }

    /// Width times height.
    pub fn area(self) -> f32 {
        self.width * self.height
    }

    /// The side of a square of the same area.
    pub fn mean_side(self) -> f32 {
        self.area().max(0.0).sqrt()
    }

    /// The area that two rectangles have in common.
    pub fn intersection(self, other: Self) -> f32 {
        let across = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let down = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        across.max(0.0) * down.max(0.0)
    }

    /// Intersection over union, 0 to 1.
    pub fn iou(self, other: Self) -> f32 {
        let common = self.intersection(other);
        let union = self.area() + other.area() - common;
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// The share of the rectangle, 0 to 1, that lies in a picture of `width` x `height` pixels.
    pub fn inside(self, width: u32, height: u32) -> f32 {
        let area = self.area();
        let picture = Self::new(0.0, 0.0, width as f32, height as f32);
        if area > 0.0 { self.intersection(picture) / area } else { 0.0 }
    }

    /// Every coordinate and side changed by `change`, such as into other units.
    pub fn map(self, change: impl Fn(f32) -> f32) -> Self {
        Self::from(<[f32; 4]>::from(self).map(change))
    }
}

/// From left, top, width and height.
impl From<[f32; 4]> for Rect {
    fn from([x, y, width, height]: [f32; 4]) -> Self {
        Self { x, y, width, height }
    }
}

/// To left, top, width and height.
impl From<Rect> for [f32; 4] {
    fn from(rect: Rect) -> Self {
        [rect.x, rect.y, rect.width, rect.height]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALL: Rect = Rect::new(10.0, 20.0, 40.0, 90.0);

    #[test]
    fn the_overlap_of_two_is_a_share_of_both_together() {
        assert_eq!(TALL.iou(TALL), 1.0);
        assert_eq!(TALL.iou(Rect { x: 50.0, ..TALL }), 0.0);
        assert!((TALL.iou(Rect { width: 20.0, ..TALL }) - 0.5).abs() < 1e-6);
        assert_eq!(TALL.iou(Rect { width: 0.0, ..TALL }), 0.0);
    }

    #[test]
    fn what_reaches_past_the_edge_is_partly_inside() {
        assert_eq!(TALL.inside(640, 480), 1.0);
        assert!((Rect { x: -20.0, ..TALL }.inside(640, 480) - 0.5).abs() < 1e-6);
        assert_eq!(Rect { x: 700.0, ..TALL }.inside(640, 480), 0.0);
    }
}
