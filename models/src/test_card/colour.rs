//! Colours of the drawn face, and how they are mixed.

/// A colour: red, green and blue, 0.0 to 1.0 in display (sRGB) values.
pub(super) type Rgb = [f32; 3];

/// `from` moved towards `to` by `share`, 0 to 1.
pub(super) fn mix(from: Rgb, to: Rgb, share: f32) -> Rgb {
    [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

/// `colour` times `factor`.
pub(super) fn dim(colour: Rgb, factor: f32) -> Rgb {
    colour.map(|value| value * factor)
}

/// An arch for `share` of 0 to 1, fuller than the line: steep at 0, flat at 1.
pub(super) fn fuller(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    share * (1.75 - 0.75 * share)
}
