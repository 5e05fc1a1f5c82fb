//! What becomes of a sum of products before it is written: requantisation, residual addition and ReLU.

/// Integer kernels multiply a sum by the channel's multiplier, add the residual, clamp to `bounds`, round half to even and add the
/// zero point; float kernels add the residual and clamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epilogue {
    /// Smallest and largest value, counted from the output's zero point; for float kernels the values themselves.
    pub bounds: (f32, f32),
    /// The output's zero point; in a packed layer, what stands for it in memory.
    pub zero_point: i32,
    /// The residual addition, for integer kernels.
    pub residual: Option<ResidualAdd>,
}

/// A residual addition of quantised values: `(own * own_scale + added * added_scale) / scale`, where `own` is the convolution's
/// output, itself rounded and clamped to `own_bounds`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidualAdd {
    /// Smallest and largest value of the convolution's own output, counted from its zero point.
    pub own_bounds: (f32, f32),
    /// Scale of the convolution's own output.
    pub own_scale: f32,
    /// Zero point of the map that is added; in a packed layer, what stands for it in memory.
    pub added_zero_point: i32,
    /// Scale of the map that is added.
    pub added_scale: f32,
    /// Scale of the sum.
    pub scale: f32,
}

/// One integer output value from its sum, as all integer kernels compute it: a whole number counted from its zero point.
pub fn requantize(sum: i32, multiplier: f32, epilogue: &Epilogue, added: i32) -> f32 {
    let scaled = sum as f32 * multiplier;
    let value = match &epilogue.residual {
        None => scaled,
        Some(add) => {
            let own = scaled.max(add.own_bounds.0).min(add.own_bounds.1).round_ties_even();
            (own * add.own_scale + (added - add.added_zero_point) as f32 * add.added_scale) / add.scale
        }
    };
    value.max(epilogue.bounds.0).min(epilogue.bounds.1).round_ties_even()
}
