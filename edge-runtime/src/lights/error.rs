//! Why the lights cannot be driven.

/// Why the lights cannot be driven.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LightsError {
    /// No driver of GPIO lines works here.
    #[error("cannot reach the GPIO lines: {tried}; `--lights terminal` needs none")]
    NoDriver {
        /// Each driver that was tried, and why it does not work.
        tried: String,
    },
    /// A pin cannot be opened.
    #[error("cannot take the pin of the light `{light}`: {reason}")]
    Open {
        /// The light's name.
        light: String,
        /// What the backend says.
        reason: String,
    },
    /// A pin cannot be driven.
    #[error("cannot drive the light `{light}`: {reason}; check that nothing else uses its pin")]
    Drive {
        /// The light's name.
        light: String,
        /// What the backend says.
        reason: String,
    },
}
