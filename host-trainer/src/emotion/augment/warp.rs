//! Turning, scaling, moving and mirroring in one resampling.

/// Where each pixel of the changed picture comes from: `source = matrix * target + offset`, in pixels between centres.
pub(super) struct Warp {
    pub(super) matrix: [f32; 4],
    pub(super) offset: [f32; 2],
    /// The tone beyond the edge; none for the picture's reflection.
    pub(super) surround: Option<u8>,
}

/// Fixed-point positions have this many fractional bits.
const BITS: u32 = 16;
const ONE: i32 = 1 << BITS;

impl Warp {
    pub(super) fn new(
        flip: bool,
        angle: f32,
        zoom: (f32, f32),
        shift: (f32, f32),
        width: usize,
        height: usize,
    ) -> Self {
        let (sine, cosine) = angle.sin_cos();
        let mirror = if flip { -1.0 } else { 1.0 };
        let (wide, high) = zoom;
        let matrix = [mirror * cosine * wide, -mirror * sine * wide, sine * high, cosine * high];
        let centre = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
        let moved = (centre.0 + shift.0, centre.1 + shift.1);
        let offset = [
            centre.0 - matrix[0] * moved.0 - matrix[1] * moved.1,
            centre.1 - matrix[2] * moved.0 - matrix[3] * moved.1,
        ];
        Self { matrix, offset, surround: None }
    }

    /// Bilinear; beyond the edge, by up to half the picture's size, is its reflection or the surrounding tone.
    pub(super) fn apply(&self, source: &[u8], target: &mut [f32], (_, height, width): (usize, usize, usize)) {
        let area = height * width;
        let fixed = |value: f32| (value * ONE as f32).round() as i32;
        let (step_x, step_y) = (fixed(self.matrix[0]), fixed(self.matrix[2]));
        let mut margins = Margins::new(width, height);
        let (last_x, last_y) = margins.last();
        let (shift_x, shift_y) = (margins.left as f32, margins.top as f32);
        for (source, target) in source.chunks_exact(area).zip(target.chunks_exact_mut(area)) {
            match self.surround {
                Some(tone) => margins.surround(source, width, tone),
                None => margins.fill(source, width),
            }
            for (y, row) in target.chunks_exact_mut(width).enumerate() {
                let mut at_x = fixed(self.matrix[1] * y as f32 + self.offset[0] + shift_x);
                let mut at_y = fixed(self.matrix[3] * y as f32 + self.offset[1] + shift_y);
                for values in row.chunks_mut(LANES) {
                    let mut places = [(0, 0); LANES];
                    for place in &mut places {
                        *place = (at_x.clamp(0, last_x), at_y.clamp(0, last_y));
                        (at_x, at_y) = (at_x + step_x, at_y + step_y);
                    }
                    values.copy_from_slice(&margins.sample(&places)[..values.len()]);
                }
            }
        }
    }
}

/// Pixels that are sampled together, so that all but fetching their neighbours is done in vector registers.
const LANES: usize = 16;

/// One channel with its reflection around it, so that sampling needs no case for the edge.
struct Margins {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Margins {
    fn new(width: usize, height: usize) -> Self {
        let (left, top) = (width.div_ceil(2), height.div_ceil(2));
        let (width, height) = (width + 2 * left, height + 2 * top);
        Self { left, top, width, height, pixels: vec![0; width * height] }
    }

    /// The last position, in fixed point, whose four neighbours all exist.
    fn last(&self) -> (i32, i32) {
        let last = |size: usize| ((size as i32 - 1) << BITS) - 1;
        (last(self.width), last(self.height))
    }

    /// ... 1 0 | 0 1 ... n-1 | n-1 n-2 ...
    fn fill(&mut self, source: &[u8], width: usize) {
        let (left, right) = (self.left, self.left + width);
        let (first, end) = (self.top, self.top + source.len() / width);
        for (line, row) in self.pixels.chunks_exact_mut(self.width).skip(first).zip(source.chunks_exact(width)) {
            line[left..right].copy_from_slice(row);
            line[..left].iter_mut().rev().zip(row).for_each(|(margin, &pixel)| *margin = pixel);
            line[right..].iter_mut().zip(row.iter().rev()).for_each(|(margin, &pixel)| *margin = pixel);
        }
        let line = |y: usize| y * self.width..(y + 1) * self.width;
        for y in 0..first {
            self.pixels.copy_within(line(first + y), line(first - 1 - y).start);
            self.pixels.copy_within(line(end - 1 - y), line(end + y).start);
        }
    }

    fn surround(&mut self, source: &[u8], width: usize, tone: u8) {
        self.pixels.fill(tone);
        let left = self.left;
        for (line, row) in self.pixels.chunks_exact_mut(self.width).skip(self.top).zip(source.chunks_exact(width)) {
            line[left..left + width].copy_from_slice(row);
        }
    }

    #[inline]
    fn sample(&self, places: &[(i32, i32); LANES]) -> [f32; LANES] {
        let mut corners = [[0u8; LANES]; 4];
        let stride = self.width;
        for (lane, &(x, y)) in places.iter().enumerate() {
            let upper = &self.pixels[(y >> BITS) as usize * stride + (x >> BITS) as usize..];
            let lower = &upper[stride..];
            (corners[0][lane], corners[1][lane]) = (upper[0], upper[1]);
            (corners[2][lane], corners[3][lane]) = (lower[0], lower[1]);
        }
        let mut values = [0.0; LANES];
        for (lane, value) in values.iter_mut().enumerate() {
            let corner = |corner: usize| f32::from(corners[corner][lane]);
            let (a, b, c, d) = (corner(0), corner(1), corner(2), corner(3));
            let fraction = |at: i32| (at & (ONE - 1)) as f32 * (1.0 / ONE as f32);
            let (x, y) = (fraction(places[lane].0), fraction(places[lane].1));
            let (upper, lower) = (a + (b - a) * x, c + (d - c) * x);
            *value = upper + (lower - upper) * y;
        }
        values
    }
}
