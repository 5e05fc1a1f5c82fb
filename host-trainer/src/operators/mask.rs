//! Gradients that pass or do not.

/// `gradient` where `open`, else zero; by its bits, because a branch that goes either way at random costs many times as much.
#[inline]
pub(super) fn passes(open: bool, gradient: f32) -> f32 {
    f32::from_bits(gradient.to_bits() & 0u32.wrapping_sub(u32::from(open)))
}
