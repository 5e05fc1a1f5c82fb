//! The one way from a frame's crop to a network's input: crop, antialiased resize, colour, bytes, real numbers.

use crate::crop::CropBox;
use crate::frame::{FrameView, PixelFormat};
use crate::input::InputSpec;
use crate::planes::{PlaneUse, planes};
use crate::resample::{ColumnWeights, RowBuffers, RowPlan};

/// What the weights were last prepared for.
#[derive(Clone, Copy, PartialEq)]
struct Prepared {
    format: PixelFormat,
    /// Chroma is shared by pairs of pixels, so an odd left edge has other weights than an even one.
    odd: bool,
    width: u32,
    height: u32,
}

/// Turns a crop of a frame into a network's input. It owns every buffer, and allocates nothing for a frame once it has
/// seen the crop's size and the pixel format.
#[derive(Clone)]
pub struct Preprocessor {
    spec: InputSpec,
    prepared: Option<Prepared>,
    rows: RowPlan,
    /// Weights by plane, then channel.
    columns: Vec<ColumnWeights>,
    buffers: RowBuffers,
    /// The resized picture before rounding, `[C, H, W]`.
    values: Vec<f32>,
    bytes: Vec<u8>,
}

impl Preprocessor {
    /// Buffers for inputs as `spec` describes them; a side of 0 counts as 1.
    pub fn new(spec: &InputSpec) -> Self {
        let spec = InputSpec { width: spec.width.max(1), height: spec.height.max(1), ..*spec };
        Self {
            spec,
            prepared: None,
            rows: RowPlan::default(),
            columns: Vec::new(),
            buffers: RowBuffers::default(),
            values: vec![0.0; spec.len()],
            bytes: vec![0; spec.len()],
        }
    }

    /// Resizes `crop`, clamped into the frame, to the input's width and height: bytes `[C, H, W]`, 0 to 255.
    ///
    /// The crop is stretched to the input's proportions. Downscaling weighs every source pixel (triangle filter of the
    /// reduction's width), so fine patterns turn grey instead of aliasing. Grey from RGB is BT.601 luma; grey from YUV
    /// is its luma plane, chroma untouched; RGB from YUV is full-range BT.601. Every value is rounded to a byte, which
    /// is what a quantised network takes, so that float and integer networks see the same picture.
    pub fn resize(&mut self, frame: &FrameView<'_>, crop: CropBox) -> &[u8] {
        let crop = crop.clamp_to(frame.width(), frame.height());
        let (uses, bias) = planes(frame.format(), self.spec.colour);
        self.prepare(frame.format(), crop, uses);
        let (width, area) = (self.spec.width as usize, (self.spec.width * self.spec.height) as usize);
        for (channel, bias) in self.values.chunks_exact_mut(area).zip(bias) {
            channel.fill(bias);
        }
        let Self { rows, columns, buffers, values, .. } = self;
        let channels = self.spec.colour.channels();
        for (used, columns) in uses.iter().zip(columns.chunks_exact(channels)) {
            let span = byte_span(used, crop);
            let overhang = columns.iter().map(ColumnWeights::overhang).max().unwrap_or(0);
            let fetch = |row: usize| {
                let row = crop.y as usize + row;
                frame.row(used.plane, row / used.rows, span.clone())
            };
            buffers.run(rows, span.len(), overhang, fetch, |index, line| {
                for ((columns, terms), channel) in columns.iter().zip(used.channels).zip(values.chunks_exact_mut(area))
                {
                    if !terms.is_empty() {
                        columns.apply(line, &mut channel[index * width..(index + 1) * width]);
                    }
                }
            });
        }
        for (byte, value) in self.bytes.iter_mut().zip(&self.values) {
            *byte = (value + 0.5) as u8;
        }
        &self.bytes
    }

    /// The bytes of the last [`Preprocessor::resize`], `[C, H, W]`; zeros before the first.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// [`Preprocessor::resize`], then the pixel map: real numbers `[C, H, W]` into `out`.
    ///
    /// # Panics
    /// If `out` is not [`InputSpec::len`] long.
    pub fn tensor(&mut self, frame: &FrameView<'_>, crop: CropBox, out: &mut [f32]) {
        assert_eq!(out.len(), self.bytes.len(), "the tensor's length must be that of the input");
        self.resize(frame, crop);
        let map = self.spec.pixel_map;
        for (real, &byte) in out.iter_mut().zip(&self.bytes) {
            *real = map.real(f32::from(byte));
        }
    }

    fn prepare(&mut self, format: PixelFormat, crop: CropBox, uses: &[PlaneUse]) {
        let wanted = Prepared { format, odd: crop.x % 2 == 1, width: crop.width, height: crop.height };
        if self.prepared == Some(wanted) {
            return;
        }
        self.rows.prepare(crop.height as usize, self.spec.height as usize);
        let (x, source, target) = (crop.x as usize, crop.width as usize, self.spec.width as usize);
        let all = uses.iter().flat_map(|used| used.channels.iter().map(move |terms| (used, terms)));
        for (index, (used, terms)) in all.enumerate() {
            if index == self.columns.len() {
                self.columns.push(ColumnWeights::default());
            }
            self.columns[index].prepare(x, source, target, byte_span(used, crop).start, terms);
        }
        self.prepared = Some(wanted);
    }
}

/// The bytes of a plane's row that `crop` needs.
fn byte_span(used: &PlaneUse, crop: CropBox) -> std::ops::Range<usize> {
    let (start, end) = (crop.x as usize, crop.x as usize + crop.width as usize);
    start / used.group * used.bytes..end.div_ceil(used.group) * used.bytes
}
