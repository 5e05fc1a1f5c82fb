//! Antialiased resizing along one axis at a time: a triangle filter as wide as the reduction.
//!
//! Output `i` of `target` sits at `(i + 0.5) * scale - 0.5` of the source, `scale = source / target`, and weighs the
//! source by a triangle that reaches `max(1, scale)` to either side; weights past the border are dropped and the rest
//! made to sum to 1. This is what Pillow and the `image` crate call a triangle or bilinear filter.

use std::ops::{AddAssign, Range};

/// Lanes the dot products below are summed in; the compiler turns them into vector registers.
const LANES: usize = 8;

/// The source positions and triangle weights of output `index`.
fn triangle(source: usize, target: usize, index: usize) -> (Range<usize>, impl Fn(usize) -> f64) {
    let scale = source as f64 / target as f64;
    let reach = scale.max(1.0);
    let centre = (index as f64 + 0.5) * scale - 0.5;
    let first = ((centre - reach).ceil().max(0.0) as usize).min(source - 1);
    let last = ((centre + reach).floor() as usize).min(source - 1);
    let weight = move |position: usize| (1.0 - (position as f64 - centre).abs() / reach).max(0.0);
    let sum: f64 = (first..=last).map(weight).sum();
    (first..last + 1, move |position| weight(position) / sum)
}

/// Where a colour channel's share of pixel `x` lies in a row: byte `x / group * step + offset`, times `weight`.
pub(crate) struct Term {
    pub group: usize,
    pub step: usize,
    pub offset: usize,
    pub weight: f32,
}

/// The weights that take a row of source bytes, as floats, to one row of one output channel.
///
/// They span the bytes of all channels interleaved, zero for those that do not count, so that picking luma out of YUYV
/// or weighing R, G and B is the same contiguous dot product as the resize itself.
#[derive(Clone, Default)]
pub(crate) struct ColumnWeights {
    /// First byte of each output.
    starts: Vec<usize>,
    /// `padded` weights an output.
    weights: Vec<f32>,
    padded: usize,
}

impl ColumnWeights {
    /// Weights from the pixels `x .. x + source` of a row, whose bytes begin at byte `span` of it, to `target` outputs.
    pub(crate) fn prepare(&mut self, x: usize, source: usize, target: usize, span: usize, terms: &[Term]) {
        let byte = |term: &Term, pixel: usize| (x + pixel) / term.group * term.step + term.offset - span;
        let bounds = |index: usize| {
            let (pixels, _) = triangle(source, target, index);
            let first = terms.iter().map(|term| byte(term, pixels.start)).min().unwrap_or(0);
            let last = terms.iter().map(|term| byte(term, pixels.end - 1)).max().unwrap_or(0);
            (first, last)
        };
        let widest = (0..target).map(bounds).map(|(first, last)| last + 1 - first).max().unwrap_or(0);
        self.padded = widest.next_multiple_of(LANES);
        self.starts.clear();
        self.weights.clear();
        self.weights.resize(self.padded * target, 0.0);
        for (index, weights) in self.weights.chunks_exact_mut(self.padded).enumerate() {
            let (first, _) = bounds(index);
            self.starts.push(first);
            let (pixels, weight) = triangle(source, target, index);
            for pixel in pixels {
                for term in terms {
                    weights[byte(term, pixel) - first] += (weight(pixel) * f64::from(term.weight)) as f32;
                }
            }
        }
    }

    /// How many floats past the row's own the dot products may read (and weigh by zero).
    pub(crate) fn overhang(&self) -> usize {
        self.padded
    }

    /// Adds the weighted sums of `row` to `outputs`.
    pub(crate) fn apply(&self, row: &[f32], outputs: &mut [f32]) {
        let weights = self.weights.chunks_exact(self.padded);
        for ((output, weights), &start) in outputs.iter_mut().zip(weights).zip(&self.starts) {
            *output += dot(&row[start..start + self.padded], weights);
        }
    }
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (left, right) in left.chunks_exact(LANES).zip(right.chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Most rows between two outputs whose sums of sums fit 16 bits: `255 * n * (n + 1) / 2 <= 65535`.
const ROWS_IN_U16: usize = 22;
/// The same for 31 bits.
const ROWS_IN_I32: usize = 4000;

/// How the rows of a crop become the rows of the output.
///
/// Where the picture shrinks, a source row lies between two outputs' centres and its weights for them, `t` and `1 - t`,
/// grow and fall linearly from row to row. So each band between two centres needs only its plain sum `S` and the sum
/// `Q` of the sums so far: `sum(t * row) = (t0 + n / scale) * S - Q / scale`. That is two integer additions a byte,
/// exact, where weighing each row twice takes two multiplications as well.
#[derive(Clone, Default)]
pub(crate) struct RowPlan {
    target: usize,
    /// Rows between the centres of outputs `i - 1` and `i`, for `i` in `0..=target`; empty when weighed directly.
    bands: Vec<Range<usize>>,
    /// Per output, the factors of the upper band's `S` and `Q` and of the lower band's.
    factors: Vec<[f32; 4]>,
    /// Rows and weights of each output, when weighed directly.
    direct: Vec<(Range<usize>, usize)>,
    direct_weights: Vec<f32>,
    longest: usize,
}

impl RowPlan {
    /// Plans `source` rows into `target`, both at least 1.
    pub(crate) fn prepare(&mut self, source: usize, target: usize) {
        self.target = target;
        self.bands.clear();
        self.factors.clear();
        self.direct.clear();
        self.direct_weights.clear();
        let scale = source as f64 / target as f64;
        self.longest = scale.ceil() as usize + 1;
        if scale < 1.0 || self.longest > ROWS_IN_I32 {
            for index in 0..target {
                let (rows, weight) = triangle(source, target, index);
                self.direct.push((rows.clone(), self.direct_weights.len()));
                self.direct_weights.extend(rows.map(|row| weight(row) as f32));
            }
            return;
        }
        let centre = |index: usize| (index as f64 + 0.5) * scale - 0.5;
        let edge = |centre: f64| (centre.ceil().max(0.0) as usize).min(source);
        // For a band: (factor of S, factor of Q, sum of weights) towards the lower centre.
        let rising = |index: usize, band: &Range<usize>| {
            let before = centre(index) - scale;
            let (count, first) = (band.len() as f64, (band.start as f64 - before) / scale);
            (first + count / scale, -1.0 / scale, count * first + count * (count - 1.0) / (2.0 * scale))
        };
        for index in 0..=target {
            let end = if index == target { source } else { edge(centre(index)) };
            self.bands.push(edge(centre(index) - scale)..end);
        }
        for index in 0..target {
            let (upper, lower) = (&self.bands[index], &self.bands[index + 1]);
            let (upper_s, upper_q, upper_sum) = rising(index, upper);
            let (lower_s, lower_q, lower_sum) = rising(index + 1, lower);
            let sum = upper_sum + lower.len() as f64 - lower_sum;
            self.factors.push([upper_s, upper_q, 1.0 - lower_s, -lower_q].map(|factor| (factor / sum) as f32));
        }
    }
}

/// An unsigned sum of bytes, wide enough for the bands at hand.
trait Sum: Copy + Default + AddAssign + From<u8> {
    fn float(self) -> f32;
}

impl Sum for u16 {
    #[inline]
    fn float(self) -> f32 {
        f32::from(self)
    }
}

impl Sum for i32 {
    #[inline]
    fn float(self) -> f32 {
        self as f32
    }
}

/// `S` and `Q` of one band, per byte of the row.
#[derive(Clone, Default)]
struct Band<S> {
    sum: Vec<S>,
    sum_of_sums: Vec<S>,
}

impl<S: Sum> Band<S> {
    fn add_up<'a>(&mut self, width: usize, rows: Range<usize>, fetch: &impl Fn(usize) -> &'a [u8]) {
        self.sum.clear();
        self.sum.resize(width, S::default());
        self.sum_of_sums.clear();
        self.sum_of_sums.resize(width, S::default());
        let mut row = rows.start;
        // Several rows at a time save most of the traffic to and from the sums.
        while row + 4 <= rows.end {
            self.add_rows([0, 1, 2, 3].map(|below| fetch(row + below)));
            row += 4;
        }
        for row in row..rows.end {
            self.add_rows([fetch(row)]);
        }
    }

    fn add_rows<const N: usize>(&mut self, rows: [&[u8]; N]) {
        let width = self.sum.len();
        let (sum, total) = (&mut self.sum[..width], &mut self.sum_of_sums[..width]);
        let rows = rows.map(|row| &row[..width]);
        for index in 0..width {
            let mut running = sum[index];
            let mut of_sums = total[index];
            for row in rows {
                running += S::from(row[index]);
                of_sums += running;
            }
            sum[index] = running;
            total[index] = of_sums;
        }
    }
}

/// The buffers of [`RowPlan::run`], kept from frame to frame.
#[derive(Clone, Default)]
pub(crate) struct RowBuffers {
    narrow: [Band<u16>; 2],
    wide: [Band<i32>; 2],
    line: Vec<f32>,
}

impl RowBuffers {
    /// Reduces rows of `width` bytes, which `fetch` gives by their index in the crop, to the plan's output rows, and
    /// hands each to `emit` with its index: `width` floats of 0 to 255 and `overhang` zeros.
    pub(crate) fn run<'a>(
        &mut self,
        plan: &RowPlan,
        width: usize,
        overhang: usize,
        fetch: impl Fn(usize) -> &'a [u8],
        mut emit: impl FnMut(usize, &[f32]),
    ) {
        self.line.clear();
        self.line.resize(width + overhang, 0.0);
        if plan.bands.is_empty() {
            for (index, (rows, first)) in plan.direct.iter().enumerate() {
                self.line.fill(0.0);
                for (row, weight) in rows.clone().zip(&plan.direct_weights[*first..]) {
                    for (sum, &byte) in self.line.iter_mut().zip(fetch(row)) {
                        *sum += weight * f32::from(byte);
                    }
                }
                emit(index, &self.line);
            }
        } else if plan.longest <= ROWS_IN_U16 {
            run_bands(&mut self.narrow, &mut self.line, plan, width, fetch, emit);
        } else {
            run_bands(&mut self.wide, &mut self.line, plan, width, fetch, emit);
        }
    }
}

fn run_bands<'a, S: Sum>(
    bands: &mut [Band<S>; 2],
    line: &mut [f32],
    plan: &RowPlan,
    width: usize,
    fetch: impl Fn(usize) -> &'a [u8],
    mut emit: impl FnMut(usize, &[f32]),
) {
    let [upper, lower] = bands;
    lower.add_up(width, plan.bands[0].clone(), &fetch);
    for (index, &[upper_s, upper_q, lower_s, lower_q]) in plan.factors.iter().enumerate() {
        std::mem::swap(upper, lower);
        lower.add_up(width, plan.bands[index + 1].clone(), &fetch);
        let above = upper.sum.iter().zip(&upper.sum_of_sums);
        let below = lower.sum.iter().zip(&lower.sum_of_sums);
        for ((value, (s0, q0)), (s1, q1)) in line.iter_mut().zip(above).zip(below) {
            *value = upper_s * s0.float() + upper_q * q0.float() + lower_s * s1.float() + lower_q * q1.float();
        }
        emit(index, line);
    }
}
