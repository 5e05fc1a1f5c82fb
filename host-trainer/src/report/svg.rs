//! What the drawings made by hand share.

/// The start of a drawing on white; `</svg>` ends it.
pub(crate) fn open(width: usize, height: usize) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    )
}

/// Text for XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// About how many pixels wide `text` is at the drawings' font size.
pub(crate) fn width_of(text: &str) -> usize {
    8 * text.chars().count()
}
