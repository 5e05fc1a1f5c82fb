//! Draws a part of a photo, turned and scaled, into a scene.

use crate::face::photos::Plane;
use emotion_models::Rect;

/// From a scene's pixels to a plane's: `source = matrix * scene + offset`, both between pixels' left upper corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Row by row.
    pub matrix: [f32; 4],
    /// In the plane's pixels.
    pub offset: [f32; 2],
}

impl View {
    /// The view in which the photo's point `source` lies at the scene's point `scene`, `scale` of the photo's pixels to one of the
    /// scene, turned by `angle` radians, and mirrored or not.
    pub fn new(source: [f32; 2], scene: [f32; 2], scale: f32, angle: f32, mirrored: bool) -> Self {
        let (sine, cosine) = angle.sin_cos();
        let sign = if mirrored { -1.0 } else { 1.0 };
        let matrix = [sign * cosine * scale, -sign * sine * scale, sine * scale, cosine * scale];
        let offset = [
            source[0] - matrix[0] * scene[0] - matrix[1] * scene[1],
            source[1] - matrix[2] * scene[0] - matrix[3] * scene[1],
        ];
        Self { matrix, offset }
    }

    /// This view with another aspect: scaled by a factor on each axis of the scene about its point `at`, which stays where it is.
    pub fn with_aspect(&self, [x, y]: [f32; 2], [across, down]: [f32; 2]) -> Self {
        let [a, b, c, d] = self.matrix;
        let matrix = [a / across, b / down, c / across, d / down];
        let offset = [
            self.offset[0] + (a - matrix[0]) * x + (b - matrix[1]) * y,
            self.offset[1] + (c - matrix[2]) * x + (d - matrix[3]) * y,
        ];
        Self { matrix, offset }
    }

    /// Pixels of the plane for one of the scene.
    pub fn scale(&self) -> f32 {
        let [a, b, c, d] = self.matrix;
        (a * d - b * c).abs().sqrt()
    }

    /// Where a point of the plane lies in the scene.
    pub fn in_scene(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [a, b, c, d] = self.matrix;
        let determinant = a * d - b * c;
        let (x, y) = (x - self.offset[0], y - self.offset[1]);
        [(d * x - b * y) / determinant, (a * y - c * x) / determinant]
    }

    /// The box, in the scene, of a plane's box: that of the ellipse within it, since a turned head's corners are empty.
    pub fn box_in_scene(&self, rect: Rect) -> Rect {
        let [x, y] = self.in_scene(rect.centre());
        let [a, b, c, d] = self.matrix;
        let determinant = a * d - b * c;
        let (half_width, half_height) = (rect.width / 2.0, rect.height / 2.0);
        let across = (d / determinant * half_width).hypot(b / determinant * half_height);
        let down = (c / determinant * half_width).hypot(a / determinant * half_height);
        Rect::new(x - across, y - down, 2.0 * across, 2.0 * down)
    }

    /// The same view of a plane that is `1 / factor` as large.
    fn reduced(&self, factor: f32) -> Self {
        Self { matrix: self.matrix.map(|value| value / factor), offset: self.offset.map(|value| value / factor) }
    }
}

/// A scene under way: values 0 to 255, row by row.
pub struct Canvas {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub values: Vec<f32>,
}

impl Canvas {
    /// Draws what `view` shows of a photo into the rectangle `area` (left, top, right, bottom), leaving alone what lies beyond the
    /// photo's edge. `cover` gives the opacity of the photo at a position in it, as fractions of its size.
    pub fn draw(&mut self, planes: &[Plane], view: &View, area: [usize; 4], cover: impl Fn(f32, f32) -> f32) {
        // The plane in which one pixel of the scene is between one and two pixels.
        let level = (view.scale().max(1.0).log2().floor() as usize).min(planes.len().saturating_sub(1));
        let Some(plane) = planes.get(level) else { return };
        let view = view.reduced((1 << level) as f32);
        let (width, height) = (plane.width as f32, plane.height as f32);
        // Between one and two, two samples on each axis keep it from aliasing.
        let taps: &[f32] = if view.scale() > 1.25 { &[0.25, 0.75] } else { &[0.5] };
        let share = 1.0 / (taps.len() * taps.len()) as f32;
        let [left, top, right, bottom] = area;
        for row in top..bottom.min(self.height) {
            for column in left..right.min(self.width) {
                let at = |x: f32, y: f32| {
                    let [a, b, c, d] = view.matrix;
                    [a * x + b * y + view.offset[0], c * x + d * y + view.offset[1]]
                };
                let [x, y] = at(column as f32 + 0.5, row as f32 + 0.5);
                if x < 0.0 || y < 0.0 || x >= width || y >= height {
                    continue;
                }
                let cover = cover(x / width, y / height);
                if cover <= 0.0 {
                    continue;
                }
                let mut sum = 0.0;
                for down in taps {
                    for across in taps {
                        let [x, y] = at(column as f32 + across, row as f32 + down);
                        sum += plane.sample(x - 0.5, y - 0.5);
                    }
                }
                let value = &mut self.values[row * self.width + column];
                *value += (sum * share - *value) * cover;
            }
        }
    }
}

impl Plane {
    /// Bilinear between pixels' centres; the edge goes on.
    #[inline]
    fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (x, y) = (x - left as f32, y - top as f32);
        let at = |column: usize, row: usize| f32::from(self.pixels[row * self.width + column]);
        let upper = at(left, top) + (at(right, top) - at(left, top)) * x;
        let lower = at(left, bottom) + (at(right, bottom) - at(left, bottom)) * x;
        upper + (lower - upper) * y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_there_and_back() {
        for (angle, mirrored) in [(0.0, false), (0.4, true), (-0.3, false)] {
            let view = View::new([100.0, 50.0], [80.0, 60.0], 2.5, angle, mirrored);
            assert!((view.scale() - 2.5).abs() < 1e-4);
            let [x, y] = view.in_scene([100.0, 50.0]);
            assert!((x - 80.0).abs() < 1e-3 && (y - 60.0).abs() < 1e-3);
            let Rect { x, y, width, height } = view.box_in_scene(Rect::new(90.0, 40.0, 20.0, 20.0));
            assert!((width - 8.0).abs() < 1e-3 && (height - 8.0).abs() < 1e-3, "a circle stays one");
            assert!((x + width / 2.0 - 80.0).abs() < 1e-3 && (y + height / 2.0 - 60.0).abs() < 1e-3);
            let wider = view.with_aspect([80.0, 60.0], [1.5, 0.5]);
            let Rect { x, y, width, height } = wider.box_in_scene(Rect::new(90.0, 40.0, 20.0, 20.0));
            assert!((width - 12.0).abs() < 1e-3 && (height - 4.0).abs() < 1e-3, "{width} x {height}");
            assert!((x + width / 2.0 - 80.0).abs() < 1e-3 && (y + height / 2.0 - 60.0).abs() < 1e-3);
        }
    }

    #[test]
    fn a_plain_view_copies() {
        let plane = Plane { width: 4, height: 4, pixels: (0..16).collect() };
        let mut canvas = Canvas { width: 4, height: 4, values: vec![99.0; 16] };
        canvas.draw(&[plane], &View::new([0.0; 2], [1.0, 0.0], 1.0, 0.0, false), [0, 0, 4, 4], |_, _| 1.0);
        assert_eq!(canvas.values[..4], [99.0, 0.0, 1.0, 2.0]);
        assert_eq!(canvas.values[4..8], [99.0, 4.0, 5.0, 6.0]);
    }
}
